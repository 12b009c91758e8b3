"""Files in blocks: together they are the file, a block ends where a row ends, and what is wrong with one is named."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.table import arrow_blocks, block_files, parquet_blocks
from fivestep.table.block_files import SAMPLE, BlockFile, Piece, SeparatedBlocks, is_streamable, open_blocks
from fivestep.table.blocks import BlockTable
from fivestep.table.read import read_table

NUM_ROWS = 1000


def frame() -> pl.DataFrame:
    """Numbers, gaps and texts, some of which hold what separates rows and fields."""
    rng = np.random.default_rng(0)
    words = np.array(["plain", 'with "marks"', "a, comma", "two\nlines", "three\r\nlines\n", ""])
    return pl.DataFrame(
        {
            "a": rng.normal(size=NUM_ROWS),
            "text": rng.choice(words, NUM_ROWS),
            "b": [None if k % 7 == 0 else k for k in range(NUM_ROWS)],
        }
    )


def numbers() -> pl.DataFrame:
    return pl.DataFrame(
        np.random.default_rng(0).normal(size=(NUM_ROWS, 3)), schema=["column_1", "column_2", "column_3"]
    )


WRITERS = {
    "pq": lambda path: frame().write_parquet(path, row_group_size=60),
    "parquet": lambda path: frame().write_parquet(path, row_group_size=170),
    "arrow": lambda path: frame().write_ipc(path, record_batch_size=170),
    "feather": lambda path: frame().write_ipc(path, record_batch_size=13, compression="lz4"),
    "csv": lambda path: frame().write_csv(path),
    "tsv": lambda path: frame().write_csv(path, separator="\t", line_terminator="\r\n"),
    "npy": lambda path: np.save(path, numbers().to_numpy(order="c")),
}


@pytest.fixture(params=[False, True], ids=["", "few addresses"])
def few_addresses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether files must not be mapped."""
    monkeypatch.setattr(parquet_blocks, "has_few_addresses", lambda: request.param)
    monkeypatch.setattr(arrow_blocks, "has_few_addresses", lambda: request.param)
    monkeypatch.setattr(arrow_blocks, "find_spec", lambda _name: None)  # as if pyarrow were there for few alone
    monkeypatch.setattr(parquet_blocks, "BATCH", 13)
    return bool(request.param)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_files, "MOST_ROWS", 64)
    monkeypatch.setattr(block_files, "CSV_BYTES", 900)


def opened(folder: Path, ending: str) -> BlockFile:
    path = folder / f"table.{ending}"
    WRITERS[ending](path)
    file = open_blocks(path)
    if isinstance(file, SeparatedBlocks):
        file.take_for_numbers([name for name, look in file.looks_of().items() if look != "texts"])
    return file


def all_of(file: BlockFile, columns: list[str]) -> pl.DataFrame:
    return pl.concat([file.read(piece, columns) for piece in file.pieces])


@pytest.mark.usefixtures("few_addresses")
@pytest.mark.parametrize("ending", WRITERS)
def test_the_blocks_together_are_the_file(tmp_path: Path, ending: str) -> None:
    file = opened(tmp_path, ending)
    expected = read_table(file.path)
    assert len(file.pieces) > 10
    assert all_of(file, expected.columns).equals(expected.cast(dict(file.types)))  # type: ignore[arg-type]


@pytest.mark.usefixtures("few_addresses")
@pytest.mark.parametrize("ending", WRITERS)
def test_some_columns_come_in_the_order_that_they_are_asked_for_in(tmp_path: Path, ending: str) -> None:
    file = opened(tmp_path, ending)
    columns = [*file.types][::-2]
    assert all_of(file, columns).columns == columns


