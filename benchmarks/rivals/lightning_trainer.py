"""Lightning: its own loop, in a process of its own, that stops before an epoch until more are asked for."""

import atexit
import logging
import warnings
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, TensorDataset

from ._base import Array, Job, Rival
from .pytorch import loss_of, module_of, rule_of, weights_of


class Trainer(Rival):
    """In a thread of this process it would have OpenMP threads of its own, with which everyone waits twice as long."""

    title = "Lightning, whole batches by index"
    whole_epochs = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        context = get_context("spawn")
        self.here, there = context.Pipe()
        process = context.Process(target=_fit, args=(there, job.head(job.num_rows)), daemon=True)
        process.start()
        atexit.register(process.kill)  # at its end Python asks it to end and waits for it, which Lightning may overhear

    def train(self, steps: int) -> None:
        self.here.send(steps // self.job.steps_per_epoch)
        self.here.recv()

    def weights(self) -> dict[str, Array]:
        self.here.send(None)
        found: dict[str, Array] = self.here.recv()
        return found


class _Module(lightning.LightningModule):  # type: ignore[misc]  # its types are not looked at
    def __init__(self, job: Job, asked: Connection) -> None:
        super().__init__()
        self.job, self.model, self.criterion, self.asked = job, module_of(job), loss_of(job), asked
        self.left = 0

    def training_step(self, rows: list[Tensor], _number: int) -> Tensor:
        loss: Tensor = self.criterion(self.model(rows[0]), rows[1])
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return rule_of(self.job, self.model, fused=True)

    def on_train_epoch_start(self) -> None:
        while not self.left:
            epochs = self.asked.recv()
            if epochs is None:
                self.asked.send(weights_of(self.model))
            else:
                self.left = epochs

    def on_train_epoch_end(self) -> None:
        self.left -= 1
        if not self.left:
            self.asked.send(None)


def _fit(asked: Connection, job: Job) -> None:
    """In its best reasonable form: whole batches by index, no logger, checkpoint, progress bar, summary or workers."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    rows = TensorDataset(torch.from_numpy(job.x), torch.from_numpy(job.y))
    order: Any = (SequentialSampler if job.is_full_batch else RandomSampler)(rows)
    loader = DataLoader(rows, sampler=BatchSampler(order, job.batch, drop_last=False), batch_size=None)
    off: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    with warnings.catch_warnings(), suppress(EOFError):  # when the benchmark is done, nobody asks any more
        warnings.simplefilter("ignore")  # it advises worker processes, which are slower on rows in memory
        trainer = lightning.Trainer(accelerator="cpu", devices=1, max_epochs=-1, **off)
        trainer.fit(_Module(job, asked), loader)
