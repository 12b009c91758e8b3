"""Two interleaved half circles."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from ._base import Dataset, Rows, Task


@final
class Moons(Task):
    """Trains on scikit-learn's `make_moons(200, noise=0.2, random_state=42)`; the other parts have other states."""

    description = "two half moons, which no straight line separates"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mlp": {"hidden": (8,), "activation": "relu", "optimizer": "adam", "lr": 0.05},
        "linear": {"optimizer": "sgd", "lr": 0.1},
    }
    settings: ClassVar[Mapping[str, Any]] = {"loss": "binary_cross_entropy", "batch_size": None, "epochs": 1000}

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        return Dataset(
            _rows(200, 42),
            _rows(1000, 43),
            _rows(1000, 44),
            num_outputs=1,
            name="moons",
            class_names=("upper", "lower"),
        )


def _rows(num_rows: int, state: int) -> Rows:
    from sklearn.datasets import make_moons  # here, because it takes a second to import

    x, y = make_moons(num_rows, noise=0.2, random_state=state)
    return Rows(x.astype(np.float32), y.astype(np.float32))
