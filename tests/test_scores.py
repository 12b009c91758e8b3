"""What is measured of several targets, as it is named and shown; the figures are held in `cli/test_several_targets`."""

import pytest

from fivestep.epoch import Evaluation
from fivestep.scores import Measured, written

RMSE = Measured(Evaluation(0.5, None, {"rmse": 20_000.0, "r2": 0.5}), {"a": {"rmse": 40_000.0, "r2": 0.25}})
ACCURACY = Measured(Evaluation(0.5, 0.75, {"accuracy": 0.75}), {"a": {"accuracy": 1.0}, "b": {"accuracy": 0.5}})


def test_figures_of_a_target_are_named_after_it() -> None:
    figures = {"loss": 0.5, "accuracy": None, "rmse": 20_000.0, "r2": 0.5, "rmse_a": 40_000.0, "r2_a": 0.25}
    assert RMSE.figures() == figures


def test_each_target_is_a_line() -> None:
    assert RMSE.by_target() == (["rmse", "r2"], [["a", "40,000", "0.2500"]])
    assert ACCURACY.by_target() == (["accuracy"], [["a", "1.0000"], ["b", "0.5000"]])


@pytest.mark.parametrize(
    ("measured", "sentence"),
    [
        (RMSE, "rmse and r2 above are means over the targets, whatever their units."),
        (ACCURACY, "accuracy above is the mean over the targets."),
    ],
)
def test_what_stands_for_all_targets_is_said_to_be_a_mean(measured: Measured, sentence: str) -> None:
    assert measured.of_means() == sentence


def test_what_was_not_measured_is_nothing() -> None:
    assert (written("accuracy", None), written("mae", 12_345.6), written("loss", 12_345.6)) == (
        *("", "12,346"),
        "12345.6000",
    )
