"""What holds for every update rule: fifty steps equal to the torch twin, in place, repeatable, restorable."""

from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from fivestep.engines import _update
from fivestep.engines._update import rule_of
from fivestep.group import Group
from fivestep.optim._base import MatrixOptimizer, Optimizer
from tests.contracts.cases import Item, items, over
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

NUM_STEPS = 50
every_optimizer = over("optim")


@dataclass
class Descent:
    """A rule at work on the loss of `loss_and_gradient`, with a learning rate that changes."""

    rule: Optimizer
    w: Tensor
    state: dict[str, Tensor]

    def go(self, first: int, last: int) -> Tensor:
        for step in range(first, last + 1):
            dw = torch.zeros_like(self.w)
            again = partial(self.look, step, dw)
            again()
            self.rule.update_(self.w, dw, self.state, rate(step), step, again)
        return self.w

    def look(self, step: int, dw: Tensor) -> Tensor:
        """Steps 1 to 4: the loss, and its gradient in `dw`."""
        loss, gradient = loss_and_gradient(self.w, step)
        dw.copy_(gradient)
        return loss

    def copy(self) -> "Descent":
        return Descent(self.rule, self.w.clone(), {name: value.clone() for name, value in self.state.items()})


def descent(item: Item) -> Descent:
    rule, w = item.build(), start(item)
    return Descent(rule, w, rule.state(w))


def start(item: Item) -> Tensor:
    """The parameters before the first step: a vector, or a matrix for a rule for matrices."""
    return numbers(8, 5, seed=0) if isinstance(item.build(), MatrixOptimizer) else numbers(40, seed=0)


def loss_and_gradient(w: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """A bowl tilted at random at every step; in an eighth of the elements it is flat, as for a dead unit's weights."""
    alive = (torch.arange(w.numel()) % 8 != 7).view_as(w)
    tilt = numbers(*w.shape, seed=step) * alive
    return (tilt * w).sum() + 0.05 * (w * alive).square().sum(), tilt + 0.1 * w * alive


def rate(step: int) -> float:
    return 0.11 / step  # not 0.1: there a quadratic has exactly 0.9 of its slope, the border of the line search


def twin_after(item: Item, num_steps: int) -> Tensor:
    rule, parameter = item.build(), nn.Parameter(start(item))
    optimizer = rule.twin([parameter], rate(1))

    def look(step: int) -> Tensor:
        loss, parameter.grad = loss_and_gradient(parameter.detach(), step)
        return loss

    for step in range(1, num_steps + 1):
        look(step)
        optimizer.param_groups[0]["lr"] = rate(step)
        optimizer.step(partial(look, step) if rule.repeats else None)
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
def test_every_state_ends_in_the_axes_of_the_parameters_or_is_one_number(item: Item) -> None:
    one = descent(item)
    states = [value for value in one.state.values() if value.dim() > 0]
    assert all(value.shape[-one.w.dim() :] == one.w.shape and value.dtype == one.w.dtype for value in states)


@pytest.mark.parametrize("item", [pytest.param(i, id=str(i)) for i in items("optim") if not i.build().repeats])
def test_a_step_leaves_the_gradient_as_it_was(item: Item) -> None:
    """Whoever looks at the gradient after the update sees the one it was made from, as in torch."""
    one = descent(item)
    dw = numbers(*one.w.shape, seed=1)
    one.rule.update_(one.w, dw, one.state, rate(1), 1)
    assert torch.equal(dw, numbers(*one.w.shape, seed=1))


@pytest.mark.parametrize("item", [pytest.param(i, id=str(i)) for i in items("optim") if not i.build().reads_numbers])
def test_a_rate_and_a_number_on_the_device_take_the_same_steps(item: Item) -> None:
    """As for steps that are recorded ahead; rules that look at numbers say so, and are not recorded."""
    expected, one = descent(item).go(1, NUM_STEPS), descent(item)
    for step in range(1, NUM_STEPS + 1):
        _, dw = loss_and_gradient(one.w, step)
        lr, number = (torch.tensor(value, dtype=torch.float64) for value in (rate(step), step))
        one.rule.update_(one.w, dw, one.state, lr, number)
    assert distance(one.w, expected) < FORMULA


@pytest.mark.parametrize("item", [pytest.param(i, id=str(i)) for i in items("optim") if i.build().reads_numbers])
def test_a_rule_that_looks_at_numbers_keeps_some_on_the_host_or_looks_again(item: Item) -> None:
    rule = item.build()
    memory = rule.state(torch.empty(4, device="meta"))
    assert rule.repeats or any(value.device.type == "cpu" for value in memory.values())


@every_optimizer
def test_descent_on_a_bowl_reaches_lower_ground(item: Item) -> None:
    """One small step against the gradient of |w|^2 / 2, which is w itself, makes it smaller."""
    rule, w = item.build(), start(item)
    before = w.square().sum()
    rule.update_(w, w.clone(), rule.state(w), 1e-3, 1, lambda: w.square().sum() / 2)
    assert w.square().sum() < before


@every_optimizer
def test_a_negative_weight_decay_is_refused(item: Item) -> None:
    with pytest.raises(ValueError, match=r"weight_decay must be a finite number of at least 0, got -0\.1"):
        type(item.build())(**{**item.case.options, "weight_decay": -0.1})


@pytest.mark.parametrize("ema", [None, 0.9])
@pytest.mark.parametrize("item", [pytest.param(i, id=str(i)) for i in items("optim") if not i.build().repeats])
def test_a_vector_is_moved_in_pieces_to_the_same_bits(
    item: Item, ema: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a rule that goes by element; any other one sees it whole."""
    rule, w = rule_of(Group(is_matrix=True), item.build(), ema), start(item)
    whole, pieces = Descent(rule, w, rule.state(w)), Descent(rule, w.clone(), rule.state(w))
    whole.go(1, NUM_STEPS)
    monkeypatch.setattr(_update, "PIECE", 7)
    for step in range(1, NUM_STEPS + 1):
        _, dw = loss_and_gradient(pieces.w, step)
        _update.move_(_update.RuleGroup(pieces.w, dw, rule, 1.0, pieces.state), rate(step), step)
    assert torch.equal(pieces.w, whole.w)
    assert all(torch.equal(value, whole.state[name]) for name, value in pieces.state.items())
