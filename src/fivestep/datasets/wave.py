"""Forty points around a wave."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import torch

from .. import draws
from ._base import Dataset, Rows, Task

NOISE = 0.1


@final
class Wave(Task):
    """y = sin(pi x) + 0.1 noise, x uniform in [-2, 2) and the noise standard normal: 40 rows to train, 200 in others.

    A network of one input is a curve, and can be drawn while it bends. No mean squared error can be below that of the
    noise, 0.01.

    Over seeds 0 to 4 the perceptron reaches a test loss of 0.018 (0.014 to 0.024), the linear model 0.45 (0.42 to
    0.48).
    """

    description = "forty points around a wave: a curve to bend"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mlp": {"hidden": (8,), "activation": "tanh", "optimizer": "adam", "lr": 0.05},
        "linear": {"optimizer": "sgd", "lr": 0.1},
    }
    settings: ClassVar[Mapping[str, Any]] = {"loss": "mse", "batch_size": None, "epochs": 1000}
    is_drawn: ClassVar[bool] = True

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        train, valid, test = (_rows(num_rows, seed, part) for part, num_rows in enumerate((40, 200, 200)))
        return Dataset(train, valid, test, num_outputs=1, name="wave")


def _rows(num_rows: int, seed: int, part: int) -> Rows:
    stream = draws.generator(seed, -1, part)  # the draws of training have no coordinate below 0
    x = 4 * torch.rand(num_rows, 1, generator=stream) - 2
    noise = torch.randn(num_rows, generator=stream)
    return Rows(x, torch.sin(math.pi * x[:, 0]) + NOISE * noise)
