"""The picture: update ratios."""

import pytest

from fivestep.pictures._base import Subject
from fivestep.replay import gradient_of
from fivestep.steps import upcoming_steps
from tests.pictures.conftest import draw
from tests.plots.drawn import lines


def test_an_update_of_sgd_is_the_rate_times_the_gradient(moons_by_sgd: Subject) -> None:
    engine, plan = moons_by_sgd.starting_engine(), moons_by_sgd.engine.plan
    first = next(iter(upcoming_steps(engine, moons_by_sgd.data, plan, 0)))
    gradient_of(engine, first.batch)
    weight, gradient = engine.named_parameters()["0.weight"], engine.named_gradients()["0.weight"]
    drawn = lines(draw(moons_by_sgd, "update-ratios:count=2").axes[0])["0.weight"]
    assert drawn[0].tolist() == pytest.approx([1, (0.1 * gradient.norm() / weight.norm()).item()])
