"""The layers `periodic` and `percentiles` before torch's products: those of scratch; and cosines beside numpy's."""

import math
from typing import Any

import numba
import numpy as np
import pytest
import torch

from fivestep.engines.fused.body.lanes import load, store, width
from fivestep.engines.fused.body.waves import cosine_and_sine
from fivestep.engines.fused.larger import products
from fivestep.engines.fused.larger.periodic import PercentilesLayer, PeriodicLayer
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.steps import steps
from tests.samples import numbers, small_engine, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, FLOAT32, FORMULA, distance

LARGER = "fused:larger=true"
LAYERS = {
    "all columns": (Choice("periodic"),),
    "some columns": (Choice("periodic", columns=(0, 2), frequencies=5, dim=3),),
    "one function": (Choice("periodic", columns=(3,), frequencies=1, dim=2, sigma=3.0),),
    "behind others": (Choice("scale"), Choice("periodic", columns=(1, 3)), Choice("tanh")),
    "many columns": (Choice("linear", out_features=21), Choice("periodic", columns=tuple(range(20)))),
}


@pytest.fixture(autouse=True)
def _as_where_units_are_not_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """On ARM, or behind an embedding."""
    monkeypatch.setattr(products, "can_be_divided", lambda *_: False)


@numba.njit
def _both(u: Any, cosines: Any, sines: Any) -> None:
    for k in range(0, u.size, width(u)):
        cosine, sine = cosine_and_sine(load(u, k))
        store(cosines, k, cosine)
        store(sines, k, sine)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, FLOAT32), (np.float64, FORMULA)])
def test_cosine_and_sine_of_turns(dtype: Any, tolerance: float) -> None:
    """Beside numpy in float64, at whole, half and quarter turns too, and far from zero."""
    u = np.concatenate([np.linspace(-3, 3, 1000), np.arange(-12, 12) / 4, [1000.25, -70000.5]])
    u = np.resize(u, 1040).astype(dtype)
    found = np.empty_like(u), np.empty_like(u)
    _both(u, *found)
    rest = u.astype(np.float64) - np.rint(u.astype(np.float64))
    for ours, expected in zip(found, (np.cos(2 * math.pi * rest), np.sin(2 * math.pi * rest)), strict=True):
        assert np.abs(ours - expected).max() < tolerance


def test_what_is_not_finite_stays_so() -> None:
    u = np.resize(np.array([np.inf, -np.inf, np.nan]), 16)
    found = np.empty_like(u), np.empty_like(u)
    _both(u, *found)
    assert np.isnan(found).all()


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_run_is_that_of_scratch(rule: str, layers: tuple[Choice, ...]) -> None:
    """Weights, losses, and the gradient of the last step, for batches that fill no lanes."""
    plan, data = small_plan(optimizer=rule, batch_size=19), three_classes(weighted=True)
    spec = NetSpec((*layers, Choice("linear")), 4, 3)
    ours, scratch = small_engine(LARGER, plan, spec), small_engine("scratch", plan, spec)
    assert any(isinstance(piece, PeriodicLayer) for piece in ours._body._pieces)  # type: ignore[attr-defined]
    losses = torch.cat([step.losses for step in steps(ours, data, plan) if step.losses is not None])
    assert distance(losses, torch.stack([step.loss for step in steps(scratch, data, plan)])) < ENGINES_FLOAT64
    assert distance(ours.params.flat, scratch.params.flat) < ENGINES_FLOAT64
    assert distance(ours.params.grad, scratch.params.grad) < ENGINES_FLOAT64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tokens_are_rows(dtype: str) -> None:
    x, y = numbers(6, 5, 4), numbers(6, 5, 3, seed=1)
    spec, ends = NetSpec((*LAYERS["some columns"], Choice("linear")), 4, 3), []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, small_plan(loss="mse"), spec, dtype=dtype)
        for _ in range(3):
            engine.train_step(x.to(engine.dtype), y.to(engine.dtype))
        ends.append(engine.params.flat)
    assert distance(*ends) < (ENGINES_FLOAT32 if dtype == "float32" else ENGINES_FLOAT64)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [None, (1, 3)])
@pytest.mark.parametrize("num_knots", [2, 5, 64])
def test_levels_are_those_of_the_layer(num_knots: int, columns: tuple[int, ...] | None, dtype: str) -> None:
    """At knots and between them, beyond all, and for what is no number."""
    layer = Choice("percentiles", num_knots=num_knots, **({} if columns is None else {"columns": columns}))
    spec = NetSpec((layer, Choice("linear")), 4, 3)
    engine = small_engine(LARGER, small_plan(), spec, dtype=dtype)
    layer_, w = engine.layers[0], engine.params.weights[0]
    known = (numbers(40, 4) * 4).round() / 4  # some several times
    known[:, 3] = 1.0
    layer_.learn_(w, known.to(engine.dtype), None)  # type: ignore[attr-defined]  # of percentiles
    x = torch.cat([known, numbers(20, 4, seed=1) * 3, torch.tensor([[torch.nan, torch.inf, -torch.inf, 1.0]])])
    x = x.to(engine.dtype)
    piece = next(piece for piece in engine._body._pieces if isinstance(piece, PercentilesLayer))  # type: ignore[attr-defined]
    expected = layer_.forward(w, x, engine.memo(0))
    assert torch.equal(piece.forward(x).isnan(), expected.isnan())
    finite = expected.isfinite()
    assert distance(piece.forward(x)[finite], expected[finite]) < (FLOAT32 if dtype == "float32" else FORMULA)


def test_levels_above_what_learns_are_done_as_in_scratch() -> None:
    spec = NetSpec((Choice("linear", out_features=5), Choice("percentiles"), Choice("linear")), 4, 3)
    engine = small_engine(LARGER, small_plan(), spec)
    assert not any(isinstance(piece, PercentilesLayer) for piece in engine._body._pieces)  # type: ignore[attr-defined]
