"""The picture: lr range."""

from fivestep.pictures._base import Subject
from fivestep.range_test import lr_range_test
from tests.pictures.conftest import draw
from tests.plots.drawn import lines


def test_losses_are_those_of_the_range_test_from_the_start(moons: Subject) -> None:
    axes = draw(moons, "lr-range:num_steps=20").axes[0]
    found = lr_range_test(moons.starting_engine(), moons.data, moons.engine.plan, num_steps=20)
    assert lines(axes)["loss of the step"].T.tolist() == [list(found.rates), list(found.losses)]
