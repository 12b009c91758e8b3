"""Tables as streams: what is learned is what a frame in memory teaches, every row comes once, and each in its part."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
import torch
from pyarrow.parquet import read_metadata

from fivestep.check import InputError
from fivestep.datasets._base import Part, Rows, Window
from fivestep.datasets._table import TableSource, labeled_rows, load_table, table_stream
from fivestep.datasets._table.block_rows import RowReader, split_of
from fivestep.datasets._table.hash_split import TEST, TRAIN, VALID, HashSplit, chance
from fivestep.datasets._table.streamed import labeled_blocks
from fivestep.datasets._table.table_stream import TableStream
from fivestep.machine.threads import begin_no_threads
from fivestep.table.blocks import BlockTable
from fivestep.table.encoder import Encoder
from fivestep.table.kinds import kinds_of
from fivestep.table.target import fit_target
from tests.datasets.streams import NUM_ROWS, WRITERS, loaded, table, written

PARTS = {"train": TRAIN, "valid": VALID, "test": TEST}


def part_of(frame: pl.DataFrame, part: int, seed: int = 0) -> pl.DataFrame:
    """The rows of a part, told by their numbers alone."""
    return frame.filter(pl.Series(HashSplit(seed, 0.2, 0.2).parts(np.arange(len(frame))) == part))


def stream_of(pattern: str, **options: object) -> TableStream:
    stream = loaded(pattern, **options).data.stream  # type: ignore[arg-type]
    assert isinstance(stream, TableStream)
    return stream


def copied(windows: "list[Window]") -> torch.Tensor:
    return torch.cat([window.rows.stored[window.order] for window in windows])


def epoch_of(stream: TableStream, epoch: int = 0, seed: int = 0, first: int = 0) -> torch.Tensor:
    """The inputs of an epoch in the order of the steps, copied."""
    windows = stream.windows(seed, epoch, first)
    done, parts = first, []
    while done < stream.num_rows:
        window = next(windows)
        parts.append(window.rows.stored[window.order])
        done += len(window.order)
    windows.close()  # type: ignore[attr-defined]
    return torch.cat(parts)


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("target", ["y", "z"])
def test_the_encoder_is_the_one_that_the_training_rows_in_memory_teach(
    tmp_path: Path, ending: str, target: str
) -> None:
    found = loaded(written(tmp_path, ending), target, ignore=("y",) if target == "z" else ("z",), weight="weight")
    train = part_of(table(), TRAIN).drop("weight", target)
    kinds = kinds_of(train, ignore=["y" if target == "z" else "z"])
    expected = Encoder.fit(train, kinds)
    assert found.data.encoder is not None
    assert found.data.encoder.columns == expected.columns
    assert torch.allclose(found.data.encoder.center, expected.center, rtol=1e-12, atol=0)
    assert torch.allclose(found.data.encoder.scale, expected.scale, rtol=1e-12, atol=0)
    assert [(kind.name, kind.kind) for kind in found.kinds] == [(kind.name, kind.kind) for kind in kinds]


@pytest.mark.parametrize("target", ["y", "z", "count", "flag"])
def test_the_target_is_the_one_that_memory_finds(tmp_path: Path, target: str) -> None:
    found = loaded(written(tmp_path), target).data.encoder
    assert found is not None
    expected = fit_target((table() if target in ("y", "flag") else part_of(table(), TRAIN))[target])
    ours, theirs = found.targets.columns[0].to_dict(), expected.to_dict()
    assert {name: value for name, value in ours.items() if not isinstance(value, float)} == {
        name: value for name, value in theirs.items() if not isinstance(value, float)
    }
    assert [v for v in ours.values() if isinstance(v, float)] == pytest.approx(
        [v for v in theirs.values() if isinstance(v, float)], rel=1e-12
    )


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("window", [1, 100, 250, 10_000])
def test_an_epoch_gives_every_training_row_once(tmp_path: Path, ending: str, window: int) -> None:
    data = loaded(written(tmp_path, ending), window=window).data
    assert data.stream is not None
    assert data.encoder is not None
    expected = data.encoder.encode(part_of(table(), TRAIN))
    rows = epoch_of(data.stream)  # type: ignore[arg-type]
    assert data.num_rows == len(expected) == len(rows)
    assert Counter(map(tuple, rows.tolist())) == Counter(map(tuple, expected.tolist()))


@pytest.mark.parametrize("first", [0, 1, 99, 100, 333])
def test_an_epoch_can_begin_anywhere(tmp_path: Path, first: int) -> None:
    stream = stream_of(written(tmp_path), window=150)
    assert torch.equal(epoch_of(stream, 1, 2, first), epoch_of(stream, 1, 2)[first:])


def test_epochs_follow_each_other_without_a_stop(tmp_path: Path) -> None:
    stream = stream_of(written(tmp_path), window=150)
    num_windows = len(stream.groups(0, 0)) + len(stream.groups(0, 1))
    rows = torch.cat([w.rows.stored[w.order] for w in islice(stream.windows(0, 0, 0), num_windows)])
    assert torch.equal(rows, torch.cat([epoch_of(stream, 0), epoch_of(stream, 1)]))


class Pool:
    """Threads that do nothing until they are asked for it, and are always or never ready; `at_once` counts `map`."""

    at_once = 0
    is_ready = False

    def __init__(self, size: int, thread_name_prefix: str, initializer: Callable[[], None]) -> None:
        assert (thread_name_prefix, initializer) == ("fivestep-reader", begin_no_threads)

    def submit(self, work: Callable[..., Window], *inputs: object) -> "Later":
        return Later(work, inputs)

    def map(self, work: Callable[..., Any], *inputs: Iterable[Any]) -> Iterator[Any]:
        Pool.at_once += 1
        return map(work, *inputs)

    def shutdown(self, **_how: bool) -> None:
        pass


class Later(NamedTuple):
    """A window that is read when it is asked for."""

    work: Callable[..., Window]
    inputs: Sequence[object]

    def done(self) -> bool:
        return Pool.is_ready

    def result(self) -> Window:
        return self.work(*self.inputs)


@pytest.mark.parametrize(
    ("is_ready", "is_limited", "expected"), [(False, False, 6), (True, False, 2), (False, True, 0)]
)
def test_several_threads_read_a_window_only_where_training_waits_and_memory_is_not_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_ready: bool, is_limited: bool, expected: int
) -> None:
    stream = stream_of(written(tmp_path), window=150)
    monkeypatch.setattr(table_stream, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(table_stream, "is_limited", lambda: is_limited)
    monkeypatch.setattr(Pool, "is_ready", is_ready)
    monkeypatch.setattr(Pool, "at_once", 0)
    windows = list(islice(stream.windows(0, 0, 0), 6))
    assert len(windows) == 6
    assert Pool.at_once == expected  # the first two are waited for in any case


def test_threads_that_read_begin_no_others_of_torchs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GNU OpenMP puts threads that wait for each other to sleep once there are more of them than processors."""
    seen: list[tuple[str, int]] = []
    others: list[int] = []
    encode = table_stream.encode_block

    def noted(*given: Any) -> Any:
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        other = threading.Thread(target=lambda: others.append(torch.get_num_threads()))
        other.start()
        other.join()
        return encode(*given)

    def weigh(rows: Rows) -> Rows:
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        return rows

    monkeypatch.setattr(table_stream, "encode_block", noted)
    stream = stream_of(written(tmp_path), window=150).weighed(weigh)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        seen.clear()
        epoch_of(stream)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert {name.rpartition("_")[0] for name, _ in seen} == {"fivestep-reader"}
    assert {number for _, number in seen} == {1}
    assert set(others) == {3}, "a thread that begins meanwhile has as many as the main one"


