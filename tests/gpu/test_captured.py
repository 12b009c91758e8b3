"""On a CUDA device `fused` records its steps as graphs, and they stay the steps of `scratch` on the CPU."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.datasets._load import load_dataset
from fivestep.engines._graphs import Graphs
from fivestep.engines._make import make_engine
from fivestep.evaluation import evaluate
from fivestep.fleet import fit_many
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from fivestep.train import train
from tests.samples import RECORDED_PLANS, numbers, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")

PLANS = {**RECORDED_PLANS, "long": {"epochs": 70, "batch_size": 9, "lr": 0.02}}
plans = pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in PLANS.items()])
NETS: dict[str, NetSpec] = {
    "dropout": small_net(dropout=0.3),
    "norms": MLP(4, 8, 8, 3, activation=("gelu", "relu"), norm=("batch_norm", "layer_norm")),
}
nets = pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in NETS.items()])


@plans
@nets
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_recorded_steps_are_those_of_scratch_on_the_cpu(spec: NetSpec, options: dict[str, Any], weighted: bool) -> None:
    plan, data = small_plan(**options), three_classes(weighted=weighted)
    scratch = make_engine("scratch", spec, plan, dtype="float64", device="cpu")
    recorded = make_engine("fused", spec, plan, dtype="float64", device="cuda")
    expected = torch.stack([step.loss for step in steps(scratch, data, plan)])
    got = torch.cat([step.losses for step in steps(recorded, data, plan, every=1) if step.losses is not None])
    assert recorded.name == "fused"
    assert distance(got.cpu(), expected) < ENGINES_FLOAT64
    assert distance(recorded.params.flat.cpu(), scratch.params.flat) < ENGINES_FLOAT64
    assert distance(recorded.params.grad.cpu(), scratch.params.grad) < ENGINES_FLOAT64


def test_a_graph_is_replayed_where_steps_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[Any] = []
    run = Graphs.run

    def noted(graphs: Graphs, key: Any, work: Callable[[], object]) -> None:
        keys.append(key)
        run(graphs, key, work)

    monkeypatch.setattr(Graphs, "run", noted)
    plan, data = small_plan(epochs=1, batch_size=2), three_classes(num_rows=2 * 90 + 1)
    engine = make_engine("fused", small_net(), plan, device="cuda")
    for _ in steps(engine, data, plan):
        pass
    took = [(size, count) for _, size, _, count in keys]
    assert took == [(2, 64), (2, 8), (2, 8), (2, 8), (2, 1)]  # beside the first of each size


@pytest.mark.parametrize("task", ["moons", "sum"])
def test_a_task_trains_as_on_the_cpu(task: str) -> None:
    """The full batch of `moons`; rows that come anew in every epoch of `sum`."""
    data = load_dataset(task)
    loss = "mse" if task == "sum" else "binary_cross_entropy"
    plan = TrainPlan(loss=loss, optimizer="adam", lr=0.01, batch_size=None if task == "moons" else 50, epochs=20)
    spec = plan.sized(MLP(data.in_features, 8, 1, activation="tanh"), data)
    engines = [
        make_engine(name, spec, plan, dtype="float64", device=d) for name, d in (("scratch", "cpu"), ("fused", "cuda"))
    ]
    histories = [[epoch.train_loss for epoch in train(engine, data, plan, every=5)] for engine in engines]
    assert distance(*(torch.tensor(history, dtype=torch.float64) for history in histories)) < ENGINES_FLOAT64


def test_images_stay_bytes_on_the_device() -> None:
    pixels = torch.randint(256, (300, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data = Dataset(Rows(pixels, pixels.long().sum(1) % 3, scale=1 / 255), num_outputs=3)
    plan = small_plan(batch_size=32)
    scratch, fused = (make_engine(n, small_net(), plan, device=d) for n, d in (("scratch", "cpu"), ("fused", "cuda")))
    for engine in (scratch, fused):
        for _ in steps(engine, data, plan):
            pass
    assert distance(fused.params.flat.cpu(), scratch.params.flat) < ENGINES_FLOAT32


def test_a_run_that_goes_on_has_the_same_bits() -> None:
    plan, data = small_plan(optimizer="adam", epochs=4), three_classes()
    whole, begun, goes_on = (make_engine("fused", small_net(dropout=0.2), plan, device="cuda") for _ in range(3))
    for _ in steps(whole, data, plan, every=1):
        pass
    for _ in itertools.islice(steps(begun, data, plan, every=1), 2):
        pass
    goes_on.load_state(begun.state(), begun.num_updates)
    for _ in steps(goes_on, data, plan, goes_on.num_updates, every=1):
        pass
    assert goes_on.num_updates == whole.num_updates
    assert torch.equal(goes_on.params.flat, whole.params.flat)


def test_what_cannot_be_recorded_is_handed_over() -> None:
    for plan in (TrainPlan(optimizer="lbfgs"), TrainPlan(micro_batch_size=8), TrainPlan(optimizer="nadam")):
        engine = make_engine("auto", small_net(), plan, device="cuda")
        assert engine.name == "scratch"
        assert "cannot" in engine.reason or "parts" in engine.reason


def test_auto_says_why_it_is_fused_that_does_the_work() -> None:
    engine = make_engine("auto", small_net(), TrainPlan(), device="cuda")
    assert (engine.name, engine.reason) == ("fused", "steps on cuda:0 are recorded as graphs")


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_fewer_digits_train_to_nearly_the_same_loss(precision: str) -> None:
    plan = small_plan(batch_size=64, epochs=3)
    data = Dataset(Rows(numbers(256, 64), (numbers(256, 64) @ numbers(64, 8, seed=1)).argmax(1)), num_outputs=8)
    spec = MLP(64, 128, 128, 8)
    losses = []
    for name in ("fused", f"fused:precision={precision}"):
        engine = make_engine(name, spec, plan, device="cuda")
        for _ in train(engine, data, plan):
            pass
        losses.append(evaluate(engine, data.train).loss)
    assert losses[0] != losses[1]
    assert abs(losses[1] / losses[0] - 1) < 0.02


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="this machine has no second CUDA device")
@pytest.mark.parametrize("spec", [small_net(), MLP(4, 8, 3, activation="gelu"), small_net(dropout=0.3)], ids=str)
def test_a_device_that_is_not_the_current_one_trains_too(spec: NetSpec) -> None:
    plan, data = small_plan(), three_classes()
    scratch, fused = (make_engine(n, spec, plan, device=d) for n, d in (("scratch", "cpu"), ("fused", "cuda:1")))
    for engine in (scratch, fused):
        for _ in steps(engine, data, plan):
            pass
    assert distance(fused.params.flat.cpu(), scratch.params.flat) < ENGINES_FLOAT32


def test_networks_left_by_themselves_share_the_device() -> None:
    """An option of the engine keeps them from being a batch, and there are processors for many threads."""
    plans = [small_plan(seed=seed, epochs=5) for seed in range(8)]
    members = fit_many(small_net(), three_classes(), plans, "fused:precision=tf32", device="cuda", num_threads=8)
    for member, plan in zip(members, plans, strict=True):
        alone = make_engine("fused:precision=tf32", small_net(), plan, device="cuda")
        for _ in steps(alone, member.data, plan):
            pass
        assert torch.equal(member.engine.params.flat, alone.params.flat)


def test_new_rows_are_recorded_anew() -> None:
    plan = small_plan()
    engine, scratch = (make_engine(n, small_net(), replace(plan), device="cuda") for n in ("fused", "scratch"))
    for seed in (0, 1):
        data = Dataset(Rows(numbers(40, 4, seed=seed), torch.arange(40) % 3), num_outputs=3)
        for one in (engine, scratch):
            for _ in steps(one, data, plan):
                pass
    assert distance(engine.params.flat, scratch.params.flat) < ENGINES_FLOAT32


def test_a_wrong_label_is_refused_and_the_device_goes_on() -> None:
    """A kernel that looks it up would fail, and with it all that follows in this process."""
    plan, right = small_plan(), three_classes()
    engine = make_engine("fused", small_net(), plan, device="cuda")
    wrong = Dataset(Rows(right.train.x, right.train.y + 1), num_outputs=3)
    with pytest.raises(InputError, match="y must hold classes 0 to 2 for a network of 3 outputs, got 1 to 3"):
        next(steps(engine, wrong, plan))
    assert next(steps(engine, right, plan)).loss.isfinite()
