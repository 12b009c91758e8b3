"""Encoded blocks in a temporary file: the bits of the files, decoded once, and nothing where there can be no file."""

import copy
import errno
import os
import pickle
import signal
import tempfile
import warnings
from collections import namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._table import encoded_blocks, unnamed_file
from fivestep.datasets._table.encoded_blocks import EncodedBlocks
from fivestep.datasets._table.table_stream import TableStream
from fivestep.datasets._table.unnamed_file import UnnamedFile
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
    """Files are written once: they are mapped into memory, and a thread of another stream may still be reading them."""
    pattern = f"part-*.{ending}"
    files = str(folder / pattern) if any(folder.glob(pattern)) else written(folder, ending)
    stream = loaded(files, window=150, **options).data.stream
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
@pytest.mark.parametrize("has_places", sorted({unnamed_file.HAS_PLACES, False}))
def test_a_block_comes_back_to_the_bit_once_it_was_read_twice(
    monkeypatch: pytest.MonkeyPatch, weighted: bool, has_places: bool
) -> None:
    monkeypatch.setattr(unnamed_file, "HAS_PLACES", has_places)
    blocks = EncodedBlocks(COUNTS)
    for number in (2, 0):
        x, found = kept_twice(blocks, number, weighted=weighted)
        inputs, y, weight = block_of(number, weighted=weighted)
        assert found is not None
        assert torch.equal(x, inputs)
        assert torch.equal(found[0], y)
        assert found[1] is weight is None or torch.equal(found[1], weight)  # type: ignore[arg-type]


@pytest.mark.parametrize("weighted", [True, False])
def test_a_block_without_training_rows_is_kept_too(weighted: bool) -> None:
    _, found = kept_twice(EncodedBlocks(COUNTS), 1, weighted=weighted)
    assert found is not None
    assert (len(found[0]), found[0].dtype) == (0, torch.int64)
    assert (found[1] is not None) == weighted


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


@pytest.mark.parametrize("ending", WRITERS)
def test_of_epochs_whose_number_is_known_the_first_decodes_and_no_other(
    tmp_path: Path, decoded: list[int], ending: str
) -> None:
    expected = epochs_of(stream_of(tmp_path, ending, cache=False))
    stream = stream_of(tmp_path, ending).for_epochs(4)
    decoded.clear()
    assert same(epochs_of(stream), expected)
    assert sorted(decoded) == [*range(len(stream.counts))]


def test_the_windows_end_with_the_last_epoch_and_nothing_is_read_ahead_of_it(
    tmp_path: Path, decoded: list[int]
) -> None:
    endless = stream_of(tmp_path, cache=False)
    stream = endless.for_epochs(3)
    decoded.clear()
    windows = [window.rows.take(window.order) for window in stream.windows(5, 1, 0)]
    assert sorted(decoded) == sorted([*range(len(stream.counts))] * 2)
    ours = [[part.stored, part.y, part.weight] for part in windows]
    assert same(ours, epochs_of(endless, 3)[len(stream.groups(5, 0)) :])


@pytest.mark.parametrize(("num_epochs", "is_kept"), [(1, False), (2, True)])
def test_the_first_epoch_writes_what_another_one_reads(tmp_path: Path, num_epochs: int, is_kept: bool) -> None:
    stream = stream_of(tmp_path).for_epochs(num_epochs)
    for _ in islice(stream.windows(5, 0, 0), len(stream.groups(5, 0))):
        pass
    assert stream.kept is not None
    assert (stream.kept._file is not None) == is_kept


def test_a_single_epoch_that_is_read_again_is_kept(tmp_path: Path, decoded: list[int]) -> None:
    """Of several networks on the same data, the first does not know of the second."""
    stream = stream_of(tmp_path).for_epochs(1)
    for _ in range(2):
        assert len(list(stream.windows(5, 0, 0))) == len(stream.groups(5, 0))
    decoded.clear()
    assert len(list(stream.windows(5, 0, 0))) == len(stream.groups(5, 0))
    assert not decoded


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows forks no process")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_is_forked_off_leaves_the_file_alone() -> None:
    """Even where a thread of its parent was reading: the lock is held for ever then."""
    blocks = EncodedBlocks(COUNTS)
    expected = block_of(0)
    assert kept_twice(blocks, 0)[1] is not None
    with blocks._lock:
        child = os.fork()
        if not child:
            code = 1
            try:
                signal.alarm(10)
                blocks.put(2, *block_of(2))
                code = int(blocks.get(0, torch.zeros(3, 4)) is not None)
            finally:
                os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    x = torch.zeros(3, 4)
    found = blocks.get(0, x)
    assert found is not None
    assert torch.equal(x, expected[0])


