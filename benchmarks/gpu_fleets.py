"""Regime c on a CUDA device: a fleet as one batch beside the same networks one after another on the device.

    python benchmarks/gpu_fleets.py [NETWORKS ...] [cpu]

2-8-1 (tanh, yes or no) and 10-32-1 (relu, numbers), 200 rows in one batch, Adam, a thousand steps, each network with
its own seed. `steps` is the training alone, in blocks as `fit_many` does them; `fit_many` is the whole of it, from
plans to trained and measured networks. One after another is measured on one network, and counted for all: it is
`fit_many` of one, which is the single engine. JAX does all networks in one `jit(vmap(scan))` of as many steps, from
our initial weights, compiled before the clock starts; where it is not installed, or sees no CUDA device, it is left out
with a message. Before that, networks of a batch are compared with the same ones trained alone. With the word `cpu` all
of it is gone through there, in small, to see that it runs, and nothing is kept.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from _measure import save, table
from _on_device import DEVICE, jax_on_device, wait
from rivals import Job

import fivestep as fs
from fivestep.fleet.batched import kinds
from fivestep.fleet.batched.batch import Batch
from fivestep.fleet.batched.start import initial_rows
from fivestep.fleet.fitting import How, engine_for
from fivestep.fleet.member import Member

STEPS = 1000 if DEVICE.type == "cuda" else 20
SAME = 1e-3
"""How far apart the losses of a network may be after a hundred steps in float32, relative."""

BEGUN, LONGEST = time.perf_counter(), 150
"""Seconds after which JAX begins to compile no more: a device costs by the minute."""

SAME_AS_JAX = 0.05
"""The same for 19 of 20 networks after all steps: rounding grows in a thousand of them, most where loss is small."""


def rows_of(num_in: int, yes_no: bool) -> fs.Dataset:
    """200 rows of standard normal numbers, with their sum, or its sign, as target."""
    x = torch.randn((200, num_in), generator=torch.Generator().manual_seed(0))
    total = x.sum(1)
    return fs.Dataset(fs.Rows(x, (total > 0).float() if yes_no else total))


CASES: dict[str, tuple[fs.NetSpec, fs.Dataset, dict[str, Any]]] = {
    "2-8-1": (
        fs.MLP(2, 8, 1, activation="tanh"),
        rows_of(2, yes_no=True),
        {"loss": "binary_cross_entropy", "lr": 0.05},
    ),
    "10-32-1": (fs.MLP(10, 32, 1), rows_of(10, yes_no=False), {"loss": "mse", "lr": 1e-3}),
}


def plans_of(options: dict[str, Any], count: int, steps: int = STEPS) -> list[fs.TrainPlan]:
    """One for each network."""
    return [
        fs.TrainPlan(optimizer="adam", batch_size=None, epochs=steps, seed=seed, **options) for seed in range(count)
    ]


def seconds_of(work: Callable[[], object], rounds: int = 3) -> float:
    """The median of a few rounds, after one that does not count."""
    work()
    taken = []
    for _ in range(rounds):
        wait()
        started = time.perf_counter()
        work()
        wait()
        taken.append(time.perf_counter() - started)
    return median(taken)


def steps_seconds(case: str, count: int) -> float:
    """The training alone, per step of the whole fleet."""
    spec, data, options = CASES[case]
    plans, how = plans_of(options, count), How("auto", "float32", DEVICE.type, None, 1)
    members = [Member(data, plan, partial(engine_for, how, spec, data, plan)) for plan in plans]
    for member in members:
        member.sized = spec
    batch = Batch(members)
    goal = [0]

    def work() -> None:
        goal[0] += STEPS
        for _ in batch._blocks(goal[0]):
            pass

    return seconds_of(work) / STEPS


def fleet_seconds(case: str, count: int) -> float:
    """The whole of `fit_many`, per step of the whole fleet."""
    spec, data, options = CASES[case]
    return (
        seconds_of(lambda: fs.fit_many(spec, data, plans_of(options, count), device=DEVICE.type), 1 + (count < 100))
        / STEPS
    )


def jax_seconds(case: str, count: int) -> float:
    """JAX's, per step of the whole fleet; raises an `ImportError` where it cannot."""
    jax = jax_on_device()
    from jax import numpy as jnp
    from rivals.jax_scan import loss_of, updated

    spec, data, options = CASES[case]
    job = _job(case)
    engine = fs.make_engine("scratch", spec, fs.TrainPlan(batch_size=None, **options), device="cpu")
    flat, _ = initial_rows(engine, [(spec, seed) for seed in range(count)])
    first = {
        name: jnp.asarray(flat[:, w.storage_offset() : w.storage_offset() + w.numel()].view(count, *w.shape).numpy())
        for name, w in engine.named_parameters().items()
    }
    x, y = jnp.asarray(job.x), jnp.asarray(job.y)

    def step(state: Any, _: None) -> tuple[Any, None]:
        return updated(job, state, jax.grad(lambda w: loss_of(job, w, x, y))(state[0])), None

    def one(w: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, w)
        return loss_of(job, jax.lax.scan(step, (w, zeros, zeros, 0.0), length=STEPS)[0][0], x, y)

    with jax.default_matmul_precision("highest"):
        train = jax.jit(jax.vmap(one))
        losses = torch.tensor(jax.block_until_ready(train(first)).tolist())
        ours = fs.fit_many(spec, data, plans_of(options, count), device=DEVICE.type)
        mine = torch.tensor([member.history[-1].train_loss for member in ours])
        apart = (losses / mine - 1).abs().quantile(0.95).item()
        assert apart < SAME_AS_JAX, f"JAX's losses are {apart:.2g} apart from ours, relative"
        return seconds_of(lambda: jax.block_until_ready(train(first))) / STEPS


