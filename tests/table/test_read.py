"""Files as people have them, whole and in parts; what is broken is named in one sentence."""

import io
import os
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.table import block_files, separated
from fivestep.table.block_files import open_blocks
from fivestep.table.dialect import HEAD, LONGEST_LINE
from fivestep.table.read import read_table, table_batches
from fivestep.table.separated import SAMPLE
from fivestep.table.values import missing, texts

FRAME = pl.DataFrame({"a": [1.0, 2.5, None], "b": ["x", None, "z"]})


def written(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def numpy_bytes(save: Any, *arrays: Any, **named: Any) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def frame_bytes(write: str) -> bytes:
    file = io.BytesIO()
    getattr(FRAME, write)(file)
    return file.getvalue()


CONTENTS = {
    "t.csv": b"a,b\n1,x\n2.5,NA\n,z\n",
    "t.txt": b"a|b\n1|x\n2.5|\n|z\n",
    "t.tsv": b"a\tb\n1\tx\n2.5\tNA\n\tz\n",
    "t.parquet": frame_bytes("write_parquet"),
    "t.arrow": frame_bytes("write_ipc"),
    "t.feather": frame_bytes("write_ipc"),
    "t.jsonl": b'{"a": 1, "b": "x"}\n{"a": 2.5}\n{"b": "z", "a": null}\n',
}


@pytest.mark.parametrize("name", CONTENTS)
def test_every_format_gives_the_same_table(tmp_path: Path, name: str) -> None:
    assert read_table(written(tmp_path, name, CONTENTS[name])).to_dict(as_series=False) == FRAME.to_dict(
        as_series=False
    )


@pytest.mark.parametrize("name", CONTENTS)
def test_parts_of_a_file_are_the_file(tmp_path: Path, name: str) -> None:
    parts = list(table_batches(written(tmp_path, name, CONTENTS[name]), 2))
    assert [part.height for part in parts] == [2, 1]
    numbers = pl.concat(parts)["a"].cast(pl.Float64)
    assert numbers.to_list() == FRAME["a"].to_list()


@pytest.mark.parametrize(
    "text",
    [
        b"a,b\r\n1,x\r\n3,y\r\n",
        b"a,b\r1,x\r3,y\r",
        b"a;b\n1;x\n3;y",
        b"\xef\xbb\xbfa,b\n1,x\n3,y\n",
        b' a , b \n"1","x"\n3,y\n',
        b"\n\na,b\n1,x\n3,y\n",
        b"a,b\n\n1,x\n3,y\n",
        b"\n\na,b\r\n\r\n\r\n1,x\n3,y\n",
        b'"a\n",b\n\n1,x\n3,y\n',
        b"sep=;\r\na;b\r\n1;x\r\n3;y\r\n",
        b'\xef\xbb\xbf"sep=\t"\na\tb\n1\tx\n3\ty\n',
    ],
    ids=[
        *("windows", "old mac", "semicolons", "mark", "quotes and blanks", "lines above", "below", "both", "quoted"),
        *("separator told", "told in quotes"),
    ],
)
def test_separated_values_as_they_come(tmp_path: Path, text: bytes) -> None:
    path = written(tmp_path, "t.csv", text)
    assert read_table(path).rows() == [(1.0, "x"), (3.0, "y")]
    assert pl.concat(table_batches(path, 1)).columns == ["a", "b"]


def test_a_header_may_be_longer_than_what_is_looked_at(tmp_path: Path) -> None:
    names, numbers = (",".join(f"{what}{k}" for k in range(1000)) for what in (HEAD // 1000 * "a", ""))
    assert len(names) > HEAD
    path = written(tmp_path, "t.csv", f"{names}\n{numbers}\n{numbers}\n".encode())
    assert read_table(path).shape == (2, 1000)
    assert pl.concat(table_batches(path, 1)).shape == (2, 1000)


def test_codes_with_a_0_in_front_stay_texts(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b"zip,x\n00501,1\n98101,2\n")
    assert read_table(path).rows() == [("00501", 1.0), ("98101", 2.0)]


@pytest.mark.parametrize(("late", "dtype"), [("00501", pl.String), ("10501", pl.Float64), ("oops", pl.String)])
def test_codes_are_told_by_the_last_row_too(tmp_path: Path, late: str, dtype: pl.DataType) -> None:
    path = written(tmp_path, "t.csv", b"zip,x\n" + b"98101,2\n" * SAMPLE + f",3\n{late},1\n".encode())
    frame = read_table(path)
    assert frame.schema == {"zip": dtype, "x": pl.Float64}
    assert frame["zip"].cast(pl.String)[-1].startswith(late)


@pytest.mark.parametrize(("cell", "dtype"), [("1{k:022}", pl.String), ("1.5e{k:02}", pl.Float64)])
def test_whole_numbers_of_any_length_stay_texts_where_float64_may_round_them(
    tmp_path: Path, cell: str, dtype: pl.DataType
) -> None:
    lines = [cell.format(k=k) for k in range(60)]
    table = read_table(written(tmp_path, "t.csv", "\n".join(["a", *lines, ""]).encode()))
    assert table["a"].dtype == dtype
    assert texts(table["a"])[0] == lines[0] or dtype == pl.Float64


def test_whole_numbers_that_float64_rounds_stay_texts_if_they_come_late_too(tmp_path: Path) -> None:
    rows = "".join(f"{k},{k % 7},1e300\n" for k in range(SAMPLE + 5))
    path = written(tmp_path, "t.csv", f"card,a,mass\n{rows}9007199254740993,1,NA\nNA,2,3\n".encode())
    frame = read_table(path)
    assert frame.schema == {"card": pl.String(), "a": pl.Float64(), "mass": pl.Float64()}
    assert frame["card"].tail(3).to_list() == [f"{SAMPLE + 4}", "9007199254740993", "NA"]


def test_words_that_blanks_separate_are_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", b"a b\n1 x\n2 y\n")
    with pytest.warns(UserWarning, match=r"taken for one column, got 'a b' as its name; if blanks separate several"):
        read_table(path)


@pytest.mark.parametrize(("encoding", "shown"), [("latin-1", "Latin-1"), ("cp1252", "Latin-1"), ("utf-16", "UTF-16")])
def test_another_encoding_is_found_and_said(tmp_path: Path, encoding: str, shown: str) -> None:
    path = written(tmp_path, "t.csv", "name,x\nJosé,1\n".encode(encoding))
    with pytest.warns(UserWarning, match=f"is not UTF-8: it is read as {shown}"):
        assert read_table(path).rows() == [("José", 1.0)]


def test_a_file_without_a_header_says_so(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="has no header: its columns are called column_1"):
        assert read_table(written(tmp_path, "t.csv", b"1,2\n3,4\n")).columns == ["column_1", "column_2"]


def test_a_file_with_two_ends_for_each_line_is_read(tmp_path: Path) -> None:
    """As Python's csv module writes it on Windows into a file that was opened without `newline=""`."""
    for text in (b"a,b\r\n\r\n1,x\r\n\r\n3,y\r\n\r\n", b"a,b\r\r1,x\r\r3,y\r\r"):
        with pytest.warns(UserWarning, match="empty rows?, which (is|are) left out"):
            assert read_table(written(tmp_path, "t.csv", text)).rows() == [(1.0, "x"), (3.0, "y")]


def test_a_first_row_that_is_taken_for_names_is_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b"0.5,x\n1.5,y\n")
    with pytest.warns(
        UserWarning, match=r"is taken for the names of its columns, got '0\.5' among them; if it is a row, p"
    ):
        assert read_table(path).rows() == [(1.5, "y")]


def test_a_title_above_the_names_is_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b"Report,,\na,b,c\n1,2,3\n")
    with pytest.warns(UserWarning, match=r"of its 3 columns, got 1 name in it; if it is a title, remove the lines abo"):
        assert read_table(path).columns == ["Report", "column_2", "column_3"]


def test_empty_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b"a,b\n1,2\n\n3,4\n\n")
    with pytest.warns(UserWarning, match="has 2 empty rows, which are left out"):
        assert read_table(path).rows() == [(1, 2), (3, 4)]
    with pytest.warns(UserWarning, match="has 2 empty rows"):
        assert pl.concat(table_batches(path, 2)).height == 2