def test_the_order_is_a_function_of_seed_and_epoch(tmp_path: Path) -> None:
    pattern = written(tmp_path)
    orders = [epoch_of(stream_of(pattern, window=150), epoch, seed) for epoch, seed in [(0, 0), (0, 0), (1, 0), (0, 1)]]
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
    assert not torch.equal(orders[0], orders[3])


def test_a_window_holds_no_more_rows_than_were_asked_for(tmp_path: Path) -> None:
    stream = stream_of(written(tmp_path), window=150)
    sizes = [sum(stream.counts[block] for block in group) for group in stream.groups(0, 0)]
    assert max(sizes) <= 150
    assert sum(sizes) == stream.num_rows
    assert min(len(group) for group in stream.groups(0, 0)) >= 2


@pytest.mark.parametrize("epoch", range(5))
def test_a_window_of_a_sorted_file_holds_rows_from_everywhere(tmp_path: Path, epoch: int) -> None:
    table(9000).with_columns(z=pl.Series(range(9000)) + 0.5).write_parquet(tmp_path / "a.parquet", row_group_size=70)
    stream = stream_of(str(tmp_path / "a.parquet"), window=1000)
    thirds = [{block * 3 // len(stream.counts) for block in group} for group in stream.groups(0, epoch)]
    assert all(found == {0, 1, 2} for found in thirds)


def test_any_two_blocks_meet_in_some_window(tmp_path: Path) -> None:
    stream = stream_of(written(tmp_path), window=200)
    pairs = {
        pair for epoch in range(60) for group in stream.groups(0, epoch) for pair in combinations(sorted(group), 2)
    }
    far = {(a, b) for a, b in combinations(range(len(stream.counts)), 2) if b - a >= len(stream.groups(0, 0))}
    assert far <= pairs


@pytest.mark.parametrize("ending", WRITERS)
def test_the_other_parts_come_whole_and_samples_are_of_them(tmp_path: Path, ending: str) -> None:
    data = loaded(written(tmp_path, ending), weight="weight").data
    assert data.encoder is not None
    for name, sample in (("valid", data.valid), ("test", data.test)):
        frame = part_of(table(), PARTS[name])
        parts = list(data.whole()[name].parts(50))
        assert sample is not None
        assert torch.equal(torch.cat([part.x for part in parts]), data.encoder.encode(frame))
        assert torch.cat([part.weight for part in parts]).tolist() == pytest.approx(frame["weight"].to_list())  # type: ignore[misc]
        assert len(data.whole()[name]) == len(frame) == len(sample)
        assert max(len(part) for part in parts) <= 50
        assert Counter(map(tuple, sample.x.tolist())) == Counter(map(tuple, data.encoder.encode(frame).tolist()))


def test_no_row_is_in_two_parts_and_their_sizes_are_as_asked_for() -> None:
    parts = HashSplit(0, 0.25, 0.2).parts(np.arange(100_000))
    assert [(parts == part).mean() for part in (TRAIN, VALID, TEST)] == pytest.approx([0.6, 0.2, 0.2], abs=0.005)


def test_the_split_does_not_depend_on_the_files_that_the_rows_are_in(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    table().write_parquet(tmp_path / "one" / "all.parquet")
    several, one = loaded(written(tmp_path)).data, loaded(str(tmp_path / "one" / "all.parquet")).data
    rows = [sorted(map(tuple, data.whole()["test"].parts(NUM_ROWS).__next__().x.tolist())) for data in (one,)]
    parts = torch.cat([part.x for part in several.whole()["test"].parts(NUM_ROWS)])
    assert sorted(map(tuple, parts.tolist())) == rows[0]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("first", [9007199254740993, 4111111111111111111])
def test_late_whole_numbers_that_float64_rounds_are_warned_of(tmp_path: Path, ending: str, first: int) -> None:
    long = [1] * 700 + [first + 2 * k for k in range(200)]
    path = written(tmp_path, ending, table().with_columns(c=pl.Series(long)))
    with pytest.warns(UserWarning, match="column 'c' holds '[0-9]{16,19}', and is taken for number, but float64"):
        loaded(path, ignore=("z",))


def test_late_large_numbers_that_are_not_whole_numbers_as_written_are_not_warned_of(tmp_path: Path) -> None:
    large = ["1"] * 700 + [f"{k}e20" for k in range(200)]
    found = loaded(written(tmp_path, "csv", table().with_columns(c=pl.Series(large))), ignore=("z",))
    assert {kind.name: kind.kind for kind in found.kinds}["c"] == "number"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("value", [4111111111111111111, 2**60])
def test_a_constant_of_many_digits_is_shown_as_it_is_written(tmp_path: Path, ending: str, value: int) -> None:
    found = loaded(written(tmp_path, ending, table().with_columns(c=pl.lit(value))), ignore=("z",))
    assert {kind.name: kind.detail for kind in found.kinds}["c"] == f"always '{value}'"


def test_groups_that_leave_a_part_next_to_nothing_are_noted(tmp_path: Path) -> None:
    town = ["big"] * (NUM_ROWS - 30) + [f"t{k}" for k in range(30)]
    table(NUM_ROWS).with_columns(town=pl.Series(town)).write_parquet(tmp_path / "t.parquet")
    source = TableSource(str(tmp_path / "t.parquet"), "y", stream=True, group="town")
    notes = load_table(source, seed=0).notes
    assert any("rows to test on, as it keeps equal values together" in note for note in notes)


def test_groups_stay_in_one_part(tmp_path: Path) -> None:
    source = TableSource(written(tmp_path), "y", stream=True, group="town")
    opened = BlockTable.open(source.file)
    reader = RowReader(opened, source, split_of(opened, source, 0))
    blocks = [reader.read(k, []) for k in range(len(opened.blocks))]
    pairs = {pair for block in blocks for pair in zip(block.frame["town"].to_list(), block.parts.tolist(), strict=True)}
    assert len(pairs) == 12
    assert len({part for _, part in pairs}) > 1


def test_chances_are_uniform_and_independent_of_each_other() -> None:
    first, second = (chance(np.arange(200_000), 0, draw) for draw in (1, 2))
    counts = np.histogram2d(first, second, bins=10, range=[[0, 1], [0, 1]])[0]
    chi_squared = ((counts - 2000) ** 2 / 2000).sum()
    assert chi_squared < 160  # of 99 degrees of freedom: one draw in ten thousand is larger


def test_other_files_to_measure_on_are_whole_and_leave_the_rows_to_training(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    table(200, seed=5).write_csv(other / "valid.csv")
    data = loaded(written(tmp_path), valid=str(other / "valid.csv"), test=0.2).data
    assert data.encoder is not None
    assert len(data.whole()["valid"]) == 200
    assert data.num_rows == int((HashSplit(0, 0.0, 0.2).parts(np.arange(NUM_ROWS)) == TRAIN).sum())
    found = torch.cat([part.x for part in data.whole()["valid"].parts(1000)])
    assert torch.equal(found, data.encoder.encode(table(200, seed=5)))


def test_rows_without_a_target_are_left_out_and_counted(tmp_path: Path) -> None:
    frame = table().with_columns(y=pl.when(pl.col("count") == 7).then(None).otherwise(pl.col("y")))
    found = loaded(written(tmp_path, frame=frame))
    number = int((frame["count"] == 7).sum())
    assert f"{number} rows have no 'y'" in found.notes[0]
    total = found.data.num_rows + sum(len(found.data.whole()[name]) for name in ("valid", "test"))
    assert total == NUM_ROWS - number


def test_an_encoder_that_is_there_already_is_taken(tmp_path: Path) -> None:
    source = TableSource(written(tmp_path), "y", stream=True, window=150)
    first = load_table(source, seed=3).data
    again = load_table(source, seed=3, encoder=first.encoder).data
    assert again.encoder is first.encoder
    assert torch.equal(epoch_of(first.stream), epoch_of(again.stream))  # type: ignore[arg-type]
    assert first.stream is not None
    assert again.stream is not None
    assert first.stream.checksum() == again.stream.checksum()


def test_an_array_is_streamed_by_its_columns(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    data = loaded(str(tmp_path / "x.npy"), "column_4").data
    assert data.in_features == 3
    assert data.num_rows + sum(len(data.whole()[name]) for name in ("valid", "test")) == 500


def test_a_file_that_changes_while_the_network_is_trained_is_named(tmp_path: Path) -> None:
    stream = stream_of(written(tmp_path))
    table(100).write_parquet(tmp_path / "part-1.parquet", row_group_size=70)
    with pytest.raises(
        InputError, match=r"part-1\.parquet must stay as it is while its rows are read, got another size or time"
    ):
        epoch_of(stream)


def test_a_row_group_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    pattern = written(tmp_path)
    path = tmp_path / "part-1.parquet"
    group = read_metadata(path).row_group(2)
    start, content = group.column(0).data_page_offset, bytearray(path.read_bytes())
    content[start : start + group.total_byte_size] = bytes(group.total_byte_size)
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"part-1\.parquet must be readable in row group 3 \(rows 141 to 210\), got an "
    ):
        loaded(pattern)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda f: f.drop("a"),
            r"the same columns, got 'a' in .*part-0\.parquet and not in .*part-1\.parquet; fix",
        ),
        (
            lambda f: f.drop("y"),
            r"the same columns, got 'y' in .*part-0\.parquet and not in .*part-1\.parquet; fix",
        ),
        (lambda f: f.with_columns(new=1), r"got 'new' in .*part-1\.parquet and not in .*part-0\.parquet; fix"),
        (
            lambda f: f.with_columns(pl.col("a").cast(pl.String)),
            r"column 'a' must have one type in all files, got Float64 in .*part-0\.parquet and String in .*part-1",
        ),
        (
            lambda f: f.with_columns(a=float("inf")),
            r"column 'a' of .*part-1\.parquet must hold finite numbers, got 'inf'",
        ),
    ],
    ids=["lost", "no target", "new", "type", "infinite"],
)
def test_a_file_unlike_the_others_is_named(tmp_path: Path, change: object, sentence: str) -> None:
    pattern = written(tmp_path)
    path = tmp_path / "part-1.parquet"
    change(pl.read_parquet(path)).write_parquet(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=sentence):
        loaded(pattern)


def test_a_weight_that_is_none_is_named_with_its_file_and_row(tmp_path: Path) -> None:
    frame = table()
    wrong = frame.with_columns(weight=pl.when(pl.int_range(len(frame)) == 423).then(-1.0).otherwise("weight"))
    sentence = r"^weight 'weight' of .*part-1\.parquet must be a number of at least 0 in row 124, got -1\.0; fix it, "
    with pytest.raises(InputError, match=sentence):
        loaded(written(tmp_path, frame=wrong), weight="weight")


def test_numbers_of_any_width_are_one_type(tmp_path: Path) -> None:
    pattern = written(tmp_path)
    path = tmp_path / "part-1.parquet"
    pl.read_parquet(path).with_columns(pl.col("count").cast(pl.Int16)).write_parquet(path)
    assert loaded(pattern).data.num_rows > 0


@pytest.mark.parametrize("ending", WRITERS)
def test_a_truncated_file_among_many_is_named(tmp_path: Path, ending: str) -> None:
    pattern = written(tmp_path, ending)
    path = tmp_path / f"part-2.{ending}"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=rf"part-2\.{ending} "):
        loaded(pattern)


