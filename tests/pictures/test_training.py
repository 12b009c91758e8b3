"""Pictures for which a training is repeated."""

import pytest

from fivestep import plot
from fivestep.check import InputError
from fivestep.ensemble import ensemble_of
from fivestep.pictures._base import Subject, suited_kinds
from fivestep.train import train
from tests.samples import small_engine, small_plan, three_classes

KINDS = ["gradient-flow", "update-ratios", "activation-histograms", "landscape-2d"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_training_of_several_networks_is_not_repeated(kind: str) -> None:
    members = [small_engine("scratch", small_plan()) for _ in range(2)]
    for member in members:
        member.draws.step = 3
    assert kind in suited_kinds(Subject(members[0], three_classes()))
    assert kind not in suited_kinds(Subject(ensemble_of(members), three_classes()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_beyond_the_plan_of_its_engine_is_not_repeated(kind: str) -> None:
    """Led there by another plan, or by hand: what those steps were is not known."""
    engine, data = small_engine("scratch", small_plan()), three_classes()
    list(train(engine, data, small_plan()))
    assert kind in suited_kinds(Subject(engine, data))
    engine.train_step(data.train.x, data.train.y)
    assert kind not in suited_kinds(Subject(engine, data))
    with pytest.raises(InputError, match="the 12 steps of the engine's plan, got 13 steps"):
        plot(engine, kind, data=data)
