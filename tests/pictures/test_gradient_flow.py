"""The picture: gradient flow."""

import pytest

from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
from tests.plots.drawn import legend, lines


def test_the_first_gradient_is_that_of_autograd(moons: Subject) -> None:
    engine = moons.starting_engine("nn")
    logits = engine.forward(moons.data.train.x.double())
    engine.loss(logits, moons.data.train.y)
    engine.zero_grad()
    engine.backward()
    drawn = lines(draw(moons, "gradient-flow:count=3").axes[0])
    for name in ("0.weight", "2.weight"):
        expected = engine.named_gradients()[name].square().mean().sqrt().item()
        assert drawn[name][0].tolist() == pytest.approx([1, expected])


def test_steps_go_from_the_first_to_the_last(moons: Subject) -> None:
    assert lines(draw(moons, "gradient-flow:count=3").axes[0])["0.weight"][:, 0].tolist() == [1, 30, 60]


def test_biases_are_shown_where_asked_for(moons: Subject) -> None:
    assert legend(draw(moons, "gradient-flow:count=2,biases=true").axes[0]) == [
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
    ]
