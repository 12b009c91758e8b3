"""Outputs are dropped."""

import pytest
from torch import nn

from tests.doctor.loops import classify, findings, net, signs


def test_a_dropout_after_the_last_layer() -> None:
    (found,) = findings(lambda: classify(nn.Sequential(net(), nn.Dropout(0.5)), lr=0.3))
    assert found.sign == "dropout on outputs"
    assert found.where is not None


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3)),
        nn.Sequential(net(), nn.Dropout(0.0)),
    ],
    ids=["before the last layer", "of nothing"],
)
def test_another(model: nn.Module) -> None:
    assert signs(lambda: classify(model, steps=60, lr=0.3)) == []
