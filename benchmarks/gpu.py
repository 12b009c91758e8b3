"""On one CUDA device: a small network, a larger one on a table, and the transformer's feed-forward block.

    python benchmarks/gpu.py [ROUNDS] [a] [e] [d]

Regime (a) is 784-256-10 on 60,000 rows of bytes, batches of 256, plain descent; (e) a million rows of 50 numbers,
50-512-512-512-1, batches of 1024, Adam; (d) the block 4096-14336-4096 on 8192 tokens in bfloat16, AdamW. Each can be
measured by itself. All contestants of a regime take turns, window by window, rows resident on the device; before the
clock starts each trains from the same weights and must come to the same loss. Products are in float32 where a name does
not say otherwise; JAX is asked for the same digits. Without a CUDA device it says so and ends.
"""

import math
import os
import statistics
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from _measure import interleaved, ratios, save, spread
from million_rows import job as table_job
from rivals import Job
from rivals.pytorch import loss_of, module_of, rule_of
from torch import Tensor, nn

import fivestep as fs
from fivestep.engines._base import initial_weights

DEVICE = torch.device("cuda")
LENGTHS = {"a": (3 * 235, 10 * 235), "e": (977, 977), "d": (20, 20)}
"""Steps before the check, and of a window: ten epochs, one epoch, and some that take a fifth of a second."""

SAME_LOSS = {"a": 1.3, "e": 1.2, "d": 1.1}
"""The factor between losses after the check: they draw the order of the rows differently."""

TOKENS, WIDTH, HIDDEN = 8192, 4096, 14336


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
        torch.cuda.synchronize()


class Ours(Contestant):
    """An engine through `fivestep.steps`, draws, schedule and all checks included."""

    def __init__(self, name: str, data: fs.Dataset, spec: fs.NetSpec, plan: fs.TrainPlan, weights: Any) -> None:
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
            for rows in torch.randperm(len(self.x), device=DEVICE).split(self.batch):
                yield self.x[rows], self.y[rows]

    def begin(self, steps: int) -> None:
        for _ in range(steps):
            x, y = next(self.batches)
            loss = self.criterion(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    @torch.no_grad()
    def loss(self) -> float:
        return float(self.criterion(self.model(self.x[:20_000]), self.y[:20_000]))


class Scan(Contestant):
    """JAX: all steps of a call as one compiled scan."""

    def __init__(self, job: Job, precision: str) -> None:
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        import jax
        from rivals.jax_scan import Scan as OnDefault

        if jax.default_backend() != "gpu":
            raise ImportError("JAX sees no CUDA device")
        jax.config.update("jax_default_matmul_precision", precision)
        self.job, self.rival = job, OnDefault(job)

    def begin(self, steps: int) -> None:
        self.rival.train(steps)

    def loss(self) -> float:
        return self.job.loss_of(self.rival.weights())


class Block(Contestant):
    """The block by `torch.nn` under autocast in bfloat16, with the fused AdamW."""

    def __init__(self, data: fs.Dataset, weights: dict[str, Tensor]) -> None:
        self.x, self.y = data.train.x.to(DEVICE), data.train.y.to(DEVICE)
        self.model = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, WIDTH)).to(DEVICE)
        self.model.load_state_dict(weights)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, fused=True)

    def _loss(self) -> Tensor:
        with torch.autocast("cuda", torch.bfloat16):
            out = self.model(self.x)
        return nn.functional.mse_loss(out.float(), self.y)

    def begin(self, steps: int) -> None:
        for _ in range(steps):
            self.optimizer.zero_grad()
            self._loss().backward()
            self.optimizer.step()

    @torch.no_grad()
    def loss(self) -> float:
        return float(self._loss())


@contextmanager
def tf32() -> Iterator[None]:
    """Inside, torch multiplies in TF32."""
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


class InTF32(Contestant):
    """Another one, with torch's products in TF32."""

    def __init__(self, other: Contestant) -> None:
        self.other = other

    def begin(self, steps: int) -> None:
        with tf32():
            self.other.begin(steps)

    def loss(self) -> float:
        return self.other.loss()


def images() -> tuple[fs.Dataset, Job, fs.TrainPlan]:
    """Bytes of the shape of Fashion-MNIST, ten classes around ten random images: no file is needed."""
    stream = torch.Generator().manual_seed(0)
    y = torch.randint(10, (60_000,), generator=stream)
    centers = torch.rand(10, 784, generator=stream) * 160
    noise = torch.randint(-110, 111, (60_000, 784), generator=stream)
    x = (centers[y] + noise).clamp(0, 255).to(torch.uint8)
    spec = fs.MLP(784, 256, 10, init="normal")
    weights = {name: w.numpy() for name, w in initial_weights(spec, 0).items()}
    job = Job((x / 255).numpy(), y.numpy(), (784, 256, 10), "relu", "cross_entropy", "sgd", 0.1, 256, weights)
    return fs.Dataset(fs.Rows(x, y, scale=1 / 255), num_outputs=10), job, _plan(job)


def table() -> tuple[fs.Dataset, Job, fs.TrainPlan]:
    """The million rows of `million_rows.py`."""
    job = table_job()
    return fs.Dataset(fs.Rows(torch.from_numpy(job.x), torch.from_numpy(job.y)), num_outputs=1), job, _plan(job)


def _plan(job: Job) -> fs.TrainPlan:
    return fs.TrainPlan(job.loss, job.rule, lr=job.lr, batch_size=job.batch, epochs=10**7)


