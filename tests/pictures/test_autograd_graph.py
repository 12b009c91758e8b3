"""The picture: autograd graph."""

import pytest

from fivestep.find import names
from fivestep.net import FeedForward
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
from tests.plots.drawn import words
from tests.samples import small_engine, small_net, small_plan, three_classes


def test_every_parameter_is_in_the_graph(untrained: Subject) -> None:
    shown = words(draw(untrained, "autograd-graph").axes[0])
    assert {"0.weight (8, 2)", "0.bias (8,)", "2.weight (1, 8)", "2.bias (1,)", "TanhBackward0"} <= set(shown)


def test_a_layer_of_layers_shows_its_parameters() -> None:
    engine = small_engine("scratch", small_plan(), FeedForward(4, residual=True))
    shown = words(draw(Subject(engine, three_classes()), "autograd-graph").axes[0])
    assert {"0.body.0.weight (16, 4)", "0.body.2.bias (4,)", "AddBackward0"} <= set(shown)


@pytest.mark.parametrize("activation", names("activations"))
def test_the_graph_of_every_activation_can_be_drawn(activation: str) -> None:
    engine = small_engine("scratch", small_plan(), small_net(activation=activation))
    assert draw(Subject(engine, three_classes()), "autograd-graph").axes
