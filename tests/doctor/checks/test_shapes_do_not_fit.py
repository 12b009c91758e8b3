"""A layer gets rows of another size than it was made for."""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

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
    assert broken(lambda: F.cross_entropy(torch.ones(2, 3), torch.tensor([0])), ValueError) == ()