def dense(made: tuple[fs.Dataset, Job, fs.TrainPlan]) -> Iterator[tuple[str, Callable[[], Contestant]]]:
    """Who trains a dense network, in float32 and in TF32."""
    data, job, plan = made
    spec = fs.MLP(*job.sizes, activation=job.activation)
    yield "fused", lambda: Ours("fused", data, spec, plan, job.weights)
    yield "PyTorch loop, resident rows", lambda: Loop(job)
    yield "PyTorch loop, fused optimizer", lambda: Loop(job, fused=True)
    yield "JAX jit(scan)", lambda: Scan(job, "highest")
    yield "fused in TF32", lambda: Ours("fused:precision=tf32", data, spec, plan, job.weights)
    yield "PyTorch loop, resident rows, in TF32", lambda: InTF32(Loop(job))


def block() -> Iterator[tuple[str, Callable[[], Contestant]]]:
    """Who trains the feed-forward block in bfloat16."""
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(TOKENS, WIDTH, generator=stream)
    data = fs.Dataset(fs.Rows(x, torch.randn(TOKENS, WIDTH, generator=stream) * 0.1 + x.roll(1, 1)), num_outputs=WIDTH)
    spec = fs.NetSpec(fs.FeedForward(WIDTH, HIDDEN).layers, WIDTH, WIDTH)
    weights = initial_weights(spec, 0)
    plan = fs.TrainPlan("mse", "adamw", lr=1e-4, batch_size=None, epochs=10**7)
    yield "fused in bfloat16", lambda: Ours("fused:precision=bfloat16", data, spec, plan, weights)
    yield "PyTorch, autocast, fused AdamW", lambda: Block(data, weights)


def measured(regime: str, rounds: int) -> dict[str, Any]:
    """Checks that all come to the same loss, and measures them in turns."""
    check, steps = LENGTHS[regime]
    makers = block() if regime == "d" else dense(images() if regime == "a" else table())
    racing: dict[str, Contestant] = {}
    losses, first = {}, {}
    for name, make in makers:
        try:
            started = time.perf_counter()
            one = make()
            one.train(check)
        except ImportError as error:
            print(f"left out: {name}, {error}")
            continue
        racing[name], first[name], losses[name] = one, time.perf_counter() - started, one.loss()
        print(f"  ready: {name} ({first[name]:.1f} s, loss {losses[name]:.4g})", flush=True)
    if max(losses.values()) > SAME_LOSS[regime] * min(losses.values()):
        raise AssertionError(f"the contestants do not come to the same loss: {losses}")
    seconds = interleaved({name: partial(one.train, steps) for name, one in racing.items()}, rounds, warm=False)
    over = ratios(seconds, next(iter(racing)))
    return {
        "steps": steps,
        "contestants": {
            name: {
                "seconds per step": spread([value / steps for value in values]),
                "over": over[name],
                "first call": first[name],
                "loss": losses[name],
            }
            for name, values in seconds.items()
        },
        **(rate_of(seconds["fused in bfloat16"], steps) if regime == "d" else {}),
    }


def rate_of(seconds: list[float], steps: int) -> dict[str, Any]:
    """The block's products in a second, beside what the device does of nothing else: a square one, and its own five."""
    square = _rate([(8192, 8192, 8192)])
    own = _rate([(TOKENS, WIDTH, HIDDEN)] * 2 + [(TOKENS, HIDDEN, WIDTH)] + [(WIDTH, TOKENS, HIDDEN)] * 2)
    work = 2 * 5 * TOKENS * WIDTH * HIDDEN  # two forward, two for the weights, one back
    reached = [work * steps / value for value in seconds]
    return {
        "operations of a step": work,
        "square product, operations per second": square,
        "own products, operations per second": own,
        "share of the square product's rate": spread([value / square for value in reached]),
        "share of its own products' rate": spread([value / own for value in reached]),
    }


def _rate(shapes: list[tuple[int, int, int]]) -> float:
    """Operations per second of products (N, I) times (I, O) of random numbers in bfloat16, the median of twenty."""
    pairs = [
        (torch.randn(n, i, device=DEVICE, dtype=torch.bfloat16), torch.randn(i, o, device=DEVICE, dtype=torch.bfloat16))
        for n, i, o in shapes
    ]
    seconds = []
    for _ in range(25):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for a, b in pairs:
            a @ b
        end.record()
        torch.cuda.synchronize()
        seconds.append(start.elapsed_time(end) / 1000)
    return float(2 * sum(math.prod(shape) for shape in shapes) / statistics.median(seconds[5:]))


def device() -> dict[str, Any]:
    """The card, and what drives it."""
    found = torch.cuda.get_device_properties(0)
    return {
        "card": found.name,
        "memory": found.total_memory,
        "multiprocessors": found.multi_processor_count,
        "cuda": torch.version.cuda,
    }


def main() -> None:
    """Measures the regimes that were asked for, each by itself, and keeps all that went well."""
    if not torch.cuda.is_available():
        print("left out: benchmarks/gpu.py, this machine has no CUDA device")
        return
    words = sys.argv[1:]
    rounds = next((int(word) for word in words if word.isdigit()), 5)
    found: dict[str, Any] = {}
    for regime in [word for word in words if word in SAME_LOSS] or list(SAME_LOSS):
        started = time.perf_counter()
        try:
            found[regime] = measured(regime, rounds)
        except Exception as error:  # the next regime has nothing to do with it
            print(f"regime {regime} failed: {error!r}", flush=True)
            continue
        save("gpu", {"rounds": rounds, **device(), "regimes": found})
        print(f"regime {regime}, {time.perf_counter() - started:.0f} s:", flush=True)
        for name, one in found[regime]["contestants"].items():
            print(f"  {name}: {1e6 * one['seconds per step']['median']:.1f} us a step, {one['over']['median']:.2f}")
        print({key: value for key, value in found[regime].items() if key not in ("contestants", "steps")}, flush=True)


if __name__ == "__main__":
    main()