@pytest.mark.usefixtures("few_addresses")
@pytest.mark.parametrize("ending", WRITERS)
def test_the_head_of_a_block_is_its_first_rows(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = opened(tmp_path, ending)
    monkeypatch.setattr(block_files, "SAMPLE", 5)
    columns = [*file.types]
    heads = [file.head(piece, columns) for piece in file.pieces]
    assert all(head.equals(file.read(piece, columns).head(5)) for head, piece in zip(heads, file.pieces, strict=True))
    assert SAMPLE > 5


@pytest.mark.usefixtures("few_addresses")
@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather", "npy"])
def test_the_number_of_rows_is_known_without_reading_them(tmp_path: Path, ending: str) -> None:
    file = opened(tmp_path, ending)
    assert file.about_rows() == NUM_ROWS
    assert [piece.start for piece in file.pieces] == np.cumsum([0, *(piece.size for piece in file.pieces)])[
        :-1
    ].tolist()


def test_the_rows_of_a_csv_file_are_its_lines(tmp_path: Path) -> None:
    file = opened(tmp_path, "csv")
    text = file.path.read_text()
    assert NUM_ROWS <= file.about_rows() <= text.count("\n") + len(file.pieces)


def test_a_large_row_group_is_cut_in_equal_parts_that_say_where_they_are(tmp_path: Path) -> None:
    names = [piece.name for piece in opened(tmp_path, "parquet").pieces[:4]]
    assert names == [
        "row group 1 (rows 1 to 56)",
        "row group 1 (rows 57 to 113)",
        "row group 1 (rows 114 to 170)",
        "row group 2 (rows 171 to 226)",
    ]


@pytest.mark.parametrize(("ending", "module"), [("parquet", parquet_blocks), ("arrow", arrow_blocks)])
def test_wide_row_groups_are_cut_by_their_bytes(
    tmp_path: Path, ending: str, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a block of thousands of columns does not take gigabytes."""
    monkeypatch.setattr(module, "GROUP_BYTES", 8 * frame().width * 17)
    for has_pyarrow in (True, False):
        monkeypatch.setattr(arrow_blocks, "find_spec", lambda _name, has=has_pyarrow: has)
        file = opened(tmp_path, ending)
        assert max(piece.size for piece in file.pieces) == 17
        all_but_one = open_blocks(file.path, [*frame().columns[1:], "no column"])
        assert max(piece.size for piece in all_but_one.pieces) > 17 * (frame().width - 1)  # what is never read is free


@pytest.mark.parametrize(
    ("ending", "kind"), [("parquet", parquet_blocks.DecodedBlocks), ("arrow", arrow_blocks.BatchedBlocks)]
)
def test_where_addresses_are_few_no_file_is_mapped(
    tmp_path: Path, few_addresses: bool, ending: str, kind: type[BlockFile]
) -> None:
    assert isinstance(opened(tmp_path, ending), kind if few_addresses else block_files.ScannedBlocks)


@pytest.mark.parametrize(("ending", "module"), [("parquet", parquet_blocks), ("arrow", arrow_blocks)])
def test_both_ways_to_read_a_file_give_columns_of_the_same_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, module: ModuleType
) -> None:
    path = tmp_path / f"a.{ending}"
    whole = frame().with_columns(
        day=pl.lit("2024-02-29").str.to_date(),
        moment=pl.lit("2024-02-29 12:30").str.to_datetime("%Y-%m-%d %H:%M", time_unit="us"),
        level=pl.col("text").cast(pl.Categorical),
        price=pl.col("a").cast(pl.Decimal(12, 3)),
        small=pl.col("b").cast(pl.Int16),
        single=pl.col("a").cast(pl.Float32),
        yes=pl.col("a") > 0,
        nothing=pl.lit(None),
    )
    whole.write_parquet(path) if ending == "parquet" else whole.write_ipc(path)
    monkeypatch.setattr(arrow_blocks, "find_spec", lambda _name: None)
    mapped = open_blocks(path)
    monkeypatch.setattr(module, "has_few_addresses", lambda: True)
    decoded = open_blocks(path)
    assert decoded.types == mapped.types
    assert all_of(decoded, [*decoded.types]).equals(all_of(mapped, [*mapped.types]))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file says what a process has read")
def test_of_an_arrow_file_only_the_columns_that_are_asked_for_are_read(tmp_path: Path) -> None:
    path, size = tmp_path / "a.arrow", 20_000
    pl.DataFrame({f"column {k}": np.arange(size, dtype=float) for k in range(50)}).write_ipc(path)
    file, before = open_blocks(path), _bytes_read()
    file.read(Piece(0, size, "rows"), ["column 7", "column 3"])
    assert _bytes_read() - before < path.stat().st_size / 5


def _bytes_read() -> int:
    """What this process has read until now, from anywhere."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_mark_of_the_encoding_and_blank_lines_before_the_header_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf\n\na,b\n1,x\n\n2,y\n")
    file = open_blocks(path)
    assert all_of(file, ["a", "b"]).rows() == [("1", "x"), ("2", "y")]


def test_a_line_that_tells_the_separator_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"sep=;\r\na;b\r\n1;x\r\n2;y\r\n")
    file = open_blocks(path)
    assert all_of(file, ["a", "b"]).rows() == [("1", "x"), ("2", "y")]


