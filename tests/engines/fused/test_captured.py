"""Steps as a CUDA device has them recorded: the numbers of `scratch`, nothing read on the host, nothing copied to it.

Here they are done one by one; tests/gpu does the same on a device.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fivestep.blocks import Block
from fivestep.datasets._base import Rows
from fivestep.engines._engine import Engine
from fivestep.engines._graphs import Graphs
from fivestep.engines.fused import FusedEngine
from fivestep.engines.fused.recorded import captured
from fivestep.engines.fused.recorded.feed import Source
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.contracts.combinations import Combination, one_at_a_time
from tests.samples import RECORDED_PLANS, engine_of, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, distance

RECORDED = "fused:recorded=true"
BY_THE_HOST = ("_local_scalar_dense", "nonzero", "lift_fresh", "is_nonzero", "equal", "masked_select", "unique")
"""Operations that read the device, whose result has a size that is read, or that bring a number to it."""

plans = pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in RECORDED_PLANS.items()])


@plans
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_recorded_steps_are_those_of_scratch(options: dict[str, Any], weighted: bool) -> None:
    plan, data, spec = small_plan(**options), three_classes(weighted=weighted), small_net(dropout=0.3)
    scratch, recorded = (engine_of(name, spec, plan) for name in ("scratch", RECORDED))
    expected = torch.stack([step.loss for step in steps(scratch, data, plan)])
    blocks = [step.losses for step in steps(recorded, data, plan, every=1)]
    got = torch.cat([losses for losses in blocks if losses is not None])
    assert distance(got, expected) < ENGINES_FLOAT64
    assert distance(recorded.params.flat, scratch.params.flat) < ENGINES_FLOAT64


def test_an_engine_goes_on_with_rows_that_weigh_otherwise() -> None:
    plan, spec = small_plan(epochs=1), small_net()
    plain, weighted = (three_classes(weighted=weighs) for weighs in (False, True))
    scratch, recorded = (engine_of(name, spec, plan) for name in ("scratch", RECORDED))
    for rows in (weighted.train, plain.train, weighted.train):
        data = replace(plain, train=rows, fresh=lambda _epoch, rows=rows: rows)
        for engine in (scratch, recorded):
            list(steps(engine, data, plan))
    assert distance(recorded.params.flat, scratch.params.flat) < ENGINES_FLOAT64


class Recorder:
    """In place of `Graphs`: what was done under a key the first time is done again, whatever is asked for later."""

    def __init__(self, _device: torch.device) -> None:
        self.kept: dict[Any, Callable[[], object]] = {}
        self.recorded: list[Any] = []

    def run(self, key: Any, work: Callable[[], object]) -> None:
        if key not in self.kept:
            self.kept[key] = work
            self.recorded.append(key)
        self.kept[key]()

    def forget(self, which: Callable[[Any], bool] = lambda _key: True) -> None:
        self.kept = {key: work for key, work in self.kept.items() if not which(key)}


def both_recorded(
    monkeypatch: pytest.MonkeyPatch, plan: TrainPlan, spec: NetSpec
) -> tuple[Engine, FusedEngine, Recorder]:
    """`scratch`, and `fused` with steps that a recorder repeats."""
    monkeypatch.setattr(captured, "Graphs", Recorder)
    scratch, recorded = (engine_of(name, spec, plan) for name in ("scratch", RECORDED))
    assert isinstance(recorded, FusedEngine)
    return scratch, recorded, recorded._body._graphs


def block_of(seed: int, count: int, size: int = 5) -> Block:
    """So many steps of rows that come anew, one after another."""
    data = three_classes(count * size)
    rows = Rows(data.train.x + seed, data.train.y)
    starts = torch.arange(count) * size
    return Block(rows, None, None, starts, starts + size, *torch.full((2, count), 0.01, dtype=torch.float64))


def test_a_block_of_one_step_leaves_what_others_have_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """All its rows are in its one step, as in the full batch; but the next block has others."""
    scratch, recorded, recorder = both_recorded(monkeypatch, small_plan(), small_net())
    for seed, count in enumerate((4, 1, 4, 1, 1, 3)):
        block = block_of(seed, count)
        recorded.train_block(block)
        scratch.lr = 0.01
        for x, y in zip(block.rows.x.split(5), block.rows.y.split(5), strict=True):
            scratch.train_step(x, y)
    assert [key[0] for key in recorder.recorded] == [Source.COPIED]
    assert distance(recorded.params.flat, scratch.params.flat) < ENGINES_FLOAT64


def test_new_rows_of_the_full_batch_are_recorded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = small_plan(batch_size=None, epochs=3)
    scratch, recorded, recorder = both_recorded(monkeypatch, plan, small_net())
    for seed in (0, 1):
        data = three_classes()
        data = replace(data, train=Rows(data.train.x + seed, data.train.y))
        for engine in (scratch, recorded):
            list(steps(engine, data, plan))
    assert len(recorder.recorded) == 2
    assert distance(recorded.params.flat, scratch.params.flat) < ENGINES_FLOAT64


@pytest.mark.parametrize(("most", "longest"), [(2**28, 64), (4000, 8), (300, 1)])
def test_a_run_is_as_long_as_there_is_memory_for(most: int, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step keeps 16 places of 8 bytes, as many labels, and 16 times 6 random bits of 2 bytes: 448 bytes."""
    monkeypatch.setattr(captured, "MOST_BYTES", most)
    plan, data = small_plan(epochs=2), three_classes(16 * 80)
    scratch, recorded, recorder = both_recorded(monkeypatch, plan, small_net(dropout=0.3))
    losses = torch.stack([step.loss for step in steps(scratch, data, plan)])
    blocks = [step.losses for step in steps(recorded, data, plan)]
    assert max(key[-1] for key in recorder.recorded) == longest
    assert distance(torch.cat([of for of in blocks if of is not None]), losses) < ENGINES_FLOAT64


@pytest.mark.parametrize("combination", [pytest.param(c, id=str(c)) for c in one_at_a_time()])
@pytest.mark.usefixtures("without_shape_checks")
def test_no_item_looks_at_numbers_while_a_step_is_recorded(
    combination: Combination, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether all that one would have recorded could be: what cannot says so, and `make_engine` falls back."""
    looked: list[str] = []

    def run(_graphs: Graphs, _key: object, work: Callable[[], object]) -> None:
        with Watching(looked):
            work()

    monkeypatch.setattr(Graphs, "run", run)
    engine = engine_of(RECORDED, combination.spec(), combination.plan())
    assert isinstance(engine, FusedEngine)
    x, y, weight = combination.batch(1, torch.float64)
    starts, stops = torch.zeros(2, dtype=torch.int64), torch.full((2,), len(x))
    engine.train_block(Block(Rows(x, y), None, weight, starts, stops, *torch.full((2, 2), 0.01, dtype=torch.float64)))
    assert engine.num_updates == 2
    assert looked == []


class Watching(TorchDispatchMode):
    """Notes operations that only the host can do."""

    def __init__(self, looked: list[str]) -> None:
        super().__init__()
        self._looked = looked

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in BY_THE_HOST:
            self._looked.append(name)
        return func(*args, **(kwargs or {}))
