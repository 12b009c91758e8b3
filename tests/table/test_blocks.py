"""Several files as one table: which ones, in which order, in which types; what does not fit is named."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.table.blocks import BlockTable, files_of
from fivestep.table.read import is_pattern


def written(folder: Path, *frames: pl.DataFrame) -> str:
    """One Parquet file for each frame; the pattern that fits them."""
    for k, frame in enumerate(frames):
        frame.write_parquet(folder / f"part-{k}.parquet", row_group_size=10)
    return str(folder / "part-*.parquet")


def column(values: object, dtype: object = None) -> pl.DataFrame:
    return pl.DataFrame({"a": pl.Series(values, dtype=dtype)})  # type: ignore[call-overload]


def test_the_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "c.txt", "a10.csv"):
        (tmp_path / name).write_text("x\n1\n")
    (tmp_path / "folder.csv").mkdir()
    assert [path.name for path in files_of(str(tmp_path / "*.csv"))] == ["a.csv", "a10.csv", "b.csv"]


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    for name in ("[1].csv", "1.csv"):
        (tmp_path / name).write_text("x\n1\n")
    assert [path.name for path in files_of(str(tmp_path / "[1].csv"))] == ["[1].csv"]
    assert is_pattern("[1].csv")
    assert not is_pattern("1.csv")


def test_a_link_to_a_file_that_is_gone_is_not_passed_over(tmp_path: Path) -> None:
    """Its rows would be missing, and nobody would know."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"got '.*b\.csv', a link to nothing; fix or remove it"):
        files_of(str(tmp_path / "*.csv"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", r"FILE must be a file or a pattern, got the folder '.*'; write '.*/\*\.parquet'"),
        ("*.parquet", r"FILE must be a pattern that fits a file, got '.*\*\.parquet'; check"),
        ("a.parquet", r"FILE must be a file that exists, got '.*a\.parquet'; check"),
    ],
)
def test_what_names_no_file_is_refused(tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        files_of(str(tmp_path / name))


def test_the_blocks_are_those_of_all_files_in_their_order(tmp_path: Path) -> None:
    table = BlockTable.open(written(tmp_path, column(list(range(25))), column(list(range(25, 30)))))
    assert [(block.file, block.piece.size) for block in table.blocks] == [(0, 10), (0, 10), (0, 5), (1, 5)]
    assert pl.concat(table.read(k, ["a"]) for k in range(4))["a"].to_list() == list(range(30))
    assert table.name_of(3).endswith("part-1.parquet")
    assert table.about_rows() == 30


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (column([1], pl.Int16), column([2.5]), pl.Float64()),
        (column([1], pl.Int16), column([2], pl.Int16), pl.Int16()),
        (column(["x"]), column(["y"], pl.Categorical), pl.String()),
        (column([None]), column([2], pl.Int64), pl.Int64()),
        (column([True]), column([False]), pl.Boolean()),
    ],
    ids=["numbers", "the same", "texts", "empty", "yes and no"],
)
def test_a_column_has_one_type_in_all_blocks(
    tmp_path: Path, first: pl.DataFrame, second: pl.DataFrame, expected: pl.DataType
) -> None:
    table = BlockTable.open(written(tmp_path, first, second))
    assert table.types == {"a": expected}
    assert [table.read(k, ["a"])["a"].dtype for k in range(2)] == [expected] * 2


@pytest.mark.parametrize(
    ("first", "second", "got"),
    [
        (column([1.0]), column(["x"]), r"Float64 in .*part-0\.parquet and String in .*part-1\.parquet"),
        (column([True]), column([1]), r"Boolean in .*part-0\.parquet and Int64 in .*part-1\.parquet"),
        (column(["2024-01-01"]), column([20000], pl.Date), r"String in .* and Date in .*part-1\.parquet"),
    ],
)
def test_types_that_do_not_fit_are_named_with_both_files(
    tmp_path: Path, first: pl.DataFrame, second: pl.DataFrame, got: str
) -> None:
    with pytest.raises(InputError, match=rf"column 'a' must have one type in all files, got {got}; convert one"):
        BlockTable.open(written(tmp_path, first, second))