def test_a_word_among_numbers_is_named_with_its_row(tmp_path: Path) -> None:
    pattern = written(tmp_path, "csv")
    path = tmp_path / "part-1.csv"
    lines = path.read_text().splitlines()
    lines[251] = "oops" + lines[251][lines[251].index(",") :]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"part-1\.csv,? .*must hold numbers,.* got 'oops' in row 251"):
        loaded(pattern, ignore=("z",))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"time": "day"},
            r"--time must be left out with --stream, which never sees all rows at once, got 'day'; write",
        ),
        ({"target": "nothing"}, r"the target column must be one of a, b, .*, got 'nothing'"),
        ({"test": 900.0}, r"--test must be a share in \(0, 1\), a number of rows below"),
        ({"test": "no-*.csv"}, r"--test must be a share, a number, or a pattern that fits a file, got 'no-\*\.csv'"),
        ({"test": "nowhere.csv"}, r"--test must be a share, a number, or a file that exists, got 'nowhere\.csv'"),
    ],
)
def test_what_cannot_be_streamed_is_refused(tmp_path: Path, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        loaded(written(tmp_path), **options)  # type: ignore[arg-type]


def test_the_rows_to_test_on_may_be_several_files(tmp_path: Path) -> None:
    later = tmp_path / "later"
    later.mkdir()
    found = loaded(written(tmp_path), test=written(later, frame=table(60, seed=1))).data
    assert len(found.whole()["test"]) == 60
    assert found.num_rows + len(found.whole()["valid"]) == NUM_ROWS


def test_a_pattern_that_fits_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"FILE must be a pattern that fits a file, got '.*\*\.parquet'; check"):
        loaded(str(tmp_path / "*.parquet"))


