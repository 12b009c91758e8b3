"""On a CUDA device a fleet is one batch, recorded as graphs: network k is what it is alone."""

from typing import Any

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.fleet import fit_many
from fivestep.fleet.member import Member
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from tests.kernels import FLEETS, NO_NUMBERS, assert_the_same_networks, batch_without_a_number, fleet_of
from tests.samples import small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, distance

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")

DATA = three_classes(40, valid=20)
PLANS: dict[str, dict[str, Any]] = {
    "mini-batches": {"epochs": 30, "batch_size": 7},
    "full batch, adam": {"batch_size": None, "epochs": 100, "optimizer": "adam", "lr": 0.01},
    "clipped, averaged, L2": {"clip_norm": 0.1, "ema": 0.9, "l2": 0.1, "epochs": 20},
}


def on_both(
    specs: list[NetSpec], plans: list[TrainPlan], every: int | None = None
) -> tuple[list[Member], list[Member]]:
    """The fleet as a batch on the device, and network by network on the CPU."""
    device, cpu = (
        fit_many(specs, DATA, plans, name, dtype="float64", device=place, every=every)
        for name, place in (("auto", "cuda"), ("scratch", "cpu"))
    )
    return device, cpu


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in PLANS.items()])
@pytest.mark.parametrize(
    ("spec", "how"),
    [
        pytest.param(small_net(), "by one kernel", id="kernel"),
        pytest.param(small_net(dropout=0.3), "step by step", id="dropout"),
        pytest.param(MLP(4, 6, 5, 3), "step by step", id="two hidden layers"),
    ],
)
def test_network_k_of_a_batch_on_the_device_is_the_network_trained_alone(
    options: dict[str, Any], spec: NetSpec, how: str
) -> None:
    plans = [small_plan(**{**options, "seed": seed, "weight_decay": 0.01 * seed}) for seed in range(5)]
    device, cpu = on_both([spec] * 5, plans, every=10)
    assert {member.how for member in device} == {f"in a batch of 5 on cuda:0, {how}"}
    for mine, theirs in zip(device, cpu, strict=True):
        assert mine.engine.params.flat.is_cuda
        assert distance(mine.engine.params.flat.cpu(), theirs.engine.params.flat) < ENGINES_FLOAT64
        assert [one.valid_loss for one in mine.history] == pytest.approx([one.valid_loss for one in theirs.history])


def test_a_factor_on_the_rates_of_all_parameters_counts() -> None:
    plans = [small_plan(seed=seed, lr_factors={"weight": 2.0, "bias": 2.0}) for seed in range(3)]
    device, cpu = on_both([small_net()] * 3, plans)
    for mine, theirs in zip(device, cpu, strict=True):
        assert distance(mine.engine.params.flat.cpu(), theirs.engine.params.flat) < ENGINES_FLOAT64


def test_those_that_stop_early_leave_a_batch_on_the_device() -> None:
    rates = (3.0, 2.0, 4.0, 0.001, 5.0)
    plans = [small_plan(lr=lr, epochs=30, patience=2, restore_best=True) for lr in rates]
    device, cpu = on_both([small_net()] * 5, plans)
    assert [len(member.history) for member in device] == [len(member.history) for member in cpu]
    assert len({len(member.history) for member in device}) > 1
    for mine, theirs in zip(device, cpu, strict=True):
        assert distance(mine.engine.params.flat.cpu(), theirs.engine.params.flat) < ENGINES_FLOAT64


def test_one_that_diverges_is_reported_and_touches_no_other() -> None:
    data = Dataset(Rows(DATA.train.x, DATA.train.x[:, :3]), num_outputs=3)
    plans = [small_plan(loss="mse", lr=lr, epochs=200, batch_size=None) for lr in (0.01, 1e6, 0.01)]
    members = fit_many(MLP(4, 6, 3), data, plans, dtype="float64", device="cuda")
    assert [member.diverged is not None for member in members] == [False, True, False]
    assert "the loss must stay finite, got" in str(members[1].diverged)
    assert torch.equal(members[0].engine.params.flat, members[2].engine.params.flat)


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in FLEETS.items()])
def test_the_kernel_knows_every_item_of_the_compiled_body(options: dict[str, Any]) -> None:
    """In float64, in which its formulas are those of the items to rounding."""
    spec, data, plans = fleet_of(options)
    members = fit_many(spec, data, plans, dtype="float64", device="cuda", every=1)
    assert {member.how for member in members} == {"in a batch of 2 on cuda:0, by one kernel"}
    assert_the_same_networks(members, spec)


@pytest.mark.parametrize("options", NO_NUMBERS, ids=str)
def test_what_is_no_number_is_none_after_the_step_either(options: dict[str, Any]) -> None:
    """A minimum or maximum on a device gives the other of two, and a clipped gradient would look like any other."""
    device, cpu = (batch_without_a_number(options, place) for place in ("cuda", "cpu"))
    assert [of.how for of in (device, cpu)] == ["by one kernel", "step by step"]
    assert torch.equal(device.flat.isnan().cpu(), cpu.flat.isnan())
    assert cpu.flat.isnan().any(1).tolist() == [True, False]