def test_a_row_of_words_for_missing_values_is_a_row(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b"a,b\n1,x\nNA,?\n2,y\n")
    assert read_table(path).height == 3
    assert pl.concat(table_batches(path, 2)).height == 3


def test_a_number_far_down_that_is_none_makes_its_column_text(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 1500 + "x,2\n"
    frame = read_table(written(tmp_path, "t.csv", text.encode()))
    assert frame["a"].to_list() == ["1"] * 1500 + ["x"]


def test_leading_zeros_stay_where_they_are_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b"month,x\n07,1\n12,2\n")
    assert read_table(path, as_text=["month"])["month"].to_list() == ["07", "12"]
    assert read_table(path)["month"].to_list() == [7, 12]


def test_arrays_are_columns(tmp_path: Path) -> None:
    x, y = np.arange(6.0).reshape(3, 2), np.array(["a", "b", "c"])
    one = read_table(written(tmp_path, "t.npy", numpy_bytes(np.save, x)))
    several = read_table(written(tmp_path, "t.npz", numpy_bytes(np.savez, X=x, y=y)))
    assert one.rows() == [(0, 1), (2, 3), (4, 5)]
    assert several.to_dict(as_series=False) == {"X_1": [0, 2, 4], "X_2": [1, 3, 5], "y": ["a", "b", "c"]}
    assert [part.height for part in table_batches(tmp_path / "t.npy", 2)] == [2, 1]


