"""Larger dense networks whose units are divided among threads: the steps of scratch, on any number of threads."""

from typing import Any

import numpy as np
import pytest
import torch

from fivestep.check import DivergenceError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._engine import Engine
from fivestep.engines.fused import FusedEngine, _compiled, _size
from fivestep.engines.fused._compiled import one_pass
from fivestep.engines.fused._size import own_tile
from fivestep.engines.fused.body.barrier import APART
from fivestep.engines.fused.body.division import NEAR_BITS, Thread
from fivestep.engines.fused.body.lanes import BYTES
from fivestep.engines.fused.body.panels import BESIDE
from fivestep.engines.fused.larger import divided, products
from fivestep.engines.fused.larger.divided import Division
from fivestep.engines.fused.larger.levels import level_places
from fivestep.find import Choice
from fivestep.net import MLP, FeedForward, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from fivestep.train import train
from tests.samples import do_steps, numbers, small_engine, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

pytestmark = pytest.mark.skipif(own_tile() is None, reason="on such a processor torch's products do it")
LARGER = "fused:larger=true"
PLANS: dict[str, dict[str, Any]] = {
    "plain descent": {},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "adam, averaged": {"optimizer": "adam", "lr": 0.01, "ema": 0.9},
    "decoupled decay, a schedule": {"optimizer": "adamw:weight_decay=0.1", "lr": 0.01, "schedule": "cosine"},
    "half the rate for all": {"lr_factors": {"linear": 0.5}},
    "an L2 term": {"l2": 0.5, "momentum": 0.9},
    "an L2 term, half the rate for all": {"l2": 0.5, "lr_factors": {"linear": 0.5}},
    "a bound on the norm": {"clip_norm": 0.05},
    "a norm that is never too large": {"clip_norm": 1e3, "optimizer": "adam", "lr": 0.01},
    "all bounds": {"clip_norm": 0.1, "clip_value": 0.02, "l2": 0.5, "optimizer": "rmsprop", "lr": 0.01},
    "groups": {"no_decay": "0.weight", "lr_factors": {"weight": 0.5}, "optimizer": "adamw", "lr": 0.01},
    "three rows at a time": {"batch_size": 3},
    "in parts": {"batch_size": 23, "micro_batch_size": 5, "clip_norm": 0.05},
    "all rows in parts": {"batch_size": None, "epochs": 5, "micro_batch_size": 20, "optimizer": "adam", "lr": 0.01},
    "all rows at once": {"batch_size": None, "epochs": 5},
    "everything": {
        "optimizer": "adamw:weight_decay=0.1",
        "lr": 0.01,
        "schedule": "cosine",
        "ema": 0.9,
        "l2": 0.1,
        "no_decay": "0.weight",
        "lr_factors": {"weight": 0.5},
        "clip_norm": 0.05,
        "clip_value": 0.02,
        "batch_size": 23,
        "micro_batch_size": 5,
    },
}
NETS = {
    "one layer": MLP(4, 3),
    "one panel each": MLP(4, 32, 3, activation="relu"),
    "odd widths": MLP(4, 17, 50, 3, activation="gelu"),
    "deep": MLP(4, 40, 70, 33, 3, activation="tanh"),
    "dropout": MLP(4, 40, 33, 3, activation=("relu", "silu"), dropout=(0.3, 0.6)),
    "dropout of sums": NetSpec((Choice("linear", out_features=37), Choice("dropout", p=0.4), Choice("linear")), 4, 3),
    "no biases, nothing between": NetSpec(
        (
            Choice("linear", out_features=20, bias=False),
            Choice("linear", out_features=35, bias=False),
            Choice("relu"),
            Choice("linear", bias=False),
        ),
        4,
        3,
    ),
}

CASES = [
    (count, options, net)
    for count in (1, 2, 3)
    for options in PLANS
    for net in NETS
    if count == 3 or options == "everything" or net == "dropout"
]
"""Every plan with every network on three threads, and each of both on fewer."""


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """So many threads for torch, and work for all of them."""
    return share(request.param, monkeypatch)


