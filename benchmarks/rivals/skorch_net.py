"""skorch around the PyTorch module, with batches sliced by index instead of its DataLoader."""

from collections.abc import Iterator
from typing import Any

import skorch
import torch
from torch import Tensor

from ._base import Array, Job, Rival
from .pytorch import loss_of, module_of, weights_of


class Batches:
    """In the place of a DataLoader, as skorch's own documentation advises for rows in memory: no collating by row."""

    def __init__(self, rows: Any, batch_size: int, *, shuffle: bool) -> None:
        self.x, self.y = torch.from_numpy(rows.X), torch.from_numpy(rows.y)
        self.size, self.shuffle = batch_size, shuffle

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if not self.shuffle:
            yield self.x, self.y
            return
        for rows in torch.randperm(len(self.x)).split(self.size):
            yield self.x[rows], self.y[rows]


class Net(Rival):
    """`partial_fit` without validation part, printing and callbacks."""

    title = "skorch, whole batches by index"
    whole_epochs = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.model = module_of(job)
        self.net = skorch.NeuralNet(
            self.model,
            criterion=type(loss_of(job)),
            optimizer=torch.optim.Adam if job.rule == "adam" else torch.optim.SGD,
            optimizer__fused=True,
            lr=job.lr,
            batch_size=job.batch,
            iterator_train=Batches,
            iterator_train__shuffle=not job.is_full_batch,
            train_split=None,
            callbacks="disable",
            verbose=0,
        ).initialize()

    def train(self, steps: int) -> None:
        self.net.set_params(max_epochs=steps // self.job.steps_per_epoch)
        self.net.partial_fit(self.job.x, self.job.y)

    def weights(self) -> dict[str, Array]:
        return weights_of(self.net.module_)