def test_an_array_that_is_cut_short_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    """Mapped, it would be the end of the process: SIGBUS."""
    path = written(tmp_path, "t.npy", numpy_bytes(np.save, np.zeros((4, 2**16))))
    parts = table_batches(path, 2)
    assert next(parts).height == 2
    os.truncate(path, 2**16)
    with pytest.raises(InputError, match="must stay as it is while its rows are read, got another size"):
        next(parts)


BROKEN: list[tuple[str, bytes, str]] = [
    ("t.csv", b"", "must hold a table, got an empty file"),
    ("t.csv", b"\n \n", "must hold a table, got empty lines"),
    ("t.csv", b"a,b\n", "must hold rows of values, got only a header; check the file"),
    ("t.csv", b"a,b", "must hold rows of values, got only a header; check the file"),
    ("t.csv", b"a,b,c\n1,2,3\n4,5\n", "must have 3 fields, as the first one has, got 2 in line 3;"),
    ("t.csv", b'a,b,c\n1,2,"3"\n4,5\n', "must have 3 fields, as the first one has, got 2 in line 3;"),
    ("t.csv", b"a,b\n1,2\n3,4,5\n", "must have 2 fields, as the first one has, got 3 in line 3;"),
    ("t.csv", b"a,b,a\n1,2,3\n", "must have different names, got 'a' as columns 1 and 3"),
    ("t.csv", b"a,b\n1,2\n3\x00,4\n", "must hold text, got a byte of 0 in line 3"),
    ("t.csv", b'a,b\n1,2\n"3,4\n', "quotation marks of .* must pair, got one that does not after line 2"),
    (
        "t.csv",
        b"a,b\n1," + b"z" * (LONGEST_LINE + 1),
        "must have lines of less than 64 MB, got a longer one after line 1",
    ),
    ("t.parquet", CONTENTS["t.parquet"][: len(CONTENTS["t.parquet"]) // 2], "must be a .parquet file that can be read"),
    *(
        (f"t.{kind}", b"", "must hold a table, got an empty file")
        for kind in ("parquet", "arrow", "jsonl", "npy", "npz")
    ),
    ("t.jsonl", b"\n \n", "must hold rows of values, got none; check the file"),
    ("t.npy", numpy_bytes(np.save, np.zeros((0, 2))), "must hold rows of values, got none; check the file"),
    ("t.npy", numpy_bytes(np.save, np.zeros((3, 0))), "must hold rows of values, got none; check the file"),
    ("t.npz", numpy_bytes(np.savez), "must hold rows of values, got none; check the file"),
    ("t.arrow", CONTENTS["t.arrow"][: len(CONTENTS["t.arrow"]) // 2], "must be a .arrow file that can be read"),
    ("t.jsonl", b'{"a": 1}\n{"a": 2\n', r"must be a JSON object .*, got '\{\"a\": 2' in line 2"),
    ("t.jsonl", b"[1]\n", r"must be a JSON object .*, got '\[1\]' in line 1"),
    (
        "t.npy",
        pickle.dumps([1, 2]),
        "must hold arrays of numbers or texts, got Python objects or .*, for it may run code; save",
    ),
    (
        "t.npy",
        numpy_bytes(np.save, np.array([1, "a"], dtype=object)),
        "must hold arrays of numbers or texts, got Python objects",
    ),
    (
        "t.npz",
        numpy_bytes(np.savez, x=np.array([1, "a"], dtype=object)),
        "must hold arrays of numbers or texts, got Python",
    ),
    (
        "t.npy",
        numpy_bytes(np.save, np.zeros((3, 2), complex)),
        r"^in .*t\.npy, a table .* of complex128; convert it\.$",
    ),
    (
        "t.npy",
        numpy_bytes(np.save, np.float64(1)),
        r"got an array of the shape \(\), .*; give it an axis for the rows",
    ),
    ("t.npz", numpy_bytes(np.savez, x=np.zeros((3, 2), complex)), r"^in .*t\.npz, array 'x', a table must be"),
    (
        "t.csv",
        b"made by me\na,b\n1,2\n",
        "must have 1 field, .*, got 2 in line 2; fix that line, or remove what st",
    ),
    ("t.npy", numpy_bytes(np.save, np.zeros((3, 2)))[:-8], "must be a NumPy array that can be read"),
    ("t.npz", numpy_bytes(np.savez, x=np.zeros(3), y=np.zeros(2)), "must have as many rows each, got x 3, y 2"),
    ("t.npz", b"PK", "must hold arrays of numbers or texts, got Python objects or something else"),
    ("t.dat", b"x", r"must end in one of \.csv, .*, got '.*t\.dat'"),
    ("t.xlsx", b"x", r"must be a table as text or numbers, got the spreadsheet '.*t\.xlsx'; save the sheet"),
    (
        "t.db",
        b"x",
        r"got the database '.*t\.db'; write .*: sqlite3 -header -csv t\.db 'select \* from TABLE' > TABLE\.csv",
    ),
    ("t.json", b"[]", r"got one JSON text '.*'; write .*: jq -c '\.\[\]' t\.json > t\.jsonl\.$"),
    ("t.zip", b"x", r"got the archive '.*t\.zip'; unpack it\.$"),
    ("t.csv", b"PK\x03\x04rest", "must hold text, got a spreadsheet or an archive; save it as CSV, or unpack it"),
    ("t.csv", b"\x1f\x8brest", r"must hold text, got what gzip has packed; let its name end in \.csv\.gz"),
    ("t.csv", b"<!DOCTYPE html>\n<html>", "must hold text, got a page of the web; download the file itself"),
    ("t.csv", b"a;b\n1;2;\n3;4;\n", "got 3 in line 2; end the first line in ';' too, as this one does"),
]


@pytest.mark.parametrize(
    ("name", "content", "sentence"), BROKEN, ids=[f"{k}-{case[0]}" for k, case in enumerate(BROKEN)]
)
@pytest.mark.parametrize("in_parts", [False, True], ids=["whole", "parts"])
def test_a_broken_file_is_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str, in_parts: bool
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(InputError, match=sentence) as caught:
        list(table_batches(path, 2)) if in_parts else read_table(path)
    assert "\n" not in str(caught.value)


INCHES = b'size,screen,price\n5\'11",15.6",2\n6\'0",13",3\n6\'1",14",4\n'


@pytest.mark.parametrize("in_parts", [False, True], ids=["whole", "parts"])
def test_marks_of_inches_are_letters_where_no_field_begins_with_one(tmp_path: Path, in_parts: bool) -> None:
    path = written(tmp_path, "t.csv", INCHES)
    frame = pl.concat(table_batches(path, 2)) if in_parts else read_table(path)
    assert frame["size"].to_list() == ["5'11\"", "6'0\"", "6'1\""]
    assert frame["screen"].to_list() == ['15.6"', '13"', '14"']


def test_marks_inside_fields_beside_quoted_ones_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b'a,b\n"x, y",1\n5\'11",2\n6\'0",3\n6\'1",3\n')
    with pytest.raises(InputError, match=r"have quotation marks around whole fields, .* it seems in line 3; write"):
        read_table(path)


def test_whole_numbers_that_float64_does_not_tell_apart_stay_as_written(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b"id,x\n9007199254740993,1\n9007199254740995,2\n")
    assert read_table(path)["id"].to_list() == ["9007199254740993", "9007199254740995"]


@pytest.mark.slow
def test_a_quotation_mark_that_is_never_closed_ends_in_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b'a,b\n1,"' + b"z\n" * (2**23 + 1))
    with pytest.raises(InputError, match="must pair, got a field of more than 16 MB after line"):
        read_table(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(
        InputError, match=r"must be a file on a disk, .*, got '.*t\.csv', a pipe or a device; write what"
    ):
        read_table(tmp_path / "t.csv")


@pytest.mark.skipif(sys.platform != "linux", reason="names are letters elsewhere, not bytes")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path, stream: bool) -> None:
    """As all names with an umlaut are that Python takes for ASCII."""
    path = tmp_path / os.fsdecode(b"h\xe4user.csv")
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"^FILE must have a name that is read as UTF-8, .*; .* PYTHONUTF8=1, or"):
        open_blocks(path) if stream else read_table(path)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, "t.csv", CONTENTS["t.csv"])
    monkeypatch.setattr(Path, "open", refused)  # root may read whatever it likes
    with pytest.raises(
        InputError, match=r"t\.csv must be a file that you may read, got Permission denied; ask its owner"
    ):
        read_table(path)