def test_columns_at_odds_are_said_unless_they_are_left_out(tmp_path: Path) -> None:
    frame = table()
    for k, part in enumerate([frame, frame.with_columns(flag=pl.lit("both"), z=pl.lit("?!"))]):
        part.write_csv(tmp_path / f"{k}.csv")
    notes = loaded(str(tmp_path / "*.csv"), ignore=("z",)).notes
    assert notes == ["'flag' holds numbers in 0.csv and other words in 1.csv: taken as it is written."]


def test_a_packed_file_is_not_streamed(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"must be used with files that are not packed, got '.*a\.csv\.gz'; unpack it"):
        loaded(str(tmp_path / "a.csv.gz"))


def test_a_json_file_is_not_streamed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}')
    with pytest.raises(
        InputError, match=r"--stream must be used with CSV, Parquet, Arrow or \.npy files, got '.*a\.jsonl"
    ):
        loaded(str(tmp_path / "a.jsonl"))


def test_other_files_are_read_as_the_one_to_train_on(tmp_path: Path) -> None:
    """2.000 is two thousand there, because a comma stands before decimals here; alone it would be two."""
    size = [f"{k // 10}.{k % 10}00,5" for k in range(10, 90)]
    learned = pl.DataFrame({"size": size, "y": [3.5 * k for k in range(80)]})
    learned.write_csv(tmp_path / "t.csv", separator=";")
    other = pl.DataFrame({"size": ["2.000", "4.500"], "y": [1.5, 2.5]})
    other.write_csv(tmp_path / "other.csv", separator=";")
    source = TableSource(str(tmp_path / "t.csv"), "y", stream=True, test=str(tmp_path / "other.csv"))
    found = load_table(source, seed=0).data
    assert found.encoder is not None
    expected = found.encoder.encode(other)
    measured = labeled_blocks(found.encoder, tmp_path / "other.csv", source)
    assert torch.cat([part.x for part in found.whole()["test"].parts(10)]).equal(expected)
    assert torch.cat([part.x for part in measured.parts(10)]).equal(expected)


