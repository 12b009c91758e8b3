"""Pictures for which a training is repeated."""

import pytest

from fivestep.ensemble import ensemble_of
from fivestep.pictures._base import Subject, suited_kinds
from tests.samples import small_engine, small_plan, three_classes


@pytest.mark.parametrize("kind", ["gradient-flow", "update-ratios", "activation-histograms", "landscape-2d"])
def test_the_training_of_several_networks_is_not_repeated(kind: str) -> None:
    members = [small_engine("scratch", small_plan()) for _ in range(2)]
    for member in members:
        member.draws.step = 3
    assert kind in suited_kinds(Subject(members[0], three_classes()))
    assert kind not in suited_kinds(Subject(ensemble_of(members), three_classes()))
