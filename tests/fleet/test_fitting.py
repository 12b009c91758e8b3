"""Many networks at once: each is the one that is trained alone, and none is another's concern."""

import math
import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._folds import folds
from fivestep.fleet import fit_many, train_members
from fivestep.fleet.alike import PackTrainer
from fivestep.fleet.chunks import Chunk
from fivestep.fleet.member import Member
from fivestep.fleet.pool import threads_of
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.ranks import ALONE, Ranks
from fivestep.train import train
from tests.cli.processes import PATIENCE
from tests.samples import ENGINES, small_engine, small_net, small_plan, three_classes
from tests.together import as_between_machines, together
from tests.tolerances import ENGINES_FLOAT64, distance

DATA = three_classes(40, valid=20)


def alone(name: str, plan: TrainPlan, every: int, spec: Any = None) -> torch.Tensor:
    """The weights of the same network, trained by itself."""
    engine = small_engine(name, plan, spec)
    list(train(engine, DATA, plan, every))
    return engine.params.flat


LONG_FLEET = """
import threading, time
from fivestep.fleet import train_members
from fivestep.fleet.member import Member
from tests.samples import small_engine, small_net, small_plan, three_classes

plans = [small_plan(epochs=epochs) for epochs in (1, 10**7, 10**7)]
members = [Member(three_classes(), plan, small_engine("scratch", plan)) for plan in plans]

def say_when_all_train():
    while not all(member.engine.num_updates for member in members):
        time.sleep(0.01)
    print("training", flush=True)

threading.Thread(target=say_when_all_train, daemon=True).start()
try:
    train_members(members, num_threads=2)
except KeyboardInterrupt:
    print(*(member.engine.num_updates for member in members), flush=True)
"""


@pytest.mark.parametrize("name", ENGINES)
def test_network_k_is_the_network_trained_alone(name: str) -> None:
    """Seeds, rates, decays, initial values and dropout of their own; to the bit."""
    settings: list[dict[str, Any]] = [
        {"seed": 1, "lr": 0.1},
        {"seed": 2, "lr": 0.1},
        {"seed": 1, "lr": 0.01, "optimizer": "adamw", "weight_decay": 0.1},
        {"seed": 3, "lr": 0.02, "batch_size": 7},
    ]
    plans = [small_plan(**one) for one in settings]
    specs = [small_net(dropout=0.3, init=init) for init in ("torch", "torch", "xavier", "normal")]
    members = fit_many(specs, DATA, plans, name, dtype="float64", device="cpu", num_threads=3)
    expected = [alone(name, plan, 3, spec) for plan, spec in zip(plans, specs, strict=True)]
    assert all(torch.equal(member.engine.params.flat, w) for member, w in zip(members, expected, strict=True))
    assert [member.history[-1].step for member in members] == [9, 9, 9, 18]


def test_networks_of_different_sizes_are_one_fleet() -> None:
    specs = [MLP(4, width, 3) for width in (1, 5, 17)]
    members = fit_many(specs, DATA, small_plan(), dtype="float64", device="cpu")
    assert [member.engine.params.flat.numel() for member in members] == [11, 43, 139]
    assert all(member.engine.name == "fused" for member in members)


def test_each_network_may_have_data_of_its_own() -> None:
    parts = list(folds(DATA, 3, seed=0))
    members = fit_many(MLP(None, 5, None), parts, small_plan(), device="cpu")
    assert [member.data for member in members] == parts
    assert all(member.history[-1].valid_loss is not None for member in members)


@pytest.mark.parametrize("name", ["fused", "scratch"])
def test_a_metric_of_a_network_that_diverges_ends_no_other(name: str) -> None:
    plans = [small_plan(loss="cross_entropy", optimizer="sgd", lr=lr, metrics="auc") for lr in (0.01, 1e300, 0.01)]
    members = fit_many(MLP(None, 6, None), DATA, plans, name, dtype="float64", device="cpu")
    assert [member.diverged is not None for member in members] == [False, True, False]
    assert members[2].history[-1].train_metrics["auc"] > 0.5


def test_a_network_that_diverges_is_reported_and_touches_no_other() -> None:
    plans = [small_plan(loss="mse", lr=lr, epochs=200) for lr in (0.01, 1e6, 0.01)]
    numbers = replace(DATA, train=type(DATA.train)(DATA.train.x, DATA.train.x[:, :3]), valid=None)
    members = fit_many(MLP(4, 6, 3), numbers, plans, "fused", dtype="float64", device="cpu")
    assert [member.diverged is not None for member in members] == [False, True, False]
    assert "the loss must stay finite, got" in str(members[1].diverged)
    assert members[1].engine.params.flat.isfinite().all()
    assert torch.equal(members[0].engine.params.flat, members[2].engine.params.flat)


