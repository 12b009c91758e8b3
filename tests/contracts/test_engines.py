"""What holds for every engine with every item: the numbers of `nn`, at each of seven steps.

Cases in which an engine falls back to another one are left out there, and one test says what that may be; `nn` itself
shows every number. The first test checks the shapes of every call as well; the others leave that out, for a sixth of
the time.
"""

import functools
import itertools
import math
import re
import warnings
from collections.abc import Iterable
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from fivestep.batches import Batch
from fivestep.engines._base import FiveStepEngine
from fivestep.engines._choose import choose
from fivestep.engines._engine import Engine
from fivestep.find import Choice, names
from tests.contracts.combinations import (
    NUM_STEPS,
    Combination,
    levels_in_pairs,
    one_at_a_time,
    pairwise_cover,
    suit_each_other,
)
from tests.samples import engine_of
from tests.tolerances import AS_ROUNDING, ENGINES_FLOAT32, worst

ORACLE = "nn"
DTYPES = {"float32": torch.float32, "float64": torch.float64}

OTHERS = [*(name for name in names("engines") if name != ORACLE), "fused:larger=true", "fused:recorded=true"]

ALONE, PAIRS = tuple(one_at_a_time()), pairwise_cover()
IN_FLOAT32 = tuple(c for c in ALONE if all(item.case.float32 for item in c.items))


@functools.cache
def obstacle(name: str, combination: Combination) -> str | None:
    """Why an engine hands a combination over to another one; None if it does it itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "engine 'fused' falls back")
        chosen = choose(name, combination.spec(), combination.plan(), torch.device("cpu"), None)
    return None if chosen.name == Choice.parse(name).name else chosen.reason


def other_engines_with(combinations: Iterable[Combination]) -> pytest.MarkDecorator:
    """Each of them with each that it does itself."""
    both = [(name, c) for name, c in itertools.product(OTHERS, combinations) if obstacle(name, c) is None]
    return pytest.mark.parametrize(
        ("name", "combination"), [pytest.param(*one, id=f"{one[1]}-{one[0]}") for one in both]
    )


@other_engines_with(ALONE)
def test_engine_equals_nn_with_each_item_in_float64(name: str, combination: Combination) -> None:
    assert farthest(name, combination) < combination.tolerance


@other_engines_with(PAIRS)
@pytest.mark.usefixtures("without_shape_checks")
def test_engine_equals_nn_with_each_pair_of_items_in_float64(name: str, combination: Combination) -> None:
    far = farthest(name, combination)
    assert far < combination.tolerance or far < AS_ROUNDING * of_rounding(combination)


def test_rounding_excuses_nothing_where_it_is_not_made_larger() -> None:
    assert AS_ROUNDING * of_rounding(ALONE[0]) < ALONE[0].tolerance


@other_engines_with(IN_FLOAT32)
@pytest.mark.usefixtures("without_shape_checks")
def test_engine_equals_nn_with_each_item_in_float32(name: str, combination: Combination) -> None:
    assert farthest(name, combination, "float32") < ENGINES_FLOAT32


NO_FORM = {
    "layer '*' has no scalar form",
    "optimizer '*' has no scalar form",
    "option '*' of loss '*' has no scalar form",
    "option '*' of optimizer '*' has no scalar form",
}
OBSTACLES = {
    "fused": NO_FORM,
    "fused:larger=true": {
        "optimizer '*' looks at the loss more than once in a step",
        "option '*' of loss '*' has no scalar form",
    },
    "fused:recorded=true": {
        "it does each batch as a whole, and micro_batch_size asks for parts",
        "optimizer '*' looks at numbers in every step, which a recorded one cannot",
    },
}
"""What keeps engines from combinations; nothing keeps the others."""


@pytest.mark.parametrize("name", OTHERS)
def test_what_an_engine_hands_over_is_few_levels_and_all_that_they_are_in(name: str) -> None:
    """For reasons that are known here. So what the comparisons leave out is nothing but that."""
    why = {combination: obstacle(name, combination) for combination in (*ALONE, *PAIRS)}
    assert {re.sub("'.*?'", "'*'", reason) for reason in why.values() if reason} == OBSTACLES.get(name, set())
    done = {level for combination, reason in why.items() if reason is None for level in levels_of(combination)}
    never = {level for combination in why for level in levels_of(combination)} - done
    assert len(never) < 0.15 * len(done)
    assert [c for c, reason in why.items() if reason and not never.intersection(levels_of(c))] == []


def levels_of(combination: Combination) -> set[tuple[str, str]]:
    """Of every factor; some layers bring a network of their own, in which the activation is not."""
    found = {(factor.name, str(getattr(combination, factor.name))) for factor in fields(combination)}
    has_own = combination.layer is not None and combination.layer.case.layers is not None
    return found - {("activation", str(combination.activation))} if has_own else found


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
    for combinations, dtype in ((ALONE, "float64"), (IN_FLOAT32, "float32"), (PAIRS, "float64")):
        ends = [trace(ORACLE, c, dtype).get(f"step {NUM_STEPS}: loss") for c in combinations]
        num_reached = sum(loss is not None and bool(loss.isfinite()) for loss in ends)
        assert num_reached > 0.98 * len(combinations), dtype


def farthest(name: str, combination: Combination, dtype: str = "float64") -> float:
    """How far an engine is from `nn`, in the tensors that it shows."""
    got, expected = trace(name, combination, dtype), trace(ORACLE, combination, dtype)
    return worst(got, {key: expected[key] for key in got}).distance


def of_rounding(combination: Combination) -> float:
    """How far `nn` is from itself where its weights begin one unit in the last place away, up or down.

    Some combinations make any difference larger than each of their items does, as a rule that divides by the size of a
    gradient that is nearly 0; which ones they are is a matter of chance.
    """
    expected = trace(ORACLE, combination)
    return max(worst(trace(ORACLE, combination, toward=way), expected).distance for way in (-math.inf, math.inf))


@functools.cache
def trace(
    name: str, combination: Combination, dtype: str = "float64", toward: float | None = None
) -> dict[str, Tensor]:
    """Every tensor of seven steps by name: logits, loss, gradients, parameters and buffers.

    It ends with a loss that is not finite, as the exponential of a large logit may be: which numbers are lost after
    that depends on where a formula multiplies by 0 and where it selects.
    """
    plan = combination.plan()
    engine = engine_of(name, combination.spec(), plan, dtype)
    if toward is not None:
        flat = engine.params.flat
        flat.copy_(torch.nextafter(flat, torch.full_like(flat, toward)))
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
