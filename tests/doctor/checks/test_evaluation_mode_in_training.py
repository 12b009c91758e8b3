"""The model is trained in evaluation mode."""

import itertools

import pytest
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from fivestep.doctor._window import EVERY, FIRST
from tests.doctor.loops import classify, findings, net, rows, signs, train


def stirred() -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(0.1), net())


def test_a_model_that_is_trained_in_evaluation_mode() -> None:
    (found,) = findings(lambda: classify(stirred().eval()))
    assert found.sign == "evaluation mode in training"
    assert "in all 30 rounds seen that trained it: 0 (BatchNorm1d), 1 (Dropout)" in found.seen


@pytest.mark.parametrize("model", [stirred(), net().eval()], ids=["in training mode", "no layer to which it matters"])
def test_models_that_are_trained_well(model: nn.Module) -> None:
    assert signs(lambda: classify(model)) == []


@pytest.mark.parametrize("after", [5, 40])
def test_one_that_is_left_in_evaluation_mode_after_an_evaluation(after: int) -> None:
    model, (x, y), times = stirred(), rows(), itertools.count(1)

    def loss() -> Tensor:
        number, value = next(times), F.cross_entropy(model(x), y)
        if number == after:
            model.eval()
        return value

    (found,) = findings(lambda: train(model, loss, steps=400))
    assert found.sign == "evaluation mode in training"
    first = after if after < FIRST else EVERY
    assert f"rounds seen that trained it, the first time after {first} updates: 0 (BatchNorm1d)" in found.seen


def test_an_attack_in_evaluation_mode_before_each_update_in_training_mode() -> None:
    model, (x, y) = stirred(), rows()

    def loss() -> Tensor:
        model.eval()
        near = x.clone().requires_grad_()
        F.cross_entropy(model(near), y).backward()
        model.train()
        return F.cross_entropy(model(x + 0.01 * near.grad.sign()), y)

    assert signs(lambda: train(model, loss)) == []
