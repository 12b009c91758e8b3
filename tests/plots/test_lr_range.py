"""The picture of a range test."""

import pytest

from fivestep.plots.lr_range import lr_range

RATES, LOSSES, SMOOTHED = [1e-3, 1e-2, 1e-1, 1.0], [2.0, 1.5, 1.0, 90.0], [2.0, 1.6, 1.2, 40.0]


def test_both_losses_are_drawn_against_the_rate_on_a_logarithmic_axis() -> None:
    axes = lr_range(RATES, LOSSES, SMOOTHED).axes[0]
    assert [line.get_label() for line in axes.lines] == ["loss of the step", "smoothed"]
    assert [list(line.get_xdata()) for line in axes.lines] == [RATES, RATES]
    assert [list(line.get_ydata()) for line in axes.lines] == [LOSSES, SMOOTHED]
    assert axes.get_xscale() == "log"


def test_the_suggestion_is_a_line_with_its_value() -> None:
    figure = lr_range(RATES, LOSSES, SMOOTHED, 0.0123, title="moons")
    assert figure.axes[0].lines[-1].get_label() == "suggested: 0.012"
    assert figure.get_suptitle() == "moons"


def test_a_loss_that_bursts_does_not_hide_the_fall() -> None:
    """From 2.0 it falls by 0.8, so the picture ends 0.8 above."""
    assert lr_range(RATES, LOSSES, SMOOTHED).axes[0].get_ylim()[1] == pytest.approx(2.8)


@pytest.mark.parametrize("num_steps", [0, 1])
def test_a_test_that_ended_at_once_is_drawn_too(num_steps: int) -> None:
    assert lr_range(RATES[:num_steps], LOSSES[:num_steps], SMOOTHED[:num_steps]).axes


def test_a_first_loss_that_happens_to_be_low_does_not_hide_the_others() -> None:
    """Before the lowest, half of the smoothed losses are 1.4 or more: the picture ends at 2 * 1.4 - 0.5."""
    smoothed = [0.6, 1.5, 1.4, 1.5, 0.5, 3.0]
    axes = lr_range([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0], smoothed, smoothed).axes[0]
    assert axes.get_ylim()[1] == pytest.approx(2.3)
