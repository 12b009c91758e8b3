"""Encoded blocks in a temporary file: the bits of the files, decoded twice, and nothing where there can be no file."""

import copy
import errno
import io
import os
import pickle
import tempfile
from collections import namedtuple
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets import _encoded_blocks
from fivestep.datasets._encoded_blocks import EncodedBlocks
from fivestep.datasets._stream import TableStream
from fivestep.table.blocks import BlockTable
from tests.datasets.streams import WRITERS, loaded, table, written
from tests.samples import numbers

COUNTS = (3, 0, 5)
Kept = tuple[torch.Tensor, torch.Tensor | None]


def block_of(number: int, *, weighted: bool = True) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Inputs, targets and weights of a block."""
    count = COUNTS[number]
    return numbers(count, 4).float(), torch.arange(count), numbers(count) if weighted else None


def kept_twice(blocks: EncodedBlocks, number: int, **options: bool) -> tuple[torch.Tensor, Kept | None]:
    """A block as it comes back after it was read twice."""
    content = block_of(number, **options)
    blocks.put(number, *content)
    blocks.put(number, *content)
    x = torch.zeros(COUNTS[number], 4)
    return x, blocks.get(number, x)


def epochs_of(stream: TableStream, num_epochs: int = 4) -> list[list[torch.Tensor | None]]:
    """Inputs, targets and weights of the windows of some epochs, copied."""
    count = sum(len(stream.groups(5, epoch)) for epoch in range(num_epochs))
    windows = islice(stream.windows(5, 0, 0), count)
    rows = (window.rows.take(window.order) for window in windows)
    return [[part.stored.clone(), part.y, part.weight] for part in rows]


def stream_of(folder: Path, ending: str = "parquet", **options: object) -> TableStream:
    stream = loaded(written(folder, ending), window=150, **options).data.stream
    assert isinstance(stream, TableStream)
    return stream


def same(ours: list[list[torch.Tensor | None]], theirs: list[list[torch.Tensor | None]]) -> bool:
    pairs = [pair for a, b in zip(ours, theirs, strict=True) for pair in zip(a, b, strict=True)]
    return all(a is b or (a is not None and b is not None and torch.equal(a, b)) for a, b in pairs)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The blocks that are decoded from now on."""
    numbers_of: list[int] = []
    read = BlockTable.read

    def counted(self: BlockTable, number: int, columns: Any) -> Any:
        numbers_of.append(number)
        return read(self, number, columns)

    monkeypatch.setattr(BlockTable, "read", counted)
    return numbers_of


@pytest.mark.parametrize("weighted", [True, False])
def test_a_block_comes_back_to_the_bit_once_it_was_read_twice(weighted: bool) -> None:
    blocks = EncodedBlocks(COUNTS)
    for number in (2, 0):
        x, found = kept_twice(blocks, number, weighted=weighted)
        inputs, y, weight = block_of(number, weighted=weighted)
        assert found is not None
        assert torch.equal(x, inputs)
        assert torch.equal(found[0], y)
        assert found[1] is weight is None or torch.equal(found[1], weight)  # type: ignore[arg-type]


def test_what_was_read_once_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> NoReturn:
        raise AssertionError("a file was begun")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    blocks = EncodedBlocks(COUNTS)
    blocks.put(0, *block_of(0))
    blocks.put(2, *block_of(2))
    assert blocks.get(0, torch.zeros(3, 4)) is None


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("options", [{}, {"weight": "weight"}, {"target": "z"}], ids=["classes", "weights", "number"])
def test_epochs_are_the_same_with_and_without(
    tmp_path: Path, decoded: list[int], ending: str, options: dict[str, str]
) -> None:
    expected = epochs_of(stream_of(tmp_path, ending, cache=False, **options))
    stream = stream_of(tmp_path, ending, **options)
    decoded.clear()
    assert same(epochs_of(stream), expected)
    assert sorted(decoded) == sorted([*range(len(stream.counts))] * 2)


