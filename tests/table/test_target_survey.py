"""The target from one pass over blocks: what all rows together teach, moments of the training rows alone."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.table.survey import Place
from fivestep.table.target import ClassTarget, NumberTarget, fit_target
from fivestep.table.target_survey import TargetSurvey
from tests.tolerances import FORMULA

NUM_ROWS = 300


def learned(values: pl.Series, task: str | None = None, is_training: np.ndarray | None = None) -> TargetSurvey:
    """The target taken in, seventy rows at a time."""
    survey = TargetSurvey(values.head(40), task)
    training = np.ones(len(values), dtype=bool) if is_training is None else is_training
    for start in range(0, len(values), 70):
        part = values[start : start + 70]
        place = Place("a.csv", np.arange(start + 1, start + 1 + len(part)))
        survey.add(part, place, training[start : start + 70])
    return survey


def draw(values: object) -> pl.Series:
    return pl.Series("y", np.random.default_rng(0).choice(values, NUM_ROWS))  # type: ignore[call-overload]


TARGETS = {
    "words": (draw(["no", "yes", "perhaps"]), None),
    "whole numbers": (draw([0, 1, 2]), None),
    "numbers as text": (draw(["0", "1"]), None),
    "truth": (draw([True, False]), None),
    "numbers": (pl.Series("y", np.random.default_rng(0).normal(5e3, 2, NUM_ROWS)), None),
    "whole numbers as numbers": (draw([0, 1, 2]), "regression"),
    "numbers as classes": (draw([0.5, 1.5]), "classification"),
    "a few prices": (draw(["$1,200", "$900"]), None),
    "a few days": (pl.Series("y", [date(2024, 1, 1), date(2024, 1, 2)] * (NUM_ROWS // 2)), None),
    "a few durations": (pl.Series("y", [timedelta(minutes=1), timedelta(minutes=2)] * (NUM_ROWS // 2)), None),
    "durations as classes": (
        pl.Series("y", [timedelta(minutes=1), timedelta(minutes=2)] * (NUM_ROWS // 2)),
        "classification",
    ),
    "decimal commas": (pl.Series("y", [f"{k},5" for k in range(NUM_ROWS)]), None),
}


@pytest.mark.parametrize(("values", "task"), TARGETS.values(), ids=TARGETS)
def test_it_is_the_target_that_all_rows_together_teach(values: pl.Series, task: str | None) -> None:
    found, expected = learned(values, task).target(), fit_target(values, task)
    assert type(found) is type(expected)
    given, wanted = found.to_dict(), expected.to_dict()
    moments = [given.pop(name, 0.0) for name in ("mean", "deviation")]
    assert moments == pytest.approx([wanted.pop(name, 0.0) for name in ("mean", "deviation")], rel=FORMULA)
    assert given == wanted


def test_moments_are_those_of_the_training_rows_and_classes_those_of_all() -> None:
    y = np.random.default_rng(1).normal(1e6, 1.0, NUM_ROWS)
    is_training = np.random.default_rng(2).random(NUM_ROWS) < 0.5
    found = learned(pl.Series("y", y), None, is_training).target()
    assert isinstance(found, NumberTarget)
    assert (found.mean, found.deviation) == pytest.approx((y[is_training].mean(), y[is_training].std()), rel=1e-9)
    words = pl.Series("y", ["a"] * 150 + ["b"] * 150)
    classes = learned(words, None, np.arange(NUM_ROWS) < 150).target()
    assert isinstance(classes, ClassTarget)
    assert classes.classes == ("a", "b")


def test_a_target_that_is_always_the_same_in_the_training_part_has_the_deviation_one() -> None:
    values = pl.Series("y", [2.5] * (NUM_ROWS - 1) + [3.5])
    found = learned(values, "regression", np.arange(NUM_ROWS) < NUM_ROWS - 1).target()
    assert isinstance(found, NumberTarget)
    assert (found.mean, found.deviation) == (2.5, 1.0)


@pytest.mark.parametrize(
    ("values", "task", "sentence"),
    [
        (
            [f"row {k}" for k in range(NUM_ROWS)],
            None,
            "target 'y' must be classes with some rows each, or numbers, got",
        ),
        ([f"{k}:30" for k in range(NUM_ROWS)], None, "make numbers of it, such as seconds or days, or say --task"),
        ([1e300, -1e300] * 150, "regression", "target 'y' must hold numbers whose squares are finite"),
        ([1.0] * 200 + [np.inf] * 100, "regression", r"column 'y' of a\.csv must hold finite numbers, .* in row 201"),
        (
            ["1"] * 200 + ["x"] * 100,
            None,
            r"column 'y' of a\.csv must hold numbers, .* got 'x' in row 201; .*--task class",
        ),
    ],
)
def test_what_cannot_be_learned_is_refused(values: list[object], task: str | None, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        learned(pl.Series("y", values), task).target()
