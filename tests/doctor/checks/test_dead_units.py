"""The units of a layer have no slope any more, whatever the row."""

import pytest
import torch
from torch import nn

from tests.doctor.loops import classify, findings, net, signs


def shifted(bend: nn.Module, bias: float, num_units: int = 16) -> nn.Sequential:
    """So many of 16 units begin far out."""
    model = nn.Sequential(nn.Linear(6, 16), bend, nn.Linear(16, 3))
    with torch.no_grad():
        model[0].bias[:num_units] = bias
    return model


@pytest.mark.parametrize(
    ("bend", "bias", "name"),
    [(nn.ReLU(), -50.0, "ReLU"), (nn.ReLU(inplace=True), -50.0, "ReLU"), (nn.Sigmoid(), 30.0, "sigmoid"),
     (nn.Tanh(), -30.0, "tanh")],
)  # fmt: skip
def test_units_without_slope(bend: nn.Module, bias: float, name: str) -> None:
    found = findings(lambda: classify(shifted(bend, bias), steps=40, lr=0.001))
    (dead,) = [one for one in found if one.sign == "dead units"]
    assert f"the {name} of 16 of 16 units is" in dead.seen
    assert str(dead.where).endswith("train(model, lambda: F.cross_entropy(model(x), y), steps, lr)")


def test_the_functions_are_seen_as_the_modules_are() -> None:
    class Bent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = nn.Linear(6, 16), nn.Linear(16, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(torch.relu(self.hidden(x) - 50))

    (dead,) = findings(lambda: classify(Bent(), steps=40, lr=0.001))
    assert dead.sign == "dead units"
    assert str(dead.where).endswith("return self.out(torch.relu(self.hidden(x) - 50))")


def test_of_two_calls_on_one_line_each_is_seen() -> None:
    class Bent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.out = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(torch.relu(self.second(torch.relu(self.first(x) - 50))))

    assert [one.sign for one in findings(lambda: classify(Bent(), steps=40, lr=0.001))] == ["dead units"]


@pytest.mark.parametrize("bend", [nn.ReLU(), nn.Sigmoid(), nn.Tanh()])
def test_units_with_a_slope_also_where_the_loss_does_not_fall(bend: nn.Module) -> None:
    assert signs(lambda: classify(shifted(bend, 0.0), steps=40, lr=1e-4)) == []


def test_half_of_them_and_all_while_the_loss_falls() -> None:
    assert signs(lambda: classify(shifted(nn.ReLU(), -50.0, num_units=8), steps=40, lr=1e-4)) == []
    assert signs(lambda: classify(nn.Sequential(nn.ReLU(), net()), steps=40)) == []