def test_a_file_without_a_last_newline_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "\n".join(f"{k},x" for k in range(500)))
    file = open_blocks(path)
    assert all_of(file, ["a"])["a"].to_list() == [str(k) for k in range(500)]


def test_a_column_with_a_word_in_the_rows_looked_at_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n" + "\n".join(f"{k},{'NA' if k % 3 else k},{'x' if k == 3 else k}" for k in range(500)))
    file = open_blocks(path)
    assert isinstance(file, SeparatedBlocks)
    assert file.looks_of() == {"a": "numbers", "b": "numbers", "c": "texts"}


def test_words_for_gaps_are_none_of_the_words_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,unknown\n-999,3\n")
    table = BlockTable.open(str(path), tokens=["unknown", "-999"])
    assert table.read(0, ["a", "b"]).rows() == [(1.0, None), (None, 3.0)]
    assert table.sample(["b"]).rows() == [(None,), (3.0,)]


def test_numbers_with_blanks_around_them_are_read_wherever_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n" + "1,2, 3 \n" * SAMPLE + " 1 ,NA , 3\n")
    file = open_blocks(path)
    assert isinstance(file, SeparatedBlocks)
    assert file.looks_of()["c"] == "texts"  # polars reads no such numbers
    file.take_for_numbers(["a", "b"])
    assert all_of(file, ["a", "b"]).rows()[-1] == (1.0, None)


def test_whole_numbers_that_float64_would_round_are_read_as_texts_until_it_is_known_whether_they_are_codes(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.csv").write_text("a,b\n9007199254740993,1\n81,2\n")
    table = BlockTable.open(str(tmp_path / "a.csv"))
    assert table.undecided == ["a"]
    assert table.read(0, ["a", "b"]).rows() == [("9007199254740993", 1.0), ("81", 2.0)]


@pytest.mark.parametrize(("others", "undecided"), [("", ["a"]), ("99\n", []), ("oops\n", [])])
def test_digits_alike_may_be_codes_unless_some_file_says_otherwise(
    tmp_path: Path, others: str, undecided: list[str]
) -> None:
    (tmp_path / "1.csv").write_text("a\n98101\n10001\n")
    (tmp_path / "2.csv").write_text(f"a\n10001\n{others}")
    table = BlockTable.open(str(tmp_path / "*.csv"))
    assert table.undecided == undecided
    assert (table.types["a"] == pl.String) == (undecided == ["a"] or "oops" in others)
    table.take_for_numbers(undecided)
    assert (table.types["a"] == pl.String) == ("oops" in others)


def test_empty_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n,\n3,4\n")
    table = BlockTable.open(str(path))
    assert table.read(0, ["a"]).height == 2
    with pytest.warns(UserWarning, match=r"a\.csv has an empty row, which is left out"):
        table.warn_of_empty_rows()


def test_a_word_below_them_is_named_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f"{k},1\n" for k in range(700)) + "word,1\n")
    file = open_blocks(path)
    assert isinstance(file, SeparatedBlocks)
    file.take_for_numbers({"a"})
    start = path.read_bytes()[: file.pieces[-1].start].count(b"\n")
    sentence = (
        rf"column 'a' of .*a\.csv must hold numbers, .* got 'word' in row {701 - start + 1} from line {start + 1} on"
    )
    with pytest.raises(InputError, match=sentence):
        all_of(file, ["a"])


