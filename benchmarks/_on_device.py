"""Who takes part in the benchmarks of one CUDA device: each trains a job with its rows on the device.

All of it runs on a CPU too, to see that it runs (`gpu.py cpu`).
"""

import importlib.util
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from rivals import Job
from rivals.pytorch import loss_of, module_of, rule_of
from torch import Tensor, nn

import fivestep as fs

DEVICE = torch.device("cpu" if "cpu" in sys.argv[1:] else "cuda")
"""Where all train."""


class Contestant(ABC):
    """One who trains a job on the device."""

    @abstractmethod
    def begin(self, steps: int) -> None:
        """Does so many steps more; need not wait for their end."""

    @abstractmethod
    def loss(self) -> float:
        """The loss on the first training rows, as it is now."""

    def train(self, steps: int) -> None:
        """Does so many steps more, and waits for their end."""
        self.begin(steps)
        wait()


def wait() -> None:
    """Until the device has done all that it was given; a CPU has done it already."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Ours(Contestant):
    """An engine through `fivestep.steps`, draws, schedule and all checks included."""

    def __init__(self, name: str, data: fs.Dataset, spec: fs.NetSpec, plan: fs.TrainPlan, weights: Any) -> None:
        is_recorded = DEVICE.type == "cuda" or "precision" in name
        name = name if is_recorded else f"{name}:recorded=true"
        self.engine, self.data, self.plan = fs.make_engine(name, spec, plan, device=DEVICE), data, plan
        self.engine.load_weights({key: torch.as_tensor(value) for key, value in weights.items()})
        self.stream: Iterator[Any] | None = None
        self.every, self.goal = 1, 0

    def begin(self, steps: int) -> None:
        every = max(1, steps // self.plan.steps_per_epoch(self.data.num_rows))
        if self.stream is None or every != self.every:
            self.stream = fs.steps(self.engine, self.data, self.plan, self.engine.num_updates, every=every)
            self.every = every
        self.goal += steps
        while self.engine.num_updates < self.goal:
            next(self.stream)

    def loss(self) -> float:
        return fs.evaluate(self.engine, self.data.train.take(slice(20_000))).loss


class Loop(Contestant):
    """The plain loop of PyTorch with all rows on the device."""

    def __init__(self, job: Job, *, fused: bool = False) -> None:
        self.x, self.y = torch.from_numpy(job.x).to(DEVICE), torch.from_numpy(job.y).to(DEVICE)
        self.model, self.criterion, self.batch = module_of(job).to(DEVICE), loss_of(job), job.batch
        self.optimizer = rule_of(job, self.model, fused=fused)
        self.batches = self._batches()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            for rows in torch.randperm(len(self.x), device=self.x.device).split(self.batch):
                yield self.x[rows], self.y[rows]

    def measured(self, x: Tensor, y: Tensor) -> Any:
        """The loss of a batch."""
        return self.criterion(self.model(x), y)

    def begin(self, steps: int) -> None:
        for _ in range(steps):
            x, y = next(self.batches)
            loss = self.measured(x, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    @torch.no_grad()
    def loss(self) -> float:
        return float(self.criterion(self.model(self.x[:20_000]), self.y[:20_000]))


class Compiled(Contestant):
    """The same, network and loss compiled by `torch.compile` and recorded as graphs, the optimizer fused."""

    def __init__(self, job: Job) -> None:
        self.loop = Loop(job, fused=True)
        self.loop.measured = compiled(self.loop.measured)  # type: ignore[method-assign]

    def begin(self, steps: int) -> None:
        self.loop.begin(steps)

    def loss(self) -> float:
        return self.loop.loss()


def compiled(work: Any) -> Any:
    """By `torch.compile`, recorded as graphs on a CUDA device; raises an `ImportError` without what it needs there."""
    if DEVICE.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise ImportError("torch.compile needs Triton, which torch for CUDA brings")
    return torch.compile(work, dynamic=False, mode="reduce-overhead" if DEVICE.type == "cuda" else None)


class Scan(Contestant):
    """JAX: all steps of a call as one compiled scan, products in the digits that are named."""

    def __init__(self, job: Job, precision: str) -> None:
        jax = jax_on_device()
        from rivals.jax_scan import Scan as OnDefault

        self.digits: Any = lambda: jax.default_matmul_precision(precision)
        with self.digits():
            self.job, self.rival = job, OnDefault(job)

    def begin(self, steps: int) -> None:
        with self.digits():  # it compiles for each number of steps anew
            self.rival.train(steps)

    def loss(self) -> float:
        return self.job.loss_of(self.rival.weights())


def jax_on_device() -> Any:
    """JAX, which shares the device's memory; raises an `ImportError` where it is not there, or sees another device."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if DEVICE.type == "cpu":
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    backend = {"gpu": "cuda"}.get(jax.default_backend(), jax.default_backend())
    if backend != DEVICE.type:
        raise ImportError("JAX sees no CUDA device (pip install 'jax[cuda13]')")
    return jax


class Block(Contestant):
    """The feed-forward block by `torch.nn` under autocast in bfloat16, with the fused AdamW."""

    def __init__(self, data: fs.Dataset, weights: dict[str, Tensor], *, is_compiled: bool = False) -> None:
        self.x, self.y = data.train.x.to(DEVICE), data.train.y.to(DEVICE)
        hidden, width = weights["0.weight"].shape
        self.model = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)).to(DEVICE)
        self.model.load_state_dict(weights)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, fused=True)
        self.measured: Any = compiled(self._loss) if is_compiled else self._loss

    def _loss(self) -> Tensor:
        with torch.autocast(self.x.device.type, torch.bfloat16):
            out = self.model(self.x)
        return nn.functional.mse_loss(out.float(), self.y)

    def begin(self, steps: int) -> None:
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.measured().backward()
            self.optimizer.step()

    @torch.no_grad()
    def loss(self) -> float:
        return float(self._loss())


class InTF32(Contestant):
    """The plain loop with torch's products in TF32."""

    def __init__(self, job: Job) -> None:
        self.other = Loop(job)

    def begin(self, steps: int) -> None:
        with _tf32():
            self.other.begin(steps)

    def loss(self) -> float:
        return self.other.loss()


@contextmanager
def _tf32() -> Iterator[None]:
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")