def share(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Lets so many threads divide any step, on however few processors."""
    monkeypatch.setattr(divided, "OPERATIONS_FOR_A_THREAD", 1)
    monkeypatch.setattr(divided, "num_processors", lambda: count)
    torch.set_num_threads(count)
    return count


def division(engine: Engine) -> Division:
    assert isinstance(engine, FusedEngine)
    assert engine.is_divided
    found = engine._body._division
    assert isinstance(found, Division)
    return found


def as_scratch(spec: NetSpec, plan: TrainPlan, data: Dataset) -> tuple[Engine, Engine]:
    """Both engines after a run: weights, the rule's memory, losses and the gradient of the last step are the same."""
    ours, scratch = small_engine(LARGER, plan, spec), small_engine("scratch", plan, spec)
    assert division(ours)
    losses = torch.cat([step.losses for step in steps(ours, data, plan) if step.losses is not None])
    expected = torch.stack([step.loss for step in steps(scratch, data, plan)])
    assert distance(losses, expected) < ENGINES_FLOAT64
    got = ours.state()
    assert max(distance(got[name], value) for name, value in scratch.state().items()) < ENGINES_FLOAT64
    assert distance(ours.params.grad, scratch.params.grad) < ENGINES_FLOAT64
    return ours, scratch


@pytest.mark.parametrize(("threads", "options", "net"), CASES, indirect=["threads"])
@pytest.mark.usefixtures("threads")
def test_a_run_is_that_of_scratch(options: str, net: str) -> None:
    """Weights, the rule's memory, losses, and the gradient of the last step."""
    plan, data, spec = small_plan(**PLANS[options]), three_classes(weighted=True), NETS[net]
    as_scratch(spec, plan, data)


@pytest.mark.parametrize("net", ["odd widths", "deep", "dropout", "no biases, nothing between"])
def test_large_weights_are_packed_some_panels_at_a_time(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed as a whole they would be once more what the parameters take; dropout's bits are drawn once."""
    monkeypatch.setattr(divided, "MOST_PACKED", 1)
    share(1, monkeypatch)
    ours, _ = as_scratch(NETS[net], small_plan(**PLANS["everything"]), three_classes(weighted=True))
    packed = division(ours)._own[0].panels.size
    assert (packed < ours.params.matrices.numel()) == (net != "dropout")


def test_threads_that_have_units_share_a_step(threads: int) -> None:
    engine = small_engine(LARGER, small_plan(), MLP(4, 40, 70, 3))
    engine.train_step(numbers(9, 4), torch.arange(9) % 3)
    assert division(engine)._made[0] == threads


@pytest.mark.parametrize("count", [4, 8])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_more_threads_than_processors_give_the_numbers_of_one(
    rule: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none of them waits for ever."""
    plan, spec, data = small_plan(optimizer=rule), MLP(4, 130, 140, 133, 3, activation="tanh"), three_classes()
    ends = []
    for threads in (1, count):
        share(threads, monkeypatch)
        engine = small_engine(LARGER, plan, spec)
        list(steps(engine, data, plan))
        assert division(engine)._made[0] == threads
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT64


def test_there_are_no_more_threads_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    share(4, monkeypatch)
    monkeypatch.setattr(divided, "num_processors", lambda: 2)
    engine = small_engine(LARGER, small_plan(), MLP(4, 130, 140, 3))
    engine.train_step(numbers(9, 4), torch.arange(9) % 3)
    assert division(engine)._made[0] == 2


def test_no_thread_is_without_units(threads: int) -> None:
    engine = small_engine(LARGER, small_plan(), MLP(4, BESIDE * BYTES // 8 + 1, 3))  # two panels of float64
    engine.train_step(numbers(9, 4), torch.arange(9) % 3)
    assert division(engine)._made[0] == min(threads, 2)


def test_little_work_stays_on_one_thread() -> None:
    torch.set_num_threads(2)
    engine = small_engine(LARGER, small_plan(), MLP(4, 40, 70, 3))
    engine.train_step(numbers(9, 4), torch.arange(9) % 3)
    assert division(engine)._made[0] == 1


def test_a_short_batch_is_divided_as_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last rows of a stream's epoch are a block without an order, and where blocks end is a matter of time."""
    monkeypatch.setattr(divided, "num_processors", lambda: 2)
    torch.set_num_threads(2)
    engine = small_engine(LARGER, small_plan(batch_size=64), MLP(200, 256, 3))
    engine.train_step(numbers(2, 200), torch.arange(2))
    assert division(engine)._made[0] == 2


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("is_divided", [True, False])
@pytest.mark.parametrize(
    ("net", "options"),
    [
        ("deep", {}),
        ("deep", {"optimizer": "adam"}),
        ("dropout", {"optimizer": "adam", "clip_norm": 0.05, "batch_size": 23, "micro_batch_size": 5}),
    ],
    ids=["plain", "adam", "dropout and a norm, in parts"],
)
def test_the_same_run_gives_the_same_bits(
    net: str, options: dict[str, Any], is_divided: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever its blocks end: that is a matter of time."""
    if not is_divided:
        monkeypatch.setattr(products, "can_be_divided", lambda *_: False)
    plan, data = small_plan(epochs=5, **options), three_classes()
    engines = [small_engine(LARGER, plan, NETS[net]) for _ in range(2)]
    for engine, every in zip(engines, (None, 1), strict=True):
        list(steps(engine, data, plan, every=every))
    assert torch.equal(*(engine.params.flat for engine in engines))
    assert torch.equal(*(engine.params.grad for engine in engines))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", [(0.0, 0.0), (0.3, 0.6), (0.0, 0.97), (1 - 1e-7, 0.5), (0.5, 1 - 1e-7)], ids=str)
def test_any_share_of_units_is_dropped(p: tuple[float, float], dtype: str) -> None:
    """From none of them to all."""
    plan = small_plan(momentum=0.9, ema=0.9, clip_norm=0.05, batch_size=23, micro_batch_size=5)
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, MLP(4, 40, 33, 3, activation=("relu", "silu"), dropout=p), dtype)
        list(steps(engine, three_classes(), plan))
        ends.append(engine.params.flat)
    assert distance(*ends) < (ENGINES_FLOAT32 if dtype == "float32" else ENGINES_FLOAT64)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("part", [None, 151])
def test_rows_whose_bits_are_drawn_one_after_another(part: int | None) -> None:
    """More of them than a thread has room for, also where they begin in the middle of a word."""
    width = 1501
    plan, data = small_plan(batch_size=None, micro_batch_size=part), three_classes(200)
    assert NEAR_BITS // width < 151
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, MLP(4, width, 3, activation="relu", dropout=0.5))
        list(steps(engine, data, plan))
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT64


@pytest.mark.usefixtures("threads")
def test_a_thread_has_room_for_the_bits_of_some_rows_only() -> None:
    """A few hundred kilobytes, however many rows a batch has: those of all of these are 2.6 megabytes."""
    engine = small_engine(LARGER, small_plan(batch_size=20_000), MLP(4, 64, 3, dropout=0.5))
    engine.train_step(numbers(20_000, 4), torch.arange(20_000) % 3)
    assert all(own.words.nbytes < 3 * NEAR_BITS for own in division(engine)._own)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("stored", [torch.uint8, torch.float32, torch.float64])
def test_rows_as_they_are_stored_are_turned_into_numbers_in_the_batch(stored: torch.dtype) -> None:
    """In float32, for widths that fill no panel, out of rows that have a width and a height."""
    plan, scale = small_plan(), 1 / 255 if stored == torch.uint8 else None
    x = (numbers(50, 6, 7) * 50 + 100).to(stored) if scale else numbers(50, 6, 7).to(stored)
    data = Dataset(Rows(x, three_classes().train.y, scale=scale), num_outputs=3)
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, MLP(42, 70, 3, activation="relu"), dtype="float32")
        list(steps(engine, data, plan))
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT32


@pytest.mark.usefixtures("threads")
def test_several_outputs_and_rows_that_fill_many_tiles() -> None:
    """More rows than are added up before a gradient is touched, and outputs in more than one panel."""
    plan = TrainPlan(loss="mse", batch_size=300, epochs=3, lr=0.1)
    data = Dataset(Rows(numbers(700, 37), numbers(700, 45, seed=1)))
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, MLP(37, 50, 40, 45))
        list(steps(engine, data, plan))
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT64


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("is_divided", [True, False])
@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("shape", [(50, 4), (50, 3, 4)], ids=["rows", "tokens"])
def test_rows_of_parts_weigh_alike(
    shape: tuple[int, ...], batch_size: int | None, is_divided: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the whole batch, of which the last part may be shorter."""
    if not is_divided:
        monkeypatch.setattr(products, "can_be_divided", lambda *_: False)
    plan = small_plan(loss="mse", batch_size=batch_size, micro_batch_size=7)
    data = Dataset(Rows(numbers(*shape), numbers(*shape, seed=1)))
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, FeedForward(4, 40, dropout=0.5))
        list(steps(engine, data, plan))
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT64


@pytest.mark.usefixtures("threads")
def test_where_blocks_end_matters_by_rounding_at_most() -> None:
    plan, data = small_plan(), three_classes()
    whole, single = (small_engine(LARGER, plan, NETS["deep"]) for _ in range(2))
    list(steps(whole, data, plan))
    do_steps(single, data, plan, 1, plan.num_steps(50))
    assert distance(whole.params.flat, single.params.flat) < ENGINES_FLOAT64


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("options", [{}, PLANS["groups"], PLANS["all bounds"]], ids=["plain", "groups", "all bounds"])
def test_a_state_that_is_put_back_continues_with_the_same_bits(options: dict[str, Any]) -> None:
    """Masks and what groups remember too."""
    plan, data = small_plan(**options), three_classes()
    engine, other = (small_engine(LARGER, plan, NETS["dropout"]) for _ in range(2))
    do_steps(engine, data, plan, 1, 5)
    state = engine.state()
    do_steps(engine, data, plan, 6, 12)
    other.load_state(state, 5)
    do_steps(other, data, plan, 6, 12)
    assert all(torch.equal(other.state()[name], value) for name, value in engine.state().items())


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("options", [{"clip_norm": 1.0}, {"clip_value": 0.1}, {"clip_norm": 1.0, "l2": 0.1}])
def test_bounds_make_no_number_of_what_is_none(options: dict[str, Any]) -> None:
    """A norm that is none leaves no weight a number; a bound on each leaves those that scratch leaves."""
    x, y = numbers(9, 4), torch.arange(9) % 3
    x[3, 2] = torch.nan
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, small_plan(**options), NETS["deep"])
        engine.train_step(x, y)
        ends.append(engine.params.flat.isfinite())
    assert torch.equal(*ends)
    assert not ends[0].all()


@pytest.mark.usefixtures("threads")
def test_not_a_number_in_a_weight_reaches_the_loss() -> None:
    engine = small_engine(LARGER, small_plan(), NETS["one panel each"])
    engine.params.flat[0] = torch.nan
    assert engine.train_step(numbers(5, 4), torch.tensor([0, 1, 2, 0, 1])).isnan()


@pytest.mark.usefixtures("threads")
def test_a_divergence_is_found_at_its_step() -> None:
    data = Dataset(Rows(numbers(50, 4), numbers(50, 3, seed=1)), num_outputs=3)
    plan = TrainPlan(loss="mse", lr=4.0, batch_size=16, epochs=4000)
    found = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, MLP(4, 34, 3, activation="relu"))
        with pytest.raises(DivergenceError) as error:
            list(train(engine, data, plan, every=1000))
        found.append((str(error.value).partition(", first")[0], engine.num_updates))  # of two layers, rounding decides
    assert found[0] == found[1]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("spec", [FeedForward(4, 40), FeedForward(4, 40, residual=True)], ids=["plain", "residual"])
def test_tokens_are_rows(spec: NetSpec) -> None:
    """Which the engine may see only when the rows come."""
    x, y = numbers(6, 5, 4), numbers(6, 5, 4, seed=1)
    ours, scratch = (small_engine(name, small_plan(loss="mse"), spec) for name in (LARGER, "scratch"))
    assert division(ours)
    for engine in (ours, scratch):
        for _ in range(3):
            engine.train_step(x, y)
    assert distance(ours.params.flat, scratch.params.flat) < ENGINES_FLOAT64


@pytest.mark.parametrize(
    ("options", "spec"),
    [
        ({"optimizer": "muon"}, MLP(4, 40, 3)),
        ({}, NetSpec((Choice("linear", out_features=40), Choice("relu"), Choice("scale"), Choice("linear")), 4, 3)),
        ({}, NetSpec((Choice("dropout", p=0.5), Choice("linear", out_features=40), Choice("linear")), 4, 3)),
    ],
)
def test_what_is_not_its_own_is_done_by_the_products(options: dict[str, Any], spec: NetSpec) -> None:
    engine = small_engine(LARGER, small_plan(**options), spec)
    assert isinstance(engine, FusedEngine)
    assert engine._body._division is None
    assert not engine.is_divided


def test_a_processor_where_nobody_measured_takes_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert not _size.can_be_divided(MLP(4, 40, 3), small_plan())


@pytest.mark.parametrize("threads", [2], indirect=True)
def test_a_thread_that_fails_holds_nobody(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it raised is raised, and the next step is done."""

    def fails(me: Thread, *work: Any) -> None:
        if me.number == 1:
            raise MemoryError
        one_pass("train_divided")(me, *work)

    engine = small_engine(LARGER, small_plan(), MLP(4, 40, 3))
    x, y = numbers(9, 4), torch.arange(9) % 3
    before = engine.train_step(x, y)
    with monkeypatch.context() as patched:
        patched.setattr(_compiled, "one_pass", lambda name: fails if name == "train_divided" else one_pass(name))
        with pytest.raises(MemoryError):
            engine.train_step(x, y)
    assert division(engine)._made[0] == threads
    assert engine.train_step(x, y) < before


def test_whoever_waits_leaves_when_another_has_left() -> None:
    places = np.zeros(3 * APART, np.int64)
    places[APART] = 1  # the other one was there once
    assert one_pass("wait_for_all")(places, 0, 2)
    places[2 * APART] = 1
    assert not one_pass("wait_for_all")(places, 0, 2)


@pytest.mark.parametrize("panels", [(3, 1), (5, 5, 1), (2, 3, 4, 1), (4, 3, 2, 1), (3, 3, 3, 3, 2), (2, 5, 1, 3, 1)])
def test_gradients_take_the_place_of_values_that_nobody_needs_any_more(panels: tuple[int, ...]) -> None:
    """Those of level l are made from those of level l + 1, beside the values up to level l; of `panels`, one is 8."""
    size, last = [0, *(8 * count for count in panels)], len(panels)
    values, gradients = level_places(size[1:], overwrites=True)
    for level in range(1, last + 1):
        own = range(gradients[level], gradients[level] + size[level])
        needed = [range(values[k], values[k + 1]) for k in range(1, min(level, last - 1) + 1)]
        if level < last:
            needed.append(range(gradients[level + 1], gradients[level + 1] + size[level + 1]))
        assert all(own.stop <= of.start or of.stop <= own.start for of in needed)
        assert own.stop <= gradients[-1]
