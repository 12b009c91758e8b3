"""The drawing of a network."""

from fivestep.plots._column import Column
from fivestep.plots.network import MOST_UNITS, network
from tests.plots.drawn import has_two_themes, words

COLUMNS = [
    Column("input x", 2, "(N, 2)"),
    Column("Linear", 3, "(N, 3)", ("weight (3, 2)", "bias (3,)")),
    Column("ReLU", 3, "(N, 3)", is_dense=False),
]


def test_units_are_circles_and_layers_have_their_words() -> None:
    axes = network(COLUMNS).axes[0]
    assert [len(cloud.get_offsets()) for cloud in axes.collections] == [2, 3, 3]
    assert words(axes) == ["input x", "(N, 2)", "Linear", "(N, 3)\nweight (3, 2)\nbias (3,)", "ReLU", "(N, 3)"]


def test_a_linear_layer_leads_from_each_to_each_and_an_activation_from_each_to_its_own() -> None:
    assert len(network(COLUMNS[:2]).axes[0].get_lines()) == 2 * 3
    assert len(network(COLUMNS).axes[0].get_lines()) == 2 * 3 + 3


def test_of_a_wide_layer_some_units_are_drawn_and_the_number_is_written() -> None:
    axes = network([Column("wide", 1000, "(N, 1000)"), Column("one", 1, "(N, 1)")]).axes[0]
    assert len(axes.collections[0].get_offsets()) == MOST_UNITS
    assert "... 1,000 in all" in words(axes)


def test_it_can_be_dark() -> None:
    assert has_two_themes(network(COLUMNS), network(COLUMNS, dark=True))


def test_words_of_many_layers_do_not_run_into_each_other() -> None:
    """Those of the recipe for tables: thirteen columns."""
    column = Column("layer 11\nNTKLinear, logits", 256, "(N, 256)", ("frequency (18, 16)", "bias (256,)"))
    figure = network([column] * 13)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not [(a, b) for k, a in enumerate(boxes) for b in boxes[:k] if a.overlaps(b)]
