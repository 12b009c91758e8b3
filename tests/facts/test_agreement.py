"""The engines on the same real run: how close they are through ten epochs."""

import functools

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.find import names
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.real import load_or_skip
from tests.tolerances import TEN_EPOCHS_FLOAT32, TEN_EPOCHS_FLOAT64

ORACLE = "nn"
ROWS = 6000
"""A tenth of the images takes a tenth of the time: 24 steps an epoch."""

other_engines = pytest.mark.parametrize("name", [name for name in names("engines") if name != ORACLE])


@functools.cache
def losses(name: str, dtype: str) -> list[float]:
    """The training loss after each epoch of the reference recipe."""
    data = Dataset(load_or_skip("fashion-mnist").train.take(slice(ROWS)), num_outputs=10)
    plan = TrainPlan()
    engine = make_engine(name, MLP(784, 256, 10, init="normal"), plan, dtype=dtype, device="cpu")
    return [epoch.train_loss for epoch in train(engine, data, plan)]


@pytest.mark.slow
@other_engines
def test_engine_stays_with_nn_for_ten_epochs_of_fashion_mnist_in_float64(name: str):
    assert losses(name, "float64") == pytest.approx(losses(ORACLE, "float64"), rel=TEN_EPOCHS_FLOAT64)


@pytest.mark.slow
@other_engines
def test_engine_stays_with_nn_for_ten_epochs_of_fashion_mnist_in_float32(name: str):
    assert losses(name, "float32") == pytest.approx(losses(ORACLE, "float32"), rel=TEN_EPOCHS_FLOAT32)


ACCELERATORS = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}


@pytest.mark.parametrize("device", ACCELERATORS)
@pytest.mark.parametrize("name", names("engines"))
def test_engine_on_an_accelerator_stays_with_nn_on_the_processor(name: str, device: str):
    if not ACCELERATORS[device]():
        pytest.skip(f"this machine has no {device}")
    spec = MLP(20, 32, 3, dropout=0.5, init="normal")
    plan = TrainPlan(optimizer="adam", lr=0.01, batch_size=16, epochs=5)
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(100, 20, generator=stream)
    data = Dataset(Rows(x, x[:, :3].argmax(1)), num_outputs=3)
    got, expected = (
        [epoch.train_loss for epoch in train(make_engine(which, spec, plan, device=where), data, plan)]
        for which, where in ((name, device), (ORACLE, "cpu"))
    )
    assert got == pytest.approx(expected, rel=TEN_EPOCHS_FLOAT32)
