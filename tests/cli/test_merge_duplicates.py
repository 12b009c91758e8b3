"""`fivestep train --merge-duplicates`: what it says, and what it refuses."""

import pytest

from tests.cli.conftest import Command


def test_merging_says_how_many_rows_became_how_many(fivestep: Command) -> None:
    code, out, _ = fivestep("train", "iris", "--epochs", 2, "--merge-duplicates")
    assert code == 0
    assert "Merged 90 training rows into 89 different ones, weighted by their number." in out


def test_merging_says_when_there_was_nothing_to_merge(fivestep: Command) -> None:
    out = fivestep("train", "wine", "--epochs", 2, "--merge-duplicates").out
    assert "Merged nothing: all 106 training rows are different." in out


def test_merging_is_kept_in_the_run(fivestep: Command) -> None:
    fivestep("train", "iris", "--epochs", 2, "--merge-duplicates", "--out", "run")
    assert fivestep("evaluate", "run").code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("iris", "--dropout", 0.5), "merge_duplicates must be used with layers that take each row by itself, got"),
        (("sum",), "rows must be the same in every epoch to be merged, got task 'sum', whose rows are drawn fresh"),
    ],
)
def test_merging_what_cannot_be_merged_is_one_sentence(fivestep: Command, arguments: tuple, sentence: str) -> None:
    code, _, err = fivestep("train", *arguments, "--epochs", 2, "--merge-duplicates")
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
