"""The L2 term of which every row brings its share: against autograd, in every engine, with weights, in parts."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from fivestep.check import InputError
from fivestep.datasets._base import Rows
from fivestep.plan import TrainPlan
from fivestep.steps import upcoming_steps
from tests.samples import ENGINES, do_steps, small_engine, small_plan, three_classes, weights_of
from tests.tolerances import ENGINES_FLOAT64, PARTS, distance

L2 = 3.0
NUM_STEPS = 4  # one epoch; its last batch has two rows, and there the term is eight times as strong


def descend(w: dict[str, Tensor], x: Tensor, y: Tensor, weight: Tensor, lr: float) -> float:
    """One step on (sum of the rows' losses + l2 |W|^2 / 2) / total weight, all of it differentiated by autograd."""
    logits = torch.tanh(x @ w["0.weight"].T + w["0.bias"]) @ w["2.weight"].T + w["2.bias"]
    penalty = L2 / 2 * (w["0.weight"].square().sum() + w["2.weight"].square().sum())
    loss = (cross_entropy(logits, y, reduction="none") @ weight + penalty) / weight.sum()
    for value, gradient in zip(w.values(), torch.autograd.grad(loss, list(w.values())), strict=True):
        value.data.sub_(gradient, alpha=lr)
    return loss.item()


def weights_as_given(rows: Rows, x: Tensor) -> Tensor:
    """The weights of the rows of a batch, before it divides them by their sum."""
    place = [int((rows.x == row).all(1).nonzero()) for row in x]
    return x.new_ones(len(x)) if rows.weight is None else rows.weight[place]


def by_hand(plan: TrainPlan, weighted: bool) -> tuple[dict[str, Tensor], list[float]]:
    engine, data = small_engine("autograd", plan), three_classes(weighted=weighted)
    w = {name: value.clone().requires_grad_() for name, value in weights_of(engine).items()}
    losses = []
    for upcoming in upcoming_steps(engine, data, plan, 0):
        if upcoming.number <= NUM_STEPS:
            x, y, _ = upcoming.batch
            losses.append(descend(w, x, y, weights_as_given(data.train, x), upcoming.lr))
    return {name: value.detach() for name, value in w.items()}, losses


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ENGINES)
def test_each_row_brings_its_share(name: str, weighted: bool) -> None:
    plan = small_plan(l2=L2)
    expected, losses = by_hand(plan, weighted)
    engine = small_engine(name, plan)
    seen = [step.loss.item() for step in do_steps(engine, three_classes(weighted=weighted), plan, 1, NUM_STEPS)]
    assert seen == pytest.approx(losses, rel=ENGINES_FLOAT64)
    assert max(distance(value, expected[key]) for key, value in weights_of(engine).items()) < ENGINES_FLOAT64


@pytest.mark.parametrize("name", ENGINES)
def test_in_parts_it_counts_once(name: str) -> None:
    whole, parts = small_plan(l2=L2), small_plan(l2=L2, micro_batch_size=5)
    first, second = small_engine(name, whole), small_engine(name, parts)
    do_steps(first, three_classes(), whole, 1, NUM_STEPS)
    do_steps(second, three_classes(), parts, 1, NUM_STEPS)
    assert distance(first.params.flat, second.params.flat) < PARTS


def test_the_full_batch_has_the_same_term_as_weight_decay_without_biases() -> None:
    """Over 50 rows, l2 = 50 * weight_decay."""
    one = small_plan(l2=5.0, batch_size=None)
    other = small_plan(weight_decay=0.1, no_decay=("bias",), batch_size=None)
    first, second = small_engine("scratch", one), small_engine("scratch", other)
    do_steps(first, three_classes(), one, 1, 3)
    do_steps(second, three_classes(), other, 1, 3)
    assert max(distance(w, second.named_parameters()[name]) for name, w in first.named_parameters().items()) < PARTS


def test_a_negative_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"l2 must be a finite number of at least 0, got -1; 0 switches it off"):
        TrainPlan(l2=-1)


def test_a_rule_that_looks_again_is_refused() -> None:
    with pytest.raises(InputError, match=r"l2 must be left out with optimizer 'lbfgs'"):
        TrainPlan(l2=1.0, optimizer="lbfgs", batch_size=None)
