"""Kernels of our own, where Triton is there: the steps of `scratch` to within float32."""

from typing import Any

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.engines.fused import FusedEngine
from fivestep.engines.fused._kernels import has_triton
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.samples import numbers
from tests.tolerances import BFLOAT16, ENGINES_FLOAT32, distance

if torch.cuda.is_available() and has_triton(torch.device("cuda")):
    from fivestep.engines.fused._tiles import Tiles
    from fivestep.engines.fused._wide import Wide

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available() or not has_triton(torch.device("cuda")), reason="no CUDA device, or no Triton for it"
)

BFLOAT = "fused:precision=bfloat16"
PIXELS = torch.randint(256, (150, 50), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
X = numbers(150, 50, dtype=torch.float32)
DATA: dict[str, tuple[Dataset, int]] = {
    "cross_entropy": (Dataset(Rows(PIXELS, PIXELS.long().sum(1) % 10, scale=1 / 255), num_outputs=10), 10),
    "mse": (Dataset(Rows(X, X[:, :2].sin()), num_outputs=2), 2),
    "binary_cross_entropy": (Dataset(Rows(X, (X[:, 0] > 0).float(), X[:, 1].abs()), num_outputs=1), 1),
}
PLANS: dict[str, dict[str, Any]] = {
    "plain descent": {},
    "decay": {"weight_decay": 0.1, "schedule": "cosine"},
    "adam": {"optimizer": "adam:eps=0.001", "lr": 0.01, "schedule": "cosine"},
    "adamw, the full batch": {"optimizer": "adamw:eps=0.001", "lr": 0.01, "batch_size": None, "epochs": 6},
}
"""With an eps of 1e-8, a gradient that is nothing but rounding would move a weight as far as any other."""


@pytest.mark.parametrize(
    ("loss", "activation"), [("cross_entropy", "relu"), ("mse", "tanh"), ("binary_cross_entropy", "sigmoid")]
)
@pytest.mark.parametrize("hidden", [(40,), (64, 70, 33)], ids=str)
@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in PLANS.items()])
def test_tiles_take_the_steps_of_scratch(
    loss: str, hidden: tuple[int, ...], options: dict[str, Any], activation: str
) -> None:
    data, num_outputs = DATA[loss]
    spec = MLP(50, *hidden, num_outputs, activation=activation)
    plan = TrainPlan(**{"loss": loss, "batch_size": 32, "epochs": 2, **options})
    scratch, fused = (make_engine(n, spec, plan, device=d) for n, d in (("scratch", "cpu"), ("fused", "cuda")))
    assert isinstance(fused, FusedEngine)
    assert isinstance(fused._code._kernels, Tiles)
    expected = torch.stack([step.loss for step in steps(scratch, data, plan)])
    got = torch.cat([step.losses for step in steps(fused, data, plan) if step.losses is not None])
    assert distance(got.cpu(), expected) < ENGINES_FLOAT32
    assert distance(fused.params.flat.cpu(), scratch.params.flat) < ENGINES_FLOAT32
    assert distance(fused.params.grad.cpu(), scratch.params.grad) < ENGINES_FLOAT32


def test_tokens_are_no_rows_of_tiles() -> None:
    x = X.view(50, 3, 50)
    data, spec = Dataset(Rows(x, x[..., :2].sin()), num_outputs=2), MLP(50, 40, 2)
    plan = TrainPlan(loss="mse", batch_size=16, epochs=2)
    scratch, fused = (make_engine(n, spec, plan, device=d) for n, d in (("scratch", "cpu"), ("fused", "cuda")))
    for engine in (scratch, fused):
        list(steps(engine, data, plan))
    assert distance(fused.params.flat.cpu(), scratch.params.flat) < ENGINES_FLOAT32


CASES = [
    *(("mse", "plain descent", activation, "table") for activation in ("relu", "gelu_tanh", "silu", "tanh", "sigmoid")),
    *(("mse", plan, "gelu", "table") for plan in PLANS),
    *((loss, "adam", "gelu", shape) for loss in ("mse", "cross_entropy") for shape in ("weighted", "tokens")),
]


@pytest.mark.parametrize(("loss", "plan", "activation", "shape"), CASES, ids=str)
def test_passes_between_products_take_the_steps_of_scratch(loss: str, plan: str, activation: str, shape: str) -> None:
    x = X.view(50, 3, 50) if shape == "tokens" else X
    y = x[..., :24].sin() if loss == "mse" else x[..., :24].argmax(-1)
    data = Dataset(Rows(x, y, X[: len(x), 1].abs() if shape == "weighted" else None), num_outputs=24)
    spec = MLP(50, 40, 64, 24, activation=activation)
    settings = TrainPlan(**{"loss": loss, "batch_size": 32, "epochs": 2, **PLANS[plan]})
    scratch, fused = (make_engine(n, spec, settings, device=d) for n, d in (("scratch", "cpu"), ("fused", "cuda")))
    assert isinstance(fused, FusedEngine)
    assert isinstance(fused._code._kernels, Wide)
    expected = torch.stack([step.loss for step in steps(scratch, data, settings)])
    got = torch.cat([step.losses for step in steps(fused, data, settings) if step.losses is not None])
    assert distance(got.cpu(), expected) < ENGINES_FLOAT32
    assert distance(fused.params.flat.cpu(), scratch.params.flat) < ENGINES_FLOAT32
    assert distance(fused.params.grad.cpu(), scratch.params.grad) < ENGINES_FLOAT32


def test_passes_in_bfloat16_are_near_the_layers_in_bfloat16() -> None:
    data = Dataset(Rows(X, X[:, :24].sin()), num_outputs=24)
    plan = TrainPlan(loss="mse", optimizer="adamw", lr=1e-3, batch_size=32, epochs=10)
    engines = [make_engine(BFLOAT, MLP(50, 256, 24, activation="gelu"), plan, device=d) for d in ("cpu", "cuda")]
    losses = [torch.cat([step.losses for step in steps(e, data, plan) if step.losses is not None]) for e in engines]
    assert distance(losses[1].cpu(), losses[0]) < BFLOAT16
    assert {value.dtype for value in engines[1].state().values()} == {torch.float32}