@pytest.mark.parametrize("has_places", sorted({unnamed_file.HAS_PLACES, False}))
def test_threads_read_and_write_at_their_places_however_little_at_a_time(
    monkeypatch: pytest.MonkeyPatch, has_places: bool
) -> None:
    monkeypatch.setattr(unnamed_file, "HAS_PLACES", has_places)
    for name in ("_read_some", "_write_some"):
        some = getattr(UnnamedFile, name)
        monkeypatch.setattr(UnnamedFile, name, lambda self, start, content, some=some: some(self, start, content[:7]))
    file, size = UnnamedFile(tempfile.gettempdir()), 100

    def through(number: int) -> bool:
        """Whether bytes come back as they were written, in two pieces."""
        written, read = bytes([number]) * size, bytearray(size)
        file.write(number * size, [memoryview(written[:30]), memoryview(written[30:])])
        file.read(number * size, [memoryview(read)[:60], memoryview(read)[60:]])
        return bytes(read) == written

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(through, range(40)))
    assert file.size == 40 * size
    with pytest.raises(OSError, match="shorter than what was written"):
        file.read(40 * size - 1, [memoryview(bytearray(2))])


def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(encoded_blocks.shutil, "disk_usage", lambda _: usage(1000))


def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_blocks, "is_memory", lambda _: True)


def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes a block, and then no more."""
    writes, write = count(), UnnamedFile.write

    def one_block(self: UnnamedFile, start: int, contents: list[memoryview]) -> None:
        if next(writes):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, start, contents)

    monkeypatch.setattr(UnnamedFile, "write", one_block)


def broken_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be read."""

    def broken(*_: object) -> NoReturn:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(UnnamedFile, "read", broken)


def no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `TMPDIR` nor any other place takes a file."""

    def none() -> NoReturn:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr(tempfile, "gettempdir", none)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (no_room, None),
        (in_memory, None),
        (no_file, None),
        (no_folder, None),
        (full_disk, "No space left on device"),
        (broken_disk, "Input/output error"),
    ],
)
def test_without_a_file_that_works_blocks_are_read_as_before(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    decoded: list[int],
    trouble: Callable[[pytest.MonkeyPatch], None],
    reason: str | None,
) -> None:
    """A word is said, once, where a file was begun; elsewhere nobody had promised one."""
    expected = epochs_of(stream_of(tmp_path, cache=False, weight="weight"))
    stream = stream_of(tmp_path, weight="weight")
    trouble(monkeypatch)
    assert (stream.room is not None) == (reason is not None)
    decoded.clear()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert same(epochs_of(stream), expected)
    sentence = f"encoded rows are kept no longer, got {reason}; every epoch decodes the files from here on, to the same"
    assert [str(one.message).startswith(sentence) for one in said] == [True] * (reason is not None)
    assert len(decoded) > 3 * len(stream.counts)


def test_room_that_was_promised_and_is_gone_when_it_is_needed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stream_of(tmp_path).for_epochs(2)
    assert stream.room is not None
    no_room(monkeypatch)
    with pytest.warns(UserWarning, match="encoded rows are kept no longer, got too little room is left; every epoch"):
        epochs_of(stream, 2)


def test_ranks_of_one_machine_share_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    bytes_of_all = sum(COUNTS) * (4 * 4 + 8 + 8)
    monkeypatch.setattr(encoded_blocks.shutil, "disk_usage", lambda _: usage(2 * bytes_of_all))
    assert kept_twice(EncodedBlocks(COUNTS), 0)[1] is not None
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "")
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
        assert stream.kept._file.size == stream.room[1]


def test_what_is_said_of_the_files_of_ranks_is_what_all_of_them_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stream_of(tmp_path)
    alone = stream.room
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert alone is not None
    assert stream.room == (alone[0], 2 * alone[1])


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