def test_an_arrow_stream_is_read_as_a_file_is(tmp_path: Path) -> None:
    path = written(tmp_path, "t.arrow", frame_bytes("write_ipc_stream"))
    assert read_table(path).equals(FRAME)
    assert pl.concat(table_batches(path, 2)).equals(FRAME)


def test_numbers_in_half_precision_name_whole_classes_and_have_gaps(tmp_path: Path) -> None:
    values = np.array([[1.0], [np.nan]], np.float16)
    column = read_table(written(tmp_path, "t.npy", numpy_bytes(np.save, values)))["column_1"]
    assert (texts(column).to_list(), missing(column).to_list()) == (["1", None], [False, True])


def test_a_folder_and_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FILE must be a file, got the folder"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="FILE must be a file that exists, got"):
        read_table(tmp_path / "t.csv")
    with pytest.raises(InputError, match=r"FILE must be one file, got the pattern '.*\*\.csv'; take them one by"):
        read_table(tmp_path / "*.csv")


@pytest.mark.slow
def test_a_table_of_ten_thousand_columns_is_read(tmp_path: Path) -> None:
    names = ",".join(f"c{k}" for k in range(10_000))
    row = ",".join(map(str, range(10_000)))
    frame = read_table(written(tmp_path, "t.csv", f"{names}\n{row}\n{row}\n".encode()))
    assert frame.shape == (2, 10_000)
    assert frame["c9999"].to_list() == [9999, 9999]


