"""Update rules that only the body for small networks knows: the steps of scratch, and what they remember."""

from typing import Any

import pytest
import torch

from fivestep.find import Choice
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.engines.fused.small import SMALL, assert_resumes_to_the_same_bits, engine_itself
from tests.samples import numbers, small_engine, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

GROUPS = {"lr_factors": {"bias": 2.0}, "no_decay": ("bias",)}
PLANS: dict[str, dict[str, Any]] = {
    "nadam": {"optimizer": "nadam", "l2": 0.1, "clip_norm": 0.5},
    "nadam, decay by itself": {
        "optimizer": "nadam:momentum_decay=0.02,decoupled_weight_decay=true,weight_decay=0.1",
        **GROUPS,
    },
    "schedule-free": {"optimizer": "schedule_free_adamw", "schedule": "cosine"},
    "schedule-free, warmed up, in groups": {
        "optimizer": "schedule_free_adamw:warmup_steps=7,weight_decay=0.1",
        "lr_factors": {"bias": 0.1},
    },
    "the largest v": {"optimizer": "adam:amsgrad=true", "ema": 0.9},
    "the largest v, decay by itself": {"optimizer": "adamw:amsgrad=true,weight_decay=0.1", **GROUPS},
    "adamax": {"optimizer": "adamax:weight_decay=0.1", **GROUPS},
    "radam": {"optimizer": "radam:decoupled_weight_decay=true,weight_decay=0.1", "clip_value": 0.1},
    "rprop": {"optimizer": "rprop:weight_decay=0.1", "batch_size": None, **GROUPS},
    "muon": {"optimizer": "muon", "ema": 0.9},
    "muon in groups": {"optimizer": "muon:nesterov=false,ns_steps=3,adjust_lr=match_rms_adamw", **GROUPS},
}
NETS = {
    "units in registers": small_net(activation="relu"),  # six units, of eight in float64
    "rows in registers": MLP(4, 3, 17, 3, activation="gelu", norm="layer_norm"),
}
each_plan = pytest.mark.parametrize("options", PLANS.values(), ids=PLANS)


@each_plan
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_a_run_is_that_of_scratch(spec: NetSpec, options: dict[str, Any]) -> None:
    """Weights, gradient, the memory of the rule and the outputs."""
    plan, data, ends = small_plan(lr=0.01, epochs=5, **options), three_classes(weighted=True), []
    for name in (SMALL, "scratch"):
        engine = engine_itself(name, plan, spec)
        list(steps(engine, data, plan))
        ends.append({**engine.state(), "grad": engine.params.grad, "outputs": engine.predict(data.train.x)})
    got, expected = ends
    assert max(distance(got[name], value) for name, value in expected.items()) < ENGINES_FLOAT64


@each_plan
def test_a_run_that_goes_on_has_the_bits_of_one_that_never_stopped(options: dict[str, Any]) -> None:
    assert_resumes_to_the_same_bits(small_net(), small_plan(lr=0.01, epochs=6, **options), three_classes())


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 24, 2), (40, 8, 1), (3, 16, 16), (70, 33, 20, 4)])
@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "float64"])
def test_muon_turns_matrices_of_any_shape(sizes: tuple[int, ...], dtype: str) -> None:
    """Tall, wide and square, of one row and of one column, in the orders of all bodies, after one step."""
    plan, ends = TrainPlan("mse", "muon:weight_decay=0", lr=1.0), []
    for name in (SMALL, "scratch"):
        engine = engine_itself(name, plan, MLP(*sizes, activation="tanh"), dtype)
        before = engine.params.flat.clone()
        x, y = numbers(9, sizes[0]), numbers(9, sizes[-1], seed=1)
        engine.train_step(x.to(engine.dtype), y.to(engine.dtype))
        ends.append(engine.params.flat - before)
    tolerance = ENGINES_FLOAT64 if dtype == "float64" else ENGINES_FLOAT32
    assert distance(*ends) < tolerance


def test_muon_without_matrices_is_adamw() -> None:
    plan, spec, ends = TrainPlan("mse", "muon", lr=0.01), NetSpec((Choice("tanh"), Choice("scale")), 3, 3), []
    for name in (SMALL, "scratch"):
        engine = engine_itself(name, plan, spec)
        for _ in range(3):
            engine.train_step(numbers(9, 3), numbers(9, 3, seed=1))
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT64


def test_a_gradient_that_is_not_a_number_is_no_direction() -> None:
    engine = small_engine("fused", small_plan(optimizer="muon"))
    x = numbers(5, 4)
    x[0, 0] = torch.nan
    engine.train_step(x, torch.tensor([0, 1, 2, 0, 1]))
    assert engine.params.flat.isnan().any()
