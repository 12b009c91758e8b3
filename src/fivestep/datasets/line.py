"""Ten points around a straight line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from .. import draws
from ._base import Dataset, Rows, Task

SLOPE, INTERCEPT, NOISE = 2.0, 1.0, 0.1


@final
class Line(Task):
    """y = 2x + 1 + 0.1 noise, with x and the noise standard normal: 10 rows to train on, 100 others in each other part.

    `known_weights` holds the slope and the intercept, the true ones and those of least squares on the training rows.
    """

    description = "ten points around a line: two numbers to watch"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {"linear": {}}
    settings: ClassVar[Mapping[str, Any]] = {
        "loss": "mse",
        "optimizer": "sgd",
        "lr": 0.01,
        "batch_size": None,
        "epochs": 100,
    }
    is_drawn: ClassVar[bool] = True

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        train = _rows(10, seed, part=0)
        return Dataset(
            train,
            _rows(100, seed, part=1),
            _rows(100, seed, part=2),
            num_outputs=1,
            name="line",
            known_weights={
                "true": {"0.weight": torch.tensor([[SLOPE]]), "0.bias": torch.tensor([INTERCEPT])},
                "least squares": _least_squares(train),
            },
        )


def _rows(num_rows: int, seed: int, part: int) -> Rows:
    stream = draws.generator(seed, -1, part)  # the draws of training have no coordinate below 0
    x = torch.randn(num_rows, 1, generator=stream)
    noise = torch.randn(num_rows, generator=stream)
    return Rows(x, SLOPE * x[:, 0] + INTERCEPT + NOISE * noise)


def _least_squares(rows: Rows) -> dict[str, Tensor]:
    """The weights with the smallest mean squared error: the solution of min |X w - y|^2 with a column of ones in X."""
    x = torch.cat([rows.x, torch.ones_like(rows.x)], dim=1).double()  # (N, 2)
    slope, intercept = torch.linalg.lstsq(x, rows.y.double()).solution
    return {"0.weight": slope.reshape(1, 1), "0.bias": intercept.reshape(1)}