@pytest.mark.parametrize("size", [1, 7, 16, 2**22])
@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n\r\n\r\n3,4",
        'a,b\n"1\n,2",x\n"say ""so""","\n\n"\n5,6\n\n\n7,8\n',
        "\ufeffa,b\n\n1,2\n\n\n",
        "a\n1\n\n2\n3\n",
        "7;8\n9;10\n11;12\n",
        "a title\na\tb\n1\t2\n3\t4\n",
    ],
)
def test_parts_are_those_of_the_whole_however_short_the_runs_of_lines(
    content: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And empty rows are as many, wherever a run begins."""
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode())
    with warnings.catch_warnings(record=True, action="always") as of_whole:
        whole = read_table(path, as_text=("a", "b", "7", "8", "column_1", "column_2"))
    monkeypatch.setattr(separated, "RUN_BYTES", size)
    with warnings.catch_warnings(record=True, action="always") as of_parts:
        parts = list(table_batches(path, 2))
    assert max(part.height for part in parts) <= 2
    assert pl.concat(parts).equals(whole)
    assert [str(one.message) for one in of_parts] == [str(one.message) for one in of_whole]


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_changes_between_two_parts_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those below would be other rows, or fewer."""
    monkeypatch.setattr(separated, "RUN_BYTES", 1)
    path = written(tmp_path, name, CONTENTS[name])
    parts = table_batches(path, 1)
    next(parts)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(InputError, match=r"must stay as it is while its rows are read, got another size .* begin anew"):
        list(parts)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
def test_rows_are_read_when_their_part_is_asked_for(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies further down is damaged only after the first part, by the same number of bytes at the same time."""
    monkeypatch.setattr(block_files, "MOST_ROWS", 1000)
    path, frame = tmp_path / name, pl.DataFrame({"a": np.arange(10_000)})
    if name == "t.parquet":
        frame.write_parquet(path, row_group_size=1000)
    else:
        frame.write_ipc(path, record_batch_size=1000)
    parts, time = table_batches(path, 1000), path.stat().st_mtime_ns
    next(parts)
    content = path.read_bytes()
    middle = len(content) // 4
    path.write_bytes(content[:middle] + bytes(2 * middle) + content[3 * middle :])
    os.utime(path, ns=(time, time))
    with pytest.raises(InputError, match="that can be read, got an error"):
        list(parts)
