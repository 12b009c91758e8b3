"""On one CUDA device: a small network, a larger one on a table, and the transformer's feed-forward block.

    python benchmarks/gpu.py [ROUNDS] [a] [e] [d] [first|more] [cpu]

Regime (a) is 784-256-10 on 60,000 rows of bytes, batches of 256, plain descent; (e) a million rows of 50 numbers,
50-512-512-512-1, batches of 1024, Adam; (d) the block 4096-14336-4096 on 8192 tokens in bfloat16, AdamW. Each can be
measured by itself. All contestants of a regime take turns, window by window, rows resident on the device; before the
clock starts each trains from the same weights and must come to the same loss. Products are in float32 where a name does
not say otherwise; JAX is asked for the same digits. Who is not installed, cannot run there, comes to another loss, or
would compile after three minutes is left out with a message.

`first` leaves those for later that compile for long (torch.compile, JAX), so that within a minute all goals are
measured and kept; `more` goes on from there, regime by regime, with all of them. Without a CUDA device it says so and
ends; with the word `cpu` all of it is gone through there, in small, to see that it runs, and nothing is kept.
"""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from _asked import words_asked
from _measure import RESULTS, interleaved, machine, ratios, save, spread
from _on_device import DEVICE, Block, Compiled, Contestant, InTF32, Loop, Ours, Recorded, Scan
from million_rows import job as table_job
from rivals import Job

import fivestep as fs
from fivestep.engines._engine import initial_weights

BEGUN, LONGEST = time.perf_counter(), 180
"""Seconds after which nobody begins to compile any more: a device costs by the minute."""

PLAIN = "PyTorch loop, resident rows"
LATE = ("torch.compile", "JAX")
"""How the names of those begin who compile for long."""


class Sizes(NamedTuple):
    """How much of everything: rows of (a) and (e), the block (d), and for each the steps before the check, of a window.

    A window is ten epochs, one epoch, and steps that take a fifth of a second.
    """

    images: int = 60_000
    table: int = 1_000_000
    tokens: int = 8192
    width: int = 4096
    hidden: int = 14336
    square: int = 8192
    lengths: dict[str, tuple[int, int]] = {"a": (3 * 235, 10 * 235), "e": (977, 977), "d": (20, 20)}  # noqa: RUF012


SIZES = Sizes() if DEVICE.type == "cuda" else Sizes(512, 4096, 64, 32, 96, 128, {"a": (4, 2), "e": (2, 2), "d": (2, 2)})

SAME_LOSS = {"a": 1.3, "e": 1.2, "d": 1.1}
"""The factor between losses after the check: they draw the order of the rows differently."""


def images() -> tuple[fs.Dataset, Job, fs.TrainPlan]:
    """Bytes of the shape of Fashion-MNIST, ten classes around ten random images: no file is needed."""
    stream = torch.Generator().manual_seed(0)
    y = torch.randint(10, (SIZES.images,), generator=stream)
    centers = torch.rand(10, 784, generator=stream) * 160
    noise = torch.randint(-110, 111, (SIZES.images, 784), generator=stream)
    x = (centers[y] + noise).clamp(0, 255).to(torch.uint8)
    spec = fs.MLP(784, 256, 10, init="normal")
    weights = {name: w.numpy() for name, w in initial_weights(spec, 0).items()}
    job = Job((x / 255).numpy(), y.numpy(), (784, 256, 10), "relu", "cross_entropy", "sgd", 0.1, 256, weights)
    return fs.Dataset(fs.Rows(x, y, scale=1 / 255), num_outputs=10), job, _plan(job)


def table() -> tuple[fs.Dataset, Job, fs.TrainPlan]:
    """The million rows of `million_rows.py`."""
    job = table_job().head(SIZES.table)
    return fs.Dataset(fs.Rows(torch.from_numpy(job.x), torch.from_numpy(job.y)), num_outputs=1), job, _plan(job)


def _plan(job: Job) -> fs.TrainPlan:
    return fs.TrainPlan(job.loss, job.rule, lr=job.lr, batch_size=job.batch, epochs=10**7)


def dense(made: tuple[fs.Dataset, Job, fs.TrainPlan]) -> Iterator[tuple[str, Callable[[], Contestant]]]:
    """Who trains a dense network, in float32 and in TF32."""
    data, job, plan = made
    spec = fs.MLP(*job.sizes, activation=job.activation)
    yield "fused", lambda: Ours("fused", data, spec, plan, job.weights)
    yield PLAIN, lambda: Loop(job)
    yield "PyTorch loop, fused optimizer", lambda: Loop(job, fused=True)
    yield "PyTorch step recorded by hand, fused optimizer", lambda: Recorded(job)
    if DEVICE.type == "cuda":
        yield "fused in TF32", lambda: Ours("fused:precision=tf32", data, spec, plan, job.weights)
    yield "PyTorch loop, resident rows, in TF32", lambda: InTF32(Loop(job))
    yield "PyTorch step recorded by hand, in TF32", lambda: InTF32(Recorded(job))
    yield "JAX jit(scan)", lambda: Scan(job, "highest")
    yield "torch.compile of the step, recorded", lambda: Compiled(job)
    yield "JAX jit(scan) in TF32", lambda: Scan(job, "tensorfloat32")