def test_networks_stop_early_each_by_itself() -> None:
    plans = [small_plan(lr=lr, epochs=60, patience=3, restore_best=True) for lr in (3.0, 0.001)]
    first, second = fit_many(small_net(), DATA, plans, device="cpu")
    assert first.history[-1].index < 60 == second.history[-1].index
    best = min(epoch.valid_loss or math.inf for epoch in first.history)
    assert first.history[-4].valid_loss == best


def test_a_fleet_of_one_is_the_engine() -> None:
    plan = small_plan()
    (member,) = fit_many(small_net(), DATA, plan, "fused", dtype="float64", device="cpu")
    assert isinstance(member, Member)
    assert distance(member.engine.params.flat, alone("scratch", plan, 3)) < ENGINES_FLOAT64


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("every", [None, 1, 4])
def test_training_in_parts_is_training_at_once(name: str, every: int | None) -> None:
    """To the bit, wherever it was cut."""
    plans = [small_plan(seed=seed, epochs=9, batch_size=7) for seed in range(3)]
    whole = fit_many(small_net(dropout=0.3), DATA, plans, name, dtype="float64", device="cpu", every=every)
    parts = [Member(DATA, plan, small_engine(name, plan, small_net(dropout=0.3))) for plan in plans]
    for until in (2, 2, 5, None):
        train_members(parts, every, until=until)
        assert {part.progress.epochs for part in parts} == {until or 9}
    assert all(
        torch.equal(one.engine.params.flat, two.engine.params.flat) for one, two in zip(whole, parts, strict=True)
    )
    assert [part.history[-1].valid_loss for part in parts] == [member.history[-1].valid_loss for member in whole]


def test_ctrl_c_ends_the_networks_in_the_pool_between_two_steps() -> None:
    """They would train for hours without an evaluation."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command, here = [sys.executable, "-c", LONG_FLEET], Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=here) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        process.send_signal(signal.SIGINT)
        numbers = [int(word) for word in process.communicate(timeout=PATIENCE)[0].split()]
    assert (process.returncode, len(numbers)) == (0, 3)
    assert all(0 < number < 10**7 for number in numbers)


@pytest.mark.parametrize(("device", "expected"), [("cuda", 1), ("cpu", 3), (None, 3)])
def test_one_thread_begins_the_steps_of_a_cuda_device(device: str | None, expected: int) -> None:
    """Two that record on one device would spoil each other's graphs; None are networks that nobody has made yet."""
    engine = SimpleNamespace(device=None if device is None else torch.device(device))
    members: Any = [SimpleNamespace(has_engine=device is not None, engine=engine)] * 2
    assert threads_of([Chunk(members)] * 3, 16) == expected


def test_the_number_of_threads_is_put_back() -> None:
    before = torch.get_num_threads()
    fit_many(small_net(), DATA, [small_plan(seed=seed) for seed in range(3)], device="cpu")
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"plans": []}, r"plans must be at least one network's, got \[\]; a fleet of none has nothing to train"),
        (
            {"specs": [small_net()] * 2, "plans": [small_plan()] * 3},
            "specs, data and plans must be one for all networks or one for each, got 2 specs, 3 plans; even them",
        ),
        (
            {"num_threads": 0},
            "num_threads must be a whole number of at least 1, got 0; leave it out for all processors",
        ),
        ({"every": 0}, "every must be a whole number of at least 1, got 0"),
    ],
)
def test_a_fleet_that_cannot_be_is_refused(options: dict[str, Any], sentence: str) -> None:
    usual = {"specs": small_net(), "data": DATA, "plans": small_plan()}
    with pytest.raises(InputError, match=sentence):
        fit_many(**{**usual, **options}, device="cpu")


FLEET = [
    {"seed": 1},
    {"seed": 2, "lr": 1e25},  # diverges
    {"seed": 3, "ema": 0.7, "optimizer": "adam"},
    {"seed": 4, "patience": 1, "restore_best": True, "epochs": 30, "lr": 0.5},
    {"seed": 5, "ema": 0.5, "restore_best": True, "metrics": ("f1",)},
]


