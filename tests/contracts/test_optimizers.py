"""What holds for every update rule: fifty steps equal to the torch twin, in place, repeatable, restorable."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from fivestep.optim._base import Optimizer
from tests.contracts.cases import Item, over
from tests.tolerances import distance

NUM_STEPS = 50
every_optimizer = over("optim")


@dataclass
class Descent:
    """A rule at work on a vector, with random gradients and a learning rate that changes."""

    rule: Optimizer
    w: Tensor
    state: dict[str, Tensor]

    def go(self, first: int, last: int) -> Tensor:
        for step in range(first, last + 1):
            self.rule.update_(self.w, gradient(step), self.state, rate(step), step)
        return self.w

    def copy(self) -> "Descent":
        return Descent(self.rule, self.w.clone(), {name: value.clone() for name, value in self.state.items()})


def descent(item: Item) -> Descent:
    rule, w = item.build(), gradient(0)
    return Descent(rule, w, rule.state(w))


def gradient(step: int) -> Tensor:
    """The gradient of a step, a function of its number; some elements are zero, as those of a dead unit are."""
    drawn = torch.randn(40, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
    return drawn * (torch.arange(40) % 8 != 7)


def rate(step: int) -> float:
    return 0.1 / step


def twin_after(item: Item, num_steps: int) -> Tensor:
    parameter = nn.Parameter(gradient(0))
    optimizer = item.build().twin([parameter], rate(1))
    for step in range(1, num_steps + 1):
        parameter.grad = gradient(step)
        optimizer.param_groups[0]["lr"] = rate(step)
        optimizer.step()
    return parameter.detach()


@every_optimizer
@pytest.mark.parametrize("num_steps", [1, 2, NUM_STEPS])
def test_steps_equal_those_of_the_torch_twin(item: Item, num_steps: int) -> None:
    assert distance(descent(item).go(1, num_steps), twin_after(item, num_steps)) < item.case.tolerance


@every_optimizer
def test_the_same_steps_give_the_same_bits(item: Item) -> None:
    assert torch.equal(descent(item).go(1, NUM_STEPS), descent(item).go(1, NUM_STEPS))


@every_optimizer
def test_a_copied_state_continues_with_the_same_bits(item: Item) -> None:
    whole, half = descent(item), descent(item)
    half.go(1, 20)
    assert torch.equal(half.copy().go(21, NUM_STEPS), whole.go(1, NUM_STEPS))


@every_optimizer
def test_steps_happen_in_place(item: Item) -> None:
    one = descent(item)
    memory = one.w.data_ptr(), {name: value.data_ptr() for name, value in one.state.items()}
    one.go(1, 3)
    assert (one.w.data_ptr(), {name: value.data_ptr() for name, value in one.state.items()}) == memory


@every_optimizer
def test_every_state_has_the_shape_of_the_parameters(item: Item) -> None:
    one = descent(item)
    assert all(value.shape == one.w.shape and value.dtype == one.w.dtype for value in one.state.values())


@every_optimizer
def test_descent_on_a_bowl_reaches_lower_ground(item: Item) -> None:
    """One small step against the gradient of |w|^2 / 2, which is w itself, makes it smaller."""
    rule, w = item.build(), gradient(0)
    before = w.square().sum()
    rule.update_(w, w.clone(), rule.state(w), 1e-3, 1)
    assert w.square().sum() < before
