"""Small trained networks, made once, that the pictures are drawn of."""

from dataclasses import replace
from typing import Any

import pytest

from fivestep.datasets._load import load_dataset
from fivestep.net import MLP, LinearRegression, NetSpec, SoftmaxRegression
from fivestep.pictures._base import Subject
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.samples import small_engine


def trained(task: str, spec: NetSpec, every: int = 1, **plan: Any) -> Subject:
    """The network after its training on the task, in float64."""
    data = load_dataset(task)
    chosen = TrainPlan(**plan)
    engine = small_engine("scratch", chosen, chosen.sized(spec, data))
    return Subject(engine, data, tuple(train(engine, data, chosen, every)), f"runs/{task}-1")


@pytest.fixture(scope="session")
def moons() -> Subject:
    plan = {"loss": "binary_cross_entropy", "optimizer": "adam", "lr": 0.05, "batch_size": None, "epochs": 60}
    return trained("moons", MLP(None, 8, None, activation="tanh"), every=20, **plan)


@pytest.fixture(scope="session")
def moons_by_sgd() -> Subject:
    plan = {"loss": "binary_cross_entropy", "optimizer": "sgd", "lr": 0.1, "batch_size": 64, "epochs": 5}
    return trained("moons", LinearRegression(), **plan)


@pytest.fixture(scope="session")
def line() -> Subject:
    return trained("line", LinearRegression(), loss="mse", lr=0.05, batch_size=None, epochs=40, every=10)


@pytest.fixture(scope="session")
def iris() -> Subject:
    return trained("iris", MLP(None, 8, None), optimizer="adam", lr=0.02, batch_size=30, epochs=8)


@pytest.fixture(scope="session")
def digits() -> Subject:
    return trained("digits", SoftmaxRegression(), lr=0.1, batch_size=128, epochs=2)


@pytest.fixture(scope="session")
def untrained(moons: Subject) -> Subject:
    return replace(moons, engine=moons.starting_engine(), history=(), name="moons")


def draw(subject: Subject, kind: str, **look: Any) -> Any:
    """The figure of that kind."""
    from fivestep.pictures._plot import draw as draw_picture

    return draw_picture([subject], kind, **look)