def jax_if_it_can(case: str, count: int) -> dict[str, float]:
    """The same by its name, or nothing and a message."""
    try:
        if time.perf_counter() - BEGUN < LONGEST:
            return {"jax": jax_seconds(case, count)}
        reason = f"{LONGEST} seconds have passed"
    except Exception as error:  # our own figures have nothing to do with it
        reason = (str(error) or type(error).__name__).splitlines()[0]
    print(f"left out: JAX, {reason}", flush=True)
    return {}


def _job(case: str) -> Job:
    """What a case is for a rival."""
    spec, data, options = CASES[case]
    x, y = data.train.x.numpy(), data.train.y.numpy()[:, None]
    sizes = tuple(int(width) for width in case.split("-"))
    activation = next(choice.name for choice in spec.layers if choice.name in ("tanh", "relu"))
    return Job(x, y, sizes, activation, options["loss"], "adam", options["lr"], len(x), {})  # type: ignore[arg-type]


def check(case: str) -> float:
    """The largest relative difference of a loss between a batch and the networks alone."""
    spec, data, options = CASES[case]
    plans = plans_of(options, 8, 100)
    batch = fs.fit_many(spec, data, plans, device=DEVICE.type)
    alone = [fs.fit_many(spec, data, plan, "scratch", device="cpu")[0] for plan in plans]
    losses = [[member.history[-1].train_loss for member in members] for members in (batch, alone)]
    apart: list[float] = [abs(mine / theirs - 1) for mine, theirs in zip(*losses, strict=True)]
    assert all(one < SAME for one in apart), losses  # no maximum: one that is no number may hide behind it
    return max(apart)


def main(counts: list[int]) -> None:
    """Measures, prints a table, and keeps it, network by network."""
    if DEVICE.type == "cuda" and not torch.cuda.is_available():
        print("left out: benchmarks/gpu_fleets.py, this machine has no CUDA device")
        return
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "a CPU"
    found: dict[str, Any] = {"device": name, "steps": STEPS}
    rows = []
    for case in CASES:
        found[case] = {"apart": check(case), "alone": fleet_seconds(case, 1)}
        for count in counts:
            steps, whole = steps_seconds(case, count), fleet_seconds(case, count)
            times = {"steps": count * found[case]["alone"] / steps, "fit_many": count * found[case]["alone"] / whole}
            found[case][str(count)] = {"steps": steps, "fit_many": whole, "times_faster": times}
            found[case][str(count)] |= jax_if_it_can(case, count)
            rows.append([case, f"{count:,}", *(f"{1e6 * one:.1f}" for one in (found[case]["alone"], steps, whole))])
            rows[-1] += [f"{one:,.0f}" for one in times.values()]
            rows[-1] += [f"{1e6 * found[case][str(count)]['jax']:.1f}" if "jax" in found[case][str(count)] else ""]
            if DEVICE.type == "cuda":
                save("gpu_fleets", found)
    head = ["network", "networks", "alone, us a step", "batch, us a step", "fit_many, us a step", "steps", "fit_many"]
    print(table([*head, "JAX, us a step"], rows))
    print("steps and fit_many are times faster than one after another")


if __name__ == "__main__":
    if DEVICE.type == "cpu":
        kinds.DEVICES = ("cpu",)  # fleets are a batch there too
    main([int(word) for word in sys.argv[1:] if word.isdigit()] or [64, 1024, 4096])
