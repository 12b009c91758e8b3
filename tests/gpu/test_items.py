"""Every item of every folder trains on a CUDA device as on the CPU: as a recorded step, and as one of a fleet."""

import warnings
from dataclasses import replace

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.fleet import fit_many
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from fivestep.train import train
from tests.contracts.combinations import NUM_OUTPUTS, NUM_ROWS, Combination, one_at_a_time
from tests.samples import engine_of
from tests.tolerances import distance

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
    pytest.mark.usefixtures("without_shape_checks"),
]
items = pytest.mark.parametrize("combination", [pytest.param(one, id=str(one)) for one in one_at_a_time()])


def data_of(combination: Combination) -> Dataset:
    """The batches of its contract as rows; the last batch of an epoch has fewer."""
    batches = [combination.batch(step, torch.float64) for step in range(1, 7)]
    x, y, weight = ([part[k] for part in batches] for k in range(3))
    weights = torch.cat(weight)[:-2] if combination.weighted else None
    return Dataset(Rows(torch.cat(x)[:-2], torch.cat(y)[:-2], weights), num_outputs=NUM_OUTPUTS)


def plan_of(combination: Combination, seed: int = 3) -> TrainPlan:
    return replace(combination.plan(), batch_size=NUM_ROWS, epochs=2, lr=0.02, seed=seed)


@items
def test_an_item_is_recorded_as_the_step_of_scratch(combination: Combination) -> None:
    spec, plan, data = combination.spec(), plan_of(combination), data_of(combination)
    scratch = engine_of("scratch", spec, plan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "engine 'fused' falls back")
        device = make_engine("fused", spec, plan, dtype="float64", device="cuda")
    for engine in (scratch, device):
        for _ in steps(engine, data, plan):
            pass
    assert distance(device.params.flat.cpu(), scratch.params.flat) < combination.tolerance
    if scratch.params.buffers.numel():
        assert distance(device.params.buffers.cpu(), scratch.params.buffers) < combination.tolerance
    x = data.train.x
    assert distance(device.predict(x.to(device.device)).cpu(), scratch.predict(x)) < combination.tolerance


@items
@pytest.mark.filterwarnings("ignore:.*is never reached")  # of a schedule longer than these two epochs
@pytest.mark.filterwarnings("ignore:the weights of a network with hidden layers")  # of zeros, an initialization too
def test_networks_of_a_fleet_have_the_item(combination: Combination) -> None:
    spec, data = combination.spec(), data_of(combination)
    plans = [plan_of(combination, seed) for seed in range(2)]
    if plans[0].build_optimizer().repeats:
        pytest.skip("it has no batched form, and takes long")
    for member in fit_many(spec, data, plans, dtype="float64", device="cuda"):
        alone = engine_of("scratch", spec, member.plan)
        for _ in train(alone, data, member.plan):
            pass
        assert distance(member.engine.params.flat.cpu(), alone.params.flat) < combination.tolerance
