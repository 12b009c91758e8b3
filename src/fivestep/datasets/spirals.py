"""Two intertwined spirals."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import torch

from .. import draws
from ._base import Dataset, Rows, Task

TURNS = 1.5
NOISE = 0.03


@final
class Spirals(Task):
    """Two arms of one and a half turns, half a turn apart, with rows drawn from the seed: 400 to train, 1000 in others.

    A row at the share s of its arm, s = sqrt(u) with u uniform in [0, 1), has the angle t = 2 pi 1.5 s and lies at
    s (cos t, sin t) or, on the other arm, at the negative of it, plus 0.03 standard normals in each coordinate. Along
    an arm the rows are equally dense, as the square root undoes the growth of the circumference with the radius.

    Over seeds 0 to 4 the perceptron reaches a test loss of 0.015 (0.004 to 0.033) and an accuracy of 0.996 (0.994 to
    0.999), the linear model 0.608 (0.595 to 0.616) and 0.64 (0.63 to 0.66). Source of the problem: Lang and Witbrock
    1988, "Learning to tell two spirals apart".
    """

    description = "two intertwined spirals"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mlp": {"hidden": (32, 32), "activation": "tanh", "optimizer": "adam", "lr": 0.01},
        "linear": {"optimizer": "sgd", "lr": 0.1},
    }
    settings: ClassVar[Mapping[str, Any]] = {"loss": "binary_cross_entropy", "batch_size": None, "epochs": 1000}
    is_drawn: ClassVar[bool] = True

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        return Dataset(
            _rows(400, seed, part=0),
            _rows(1000, seed, part=1),
            _rows(1000, seed, part=2),
            num_outputs=1,
            name="spirals",
            class_names=("first", "second"),
        )


def _rows(num_rows: int, seed: int, part: int) -> Rows:
    stream = draws.generator(seed, -1, part)  # the draws of training have no coordinate below 0
    share = torch.rand(num_rows, generator=stream).sqrt()
    angle = 2 * math.pi * TURNS * share
    label = torch.arange(num_rows) % 2
    arm = torch.stack([angle.cos(), angle.sin()], dim=1) * (share * (1 - 2 * label)).unsqueeze(1)  # (N, 2)
    noise = torch.randn(num_rows, 2, generator=stream)
    return Rows(arm + NOISE * noise, label.float())
