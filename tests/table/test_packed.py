"""Files that are compressed."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from fivestep.check import InputError
from fivestep.table.packed import zstd
from fivestep.table.read import read_table, table_batches

TEXT = b"a,b\n1,x\n2,y\n3,z\n"
PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress}


@pytest.fixture(params=list(PACKERS))
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[bytes], Path]:
    """Writes a table packed in one of the ways."""

    def write(content: bytes) -> Path:
        path = tmp_path / f"table.csv{request.param}"
        path.write_bytes(PACKERS[request.param](content))
        return path

    return write


def test_a_packed_table_is_the_table(packed: Callable[[bytes], Path]) -> None:
    assert read_table(packed(TEXT)).to_dict(as_series=False) == {"a": [1, 2, 3], "b": ["x", "y", "z"]}


def test_a_table_packed_in_two_pieces_is_read_to_its_end(packed: Callable[[bytes], Path]) -> None:
    path = packed(TEXT)
    path.write_bytes(path.read_bytes() + PACKERS[path.suffix](b"4,w\n"))
    assert read_table(path)["b"].to_list() == ["x", "y", "z", "w"]


def test_it_is_read_in_parts_too(packed: Callable[[bytes], Path]) -> None:
    parts = list(table_batches(packed(TEXT), 2))
    assert [value for part in parts for value in part["b"]] == ["x", "y", "z"]


def test_what_is_wrong_in_it_is_said_of_the_file_itself(packed: Callable[[bytes], Path]) -> None:
    path = packed(b"a,b\n1,2\n1,2,3\n")
    with pytest.raises(InputError) as refusal:
        read_table(path)
    assert str(path) in str(refusal.value)
    assert "line 3" in str(refusal.value)


def test_a_file_cut_in_half_is_refused_in_one_sentence(packed: Callable[[bytes], Path]) -> None:
    path = packed(TEXT * 1000)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"that can be read, got an error: .*; write it anew\.$"):
        read_table(path)


def test_a_file_that_only_looks_packed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(TEXT)
    with pytest.raises(InputError, match=r"table\.csv\.gz must be a \.gz file that can be read"):
        read_table(path)


def test_another_way_to_pack_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.lz4"
    path.write_bytes(TEXT)
    with pytest.raises(InputError, match=r"which may be packed as \.gz, \.bz2, \.xz, \.zst, got .*table\.csv\.lz4"):
        read_table(path)
