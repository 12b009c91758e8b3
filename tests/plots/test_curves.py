"""The picture of a run: what is drawn, and what is left out."""

import io
import math

import pytest

from fivestep.find import build
from fivestep.plots.curves import PARTS, curves
from tests.plots.drawn import has_free_axes, has_two_themes, labels, legend

HISTORY = {
    "epoch": [1, 2, 3],
    "train_loss": [3.0, 2.0, 1.0],
    "valid_loss": [3.5, None, 1.5],
    "train_accuracy": [0.1, 0.2, 0.3],
    "valid_accuracy": [0.1, 0.2, 0.3],
}


def test_losses_and_accuracies_have_a_panel_each() -> None:
    assert [labels(axes) for axes in curves(HISTORY).axes] == [("epoch", "loss"), ("epoch", "accuracy")]


def test_the_unit_of_the_loss_stands_beside_it() -> None:
    assert curves(HISTORY, loss_unit="nats").axes[0].get_ylabel() == "loss (nats)"


def test_every_series_is_drawn_against_its_epochs() -> None:
    train, valid, _ = curves(HISTORY).axes[0].get_lines()
    assert (train.get_label(), valid.get_label()) == PARTS
    assert list(train.get_xdata()) == [1, 2, 3]
    assert list(train.get_ydata()) == [3, 2, 1]
    assert list(valid.get_ydata())[::2] == [3.5, 1.5]


def test_a_single_epoch_is_the_only_tick() -> None:
    figure = curves({name: values[:1] for name, values in HISTORY.items()})
    figure.draw_without_rendering()
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    assert [place for place in axes.get_xticks() if low <= place <= high] == [1]


def test_the_best_validation_loss_is_marked() -> None:
    best = curves({**HISTORY, "valid_loss": [3.5, 1.25, 1.5]}).axes[0].get_lines()[2]
    assert best.get_label() == "best: 1.25 after epoch 2"
    assert (list(best.get_xdata()), list(best.get_ydata())) == ([2], [1.25])


def test_the_best_of_what_is_monitored_is_marked_instead() -> None:
    scored = {**HISTORY, "train_f1": [0.4, 0.5, 0.6], "valid_f1": [0.2, 0.6, 0.5]}
    loss, _, score = curves(scored, monitor="f1", best=2).axes
    assert [len(axes.get_lines()) for axes in (loss, score)] == [2, 3]
    assert score.get_lines()[2].get_label() == "best: 0.6 after epoch 2"


def test_the_legends_cover_nothing() -> None:
    assert has_free_axes(curves({**HISTORY, "lr": [0.1, 0.05, 0.01], "train_f1": [0.1, 0.2, 0.3]}))


def test_numbers_have_no_accuracy_and_no_empty_panel() -> None:
    figure = curves({**HISTORY, "train_accuracy": [None] * 3, "valid_accuracy": [None] * 3})
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss"]


def test_without_a_validation_part_there_is_one_line() -> None:
    figure = curves({**HISTORY, "valid_loss": [None] * 3})
    assert legend(figure.axes[0]) == ["train"]


def test_a_rate_that_moves_and_a_gradient_have_panels() -> None:
    figure = curves({**HISTORY, "lr": [0.1, 0.05, 0.01], "gradient_norm": [3.0, 2.0, 1.0]})
    assert [axes.get_ylabel() for axes in figure.axes[2:]] == ["learning rate (per step)", "norm of the gradient"]


def test_a_rate_that_stands_still_has_none() -> None:
    assert len(curves({**HISTORY, "lr": [0.1, 0.1, 0.1]}).axes) == 2


@pytest.mark.parametrize(("last", "scale"), [(0.2, "linear"), (0.05, "log"), (1e300, "linear"), (math.inf, "linear")])
def test_a_loss_over_many_magnitudes_is_drawn_on_a_logarithmic_axis(last: float, scale: str) -> None:
    history = {"epoch": [1, 2], "train_loss": [3.0, last]}
    figure = curves(history)
    figure.savefig(io.BytesIO())
    assert figure.axes[0].get_yscale() == scale


@pytest.mark.parametrize(("schedule", "scale"), [
    ("cosine", "linear"),
    ("one_cycle", "linear"),
    ("polynomial:power=2", "linear"),
    ("cosine_restarts", "linear"),
    ("exponential", "log"),
    ("exponential:final=0.001", "log"),
    ("step:every=0.25", "log"),
])  # fmt: skip
def test_rates_that_only_end_near_zero_are_drawn_on_a_linear_axis(schedule: str, scale: str) -> None:
    factors = build("schedules", schedule)
    rates = [factors.factor(step, 400) for step in range(9, 400, 10)]  # the last step of each of forty epochs
    history = {"epoch": list(range(1, 41)), "train_loss": [1.0] * 40, "lr": rates}
    assert curves(history).axes[1].get_yscale() == scale


def test_one_small_rate_of_few_makes_no_logarithmic_axis() -> None:
    history = {"epoch": [1, 2, 3], "train_loss": [1.0] * 3, "lr": [0.9, 0.5, 0.001]}
    assert curves(history).axes[1].get_yscale() == "linear"


@pytest.mark.parametrize(("num_epochs", "marker"), [(30, "o"), (31, "None")])
def test_few_epochs_are_marked_one_by_one(num_epochs: int, marker: str) -> None:
    history = {"epoch": list(range(num_epochs)), "train_loss": [1.0] * num_epochs}
    assert curves(history).axes[0].get_lines()[0].get_marker() == marker


def test_it_can_be_dark() -> None:
    assert has_two_themes(curves(HISTORY), curves(HISTORY, dark=True))


def test_the_picture_can_be_written() -> None:
    file = io.BytesIO()
    curves(HISTORY, title="moons: MLP").savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")


def test_losses_that_are_nearly_the_same_are_written_in_full() -> None:
    axes = curves({"epoch": [1], "train_loss": [0.66159], "valid_loss": [0.66152]}).axes[0]
    axes.figure.draw_without_rendering()
    written = [text.get_text() for text in axes.get_yticklabels()]
    assert axes.yaxis.get_offset_text().get_text() == ""
    assert all(text.startswith("0.66") for text in written)