def block() -> Iterator[tuple[str, Callable[[], Contestant]]]:
    """Who trains the feed-forward block in bfloat16."""
    stream, (tokens, width) = torch.Generator().manual_seed(0), (SIZES.tokens, SIZES.width)
    x = torch.randn(tokens, width, generator=stream)
    data = fs.Dataset(fs.Rows(x, torch.randn(tokens, width, generator=stream) * 0.1 + x.roll(1, 1)), num_outputs=width)
    spec = fs.NetSpec(fs.FeedForward(width, SIZES.hidden).layers, width, width)
    weights = initial_weights(spec, 0)
    plan = fs.TrainPlan("mse", "adamw", lr=1e-4, batch_size=None, epochs=10**7)
    yield "fused in bfloat16", lambda: Ours("fused:precision=bfloat16", data, spec, plan, weights)
    yield "PyTorch, autocast, fused AdamW", lambda: Block(data, weights)
    yield "torch.compile, autocast, fused AdamW", lambda: Block(data, weights, is_compiled=True)


def measured(regime: str, rounds: int, *, late: bool) -> dict[str, Any]:
    """Checks that all come to the same loss, and measures them in turns, with those that compile for long or without.

    The best loss of ours is what others are held to.
    """
    check, steps = SIZES.lengths[regime]
    makers = block() if regime == "d" else dense(images() if regime == "a" else table())
    racing: dict[str, Contestant] = {}
    losses, first = dict[str, float](), dict[str, float]()
    for name, make in makers:
        started = time.perf_counter()
        is_ours, is_late = name.startswith("fused"), name.startswith(LATE)
        if is_late and (not late or started - BEGUN > LONGEST):
            print(f"left out: {name}, {f'{LONGEST} seconds have passed' if late else 'for now'}", flush=True)
            continue
        try:
            one = make()
            one.train(check)
            loss = checked(one.loss(), SAME_LOSS[regime] * min(losses.values(), default=math.inf))
        except Exception as error:
            if is_ours:
                raise
            print(f"left out: {name}, {(str(error) or type(error).__name__).splitlines()[0]}", flush=True)
            continue
        racing[name], first[name], losses[name] = one, time.perf_counter() - started, loss
        print(f"  ready: {name} ({first[name]:.1f} s, loss {loss:.4g})", flush=True)
    seconds = interleaved({name: partial(one.window, steps) for name, one in racing.items()}, rounds)
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


def checked(loss: float, most: float) -> float:
    """The same loss; raises an `ArithmeticError` for one that is not finite, or more than others allow."""
    if not math.isfinite(loss) or loss > most:
        raise ArithmeticError(f"it comes to a loss of {loss:.4g}, others to less than {most:.4g}")
    return loss


def rate_of(seconds: list[float], steps: int) -> dict[str, Any]:
    """The block's products in a second, beside what the device does of nothing else: a square one, and its own five."""
    tokens, width, hidden = SIZES.tokens, SIZES.width, SIZES.hidden
    square = _rate([(SIZES.square,) * 3])
    own = _rate([(tokens, width, hidden)] * 2 + [(tokens, hidden, width)] + [(width, tokens, hidden)] * 2)
    work = 2 * 5 * tokens * width * hidden  # two forward, two for the weights, one back
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

    def products() -> None:
        for a, b in pairs:
            a @ b

    seconds = [_seconds_of(products) for _ in range(25)]
    return float(2 * sum(math.prod(shape) for shape in shapes) / statistics.median(seconds[5:]))


def _seconds_of(work: Callable[[], None]) -> float:
    """By the device's own clock."""
    if DEVICE.type == "cpu":
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end) / 1000)


def device() -> dict[str, Any]:
    """The card, and what drives it."""
    found = torch.cuda.get_device_properties(0)
    return {
        "card": found.name,
        "memory": found.total_memory,
        "multiprocessors": found.multi_processor_count,
        "cuda": torch.version.cuda,
    }


def kept() -> dict[str, Any]:
    """The regimes that `first` has measured on this device."""
    file = RESULTS / "gpu.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    is_here = found.get("card") == device()["card"] and found["packages"] == machine()["packages"]
    regimes: dict[str, Any] = found["regimes"] if is_here else {}
    return regimes


def main() -> int:
    """Measures the regimes that were asked for, each by itself, and keeps all that went well; the exit status."""
    numbers, words = words_asked(__doc__, "WORD", known=(*SAME_LOSS, "first", "more", "cpu"))
    if DEVICE.type == "cuda" and not torch.cuda.is_available():
        print("left out: benchmarks/gpu.py, this machine has no CUDA device")
        return 0
    rounds = (numbers or [5])[0]
    found = kept() if "more" in words and DEVICE.type == "cuda" else {}
    regimes = [word for word in words if word in SAME_LOSS] or list(SAME_LOSS)
    status = 0
    for regime in regimes:
        started = time.perf_counter()
        try:
            found[regime] = measured(regime, rounds, late="first" not in words)
        except Exception as error:  # the next regime has nothing to do with it
            print(f"regime {regime} failed: {error!r}", flush=True)
            status = 1
            continue
        if DEVICE.type == "cuda":
            save("gpu", {"rounds": rounds, **device(), "regimes": found})
        print(f"regime {regime}, {time.perf_counter() - started:.0f} s:", flush=True)
        for name, one in found[regime]["contestants"].items():
            print(f"  {name}: {1e6 * one['seconds per step']['median']:.1f} us a step, {one['over']['median']:.2f}")
        print({key: value for key, value in found[regime].items() if key not in ("contestants", "steps")}, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
