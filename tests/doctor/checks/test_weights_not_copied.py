"""The best weights are those of the end."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from tests.doctor.loops import classify, findings, net, signs


def loop(keep: Callable[[nn.Module], Any]) -> None:
    model = net()
    classify(model, steps=5)
    best = keep(model)
    classify(model, steps=7)
    model.load_state_dict(best)


def test_the_weights_themselves() -> None:
    (found,) = findings(lambda: loop(lambda model: model.state_dict()))
    assert found.sign == "weights not copied"
    assert "its state_dict() of 7 updates before" in found.seen
    assert str(found.where).endswith("model.load_state_dict(best)")


@pytest.mark.parametrize(
    "keep",
    [
        lambda model: copy.deepcopy(model.state_dict()),
        lambda model: {name: p.clone() for name, p in model.state_dict().items()},
        lambda _: net().state_dict(),
    ],
    ids=["deepcopy", "clone", "of another"],
)
def test_copies(keep: Callable[[nn.Module], Any]) -> None:
    assert signs(lambda: loop(keep)) == []


def test_weights_that_were_asked_for_at_once() -> None:
    model = net()
    assert signs(lambda: (classify(model), model.load_state_dict(model.state_dict()))) == []
