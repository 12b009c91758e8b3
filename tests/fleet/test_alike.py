"""Networks in packs on one engine: each is, to the bit, the one that an engine of its own trains."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.datasets._load import load_dataset
from fivestep.engines import _parts
from fivestep.engines._engine import Engine
from fivestep.engines.fused.small.code import SmallBody
from fivestep.fleet import fit_many
from fivestep.fleet.alike import can_be_packed, likenesses, most_in_pack
from fivestep.fleet.member import Member
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.samples import small_engine, small_net, small_plan, three_classes

DATA = three_classes(40, valid=20)
NORMALIZED = {"norm": "batch_norm"}
"""A setting of the network."""

PLANS: dict[str, dict[str, Any]] = {
    "batches": {"batch_size": 7},
    "full batch, adam": {"batch_size": None, "optimizer": "adam", "lr": 0.01},
    "a memory that does not begin with zeros": {"optimizer": "adagrad:initial_accumulator_value=0.1"},
    "a moving average": {"ema": 0.7},
    "schedule, l2 and metrics": {"schedule": "cosine", "l2": 0.1, "metrics": ("f1",)},
}
SLOWLY: dict[str, dict[str, Any]] = {
    "a number that is carried": {"optimizer": "nadam", "lr": 0.01},
    "a mean to predict with, and a batch norm": {"optimizer": "schedule_free_adamw", "lr": 0.01, **NORMALIZED},
    "matrix by matrix": {"optimizer": "muon", "ema": 0.7, "lr_factors": {"bias": 2.0}},
    "a batch norm, with metrics": {"metrics": ("f1",), **NORMALIZED},
}
"""Each compiled for itself."""

options_of = pytest.mark.parametrize(
    "options",
    [
        *(pytest.param(options, id=name) for name, options in PLANS.items()),
        *(pytest.param(options, id=name, marks=pytest.mark.slow) for name, options in SLOWLY.items()),
    ],
)


def fleet_of(options: dict[str, Any], dtype: str = "float64", **more: Any) -> tuple[list[TrainPlan], list[Member]]:
    of_plan = {key: value for key, value in options.items() if key not in NORMALIZED}
    plans = [small_plan(**{"lr": 0.1, **of_plan, "seed": seed}) for seed in range(4)]
    plans[3] = replace(plans[3], lr=2 * plans[3].lr)
    return plans, fit_many(net_of(options), DATA, plans, device="cpu", dtype=dtype, **more)


def net_of(options: dict[str, Any]) -> NetSpec:
    return small_net(dropout=0.3, norm=options.get("norm"))


def alone(plan: TrainPlan, dtype: str, spec: NetSpec | None = None) -> tuple[Engine, Any]:
    engine = small_engine("fused", plan, spec or net_of({}), dtype)
    (epoch,) = train(engine, DATA, plan, every=plan.epochs)
    return engine, epoch


@options_of
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_network_k_is_that_of_an_engine_of_its_own(options: dict[str, Any], dtype: str) -> None:
    """Weights, gradient, memory of the rule and every figure."""
    plans, members = fleet_of(options, dtype)
    for plan, member in zip(plans, members, strict=True):
        assert not member.has_engine
        engine, epoch = alone(plan, dtype, net_of(options))
        (got,) = member.history
        assert replace(got, seconds=0, rows_per_second=0) == replace(epoch, seconds=0, rows_per_second=0)
        assert member.is_over
        state, expected = member.engine.state(), engine.state()
        assert torch.equal(member.engine.params.flat, engine.params.flat)
        assert torch.equal(member.engine.params.grad, engine.params.grad)
        assert all(torch.equal(state[name], value) for name, value in expected.items())
        assert (member.engine.num_updates, member.engine.lr) == (engine.num_updates, engine.lr)
        assert (member.progress.epochs, member.progress.seen) == (plan.epochs, [got.valid_loss])


def test_wide_networks_are_measured_some_rows_at_a_time_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_parts, "LEAST_ROWS", 1)
    monkeypatch.setattr(_parts, "OUTPUTS_ON_CPU", 60)
    plans, members = fleet_of({}, "float32")
    for plan, member in zip(plans, members, strict=True):
        _, epoch = alone(plan, "float32")
        assert member.history[0].train_loss == epoch.train_loss


def test_engines_are_made_for_those_who_are_asked_for_theirs() -> None:
    _, members = fleet_of({})
    assert [member.has_engine for member in members] == [False] * 4
    assert all(math.isfinite(member.history[-1].train_loss) for member in members)
    assert members[2].engine is members[2].engine
    assert [member.has_engine for member in members] == [False, False, True, False]


def test_a_network_goes_on_from_where_it_was_trained_to() -> None:
    """An engine that is made afterwards continues the same sequence of draws and steps."""
    plans, members = fleet_of({"batch_size": 7})
    plan, engine = replace(plans[1], epochs=6), members[1].engine
    (epoch,) = train(engine, DATA, plan, every=6)
    expected = small_engine("fused", plan, small_net(dropout=0.3))
    (whole,) = train(expected, DATA, plan, every=6)
    assert torch.equal(engine.params.flat, expected.params.flat)
    assert epoch.train_loss == whole.train_loss


def test_one_that_diverges_is_reported_as_if_alone_and_touches_no_other() -> None:
    numbers = replace(DATA, train=Rows(DATA.train.x, DATA.train.x[:, :3]), valid=None)
    plans = [small_plan(loss="mse", lr=lr, epochs=200) for lr in (0.01, 0.01, 1e6, 0.01)]
    members = fit_many(MLP(4, 6, 3), numbers, plans, device="cpu", dtype="float64", num_threads=1)
    assert [member.diverged is not None for member in members] == [False, False, True, False]
    assert "the loss must stay finite, got" in str(members[2].diverged)
    assert members[2].engine.params.flat.isfinite().all()
    assert torch.equal(members[0].engine.params.flat, members[3].engine.params.flat)


def test_data_that_do_not_fit_are_refused_before_compiled_code_sees_them() -> None:
    wrong = Dataset(Rows(DATA.train.x, DATA.train.y + 1), num_outputs=3)
    with pytest.raises(InputError, match="y must hold classes 0 to 2"):
        fit_many(small_net(), wrong, [small_plan(seed=seed) for seed in range(3)], device="cpu")


@pytest.mark.parametrize(
    ("options", "is_alike"),
    [({"seed": 9, "lr": 3.0}, True), ({"weight_decay": 0.1}, False), ({"lr_factors": {"bias": 2.0}}, False)],
)
def test_alike_are_those_that_differ_in_seed_and_rate_only(options: dict[str, Any], is_alike: bool) -> None:
    plans = [small_plan(), small_plan(**options), small_plan()]
    found, (one, other, of_other_rows) = likenesses([small_net()] * 3, [DATA, DATA, three_classes(40)], plans)
    assert (one == other) is is_alike
    assert of_other_rows not in (one, other)
    assert [*found.values()] == [*range(len(found))]


def test_long_trainings_class_weights_and_other_engines_are_not_packed() -> None:
    plan, engine = small_plan(), small_engine("fused")
    assert can_be_packed(engine, DATA, plan)
    assert not can_be_packed(engine, DATA, replace(plan, epochs=10**6))
    assert not can_be_packed(engine, DATA, replace(plan, class_weight="balanced"))
    assert not can_be_packed(small_engine("scratch"), DATA, plan)


def test_packs_of_twenty_thousand_steps_fill_a_register_and_longer_ones_do_not_keep_ctrl_c_waiting() -> None:
    plan, data = small_plan(batch_size=None, loss="binary_cross_entropy"), Dataset(load_dataset("moons").train)
    engine = small_engine("fused", plan, MLP(2, 8, 1, activation="tanh"), "float32")
    assert 16 <= most_in_pack(engine, data, replace(plan, epochs=20_000)) <= 32
    assert most_in_pack(engine, data, replace(plan, epochs=200_000)) < 16


ABREAST: dict[str, dict[str, Any]] = {
    "many steps": {"spec": MLP(2, 8, 1, activation="tanh"), "num_rows": 20, "epochs": 700},
    "one input, relu": {"spec": MLP(1, 7, 1), "num_rows": 33},
    "four inputs, relu": {"spec": MLP(4, 16, 1), "num_rows": 33},
    "ten inputs, relu": {"spec": MLP(10, 12, 1), "num_rows": 40},
    "tanh, half a register": {"spec": MLP(3, 12, 1, activation="tanh"), "num_rows": 50},
    "a register, two in turn": {"spec": MLP(5, 16, 1), "num_rows": 20},
    "three half registers": {"spec": MLP(6, 24, 1, activation="tanh"), "num_rows": 40},
    "two registers, yes or no": {"spec": MLP(10, 32, 1), "num_rows": 24, "loss": "binary_cross_entropy"},
    "a moving average, huber": {"spec": MLP(3, 8, 1), "num_rows": 40, "ema": 0.9, "loss": "huber"},
    "values clipped, momentum": {"spec": MLP(3, 8, 1), "num_rows": 40, "clip_value": 0.1, "optimizer": "momentum"},
    "factors, decay, a schedule": {
        "spec": MLP(3, 8, 1),
        "num_rows": 40,
        "optimizer": "adamw",
        "weight_decay": 0.1,
        "lr_factors": {"bias": 2.0},
        "schedule": "cosine",
    },
}


@pytest.mark.parametrize("options", ABREAST.values(), ids=ABREAST)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_networks_abreast_are_those_of_engines_of_their_own(
    options: dict[str, Any], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane for each, to the bit; of those that are left, too few for a register, each by itself."""
    given = {"loss": "mse", "optimizer": "adam", "lr": 0.003, "epochs": 20, "batch_size": None} | options
    spec, num_rows, abreast = given.pop("spec"), given.pop("num_rows"), list[int]()
    x = torch.randn((num_rows, spec.in_features), generator=torch.Generator().manual_seed(0))
    data = Dataset(Rows(x, (x.sum(1) > 0).float(), weight=None if num_rows % 2 else x[:, 0].abs() + 0.1))
    train_abreast = SmallBody.train_abreast
    monkeypatch.setattr(SmallBody, "train_abreast", lambda *of: abreast.append(train_abreast(*of)) or abreast[-1])
    plans = [TrainPlan(**given | {"seed": seed, "lr": given["lr"] * (1 + seed % 3)}) for seed in range(18)]
    members = fit_many(spec, data, plans, "fused", device="cpu", dtype=dtype, num_threads=1)
    assert sum(abreast) == 16
    for plan, member in zip(plans, members, strict=True):
        engine = small_engine("fused", plan, spec, dtype)
        (epoch,) = train(engine, data, plan, every=plan.epochs)
        assert replace(member.history[0], seconds=0, rows_per_second=0) == replace(epoch, seconds=0, rows_per_second=0)
        state = member.engine.state()
        assert all(torch.equal(state[name], value) for name, value in engine.state().items())
        assert torch.equal(member.engine.params.grad, engine.params.grad)


def test_one_that_diverges_abreast_touches_no_other() -> None:
    x = torch.randn((40, 2), generator=torch.Generator().manual_seed(0))
    plans = [TrainPlan(loss="mse", lr=1e6 if k == 5 else 0.01, epochs=50, batch_size=None) for k in range(16)]
    members = fit_many(MLP(2, 8, 1), Dataset(Rows(x, x[:, 0])), plans, "fused", device="cpu", num_threads=1)
    assert [k for k, member in enumerate(members) if member.diverged is not None] == [5]
    assert len({member.history[-1].train_loss for member in members if member.diverged is None}) == 1
