"""Kernels of our own, interpreted: the steps of `scratch` to within float32, in networks that do not fill tiles."""

from typing import Any

import pytest
import torch

from fivestep.activations._base import Activation
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.engines.fused import FusedEngine
from fivestep.engines.fused.recorded import own_kernels
from fivestep.find import find
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.interpreter import LACKS, needs_interpreter
from tests.kernels import ACTIVATIONS, BETWEEN, FULL, TILED, Case, X, assert_the_same_steps, both, who_steps
from tests.tolerances import BFLOAT16, DIGITS_FLOAT32, FLOAT32, distance

pytestmark = needs_interpreter

if LACKS is None:
    from fivestep.engines.fused._forms import OPERATIONS
    from fivestep.engines.fused.recorded import tiles
    from fivestep.engines.fused.recorded.dense import Dense
    from fivestep.engines.fused.recorded.feed import Feed
    from fivestep.engines.fused.recorded.tiles import Tiles
    from fivestep.engines.fused.recorded.wide import Wide, _activated, _back

RECORDED = "fused:recorded=true"


@pytest.mark.parametrize("case", TILED, ids=str)
def test_tiles_take_the_steps_of_scratch(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, (scratch, fused) = who_steps(monkeypatch), both(case, RECORDED, "cpu")
    assert_the_same_steps(case, scratch, fused)
    assert taken == {"Tiles": scratch.num_updates}


def test_the_loss_of_many_rows_is_added_up_part_after_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "MOST_PARTS", 2)  # 38 rows are three, of sixteen at most
    case = Case(plan=FULL)
    assert_the_same_steps(case, *both(case, RECORDED, "cpu"))


@pytest.mark.slow
@pytest.mark.parametrize("case", BETWEEN, ids=str)
def test_passes_between_products_take_the_steps_of_scratch(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, (scratch, fused) = who_steps(monkeypatch), both(case, RECORDED, "cpu")
    assert_the_same_steps(case, scratch, fused)
    assert taken == {"Wide": scratch.num_updates}


def test_a_full_batch_that_is_too_large_for_tiles_is_done_with_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(tiles, "MOST_OPERATIONS", 6 * 20 * (50 * 40 + 40 * 3))  # of twenty rows
    step = Wide._step

    def noted(wide: Wide, feed: Feed, s: int) -> None:
        done.append(feed.size)
        step(wide, feed, s)

    monkeypatch.setattr(Wide, "_step", noted)
    for case in (Case(plan=(("batch_size", 20),)), Case(plan=FULL)):
        assert_the_same_steps(case, *both(case, RECORDED, "cpu"))
    assert set(done) == {38}


def test_memory_of_tiles_is_given_up_when_a_training_ends() -> None:
    case = Case()
    scratch, fused = both(case, RECORDED, "cpu")
    assert_the_same_steps(case, scratch, fused)
    assert fused._body._kernels[0]._of_size == {}


def test_tokens_are_no_rows_of_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("mse", "tanh", rows="tokens")
    taken, (scratch, fused) = who_steps(monkeypatch), both(case, RECORDED, "cpu")
    assert isinstance(fused._body._kernels[0], Tiles)
    assert_the_same_steps(case, scratch, fused)
    assert taken == {"Wide": scratch.num_updates}


@pytest.mark.parametrize("optimizer", ["adamw", "sgd:momentum=0.9"])
def test_passes_in_bfloat16_are_near_the_layers_in_bfloat16(optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Dataset(Rows(X, X[:, :24].sin()), num_outputs=24)
    plan = TrainPlan(loss="mse", optimizer=optimizer, lr=1e-3, batch_size=32, epochs=4)
    losses = []
    for by_kernels in (True, False):
        monkeypatch.setattr(own_kernels, "has_triton", lambda _device, there=by_kernels: there)
        engine = make_engine("fused:precision=bfloat16", MLP(50, 72, 24, activation="gelu"), plan, device="cpu")
        assert isinstance(engine, FusedEngine)
        assert bool(engine._body._kernels) == by_kernels
        losses.append(torch.cat([step.losses for step in steps(engine, data, plan) if step.losses is not None]))
        assert {value.dtype for value in engine.state().values()} == {torch.float32}
    assert distance(*losses) < BFLOAT16


EDGES = [float("nan"), -200.0, -90.0, -20.0, -3.0, -1.0, -1e-3, -1e-6, 0.0, 1e-6, 1e-3, 1.0, 3.0, 20.0, 90.0, 200.0]
OPTIONS: dict[str, dict[str, Any]] = {"leaky_relu": {"slope": 0.2}, "elu": {"alpha": 0.7}, "softplus": {"beta": 1.5}}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_right_far_out_near_zero_and_for_what_is_no_number(name: str) -> None:
    """Each value relative to its own size: what is close to zero too keeps its digits, and a NaN is not hidden."""
    layer: Activation = find("activations", name)(**OPTIONS.get(name, {}))
    z, form = torch.tensor(EDGES).view(4, 4), OPERATIONS[name]
    of = Dense(0, z, z, form.kind, float(*form.numbers(layer) or (0.0,)))
    exact = layer.value(z.double())
    a, (dz, columns) = _activated(z, of), _back(torch.ones(4, 4), z, of)
    slopes = layer.derivative(z.double(), exact)
    assert a.isnan().equal(exact.isnan())
    assert ((a.double() - exact).abs() / exact.abs().clamp(min=1e-30)).nan_to_num().max() < DIGITS_FLOAT32
    assert distance(dz.flatten()[1:], slopes.flatten()[1:].float()) < FLOAT32
    assert torch.equal(columns[1:], dz.sum(0)[1:])
