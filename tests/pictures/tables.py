"""A small table and the network that was trained on it."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivestep.datasets._base import Dataset
from fivestep.datasets._table import TableSource, load_table
from fivestep.net import MLP
from fivestep.pictures._base import Subject
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.samples import small_engine


def houses(folder: Path, target: str | tuple[str, ...] = "price") -> Subject:
    """A price that depends on area, and on one of four cities, but not on the noise."""
    rng = np.random.default_rng(0)
    area, city = rng.uniform(50, 150, 300), rng.choice(["a", "b", "c", "d"], 300)
    price = 1000 * area + 30_000 * (city == "a")
    path = folder / "houses.csv"
    pl.DataFrame({"noise": rng.normal(size=300), "city": city, "area": area, "price": price}).write_csv(path)
    data = load_table(TableSource(path, target), seed=0).data
    return _trained(data, TrainPlan(loss="mse", optimizer="adam", lr=0.02, batch_size=64, epochs=30))


def questions(folder: Path, **settings: Any) -> Subject:
    """Whether a place is wet and whether it is windy, of rain and wind; windy ones are few."""
    rng = np.random.default_rng(0)
    rain, wind = rng.normal(size=300), rng.normal(size=300)
    wet, windy = np.where(rain + 0.3 * wind > 0, "wet", "dry"), wind + 0.3 * rain > 1
    path = folder / "places.csv"
    pl.DataFrame({"rain": rain, "wind": wind, "noise": rng.normal(size=300), "wet": wet, "windy": windy}).write_csv(
        path
    )
    data = load_table(TableSource(path, ("wet", "windy")), seed=0).data
    usual = {"loss": "binary_cross_entropy", "optimizer": "adam", "lr": 0.02, "batch_size": 64, "epochs": 5}
    return _trained(data, TrainPlan(**{**usual, **settings}))


def _trained(data: Dataset, plan: TrainPlan) -> Subject:
    engine = small_engine("scratch", plan, plan.sized(MLP(None, 16, None), data))
    return Subject(engine, data, tuple(train(engine, data, plan)), f"runs/{data.name}-1")
