"""The sum of ten numbers, with new rows for every step."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, final

import torch

from .. import draws
from ._base import Dataset, Rows, Task

NUM_TERMS = 10
BATCH_SIZE = 100
STEPS_PER_EPOCH = 100


@final
class Sum(Task):
    """Rows of ten standard normals and their sum, drawn for each step: nothing can be memorized.

    An epoch is 100 steps of 100 rows. A linear network can be exact; `known_weights` holds its weights.
    """

    description = "the sum of ten numbers, new rows at every step"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {"mlp": {"hidden": (32,), "activation": "relu"}, "linear": {}}
    settings: ClassVar[Mapping[str, Any]] = {
        "loss": "mse",
        "optimizer": "adam",
        "lr": 1e-3,
        "batch_size": BATCH_SIZE,
        "epochs": 50,
    }
    is_drawn: ClassVar[bool] = True

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        training_rows = partial(_rows, BATCH_SIZE * STEPS_PER_EPOCH, seed, 0)
        return Dataset(
            training_rows(0),
            _rows(1000, seed, part=1),
            _rows(1000, seed, part=2),
            num_outputs=1,
            name="sum",
            fresh=training_rows,
            known_weights={"true": {"0.weight": torch.ones(1, NUM_TERMS), "0.bias": torch.zeros(1)}},
        )


def _rows(num_rows: int, seed: int, part: int, epoch: int = 0) -> Rows:
    stream = draws.generator(seed, -1, part, epoch)  # the draws of training have no coordinate below 0
    x = torch.randn(num_rows, NUM_TERMS, generator=stream)
    return Rows(x, x.sum(1))
