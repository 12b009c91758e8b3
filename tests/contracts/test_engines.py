"""What holds for every engine with every item: the numbers of `nn`, at each of seven steps.

An engine that hands over to another one is left out there, with its reason; `nn` itself shows every number. The first
test checks the shapes of every call as well; the others leave that out, for a sixth of the time.
"""

import functools
import itertools
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from fivestep.batches import Batch
from fivestep.engines._base import FiveStepEngine
from fivestep.engines._engine import Engine
from fivestep.find import names
from tests.contracts.combinations import (
    NUM_STEPS,
    Combination,
    levels_in_pairs,
    one_at_a_time,
    pairwise_cover,
    suit_each_other,
)
from tests.samples import engine_of
from tests.tolerances import ENGINES_FLOAT32, worst

ORACLE = "nn"
DTYPES = {"float32": torch.float32, "float64": torch.float64}

OTHERS = [*(name for name in names("engines") if name != ORACLE), "fused:larger=true", "fused:recorded=true"]

other_engines = pytest.mark.parametrize("name", OTHERS)
each_item = pytest.mark.parametrize("combination", [pytest.param(c, id=str(c)) for c in one_at_a_time()])
each_item_in_float32 = pytest.mark.parametrize(
    "combination", [pytest.param(c, id=str(c)) for c in one_at_a_time() if all(item.case.float32 for item in c.items)]
)
each_pair = pytest.mark.parametrize("combination", [pytest.param(c, id=str(c)) for c in pairwise_cover()])


@other_engines
@each_item
def test_engine_equals_nn_with_each_item_in_float64(name: str, combination: Combination) -> None:
    assert farthest(name, combination) < combination.tolerance


@other_engines
@each_pair
@pytest.mark.usefixtures("without_shape_checks")
def test_engine_equals_nn_with_each_pair_of_items_in_float64(name: str, combination: Combination) -> None:
    assert farthest(name, combination) < combination.tolerance


@other_engines
@each_item_in_float32
@pytest.mark.usefixtures("without_shape_checks")
def test_engine_equals_nn_with_each_item_in_float32(name: str, combination: Combination) -> None:
    assert farthest(name, combination, "float32") < ENGINES_FLOAT32


def test_the_cover_holds_every_pair_of_levels_that_suit_each_other() -> None:
    """Of items, and of clipping, groups, parts, weights and rows, with items and with each other."""
    factors = levels_in_pairs()
    covered = {
        (one, getattr(c, one), other, getattr(c, other))
        for c in pairwise_cover()
        for one, other in itertools.combinations(factors, 2)
    }
    assert len(factors) == len(fields(Combination))
    missing = [
        (one, str(level), other, str(partner))
        for one, other in itertools.combinations(factors, 2)
        for level, partner in itertools.product(factors[one], factors[other])
        if (one, level, other, partner) not in covered and suit_each_other(**{one: level, other: partner})
    ]
    assert missing == []


def test_nearly_every_comparison_reaches_the_last_step() -> None:
    """One that ends before, with a loss that is not finite, says little."""
    alone, pairs = list(one_at_a_time()), list(pairwise_cover())
    in_float32 = [c for c in alone if all(item.case.float32 for item in c.items)]
    for combinations, dtype in ((alone, "float64"), (in_float32, "float32"), (pairs, "float64")):
        ends = [trace(ORACLE, c, dtype).get(f"step {NUM_STEPS}: loss") for c in combinations]
        num_reached = sum(loss is not None and bool(loss.isfinite()) for loss in ends)
        assert num_reached > 0.98 * len(combinations), dtype


def farthest(name: str, combination: Combination, dtype: str = "float64") -> float:
    """How far an engine is from `nn`, in the tensors that it shows."""
    got, expected = trace(name, combination, dtype), trace(ORACLE, combination, dtype)
    return worst(got, {key: expected[key] for key in got}).distance


@functools.cache
def trace(name: str, combination: Combination, dtype: str = "float64") -> dict[str, Tensor]:
    """Every tensor of seven steps by name: logits, loss, gradients, parameters and buffers.

    It ends with a loss that is not finite, as the exponential of a large logit may be: which numbers are lost after
    that depends on where a formula multiplies by 0 and where it selects.
    """
    plan = combination.plan()
    engine = engine_of(name, combination.spec(), plan, dtype)
    schedule, seen = plan.build_schedule(), {}
    for step in range(1, NUM_STEPS + 1):
        engine.lr = plan.lr * schedule.factor(step - 1, NUM_STEPS)
        batch = combination.batch(step, DTYPES[dtype])
        found = passes(engine, batch)
        if not found["loss"].isfinite():
            return seen | {f"step {step}: loss": found["loss"].detach().clone()}
        found |= {"prediction": engine.predict(batch.x), **engine.params.named_with_buffers()}
        seen |= {f"step {step}: {key}": value.detach().clone() for key, value in found.items()}
    return seen


def passes(engine: Engine, batch: Batch) -> dict[str, Tensor]:
    """One step, taken apart where engine and rule allow it; the gradients as they were before the update."""
    if engine.optimizer.repeats:
        return {"loss": engine.train_step_with_repeats(*batch)}
    if engine.plan.micro_batch_size is not None:
        return {"loss": engine.train_step_in_parts(batch.parts(engine.plan.micro_batch_size))}
    if not isinstance(engine, FiveStepEngine):
        return {"loss": engine.train_step(*batch)}
    logits = engine.forward(batch.x)
    loss = engine.loss(logits, batch.y, batch.weight)
    engine.zero_grad()
    engine.backward()
    gradients = {f"gradient of {key}": value.clone() for key, value in engine.named_gradients().items()}
    engine.update()
    return {"logits": logits, "loss": loss, **gradients}