COMMAS = pl.DataFrame(
    {
        "told": [f"{k},5" for k in range(60)],
        "thousand": [f"{1 + k % 9}.{k % 7}00" for k in range(60)],
        "year": [str(2000 + k % 20) for k in range(60)],
        "gaps": ["unknown" if k % 3 == 0 else f"{k},25" for k in range(60)],
        "w": [f"{1 + k % 3}.500" for k in range(60)],
        "y": [f"{k},75" for k in range(60)],
    }
)
SAID = {"missing": ("unknown",), "weight": "w"}


@pytest.mark.parametrize("decimal", ["", ","])
def test_commas_and_words_for_gaps_are_read_as_in_memory(tmp_path: Path, decimal: str) -> None:
    COMMAS.write_csv(tmp_path / "a.csv", separator=";")
    source = TableSource(str(tmp_path / "a.csv"), "y", decimal=decimal, **SAID)
    streamed, in_memory = (load_table(replace(source, stream=how), seed=0) for how in (True, False))
    assert [(kind.name, kind.kind) for kind in streamed.kinds] == [(kind.name, kind.kind) for kind in in_memory.kinds]
    formats = [{c.name: c.number_format for c in one.data.encoder.columns} for one in (streamed, in_memory)]
    assert formats[0] | {"year": formats[1]["year"]} == formats[1]
    assert (
        streamed.data.train.weight.unique().tolist()
        == in_memory.data.train.weight.unique().tolist()
        == [1500, 2500, 3500]
    )