@pytest.mark.parametrize(
    ("second", "got"),
    [
        (pl.DataFrame({"b": [1]}), r"'a' in .*part-0\.parquet and not in .*part-1\.parquet"),
        (pl.DataFrame({"a": [1], "b": [1]}), r"'b' in .*part-1\.parquet and not in .*part-0\.parquet"),
    ],
)
def test_columns_that_do_not_fit_are_named_with_both_files(tmp_path: Path, second: pl.DataFrame, got: str) -> None:
    with pytest.raises(InputError, match=rf"^all files must have the same columns, got {got}; fix one of them\.$"):
        BlockTable.open(written(tmp_path, column([1]), second))


def test_a_column_of_text_files_is_numbers_where_all_files_say_so(tmp_path: Path) -> None:
    for k, word in enumerate(("3", "three")):
        (tmp_path / f"{k}.csv").write_text(f"a,b,c\n1,{word},007\n2,4,008\n")
    table = BlockTable.open(str(tmp_path / "*.csv"), as_text=["c"])
    assert table.types == {"a": pl.Float64(), "b": pl.String(), "c": pl.String()}
    assert table.read(0, ["b", "c"]).row(0) == ("3", "007")


def test_a_file_with_gaps_alone_says_nothing_of_a_column_and_one_with_no_rows_of_none(tmp_path: Path) -> None:
    for name, values in {"a": "1,2", "b": "3,", "c": "4,NA", "d": None}.items():
        (tmp_path / f"{name}.csv").write_text("x,y\n" + (f"{values}\n" * 3 if values else ""))
    table = BlockTable.open(str(tmp_path / "*.csv"))
    assert table.types == {"x": pl.Float64(), "y": pl.Float64()}
    assert table.read(1, ["y"])["y"].to_list() == [None] * 3
    assert not table.at_odds


def test_columns_that_are_numbers_in_some_text_files_only_are_text_and_told(tmp_path: Path) -> None:
    for name, value in {"a": "", "b": "1", "c": "word", "d": "2"}.items():
        (tmp_path / f"{name}.csv").write_text(f"x,y,z\n5,{value},{value}\n")
    table = BlockTable.open(str(tmp_path / "*.csv"), ["z"])
    assert table.types == {"x": pl.Float64(), "y": pl.String(), "z": pl.String()}
    assert table.at_odds == {"y": (tmp_path / "b.csv", tmp_path / "c.csv")}


def test_a_sample_is_from_all_over_the_table(tmp_path: Path) -> None:
    table = BlockTable.open(written(tmp_path, *(column([k] * 10) for k in range(5))))
    assert set(table.sample(["a"])["a"]) == set(range(5))


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(InputError, match=r"a\.csv must hold rows of values, got only a header; check the file"):
        BlockTable.open(str(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "must hold a table, got an empty file"),
        (np.zeros((0, 2)), "must hold rows of values, got none"),
        (np.zeros((3, 0)), "must hold rows of values, got none"),
    ],
    ids=["nothing", "no rows", "no columns"],
)
def test_an_array_without_numbers_is_refused(tmp_path: Path, content: np.ndarray | None, sentence: str) -> None:
    path = tmp_path / "a.npy"
    path.touch() if content is None else np.save(path, content)
    with pytest.raises(InputError, match=f"{re.escape(str(path))} {sentence}; check"):
        BlockTable.open(str(path))


def test_a_checksum_tells_files_from_others(tmp_path: Path) -> None:
    pattern = written(tmp_path, column([1, 2]), column([3, 4]))
    first = BlockTable.open(pattern).checksum()
    assert BlockTable.open(pattern).checksum() == first
    written(tmp_path, column([1, 2]), column([3, 5]))
    assert BlockTable.open(pattern).checksum() != first


def test_a_token_that_no_value_read_is_is_warned_of_once(tmp_path: Path) -> None:
    pl.DataFrame({"a": ["x", "unknown"], "b": [1.0, -999.0]}).write_parquet(tmp_path / "t.parquet")
    pattern = str(tmp_path / "t.parquet")
    opened = BlockTable.open(pattern, tokens=("unknown", "unknwon", "-999"))
    opened.read(0, ["a", "b"])
    with pytest.warns(UserWarning, match=r"^--missing unknwon is ignored, as no value that is read of .*t\.parquet is"):
        opened.warn_of_tokens(pattern)
    opened.warn_of_tokens(pattern)
