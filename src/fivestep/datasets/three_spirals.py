"""Three intertwined spirals, one for each class."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import torch

from .. import draws
from ._base import Dataset, Rows, Task

ARMS = 3
SWEEP = 4.0
"""Radians by which an arm turns on its way from the center to the rim."""

NOISE = 0.2


@final
class ThreeSpirals(Task):
    """Three arms a third of a turn apart, with rows drawn from the seed: 300 to train, 900 in each other part.

    A row of arm k at the radius r, uniform in [0, 1), has the angle t = 4 r + 2 pi k / 3 + 0.2 noise, the noise
    standard normal, and lies at r (cos t, sin t). The smallest task with several classes that no lines separate, and
    that can be drawn.

    Over seeds 0 to 4 the perceptron reaches a test loss of 0.049 (0.034 to 0.078) and an accuracy of 0.990 (0.986 to
    0.998), softmax regression 0.795 (0.791 to 0.805) and 0.53 (0.50 to 0.55). Source: Karpathy, notes of Stanford's
    course CS231n, "Putting it together: minimal neural network case study".
    """

    description = "three intertwined spirals, a class for each"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mlp": {"hidden": (16,), "activation": "tanh", "optimizer": "adam", "lr": 0.05},
        "softmax": {"optimizer": "sgd", "lr": 0.1},
    }
    settings: ClassVar[Mapping[str, Any]] = {"loss": "cross_entropy", "batch_size": None, "epochs": 300}
    is_drawn: ClassVar[bool] = True

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        return Dataset(
            _rows(300, seed, part=0),
            _rows(900, seed, part=1),
            _rows(900, seed, part=2),
            num_outputs=ARMS,
            name="three-spirals",
            class_names=("first", "second", "third"),
        )


def _rows(num_rows: int, seed: int, part: int) -> Rows:
    stream = draws.generator(seed, -1, part)  # the draws of training have no coordinate below 0
    radius = torch.rand(num_rows, generator=stream)
    arm = torch.arange(num_rows) % ARMS
    noise = torch.randn(num_rows, generator=stream)
    angle = SWEEP * radius + 2 * math.pi * arm / ARMS + NOISE * noise
    return Rows(radius.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], dim=1), arm)
