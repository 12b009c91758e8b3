"""The drawing of a graph."""

import itertools

import pytest

from fivestep.plots.autograd_graph import autograd_graph
from tests.plots.drawn import has_two_themes, words

ROWS = [[("n0", "Mean", "operation")], [("n1", "Addmm", "operation")], [("n2", "W (1, 2)", "parameter")]]
EDGES = [("n0", "n1"), ("n1", "n2")]


def test_every_box_and_every_arrow_is_drawn() -> None:
    axes = autograd_graph(ROWS, EDGES).axes[0]
    assert words(axes) == ["Mean", "Addmm", "W (1, 2)"]
    assert len([text for text in axes.texts if not text.get_text()]) == len(EDGES)


def test_the_loss_is_on_top_and_parameters_are_in_another_color() -> None:
    boxes = [text for text in autograd_graph(ROWS, EDGES).axes[0].texts if text.get_text()]
    heights = [text.get_position()[1] for text in boxes]
    colors = [text.get_bbox_patch().get_edgecolor() for text in boxes]
    assert heights == sorted(heights, reverse=True)
    assert colors[0] == colors[1] != colors[2]


@pytest.mark.parametrize("number", [2, 9, 60])
def test_boxes_side_by_side_do_not_overlap(number: int) -> None:
    row = [(f"n{k}", f"0.members.{k}.2.bias (1,)" if k % 2 else "Add", "parameter") for k in range(1, number + 1)]
    figure = autograd_graph([[("n0", "Stack", "operation")], row], [("n0", key) for key, *_ in row])
    figure.draw_without_rendering()
    patches = [text.get_bbox_patch() for text in figure.axes[0].texts if text.get_text()]
    boxes = [patch.get_window_extent() for patch in patches if patch is not None][1:]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))
    assert boxes[0].x0 >= 0
    assert boxes[-1].x1 <= figure.bbox.width


def test_it_can_be_dark() -> None:
    assert has_two_themes(autograd_graph(ROWS, EDGES), autograd_graph(ROWS, EDGES, dark=True))
