"""A layer gets rows of another size than it was made for."""

import pytest
import torch
from torch import nn

from tests.doctor.loops import broken, classify, net, signs


def test_a_layer_in_the_middle() -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(9, 3))
    (found,) = broken(lambda: classify(model), RuntimeError)
    assert found.sign == "shapes do not fit"
    said = "The layer 2 = Linear(in_features=9, out_features=3, bias=True) takes rows of 9 numbers, and got rows of 8"
    assert found.seen == said + ", in a tensor of shape (64, 8)."


def test_a_product_by_hand() -> None:
    (found,) = broken(lambda: torch.ones(2, 3) @ torch.ones(4, 5), RuntimeError)
    assert "A matrix takes rows of 4 numbers, and got rows of 3." in found.seen
    assert str(found.where).endswith("(found,) = broken(lambda: torch.ones(2, 3) @ torch.ones(4, 5), RuntimeError)")


def test_shapes_that_fit_and_another_error() -> None:
    assert signs(lambda: classify(net())) == []
    assert broken(lambda: torch.ones(2, 3) + torch.ones(2, 2), RuntimeError) == ()


@pytest.mark.parametrize(
    ("shape", "came", "advice"),
    [((4, 5, 5, 3), 5, "x.movedim(-1, 1)"), ((4, 1, 5, 5), 1, "Make it for 1 channels")],
)
def test_channels(shape: tuple[int, ...], came: int, advice: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Flatten())
    (found,) = broken(lambda: model(torch.zeros(shape)), RuntimeError)
    assert found.sign == "shapes do not fit"
    assert f"takes 3 channels, and got {came}, in a tensor of shape {shape}" in found.seen
    assert advice in found.advice
