"""Parameters get gradients, but no optimizer has them."""

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


class Listed(nn.Module):
    """Its layers lie in a plain list."""

    def __init__(self, as_modules: bool) -> None:
        super().__init__()
        layers = [nn.Linear(6, 6), nn.Linear(6, 6)]
        self.layers = nn.ModuleList(layers) if as_modules else layers
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x).relu()
        return self.head(x)


def loop(model: nn.Module, optimizer: optim.Optimizer, steps: int = 10) -> None:
    x, y = rows()
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def test_an_optimizer_of_another_model() -> None:
    (found,) = findings(lambda: loop(net(), optim.SGD(net().parameters(), lr=0.1)))
    assert found.sign == "not in optimizer"
    assert "SGD has none of the parameters that the loss hangs on: Sequential.0.weight" in found.seen


def test_a_part_of_the_parameters() -> None:
    model = net()
    (found,) = findings(lambda: loop(model, optim.SGD(model[2].parameters(), lr=0.1)))
    assert "No optimizer has 2 of the 4 parameters" in found.seen


def test_layers_in_a_plain_list() -> None:
    model = Listed(as_modules=False)
    (found,) = findings(lambda: loop(model, optim.SGD(model.parameters(), lr=0.1)))
    assert found.sign == "not in optimizer"
    assert "No optimizer has 4 of the 6 parameters" in found.seen


class Plain(nn.Module):
    """Has a tensor of its own that is no parameter: weights, or the points at which a derivative is taken."""

    def __init__(self, tensor: Tensor) -> None:
        super().__init__()
        self.tensor, self.layers = tensor.requires_grad_(), net()

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x @ self.tensor if self.tensor.dim() == 2 else x + self.tensor.unsqueeze(1))


def test_a_tensor_that_is_no_parameter() -> None:
    model = Plain(torch.randn(6, 6))
    (found,) = findings(lambda: loop(model, optim.SGD(model.parameters(), lr=0.1)))
    assert "No optimizer has 1 of the 5 parameters that get a gradient: Plain.tensor (no nn.Parameter)" in found.seen


def test_a_tensor_of_rows_is_none() -> None:
    model = Plain(torch.randn(64))
    assert signs(lambda: loop(model, optim.SGD(model.parameters(), lr=0.1))) == []


def test_all_of_them_and_frozen_ones() -> None:
    whole, frozen = Listed(as_modules=True), net()
    frozen[0].requires_grad_(False)
    assert signs(lambda: loop(whole, optim.SGD(whole.parameters(), lr=0.1))) == []
    assert signs(lambda: loop(frozen, optim.SGD(frozen[2].parameters(), lr=0.1))) == []


def test_a_model_whose_gradient_is_only_looked_at() -> None:
    def looked_at() -> None:
        (x, y), other, model = rows(), net(), net()
        for _ in range(5):
            F.cross_entropy(other(x), y).backward()
        loop(model, optim.SGD(model.parameters(), lr=0.1))

    assert signs(looked_at) == []


@pytest.mark.parametrize("is_same_rule", [True, False], ids=["one optimizer", "made before its model"])
def test_an_optimizer_of_an_old_model_in_a_second_training(is_same_rule: bool) -> None:
    """The model is made again, or is another one with its weights, and the optimizer stays at the old one."""

    def resumed() -> None:
        model = net()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loop(model, optimizer, steps=60)
        if not is_same_rule:
            optimizer = optim.SGD(model.parameters(), lr=0.01)
        again = net()
        again.load_state_dict(model.state_dict())
        loop(again, optimizer, steps=60)

    (found,) = findings(resumed)
    assert found.sign == "not in optimizer"
    assert "SGD has none of the parameters that the loss hangs on: Sequential.0.weight" in found.seen
    assert found.seen.startswith("After 60 updates ") == is_same_rule
    assert found.training == (None if is_same_rule else "in training 2 of 2")
    assert found.advice.startswith("Make the optimizer after the model")


def test_a_second_training_whose_model_has_its_own_optimizer() -> None:
    def again() -> None:
        for _ in range(3):
            model = net()
            loop(model, optim.SGD(model.parameters(), lr=0.1), steps=60)

    assert signs(again) == []
