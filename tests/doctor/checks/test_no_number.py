"""The loss is not a finite number."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import classify, findings, net, rows, signs, train


def loop(broken: float, lr: float = 0.1) -> None:
    (x, y), model = rows(), net()
    x[3, 2] = broken
    train(model, lambda: F.cross_entropy(model(x), y), steps=10, lr=lr)


def test_rows_with_a_hole() -> None:
    (found,) = findings(lambda: loop(float("nan")))
    assert found.sign == "no number"
    assert (
        "The loss is nan after 0 updates: what goes into Sequential has numbers in it that are not finite" in found.seen
    )


def test_a_logarithm_of_zero() -> None:
    x, model = torch.zeros(8, 6), net(1)

    def loss() -> Tensor:
        return (model(x).mean() * 0).log()

    (found,) = findings(lambda: train(model, loss, steps=3))
    assert found.sign == "no number"
    assert "while all inputs seen are finite" in found.seen


class Roots(nn.Module):
    """A root of what may be 0, between two layers."""

    def forward(self, x: Tensor) -> Tensor:
        return (x / x.detach()).sqrt()


def test_the_first_layer_whose_answer_is_no_number_is_named() -> None:
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), Roots(), nn.Linear(16, 3))
    (found,) = findings(lambda: classify(model, steps=3))
    assert "The layer 2 = Roots() first gave such numbers, of inputs that are finite." in found.seen


@pytest.mark.parametrize("given", [{"weight": torch.zeros(3)}, {"ignore_index": 1}], ids=["weights", "labels"])
def test_rows_that_all_count_nothing(given: dict[str, Any]) -> None:
    (x, _), model, criterion = rows(), net(), nn.CrossEntropyLoss(**given)
    labels = torch.ones(len(x), dtype=torch.int64)
    (found,) = findings(lambda: train(model, lambda: criterion(model(x), labels), steps=3))
    assert " CrossEntropyLoss() first gave such numbers, of inputs that are finite." in found.seen
    assert found.advice.startswith("Look at the weights of the classes and at ignore_index")


def test_weights_that_a_gradient_has_spoiled_are_said() -> None:
    model, (x, y) = net(), rows()

    def loss() -> Tensor:
        return F.cross_entropy(model(x), y) + (model[2].bias * 0).abs().sqrt().sum()

    (found,) = findings(lambda: train(model, loss, steps=3))
    assert "The weights of 2 = Linear(in_features=16, out_features=3, bias=True) were none by then" in found.seen


def test_a_mask_is_not_named() -> None:
    class Masked(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.masked_fill(torch.eye(len(x), x.shape[1]) > 0, -torch.inf)

    x, model, step = torch.randn(8, 6), nn.Sequential(nn.Linear(6, 8), Masked(), nn.Softmax(1), nn.Linear(8, 1)), 0

    def loss() -> Tensor:
        nonlocal step
        step += 1
        return model(x).mean() if step < 5 else (model(x).mean() * 0).log()

    (found,) = findings(lambda: train(model, loss, steps=6))
    assert "The loss is -inf after 4 updates, while all inputs seen are finite. The largest" in found.seen


def test_whole_rows() -> None:
    assert signs(lambda: loop(0.5)) == []