@pytest.mark.parametrize("measure", [labeled_rows, labeled_blocks])
def test_commas_of_training_are_those_of_another_file_and_its_weights(
    tmp_path: Path, measure: Callable[..., Part]
) -> None:
    COMMAS.write_csv(tmp_path / "a.csv", separator=";")
    COMMAS[[7, 14]].write_csv(tmp_path / "b.csv", separator=";")
    source = TableSource(str(tmp_path / "a.csv"), "y", stream=measure is labeled_blocks, **SAID)
    encoder = load_table(source, seed=0).data.encoder
    (rows,) = measure(encoder, tmp_path / "b.csv", source).parts(9)
    assert rows.weight.tolist() == [2500, 3500]
    torch.testing.assert_close(encoder.decode(rows.x)[:, :2], torch.tensor([[7.5, 8000], [14.5, 6000]]).double())


def test_a_resumed_stream_reads_weights_with_commas_as_before(tmp_path: Path) -> None:
    COMMAS.write_csv(tmp_path / "a.csv", separator=";")
    source = TableSource(str(tmp_path / "a.csv"), "y", stream=True, **SAID)
    first = load_table(source, seed=0).data
    again = load_table(source, seed=0, encoder=first.encoder).data
    assert again.train.weight.equal(first.train.weight)
    assert again.train.x.equal(first.train.x)


def test_values_that_training_never_saw_are_warned_of_in_blocks_too(tmp_path: Path) -> None:
    pattern = written(tmp_path)
    encoder = loaded(pattern).data.encoder
    table().head(30).with_columns(town=pl.lit("elsewhere")).write_csv(tmp_path / "other.csv")
    part = labeled_blocks(encoder, tmp_path / "other.csv", TableSource(pattern, "y", stream=True))
    with pytest.warns(UserWarning, match=r"30 of 30 rows have a 'town' that training never saw"):
        list(part.parts(10))


def test_a_class_without_a_training_row_is_said(tmp_path: Path) -> None:
    frame = table(200)
    parts = loaded(written(tmp_path, frame=frame)).data.stream.reader
    held_out = int(np.flatnonzero(np.concatenate([parts.read(k, []).parts for k in range(len(parts.table.blocks))]))[0])
    rare = frame.with_columns(y=pl.when(pl.int_range(pl.len()) == held_out).then(pl.lit("rare")).otherwise(pl.col("y")))
    assert any("No training row has the class 'rare'" in note for note in loaded(written(tmp_path, frame=rare)).notes)
