"""Small data, networks and engines that many tests use."""

import warnings
from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from fivestep.datasets._base import Dataset, Rows
from fivestep.datasets._load import load_dataset
from fivestep.engines._base import FiveStepEngine
from fivestep.engines._engine import Engine
from fivestep.engines._make import make_engine
from fivestep.find import Choice, find, names
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import Step, do_step, steps, upcoming_steps

ENGINES = names("engines")
FIVE_STEP_ENGINES = tuple(name for name in ENGINES if issubclass(find("engines", name), FiveStepEngine))
"""Those whose step can be taken apart."""


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=stream(seed), dtype=dtype)


def three_classes(num_rows: int = 50, *, valid: int = 0, weighted: bool = False) -> Dataset:
    """Rows (N, 4) in three classes that a network can learn: which of three random directions is closest."""
    x = numbers(num_rows + valid, 4)
    y = (x @ numbers(4, 3, seed=1)).argmax(1)
    weight = torch.rand(num_rows + valid, generator=stream(2), dtype=torch.float64) if weighted else None
    rows = Rows(x, y, weight)
    later = slice(num_rows, num_rows + valid)
    return Dataset(rows.take(slice(num_rows)), rows.take(later) if valid else None, num_outputs=3)


def small_net(**options: Any) -> NetSpec:
    """Four inputs, a hidden layer of six, three outputs."""
    return MLP(4, 6, 3, **{"activation": "tanh", **options})


def small_plan(**options: Any) -> TrainPlan:
    """Mini-batches of 16, so that 50 rows make four steps an epoch, the last one of two rows."""
    return TrainPlan(**{"loss": "cross_entropy", "lr": 0.1, "batch_size": 16, "epochs": 3, "seed": 1, **options})


def small_engine(
    name: str, plan: TrainPlan | None = None, spec: NetSpec | None = None, dtype: str = "float64"
) -> Any:  # a test that takes steps apart asks for FIVE_STEP_ENGINES
    return engine_of(name, spec or small_net(), plan or small_plan(), dtype)


def engine_of(name: str, spec: NetSpec, plan: TrainPlan, dtype: str = "float64") -> Engine:
    """The engine of that name; where it hands over to another one, which has the same test, the test is left out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "engine 'fused' falls back")
        engine = make_engine(name, spec, plan, dtype=dtype, device="cpu")
    if Choice.parse(name).name not in ("auto", engine.name):
        pytest.skip(f"{name} falls back: {engine.reason}")
    return engine


def moons(name: str, dtype: str = "float32", **options: Any) -> tuple[FiveStepEngine, Dataset, TrainPlan]:
    """The task `moons`, full batch, with MLP 2-8-1: engine, data and plan."""
    usual = {"loss": "binary_cross_entropy", "optimizer": "adam", "lr": 0.05, "batch_size": None, "epochs": 20}
    spec = MLP(2, 8, 1, activation="tanh", init=options.pop("init", "torch"))
    plan = TrainPlan(**{**usual, **options})
    return small_engine(name, plan, spec, dtype), load_dataset("moons"), plan


def weights_of(engine: FiveStepEngine) -> dict[str, Tensor]:
    """A copy of the parameters by name."""
    return {name: value.detach().clone() for name, value in engine.named_parameters().items()}


def do_steps(engine: Engine, data: Dataset, plan: TrainPlan, first: int, last: int) -> list[Step]:
    """Does the steps `first` to `last`, both counted from 1, and no more, one by one in every engine."""
    if isinstance(engine, FiveStepEngine):
        stream: Iterable[Step] = steps(engine, data, plan, start=first - 1)
        return list(islice(stream, last - first + 1))
    upcoming = islice(upcoming_steps(engine, data, plan, first - 1), last - first + 1)
    return [Step(one.number, one.epoch, len(one.batch.x), do_step(engine, one, plan)) for one in upcoming]


FUSED_PLANS: dict[str, dict[str, Any]] = {
    "batches": {},
    "adam with cosine": {"optimizer": "adam", "lr": 0.01, "schedule": "cosine"},
    "everything optional": {
        "optimizer": "adamw",
        "lr": 0.01,
        "clip_norm": 0.1,
        "ema": 0.9,
        "l2": 0.01,
        "lr_factors": {"bias": 2.0},
        "no_decay": ("bias",),
        "class_weight": (1.0, 2.0, 3.0),
    },
    "full batch": {"batch_size": None, "epochs": 12},
    "one row at a time": {"batch_size": 1, "epochs": 1},
}
"""Plans that a block of steps must do as the steps one by one do them."""

RECORDED_PLANS: dict[str, dict[str, Any]] = {
    "plain descent": {},
    "adam, clipped, averaged": {"optimizer": "adam", "lr": 0.01, "clip_norm": 0.1, "ema": 0.9},
    "momentum, decay, a schedule": {"momentum": 0.9, "weight_decay": 0.01, "schedule": "cosine"},
    "an l2 term": {"l2": 0.1, "optimizer": "adamw", "lr": 0.01},
    "matrices by themselves": {"optimizer": "muon", "lr_factors": {"bias": 2.0}},
    "the full batch": {"batch_size": None, "optimizer": "rmsprop", "lr": 0.01},
}
"""What a recorded step has to do besides the five: here step by step, in tests/gpu as graphs."""
