"""All units of a layer compute the same."""

import pytest
import torch
from torch import Tensor, nn

from tests.doctor.loops import classify, findings, net, signs


def begun(hidden: float | None, last: float | None) -> nn.Sequential:
    """A network whose matrices may begin with one number everywhere."""
    model = net()
    with torch.no_grad():
        for layer, value in ((model[0], hidden), (model[2], last)):
            if value is not None:
                layer.weight.fill_(value)
                layer.bias.zero_()
    return model


@pytest.mark.parametrize(("hidden", "last"), [(0.1, 0.1), (0.0, 0.0)])
def test_weights_that_are_all_the_same(hidden: float, last: float) -> None:
    (alike,) = findings(lambda: classify(begun(hidden, last)))
    assert alike.sign == "units alike"
    assert "All 16 rows of Sequential.0.weight are the same, at the beginning and after " in alike.seen


def test_a_last_layer_that_begins_at_0_and_random_weights() -> None:
    assert signs(lambda: classify(begun(None, 0.0))) == []
    assert signs(lambda: classify(begun(None, None))) == []
    assert signs(lambda: classify(begun(0.1, None))) == []  # what comes back differs from unit to unit


class Adapted(nn.Module):
    """A frozen layer beside two small matrices, of which the second begins at 0, and a scale for each unit."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.down, self.up = nn.Linear(6, 8), nn.Linear(6, 2, bias=False), nn.Linear(2, 8, bias=False)
        self.scale, self.head = nn.Parameter(torch.full((8, 1), 1e-2)), nn.Linear(8, 3)
        self.body.requires_grad_(False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((self.body(x) + self.up(self.down(x))).tanh() * self.scale[:, 0])


def test_an_adapter() -> None:
    assert signs(lambda: classify(Adapted())) == []


def test_a_rate_of_0_moves_nothing() -> None:
    assert "units alike" not in signs(lambda: classify(begun(None, 0.0), lr=0.0))
