"""On a CUDA device every engine takes the steps that it takes on the CPU, and keeps all it has on the device."""

from typing import Any

import pytest
import torch

from fivestep.engines._make import make_engine
from fivestep.steps import steps
from tests.samples import FIVE_STEP_ENGINES, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, distance

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")

PLANS: dict[str, dict[str, Any]] = {
    "plain descent": {},
    "adam, clipped, averaged": {"optimizer": "adam", "lr": 0.01, "clip_norm": 0.1, "ema": 0.9},
    "parts": {"micro_batch_size": 5, "momentum": 0.9},
}
plans = pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in PLANS.items()])


@plans
@pytest.mark.parametrize("name", FIVE_STEP_ENGINES)
def test_the_steps_on_the_device_are_those_of_the_cpu(name: str, options: dict[str, Any]) -> None:
    plan, data = small_plan(**options), three_classes(weighted=True)
    engines = [
        make_engine(name, small_net(dropout=0.3), plan, dtype="float64", device=device) for device in ("cuda", "cpu")
    ]
    losses = [torch.stack([step.loss for step in steps(engine, data, plan)]).cpu() for engine in engines]
    assert engines[0].params.flat.is_cuda
    assert distance(*losses) < ENGINES_FLOAT64
    assert distance(*(engine.params.flat.cpu() for engine in engines)) < ENGINES_FLOAT64
