"""A task, its reference recipe and an engine, as `fivestep train TASK` puts them together."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset
from fivestep.engines._engine import Engine
from fivestep.engines._make import make_engine
from fivestep.epoch import Epoch
from fivestep.evaluation import evaluate
from fivestep.find import find
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from fivestep.train import train


@dataclass(frozen=True)
class Setup:
    """Everything that the loop needs."""

    engine: Engine
    data: Dataset
    plan: TrainPlan

    def losses(self) -> list[float]:
        """Trains to the end; the loss of each step, measured before its update."""
        return [step.loss.item() for step in steps(self.engine, self.data, self.plan)]

    def last_epoch(self) -> Epoch:
        """Trains to the end; what the last epoch measured."""
        *_, last = train(self.engine, self.data, self.plan, every=self.plan.epochs)
        return last


def prepare(name: str, model: str, data: Dataset | None = None, seed: int = 0, **settings: Any) -> Setup:
    """The task of that name with the reference settings of that model, some of them changed."""
    task = find("datasets", name)
    spec, plan = find("recipes", "plain")().prepare(
        model, {**task.settings, **task.models[model], "seed": seed, **settings}
    )
    data = data or load_dataset(name, seed=seed)
    return Setup(make_engine("scratch", spec.sized(data.in_features, data.num_outputs), plan, device="cpu"), data, plan)


def over_five_seeds(name: str, model: str) -> np.ndarray:
    """Loss and accuracy on the test part after the reference recipe, for seeds 0 to 4: (5, 2)."""
    setups = [prepare(name, model, seed=seed) for seed in range(5)]
    for setup in setups:
        setup.losses()
    scores = [evaluate(setup.engine, setup.data.test) for setup in setups]
    return np.array([(score.loss, score.accuracy) for score in scores], dtype=float)