def test_a_stream_that_begins_anew_goes_on_with_what_is_kept(tmp_path: Path, decoded: list[int]) -> None:
    stream = stream_of(tmp_path)
    first = epochs_of(stream)
    decoded.clear()
    assert same(epochs_of(stream), first)
    assert not decoded


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda stream: pickle.loads(pickle.dumps(stream))])
def test_a_copy_begins_with_nothing_kept(
    tmp_path: Path, decoded: list[int], copied: Callable[[TableStream], TableStream]
) -> None:
    """Where the file of the first one is open, so that neither reads what the other wrote."""
    stream = stream_of(tmp_path)
    expected = epochs_of(stream)
    assert stream.kept is not None
    assert stream.kept._file is not None
    other = copied(stream)
    assert other.kept is not None
    assert other.kept._file is None
    decoded.clear()
    assert same(epochs_of(other), expected)
    assert sorted(decoded) == sorted([*range(len(stream.counts))] * 2)
    decoded.clear()
    assert same(epochs_of(stream), expected)
    assert not decoded


def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(_encoded_blocks.shutil, "disk_usage", lambda _: usage(1000))


def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_encoded_blocks, "is_memory", lambda _: True)


def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")


class FullDisk(io.BytesIO):
    """A file that takes one block, and then no more."""

    writes = 0

    def write(self, content: Any) -> int:
        self.writes += 1
        if self.writes > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(content)


class BrokenDisk(io.BytesIO):
    """A file that cannot be read."""

    def readinto(self, content: Any) -> NoReturn:
        raise OSError(errno.EIO, "Input/output error")


def disk(kind: type[io.BytesIO]) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: kind())


@pytest.mark.parametrize("trouble", [no_room, in_memory, no_file, disk(FullDisk), disk(BrokenDisk)])
def test_without_a_file_that_works_blocks_are_read_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded: list[int], trouble: Callable[[pytest.MonkeyPatch], None]
) -> None:
    expected = epochs_of(stream_of(tmp_path, cache=False, weight="weight"))
    stream = stream_of(tmp_path, weight="weight")
    trouble(monkeypatch)
    decoded.clear()
    assert same(epochs_of(stream), expected)
    assert len(decoded) > 3 * len(stream.counts)


def test_ranks_of_one_machine_share_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    bytes_of_all = sum(COUNTS) * (4 * 4 + 8 + 8)
    monkeypatch.setattr(_encoded_blocks.shutil, "disk_usage", lambda _: usage(2 * bytes_of_all))
    assert kept_twice(EncodedBlocks(COUNTS), 0)[1] is not None
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert kept_twice(EncodedBlocks(COUNTS), 0)[1] is None


def test_what_is_said_of_the_file_is_what_it_takes(tmp_path: Path) -> None:
    for weight in (None, "weight"):
        stream = stream_of(tmp_path, weight=weight)
        epochs_of(stream)
        assert stream.kept is not None
        assert stream.kept._file is not None
        assert stream.room is not None
        assert os.fstat(stream.kept._file.fileno()).st_size == stream.room[1]


def test_a_file_that_changes_is_named_though_its_blocks_are_kept(tmp_path: Path) -> None:
    stream = stream_of(tmp_path)
    epochs_of(stream)
    table(100).write_parquet(tmp_path / "part-1.parquet", row_group_size=70)
    with pytest.raises(InputError, match=r"part-1\.parquet must stay as it is while its rows are read"):
        epochs_of(stream)


def test_a_file_that_is_taken_away_is_named_though_its_blocks_are_kept(tmp_path: Path) -> None:
    stream = stream_of(tmp_path)
    epochs_of(stream)
    (tmp_path / "part-1.parquet").unlink()
    with pytest.raises(InputError, match=r"part-1\.parquet must stay where it is while its rows are read, got No such"):
        epochs_of(stream)
