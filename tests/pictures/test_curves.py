"""The picture: curves."""

import pytest

from fivestep.pictures._base import Subject
from fivestep.replay import gradient_of
from fivestep.steps import upcoming_steps
from tests.pictures.conftest import draw
from tests.plots.drawn import lines


def test_curves_are_those_of_the_history(moons: Subject) -> None:
    axes = draw(moons, "curves").axes[0]
    assert axes.get_ylabel() == "loss (nats)"
    assert lines(axes)["train"].tolist() == [[epoch.index, epoch.train_loss] for epoch in moons.history]


def test_the_model_is_in_the_title(moons: Subject) -> None:
    assert draw(moons, "curves").get_suptitle() == "moons: MLP 2-8-1, tanh"
    assert draw(moons, "curves", title="mine").get_suptitle() == "mine"


def test_the_norm_of_the_gradient_comes_from_the_steps_themselves(line: Subject) -> None:
    norms = next(axes for axes in draw(line, "curves:gradient=true").axes if axes.get_ylabel().startswith("norm"))
    engine, data, plan = line.starting_engine(), line.data, line.engine.plan
    expected = []
    for upcoming in upcoming_steps(engine, data, plan, 0):
        if upcoming.number % 10 == 0:
            expected.append(gradient_of(engine, upcoming.batch).norm().item())
        engine.train_step(*upcoming.batch)
    assert norms.get_lines()[0].get_ydata() == pytest.approx(expected)
