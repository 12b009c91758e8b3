"""Handwritten digits, small enough to train in a second."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from ._base import Dataset, Rows, Task
from ._split import split_rows

STATE = 42


@final
class Digits(Task):
    """scikit-learn's `load_digits`: 1797 images of 8 x 8 pixels with the values 0 to 16, stored as bytes.

    60 percent train, 20 validate, 20 test, each with the same share of every digit; the parts do not depend on `seed`.
    The settings are those of a grid with the lowest mean validation loss over five seeds (`benchmarks/digits.py`); the
    test part had no say in it.
    """

    description = "handwritten digits on 8 x 8 pixels, ten classes"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mlp": {"hidden": (256,), "activation": "relu", "init": "kaiming", "lr": 3e-3},
        "softmax": {"lr": 1e-2},
    }
    settings: ClassVar[Mapping[str, Any]] = {
        "loss": "cross_entropy",
        "optimizer": "adam",
        "batch_size": 32,
        "epochs": 30,
    }

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        from sklearn.datasets import load_digits  # imported here: it takes a second

        digits = load_digits()
        rows = Rows(digits.data.astype(np.uint8), digits.target.astype(np.int64), scale=1 / 16)
        rest, test = split_rows(rows, 360, STATE)
        train, valid = split_rows(rest, 360, STATE)
        names = tuple(str(name) for name in digits.target_names)
        return Dataset(train, valid, test, num_outputs=10, name="digits", class_names=names)
