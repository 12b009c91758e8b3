"""The model is trained in evaluation mode."""

import pytest
from torch import nn

from tests.doctor.loops import classify, findings, net, signs


def stirred() -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(0.1), net())


def test_a_model_that_is_trained_in_evaluation_mode() -> None:
    (found,) = findings(lambda: classify(stirred().eval()))
    assert found.sign == "evaluation mode in training"
    assert "in all 30 rounds seen that trained it: 0 (BatchNorm1d), 1 (Dropout)" in found.seen


@pytest.mark.parametrize("model", [stirred(), net().eval()], ids=["in training mode", "no layer to which it matters"])
def test_models_that_are_trained_well(model: nn.Module) -> None:
    assert signs(lambda: classify(model)) == []
