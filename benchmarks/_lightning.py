"""Lightning as a stream of epochs: its own loop, in a process of its own, that stops before each epoch until asked."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import lightning
import torch
from torch import Tensor, multiprocessing, nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset


def lightning_epochs(model: nn.Module, x: Tensor, y: Tensor, batch: int, lr: float) -> Iterator[Tensor]:
    """Yields after each epoch, with its mean loss.

    In a thread of this process it would have OpenMP threads of its own, with which all contestants wait twice as long.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    copies = x.clone(), y.clone()  # torch moves what it sends into shared memory, from under NumPy's views
    context.Process(target=_fit, args=(there, model, *copies, batch, lr), daemon=True).start()
    while True:
        here.send(None)
        yield torch.tensor(here.recv())


class _Module(lightning.LightningModule):  # type: ignore[misc]  # its types are not looked at
    def __init__(self, model: nn.Module, lr: float, asked: Connection) -> None:
        super().__init__()
        self.model, self.criterion, self.lr, self.asked = model, nn.CrossEntropyLoss(), lr, asked
        self.losses: list[Tensor] = []

    def training_step(self, rows: list[Tensor], _number: int) -> Tensor:
        loss: Tensor = self.criterion(self.model(rows[0]), rows[1])
        self.losses.append(loss.detach())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.model.parameters(), lr=self.lr)

    def on_train_epoch_start(self) -> None:
        self.asked.recv()

    def on_train_epoch_end(self) -> None:
        self.asked.send(torch.stack(self.losses).mean().item())
        self.losses.clear()


def _fit(asked: Connection, model: nn.Module, x: Tensor, y: Tensor, batch: int, lr: float) -> None:
    """In its best reasonable form: whole batches by index, no logger, checkpoint, progress bar, summary or workers."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    rows = TensorDataset(x, y)
    sampler = BatchSampler(RandomSampler(rows), batch, drop_last=False)
    loader = DataLoader(rows, sampler=sampler, batch_size=None)
    off: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    with warnings.catch_warnings(), suppress(EOFError):  # when the benchmark is done, nobody asks any more
        warnings.simplefilter("ignore")  # it advises worker processes, which are slower on rows in memory
        trainer = lightning.Trainer(accelerator="cpu", devices=1, max_epochs=-1, **off)
        trainer.fit(_Module(model, lr, asked), loader)
