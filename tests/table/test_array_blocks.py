"""NumPy arrays in blocks: whatever their order in the file, the rows that NumPy itself reads; and what is none."""

import io
from pathlib import Path

import numpy as np
import pytest

from fivestep.check import InputError
from fivestep.table import array_blocks, block_files
from fivestep.table.block_files import open_blocks
from fivestep.table.blocks import BlockTable
from fivestep.table.frame import from_array

NUM_ROWS = 500
X = np.random.default_rng(0).normal(size=(NUM_ROWS, 6))
FIELDS = np.zeros(NUM_ROWS, dtype=[("größe", "<f8"), ("town", "<U5"), ("count", ">i4")])
FIELDS["größe"], FIELDS["town"], FIELDS["count"] = X[:, 0], "Ulm", np.arange(NUM_ROWS)

ARRAYS = {
    "by row": X,
    "by column": np.asfortranarray(X),
    "one axis": X[:, 0].copy(),
    "images": (X * 9).astype(np.uint8).reshape(NUM_ROWS, 2, 3),
    "images by column": np.asfortranarray(X.reshape(NUM_ROWS, 2, 3)),
    "big-endian": X.astype(">f4"),
    "texts": np.array([[f"a{k}", f"ä{k}"] for k in range(NUM_ROWS)]),
    "fields": FIELDS,
}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_files, "MOST_ROWS", 64)


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_every_block_holds_the_rows_that_numpy_reads(tmp_path: Path, array: "np.ndarray") -> None:
    np.save(tmp_path / "x.npy", array)
    file = open_blocks(tmp_path / "x.npy")
    expected = from_array(np.load(tmp_path / "x.npy"))
    assert len(file.pieces) == 8
    for piece in file.pieces:
        part = expected[piece.start : piece.start + piece.size]
        assert file.read(piece, expected.columns[::-1]).equals(part.select(expected.columns[::-1]))
        assert dict(part.schema) == file.types


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_all_versions_of_the_format_are_read(tmp_path: Path, version: tuple[int, int]) -> None:
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, X, version)
    blocks = open_blocks(tmp_path / "x.npy")
    assert blocks.read(blocks.pieces[1], ["column_2"])["column_2"].to_list() == X[62:125, 1].tolist()


def test_wide_rows_make_short_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_blocks, "ARRAY_BYTES", 10 * X[0].nbytes + 1)
    np.save(tmp_path / "x.npy", X)
    assert {piece.size for piece in open_blocks(tmp_path / "x.npy").pieces} == {10}


def test_an_array_without_rows_has_no_blocks(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X[:0])
    assert open_blocks(tmp_path / "x.npy").pieces == ()


def saved(array: "np.ndarray") -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (saved(X)[:-8], "it ends after 23,992 of 24,000 bytes"),
        (b"\x93NUMPY\x04\x00" + saved(X)[8:], "got an error: its format has the unknown version"),
        (saved(X)[:40], "must be a NumPy array that can be read, got an error"),
        (b"a,b\n1,2\n", "must hold arrays of numbers or texts, got Python objects or something else"),
        (saved(np.array([{}, "a"], dtype=object)), "must hold arrays of numbers or texts, got Python objects"),
        (saved(np.array(3.0)), r"^in .*x\.npy, a table .* got an array of the shape \(\)"),
        (saved(X + 1j), r"^in .*x\.npy, a table .* of complex128"),
    ],
    ids=["short", "version", "header", "text", "objects", "one number", "complex"],
)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        BlockTable.open(str(tmp_path / "x.npy"))


def test_a_file_that_is_cut_short_while_it_is_read_is_no_crash(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    file = open_blocks(tmp_path / "x.npy")
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:9000])
    with pytest.raises(ValueError, match="it is cut short"):
        file.read(file.pieces[-1], ["column_1"])
