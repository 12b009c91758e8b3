"""Lightning as a stream of steps: its own loop in a thread that stops before each epoch until it is asked for one."""

import logging
import threading
import warnings
from collections.abc import Iterator
from queue import Queue
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset


def lightning_epochs(model: nn.Module, x: Tensor, y: Tensor, batch: int, lr: float) -> Iterator[Tensor]:
    """Yields after each epoch, with its mean loss.

    In its best reasonable form: whole batches sliced by index, without a logger, checkpoints, a progress bar, a summary
    or worker processes.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    asked, losses = Queue[None](), Queue[Tensor]()

    class Module(lightning.LightningModule):  # type: ignore[misc]  # its types are not looked at
        def __init__(self) -> None:
            super().__init__()
            self.model, self.criterion, self.losses = model, nn.CrossEntropyLoss(), list[Tensor]()

        def training_step(self, rows: list[Tensor], _number: int) -> Tensor:
            loss: Tensor = self.criterion(self.model(rows[0]), rows[1])
            self.losses.append(loss.detach())
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.model.parameters(), lr=lr)

        def on_train_epoch_start(self) -> None:
            asked.get()

        def on_train_epoch_end(self) -> None:
            losses.put(torch.stack(self.losses).mean())
            self.losses.clear()

    rows = TensorDataset(x, y)
    sampler = BatchSampler(RandomSampler(rows), batch, drop_last=False)
    loader = DataLoader(rows, sampler=sampler, batch_size=None)
    off: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it advises worker processes, which are slower on rows in memory
            lightning.Trainer(accelerator="cpu", devices=1, max_epochs=-1, **off).fit(Module(), loader)

    threading.Thread(target=run, daemon=True).start()
    while True:
        asked.put(None)
        yield losses.get()