@pytest.mark.parametrize(("row", "number"), [("1", 1), ("1,2,3", 3)])
def test_a_row_of_another_width_is_named(tmp_path: Path, row: str, number: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n" + row + "\n5,6\n")
    with pytest.raises(InputError, match=rf"must have 2 fields, as the first one has, got {number} in line 3; fix"):
        all_of(open_blocks(path), ["a", "b"])


def test_another_encoding_than_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\nä,2\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"a\.csv must be UTF-8 to be streamed, got another encoding; save it"):
        open_blocks(path)  # without a word on how it is read, which it is not


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_that_is_written_anew_is_noticed(tmp_path: Path, ending: str) -> None:
    file = opened(tmp_path, ending)
    file.unchanged.check()
    file.path.write_bytes(file.path.read_bytes() + b"\n")
    with pytest.raises(
        InputError, match=rf"table\.{ending} must stay as it is while its rows are read, got another size"
    ):
        file.unchanged.check()


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_that_is_taken_away_is_noticed(tmp_path: Path, ending: str) -> None:
    file = opened(tmp_path, ending)
    file.path.unlink()
    with pytest.raises(
        InputError, match=rf"table\.{ending} must stay where it is while its rows are read, got No such file .*; put it"
    ):
        file.unchanged.check()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", True), ("a.PQ", True), ("*.feather", True), ("a.npy", True), ("a.npz", False), ("a.csv.gz", False)],
)
def test_what_can_be_read_in_blocks_is_told_by_the_ending(name: str, expected: bool) -> None:
    assert is_streamable(Path(name)) is expected


def test_line_ends_that_were_translated_twice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\r\r\n1,2\r\r\n3,4\r\r\n")
    with pytest.raises(
        InputError, match=r"must end in \\n or \\r\\n to be streamed, got .* translated twice; save it anew"
    ):
        open_blocks(tmp_path / "a.csv")


def test_columns_with_another_minus_are_no_plain_numbers_which_polars_could_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n1,\N{MINUS SIGN}2,(3)\n4,5,6\n", encoding="utf-8")
    file = open_blocks(path)
    assert isinstance(file, SeparatedBlocks)
    assert file.looks_of() == {"a": "numbers", "b": "texts", "c": "texts"}
    file.take_for_numbers(["a"])
    assert all_of(file, ["a", "b"]).rows() == [(1, "\N{MINUS SIGN}2"), (4, "5")]


CUT_AGAIN_AND_AGAIN = """
import os, sys, threading
from pathlib import Path
import polars as pl
from fivestep.check import InputError
from fivestep.table.block_files import open_blocks
from fivestep.table.read import read_table, table_batches

path, over = Path(sys.argv[1]), threading.Event()
file, size = open_blocks(path), path.stat().st_size
reads = {
    "a block": lambda: file.read(file.pieces[-1], list(file.types)),
    "the whole": lambda: read_table(path),
    "in parts": lambda: list(table_batches(path, 10_000)),
}

def cut():
    while not over.is_set():
        os.truncate(path, size // 2)
        os.truncate(path, size)

thread = threading.Thread(target=cut)
thread.start()
for _ in range(60):
    try:
        reads[sys.argv[2]]()
    except (InputError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        pass
over.set()
thread.join()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not cut files that are open")
@pytest.mark.parametrize("what", ["a block", "the whole", "in parts"])
@pytest.mark.parametrize("ending", ["arrow", "parquet"])
def test_a_file_that_is_cut_short_while_it_is_read_does_not_end_the_process(
    tmp_path: Path, ending: str, what: str
) -> None:
    path = tmp_path / f"a.{ending}"
    frame = pl.DataFrame(np.arange(50.0 * 65_536).reshape(65_536, 50))
    frame.write_ipc(path) if ending == "arrow" else frame.write_parquet(path)
    words = [sys.executable, "-c", CUT_AGAIN_AND_AGAIN, str(path), what]
    assert subprocess.run(words, stderr=subprocess.DEVNULL, check=False, timeout=600).returncode == 0


def test_marks_of_inches_do_not_hold_a_block_together(tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": range(NUM_ROWS), "screen": ['15.6"', "none", '13"', "6'1\""] * (NUM_ROWS // 4)})
    path = tmp_path / "t.csv"
    rows.write_csv(path, quote_style="never")
    file = open_blocks(path)
    together = pl.concat(file.read(piece, ["screen"]) for piece in file.pieces)
    assert len(file.pieces) > 1
    assert together["screen"].to_list() == rows["screen"].to_list()
