"""Two interleaved half circles."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from ._base import Dataset, Rows, Task


@final
class Moons(Task):
    """Trains on the rows of scikit-learn's `make_moons(200, noise=0.2, random_state=42)`; other parts, other states."""

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
    """The rows of `make_moons`, to the bit, without scikit-learn, which takes a second to import.

    The upper moon is (cos t, sin t) for t from 0 to pi, the lower one (1 - cos t, 1/2 - sin t); noise is added to both.
    """
    stream = np.random.RandomState(state)
    upper, lower = (np.linspace(0, np.pi, count) for count in (num_rows // 2, num_rows - num_rows // 2))
    first, second = np.append(np.cos(upper), 1 - np.cos(lower)), np.append(np.sin(upper), 1 - np.sin(lower) - 0.5)
    order = np.arange(num_rows)
    stream.shuffle(order)
    x = np.stack([first, second], 1)[order] + stream.normal(scale=0.2, size=(num_rows, 2))
    return Rows(x.astype(np.float32), (order >= num_rows // 2).astype(np.float32))
