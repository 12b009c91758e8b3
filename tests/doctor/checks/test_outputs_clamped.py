"""A clamp holds outputs where they are wrong."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(low: float | None, high: float | None, shift: float = 3.0) -> None:
    (x, _), model = rows(), net(1)
    y = x[:, :1] + shift
    train(model, lambda: F.mse_loss(model(x).clamp(low, high), y))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (None, 1.0)])
def test_targets_beyond_its_bounds(low: float | None, high: float | None) -> None:
    (found,) = findings(lambda: loop(low, high))
    assert found.sign == "outputs clamped"
    assert "are held at a bound while their targets are elsewhere" in found.seen


def of_two(last: nn.Module) -> None:
    (x, _), model = rows(), nn.Sequential(net(1), last)
    y = (x[:, :1] * x[:, 1:2] > 0).float()
    with torch.no_grad():
        model[0][2].bias -= 0.5
    train(model, lambda: F.binary_cross_entropy(model(x).clamp(1e-7, 1 - 1e-7), y))


def test_one_in_place_of_a_sigmoid_and_one_behind_it() -> None:
    assert "outputs clamped" in signs(lambda: of_two(nn.Identity()))
    assert signs(lambda: of_two(nn.Sigmoid())) == []


def test_bounds_that_hold_nothing_and_targets_that_are_there() -> None:
    def black(x: Tensor) -> Tensor:
        return (x[:, :1] - 1).clamp(min=0)

    def image() -> None:
        (x, _), model = rows(), net(1)
        train(model, lambda: F.mse_loss(model(x).clamp(-1e-3, 1), black(x)), steps=60)

    assert signs(lambda: loop(-100.0, 100.0)) == []
    assert signs(image) == []


def test_of_two_clamps_the_one_that_holds_outputs_is_named() -> None:
    def two_heads() -> None:
        (x, _), model = rows(), net(2)
        is_above, number = (x[:, :1] > 0).float(), x[:, 1:2]

        def loss() -> Tensor:
            z = model(x)
            likely = torch.sigmoid(z[:, :1]).clamp(1e-7, 1 - 1e-7)
            return F.binary_cross_entropy(likely, is_above) + F.mse_loss(z[:, 1:].clamp(min=0), number)

        train(model, loss)

    (found,) = [one for one in findings(two_heads) if one.sign == "outputs clamped"]
    assert "[0, inf]" in found.seen
