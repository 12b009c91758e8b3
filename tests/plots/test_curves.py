"""The picture of a run: what is drawn, and what is left out."""

import io

import pytest

from fivestep.plots.curves import COLORS, curves

HISTORY = {
    "epoch": [1, 2, 3],
    "train_loss": [3.0, 2.0, 1.0],
    "valid_loss": [3.5, None, 1.5],
    "train_accuracy": [0.1, 0.2, 0.3],
    "valid_accuracy": [0.1, 0.2, 0.3],
}


def test_losses_and_accuracies_have_a_panel_each() -> None:
    assert [axes.get_ylabel() for axes in curves(HISTORY).axes] == ["loss", "accuracy"]


def test_every_series_is_drawn_against_its_epochs() -> None:
    train, valid = curves(HISTORY).axes[0].get_lines()
    assert (train.get_label(), valid.get_label()) == tuple(COLORS)
    assert list(train.get_xdata()) == [1, 2, 3]
    assert list(train.get_ydata()) == [3, 2, 1]
    assert list(valid.get_ydata())[::2] == [3.5, 1.5]


def test_numbers_have_no_accuracy_and_no_empty_panel() -> None:
    figure = curves({**HISTORY, "train_accuracy": [None] * 3, "valid_accuracy": [None] * 3})
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss"]


def test_without_a_validation_part_there_is_one_line() -> None:
    figure = curves({**HISTORY, "valid_loss": [None] * 3})
    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["train"]


@pytest.mark.parametrize(("num_epochs", "marker"), [(30, "o"), (31, "None")])
def test_few_epochs_are_marked_one_by_one(num_epochs: int, marker: str) -> None:
    history = {"epoch": list(range(num_epochs)), "train_loss": [1.0] * num_epochs}
    assert curves(history).axes[0].get_lines()[0].get_marker() == marker


def test_the_picture_can_be_written() -> None:
    file = io.BytesIO()
    curves(HISTORY, title="moons: MLP").savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
