"""What tests of the body for small networks have in common: a run of it beside that of scratch."""

import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._engine import Engine
from fivestep.engines._make import make_engine
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.samples import numbers
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

SMALL = "fused:larger=false"
DTYPES = [("float64", ENGINES_FLOAT64), ("float32", ENGINES_FLOAT32)]


def net(*layers: str | Choice) -> NetSpec:
    """Of five inputs and three outputs."""
    return NetSpec(tuple(map(Choice.parse, layers)), 5, 3)


def data_of(num_rows: int, *, weighted: bool = False) -> Dataset:
    weight = torch.arange(num_rows) % 3 + 0.5 if weighted else None
    return Dataset(Rows(numbers(num_rows, 5) * 3 + 1, numbers(num_rows, 3, seed=1), weight), num_outputs=3)


def engine_itself(name: str, plan: TrainPlan, spec: NetSpec, dtype: str = "float64") -> Engine:
    """The engine of that name: one that falls back fails the test, which is about what it can do."""
    engine = make_engine(name, spec, plan, dtype=dtype, device="cpu")
    assert engine.name == Choice.parse(name).name, engine.reason
    return engine


def apart(spec: NetSpec, plan: TrainPlan, data: Dataset, dtype: str = "float64") -> float:
    """How far a run ends from that of scratch: weights, gradient, buffers, and outputs in evaluation mode."""
    ends = []
    for name in (SMALL, "scratch"):
        engine = engine_itself(name, plan, spec, dtype)
        list(steps(engine, data, plan))
        outputs = engine.predict(numbers(77, *data.train.stored.shape[1:], seed=2).to(engine.dtype))
        ends.append((engine.params.flat, engine.params.grad, engine.params.buffers, outputs))
    return max(map(distance, *ends))


def assert_resumes_to_the_same_bits(spec: NetSpec, plan: TrainPlan, data: Dataset) -> Engine:
    """A run that another engine continues after two blocks ends as one that never stopped, whose engine is returned."""
    whole, first, second = (engine_itself(SMALL, plan, spec) for _ in range(3))
    list(steps(whole, data, plan))
    upcoming = steps(first, data, plan, every=1)
    for _ in range(2):
        next(upcoming)
    second.load_state(first.state(), first.num_updates)
    list(steps(second, data, plan, start=first.num_updates))
    got = second.state()
    assert all(torch.equal(got[name], value) for name, value in whole.state().items())
    return whole
