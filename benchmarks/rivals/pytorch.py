"""PyTorch as it is written by hand: rows in memory, and the script of most tutorials."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ._base import Array, Job, Rival


def module_of(job: Job) -> nn.Sequential:
    """The network, with the weights to start from."""
    layers: list[nn.Module] = []
    for _, i, o in job.layers:
        layers += [nn.Linear(i, o), nn.ReLU() if job.activation == "relu" else nn.Tanh()]
    model = nn.Sequential(*layers[:-1])
    model.load_state_dict({name: torch.from_numpy(value) for name, value in job.weights.items()})
    return model


def loss_of(job: Job) -> nn.Module:
    """The criterion, a mean over the batch."""
    if job.loss == "mse":
        return nn.MSELoss()
    return nn.CrossEntropyLoss() if job.loss == "cross_entropy" else nn.BCEWithLogitsLoss()


def rule_of(job: Job, model: nn.Module, *, fused: bool = False) -> torch.optim.Optimizer:
    """The optimizer; one kernel for all of it if `fused`, which is not its default on a CPU."""
    rule = torch.optim.Adam if job.rule == "adam" else torch.optim.SGD
    return rule(model.parameters(), lr=job.lr, fused=fused or None)


def weights_of(model: nn.Module) -> dict[str, Array]:
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def resident_batches(job: Job) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of rows in memory, taken by index, epoch after epoch."""
    x, y = torch.from_numpy(job.x), torch.from_numpy(job.y)
    while True:
        if job.is_full_batch:
            yield x, y
        else:
            for rows in torch.randperm(len(x)).split(job.batch):
                yield x[rows], y[rows]


class _Loop(Rival):
    """The usual five lines."""

    is_fused: ClassVar[bool] = False

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.model, self.criterion = module_of(job), loss_of(job)
        self.optimizer = rule_of(job, self.model, fused=self.is_fused)
        self.batches = iter(self._batches())

    @abstractmethod
    def _batches(self) -> Iterable[tuple[Tensor, Tensor]]: ...

    def train(self, steps: int) -> None:
        for x, y in islice(self.batches, steps):
            loss = self.criterion(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def weights(self) -> dict[str, Array]:
        return weights_of(self.model)


class Resident(_Loop):
    """A plain loop with all rows in memory as floats, sliced by index."""

    title = "PyTorch loop, resident rows"

    def _batches(self) -> Iterable[tuple[Tensor, Tensor]]:
        return resident_batches(self.job)


class ResidentFused(_Loop):
    """The same with `fused=True` for the optimizer."""

    title = "PyTorch loop, fused optimizer"
    is_fused = True

    def _batches(self) -> Iterable[tuple[Tensor, Tensor]]:
        return resident_batches(self.job)


class Script(_Loop):
    """A TensorDataset and a DataLoader that collates row by row."""

    title = "PyTorch script, DataLoader"

    def _batches(self) -> Iterable[tuple[Tensor, Tensor]]:
        rows = TensorDataset(torch.from_numpy(self.job.x), torch.from_numpy(self.job.y))
        loader = DataLoader(rows, batch_size=self.job.batch, shuffle=not self.job.is_full_batch)
        while True:
            yield from loader
