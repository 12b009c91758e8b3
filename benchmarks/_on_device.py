"""Who takes part in the benchmarks of one CUDA device: each trains a job with its rows on the device.

All of it runs on a CPU too, to see that it runs (`gpu.py cpu`).
"""

import importlib.util
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
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

    share = 1.0
    """Of a window's steps, those that it is given: a tenth of a plain loop's say as much as all of them."""

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

    def window(self, steps: int) -> float:
        """Does its share of so many steps, and says which it was."""
        count = max(1, round(self.share * steps))
        self.train(count)
        return count / steps


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

    share = 0.1

    def __init__(self, job: Job, *, fused: bool = False) -> None:
        self.x, self.y = torch.from_numpy(job.x).to(DEVICE), torch.from_numpy(job.y).to(DEVICE)
        self.model, self.criterion, self.batch = module_of(job).to(DEVICE), loss_of(job), job.batch
        self.optimizer = rule_of(job, self.model, fused=fused)
        self.orders = self._orders()

    def _orders(self) -> Iterator[Tensor]:
        while True:
            yield from torch.randperm(len(self.x), device=self.x.device).split(self.batch)

    def begin(self, steps: int) -> None:
        for rows in islice(self.orders, steps):
            self.step(rows)

    def step(self, rows: Tensor) -> None:
        """The five lines on these rows."""
        loss = self.criterion(self.model(self.x[rows]), self.y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    @torch.no_grad()
    def loss(self) -> float:
        return float(self.criterion(self.model(self.x[:20_000]), self.y[:20_000]))


class Recorded(Contestant):
    """The same loop with its step recorded as a CUDA graph by hand, the optimizer fused.

    A step on fewer rows, the last one of an epoch, and the first three, which make libraries ready, are as in `Loop`.
    """

    share = 0.25

    def __init__(self, job: Job) -> None:
        self.of_loop = Loop(job, fused=True)
        for group in self.of_loop.optimizer.param_groups:
            group.update({"capturable": True} if "capturable" in group else {})
        self.rows, self.done = torch.zeros(job.batch, dtype=torch.int64, device=DEVICE), 0
        self.graph: Any = None

    def begin(self, steps: int) -> None:
        loop = self.of_loop
        for rows in islice(loop.orders, steps):
            self.done += 1
            if DEVICE.type == "cpu" or len(rows) < len(self.rows):
                loop.step(rows)
            elif self.done <= 3:
                with torch.cuda.stream(torch.cuda.Stream()):
                    loop.step(rows)
                wait()
            else:
                self.rows.copy_(rows)
                self._replay()

    def _replay(self) -> None:
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            self.of_loop.optimizer.zero_grad()
            with torch.cuda.graph(self.graph):
                self.of_loop.step(self.rows)
        self.graph.replay()

    def loss(self) -> float:
        return self.of_loop.loss()


class Compiled(Contestant):
    """The whole step, gather, gradient and update, compiled by `torch.compile` as one graph, and recorded."""

    share = 0.25

    def __init__(self, job: Job) -> None:
        from rivals.pytorch_compiled import step_of

        self.of_loop, self.done = Loop(job), torch.zeros((), device=DEVICE)
        model = self.of_loop.model
        self.w = {name: value.detach() for name, value in model.named_parameters()}
        self.memory = [{name: torch.zeros_like(value) for name, value in self.w.items()} for _ in range(2)]
        stay = [self.of_loop.x, self.of_loop.y, self.done, *self.w.values(), *self.memory[0].values()]
        for tensor in [*stay, *self.memory[1].values()]:  # else recorded graphs copy them for each step
            torch._dynamo.mark_static_address(tensor)
        step = step_of(job, model)
        self.step = compiled(lambda w, m, v, done, x, y, rows: step(w, m, v, done, x[rows], y[rows]))

    def begin(self, steps: int) -> None:
        for rows in islice(self.of_loop.orders, steps):
            self.step(self.w, *self.memory, self.done, self.of_loop.x, self.of_loop.y, rows)

    def loss(self) -> float:
        return self.of_loop.loss()


def compiled(work: Any, mode: str = "reduce-overhead") -> Any:
    """By `torch.compile`, on a CUDA device in that mode; raises an `ImportError` without what it needs there."""
    if DEVICE.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise ImportError("torch.compile needs Triton, which torch for CUDA brings")
    return torch.compile(work, dynamic=False, fullgraph=True, mode=mode if DEVICE.type == "cuda" else None)


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
    try:
        import jax
    except ImportError as error:
        raise ImportError(f"{error} (for a CUDA device: pip install 'jax[cuda13]')") from error

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
        self.measured: Any = compiled(self._loss, "max-autotune-no-cudagraphs") if is_compiled else self._loss

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
    """Another one of PyTorch's with products in TF32."""

    def __init__(self, other: Contestant) -> None:
        self.other, self.share = other, other.share

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
