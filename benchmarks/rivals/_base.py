"""What all contestants of a benchmark train, as plain arrays, and what each of them can do.

Nothing here imports a library of one of them: a process that measures one alone loads no other.
"""

import json
import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Job:
    """One network, its rows in memory, and how it is trained.

    x (N, I) float32; y (N,) int64 for `cross_entropy`, (N, 1) float32 otherwise. `sizes` are the widths from inputs to
    outputs, `weights` the initial values under torch's names, "0.weight" (O, I), "0.bias" (O,), "2.weight", ...
    `batch` rows at a time, in a new order for every epoch; where they are all rows, in the order that they have.
    """

    x: Array
    y: Array
    sizes: tuple[int, ...]
    activation: Literal["relu", "tanh"]
    loss: Literal["cross_entropy", "binary_cross_entropy", "mse"]
    rule: Literal["sgd", "adam"]
    lr: float
    batch: int
    weights: dict[str, Array]
    is_measured: bool = False
    """Whether ours go through `train(..., every=...)`, which measures the network at the end of each window."""
    data: Any = field(default=None, compare=False)
    """The rows as `fivestep.load_dataset` gives them, where it stores them in another form than x."""

    @property
    def num_rows(self) -> int:
        return len(self.x)

    @property
    def is_full_batch(self) -> bool:
        return self.batch == self.num_rows

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.num_rows / self.batch)

    @property
    def layers(self) -> list[tuple[str, int, int]]:
        """Name, inputs and outputs of each linear layer."""
        return [(str(2 * k), i, o) for k, (i, o) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True))]

    def head(self, num_rows: int) -> "Job":
        """The same with the first rows alone."""
        return Job(**{**vars(self), "x": self.x[:num_rows], "y": self.y[:num_rows], "data": None})

    def logits(self, weights: dict[str, Array], x: Array) -> Array:
        """What a network with these weights gives, (N, O): by NumPy, for everyone alike."""
        for name, _, _ in self.layers:
            x = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
            if name != self.layers[-1][0]:
                x = np.maximum(x, 0) if self.activation == "relu" else np.tanh(x)
        return x

    def loss_of(self, weights: dict[str, Array], most: int = 20_000) -> float:
        """The mean loss of these weights over the training rows, of many over the first ones."""
        z, y = self.logits(weights, self.x[:most]).astype(np.float64), self.y[:most]
        if self.loss == "mse":
            return float(np.mean((z - y) ** 2))
        if self.loss == "binary_cross_entropy":
            return float(np.mean(np.logaddexp(0, z) - y * z))
        largest = z.max(1)
        total = largest + np.log(np.exp(z - largest[:, None]).sum(1))
        return float(np.mean(total - z[np.arange(len(z)), y]))

    def save(self, folder: Path) -> None:
        """Into a folder, for a process of its own."""
        arrays: dict[str, Any] = {
            "x": self.x,
            "y": self.y,
            **{f"weights.{name}": value for name, value in self.weights.items()},
        }
        np.savez(folder / "job.npz", **arrays)
        settings = {key: value for key, value in asdict(self).items() if key not in ("x", "y", "weights", "data")}
        (folder / "job.json").write_text(json.dumps(settings), encoding="utf-8")

    @staticmethod
    def load(folder: Path) -> "Job":
        """What `save` has written."""
        settings = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        arrays = dict(np.load(folder / "job.npz"))
        weights = {name.removeprefix("weights."): arrays[name] for name in arrays if name.startswith("weights.")}
        settings["sizes"] = tuple(settings["sizes"])
        return Job(x=arrays["x"], y=arrays["y"], weights=weights, **settings)


class Rival(ABC):
    """One way to train a network, in its best reasonable form. Made for a job; holds rows and weights as it likes.

    A file of this folder that defines some takes part in every benchmark of training; it imports its library at its
    top, and where that is missing, it is left out with a message.
    """

    title: ClassVar[str]
    """Its name in the tables."""
    runs_long: ClassVar[bool] = False
    """Whether a call does many steps without returning to Python: its windows are long, the others' short."""
    whole_epochs: ClassVar[bool] = False
    """Whether its loop ends with an epoch only: of a large job it then gets the rows of one window alone."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @classmethod
    def refusal(cls, job: Job) -> str | None:  # noqa: ARG003
        """Why it does not train this job; None if it does."""
        return None

    @abstractmethod
    def train(self, steps: int) -> None:
        """Does so many steps more, and waits for their end. What it compiles at the first call, it keeps."""

    def num_done(self) -> int | None:
        """The steps done so far, of one that stops only now and then and may go on a little; None for all others."""
        return None

    @abstractmethod
    def weights(self) -> dict[str, Array]:
        """The weights as they are now, under torch's names."""
