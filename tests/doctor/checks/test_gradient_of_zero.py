"""Something on the way to the loss has no slope."""

from collections.abc import Callable

import pytest
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(change: Callable[[Tensor], Tensor], dropout: float = 0.0, steps: int = 15) -> None:
    (x, _), model = rows(), nn.Sequential(*net(1)[:2], nn.Dropout(dropout), nn.Linear(16, 1))
    train(model, lambda: F.mse_loss(change(model(x)), 2 * x[:, :1]), steps)


@pytest.mark.parametrize(
    ("change", "dropout"),
    [(Tensor.round, 0.0), (Tensor.sign, 0.0), (lambda out: out.clamp(9, 10), 0.0), (lambda out: out, 1.0)],
    ids=["round", "sign", "clamp", "all is dropped"],
)
def test_it_is_said_once(change: Callable[[Tensor], Tensor], dropout: float) -> None:
    (found,) = findings(lambda: loop(change, dropout))
    assert found.sign == "gradient of zero"
    assert "In all 15 updates seen, the gradient of every matrix of SGD was 0, and the loss was not" in found.seen


def begins_at_0() -> None:
    (x, y), model = rows(), net()
    nn.init.zeros_(model[2].weight)
    train(model, lambda: F.cross_entropy(model(x), y), 15)


def solved() -> None:
    """A hinge that no row violates."""
    (x, _), model = rows(), net(1)
    train(model, lambda: (model(x).abs() - 100).clamp(min=0).mean(), 15)


@pytest.mark.parametrize(
    "right",
    [lambda: loop(lambda out: out), lambda: loop(lambda out: out.clamp(-5, 5), 0.5), begins_at_0, solved],
    ids=["as it is", "a clamp in range", "a last layer of zeros", "solved"],
)
def test_there_is_a_slope_or_nothing_to_do(right: Callable[[], None]) -> None:
    assert signs(right) == []


def test_a_softmax_of_one_output_is_named() -> None:
    (x, _), model = rows(), nn.Sequential(net(1), nn.Softmax(dim=1))
    y = (x[:, :1] > 0).float()
    (found,) = findings(lambda: train(model, lambda: F.binary_cross_entropy(model(x), y), 15))
    assert found.sign == "gradient of zero"
    assert "a softmax over one number" in found.advice