def divided(ranks: Ranks, name: str) -> list[tuple[Any, ...]]:
    """All that anyone can see of the networks at the end, on one rank."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "engine 'fused' falls back")
        members = fit_many(small_net(activation="relu"), DATA, [small_plan(**one) for one in FLEET], name, ranks=ranks)
    return [
        (
            [replace(epoch, seconds=0, rows_per_second=0) for epoch in member.history],  # before there is an engine
            member.engine.params.flat.tolist(),  # to predict with, which may be an average of those that train
            {key: value.tolist() for key, value in member.engine.state().items()},
            [replace(epoch, seconds=0, rows_per_second=0) for epoch in member.progress.history],
            member.engine.num_updates,
            member.diverged,
        )
        for member in members
    ]


def refused_on_one_rank(ranks: Ranks) -> None:
    """The second network, which is rank 1's, cannot be made."""
    fit_many([small_net(), MLP(5, 3)], DATA, small_plan(), device="cpu", ranks=ranks)


def test_a_network_that_one_rank_refuses_all_refuse() -> None:
    first, second = together(refused_on_one_rank, 2)
    assert isinstance(first, InputError)
    assert str(first).startswith("in_features of the network must be 4 to fit the data, got 5;")
    assert str(second) == str(first)


def not_the_same(ranks: Ranks, what: str) -> None:
    """Rank 1 differs in one thing."""
    data, plans = three_classes(), [small_plan(seed=seed) for seed in range(4)]
    if ranks.rank == 1 and what == "plans":
        plans[2] = small_plan(seed=2, lr=0.3)
    if ranks.rank == 1 and what == "number of networks":
        plans = plans[:3]
    if ranks.rank == 1 and what == "rows of the networks":
        data.train.stored[7, 2] += 1e-9
    every = 1 if ranks.rank == 1 and what == "every" else None
    fit_many(small_net(), data, plans, device="cpu", every=every, ranks=ranks)


@pytest.mark.parametrize("what", ["number of networks", "plans", "rows of the networks", "every"])
def test_ranks_that_would_divide_other_fleets_are_all_told_so(what: str) -> None:
    first, second = together(not_the_same, 2, what)
    assert isinstance(first, InputError)
    assert str(first).startswith(f"the {what} must be the same on all ranks, got ")
    assert str(second) == str(first)


def alike(ranks: Ranks) -> list[tuple[float, list[float]]]:
    """Networks that differ in their seeds only, which one engine may train one after another."""
    plans = [small_plan(seed=seed) for seed in range(5)]
    members = fit_many(small_net(activation="relu"), DATA, plans, "fused", device="cpu", ranks=ranks)
    return [(member.history[-1].train_loss, member.engine.params.flat.tolist()) for member in members]


def test_a_fleet_of_networks_that_are_alike_is_the_same_on_all_ranks_too() -> None:
    expected = alike(ALONE)
    assert together(alike, 2) == [expected, expected]


def behind(ranks: Ranks, through: str, more_than_half: Path) -> tuple[int, list[tuple[float, list[float]]]]:
    """Rank 1 waits with its first networks until rank 0 has more than half: what was trained here, and the ends."""
    trained_here: list[Any] = []
    ranks = as_between_machines(ranks) if through == "store" else ranks

    def slowly(trainer: PackTrainer, plans: Any) -> Any:
        trained_here.extend(plans)
        if ranks.rank == 0 and len(trained_here) > 21:
            more_than_half.touch()
        while ranks.rank == 1 and not more_than_half.exists():
            time.sleep(0.01)
        return train_pack(trainer, plans)

    train_pack = PackTrainer.train
    PackTrainer.train = slowly  # type: ignore[method-assign]
    plans = [small_plan(seed=seed) for seed in range(41)]
    members = fit_many(small_net(activation="relu"), DATA, plans, "fused", device="cpu", num_threads=1, ranks=ranks)
    return len(trained_here), [(of.history[-1].train_loss, of.engine.params.flat.tolist()) for of in members]


@pytest.mark.parametrize("through", ["memory", "store"])
def test_a_rank_that_is_through_trains_networks_of_one_that_is_behind(through: str, tmp_path: Path) -> None:
    plans = [small_plan(seed=seed) for seed in range(41)]
    members = fit_many(small_net(activation="relu"), DATA, plans, "fused", device="cpu")
    expected = [(of.history[-1].train_loss, of.engine.params.flat.tolist()) for of in members]
    (quick, first), (slow, second) = together(behind, 2, through, tmp_path / "more than half")
    assert first == second == expected
    assert quick + slow == 41
    assert quick > 21 > slow


@pytest.mark.parametrize("name", ENGINES)
def test_a_fleet_that_ranks_divide_is_the_same_on_all_to_the_bit(name: str) -> None:
    expected = divided(ALONE, name)
    assert [diverged is not None for *_, diverged in expected] == [False, True, False, False, False]
    assert together(divided, 2, name) == [expected, expected]
