"""Runs beside each other."""

from itertools import pairwise

from matplotlib.contour import ContourSet

from fivestep.plots.side_by_side import side_by_side
from tests.plots.drawn import has_two_themes, legend, lines
from tests.plots.surfaces import surface

HISTORIES = {
    "linear": {"epoch": [1, 2], "train_loss": [2.0, 1.5], "train_accuracy": [0.5, 0.6], "valid_loss": [None, None]},
    "MLP": {"epoch": [1, 2], "train_loss": [2.0, 0.5], "train_accuracy": [0.5, 0.9], "valid_loss": [None, None]},
}
SURFACES = {"linear": surface(), "MLP": surface()}


def test_each_run_is_a_line_in_each_panel() -> None:
    loss, accuracy = side_by_side(HISTORIES, {}).axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("training loss", "training accuracy")
    assert legend(loss) == legend(accuracy) == ["linear", "MLP"]
    assert lines(loss)["MLP"].tolist() == [[1, 2.0], [2, 0.5]]


def test_the_validation_part_is_shown_where_all_have_one() -> None:
    both = {name: {**history, "valid_loss": [1.0, 2.0]} for name, history in HISTORIES.items()}
    assert side_by_side(both, {}).axes[0].get_ylabel() == "validation loss"


def test_each_run_has_its_boundary_with_its_figures() -> None:
    figure = side_by_side(HISTORIES, SURFACES, ["a", "b"], "moons", loss_unit="nats")
    titles = [axes.get_title() for axes in figure.axes[2:]]
    assert titles == ["linear\nloss 1.500, accuracy 0.600", "MLP\nloss 0.500, accuracy 0.900"]
    assert all(any(isinstance(one, ContourSet) for one in axes.collections) for axes in figure.axes[2:])
    assert figure.axes[0].get_ylabel() == "training loss (nats)"


def test_numbers_have_no_panel_of_accuracies() -> None:
    of_numbers = {name: {**history, "train_accuracy": [None, None]} for name, history in HISTORIES.items()}
    assert len(side_by_side(of_numbers, {}).axes) == 1


def test_it_can_be_dark() -> None:
    assert has_two_themes(side_by_side(HISTORIES, {}), side_by_side(HISTORIES, {}, dark=True))


def test_words_of_a_boundary_do_not_cover_the_curves_above_or_those_beside_them() -> None:
    histories = dict.fromkeys(("a", "b", "c"), HISTORIES["MLP"])
    figure = side_by_side(histories, dict.fromkeys(histories, surface()), ["a", "b"], "moons")
    figure.draw_without_rendering()
    edges = [axes.title.get_window_extent() for axes in figure.axes[2:]]
    assert all(one.x1 < other.x0 for one, other in pairwise(edges))
    curves, boundaries = figure.axes[:2], figure.axes[2:]
    lowest = min(axes.get_tightbbox().y0 for axes in curves)
    assert max(axes.get_tightbbox().y1 for axes in boundaries) <= lowest


def test_a_run_of_one_epoch_is_a_mark() -> None:
    history = {"epoch": [1], "train_loss": [2.0], "train_accuracy": [0.5]}
    assert all(axes.get_lines()[0].get_marker() == "o" for axes in side_by_side({"short": history}, {}).axes)
