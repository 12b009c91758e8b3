"""`fivestep predict` on several files, for a run that was trained on named columns."""

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.fixture
def trained(fivestep: Command, tmp_path: Path) -> Path:
    lines = (f"k{n:03},{n % 7},{n}.5" for n in range(60))
    (tmp_path / "t.csv").write_text("\n".join(["key,a,price", *lines, ""]))
    assert fivestep("train", "t.csv", "--target", "price", "--epochs", 1, "--out", "run").code == 0
    return tmp_path / "run"


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(text.splitlines()))


def test_pattern_predicts_the_rows_of_its_files_in_their_order(
    fivestep: Command, tmp_path: Path, trained: Path
) -> None:
    (tmp_path / "all.csv").write_text("key,a\nx,1\ny,2\nz,3\n")
    (tmp_path / "new-1.csv").write_text("key,a\nx,1\n")
    (tmp_path / "new-2.csv").write_text("a,key\n2,y\n3,z\n")
    told = fivestep("predict", trained, "new-*.csv", "-o", "p.csv")
    assert (told.code, told.err) == (0, "The predictions of price for 3 rows are in p.csv\n")
    whole, parts = rows(fivestep("predict", trained, "all.csv").out), rows((tmp_path / "p.csv").read_text())
    assert [row["key"] for row in parts] == ["x", "y", "z"]
    assert [float(row["prediction"]) for row in parts] == pytest.approx([float(row["prediction"]) for row in whole])


def test_what_is_wrong_in_one_of_several_files_is_said_with_its_name(
    fivestep: Command, tmp_path: Path, trained: Path
) -> None:
    (tmp_path / "new-1.csv").write_text("key,a\nx,1\n")
    (tmp_path / "new-2.csv").write_text("key,a\ny,1\nz,much\n")
    code, _, err = fivestep("predict", trained, "new-*.csv", "-o", "p.csv")
    assert (code, "in new-2.csv, column 'a' must hold numbers, such as 1234.5, got 'much' in row 2" in err) == (2, True)
    assert not (tmp_path / "p.csv").exists()


def test_files_that_do_not_all_have_a_column_to_keep_are_refused_if_it_was_asked_for(
    fivestep: Command, tmp_path: Path, trained: Path
) -> None:
    (tmp_path / "new-1.csv").write_text("key,a\nx,1\n")
    (tmp_path / "new-2.csv").write_text("a\n1\n")
    assert [row["key"] for row in rows(fivestep("predict", trained, "new-*.csv").out)] == ["x", ""]
    code, _, err = fivestep("predict", trained, "new-*.csv", "-o", "p.csv", "--keep", "key")
    assert (code, "in new-2.csv, a column in --keep must be one of a, got 'key'" in err) == (2, True)


def test_column_that_training_never_had_is_said_of_the_first_file_with_it(
    fivestep: Command, tmp_path: Path, trained: Path
) -> None:
    for number, names in enumerate(["key,a,b", "key,a,b,c", "key,a,c"]):
        (tmp_path / f"new-{number}.csv").write_text(f"{names}\n{','.join('1' for _ in names.split(','))}\n")
    with pytest.warns(UserWarning, match="not trained") as told:
        assert fivestep("predict", trained, "new-*.csv", "-o", "p.csv").code == 0
    assert [str(one.message) for one in told if "not trained" in str(one.message)] == [
        "the network was not trained on the column 'b'; left out.",
        "in new-1.csv, the network was not trained on the column 'c'; left out.",
    ]


def test_identifier_that_the_first_file_lacks_is_not_kept(fivestep: Command, tmp_path: Path, trained: Path) -> None:
    (tmp_path / "new-1.csv").write_text("a\n1\n")
    (tmp_path / "new-2.csv").write_text("key,a\ny,1\n")
    lines = fivestep("predict", trained, "new-*.csv").out.splitlines()
    assert [lines[0], len(lines), lines[1] == lines[2]] == ["prediction", 3, True]


def test_output_with_the_name_of_an_input_is_refused(fivestep: Command, tmp_path: Path, trained: Path) -> None:
    (tmp_path / "new-1.csv").write_text("a\n1\n")
    code, _, err = fivestep("predict", trained, "new-*.csv", "-o", "new-1.csv")
    assert (code, "--out must be another file than the one to read" in err) == (2, True)


def test_pattern_without_a_file_is_refused(fivestep: Command, trained: Path) -> None:
    code, _, err = fivestep("predict", trained, "new-*.csv")
    assert (code, "FILE must be a pattern that fits a file, got 'new-*.csv'" in err) == (2, True)
