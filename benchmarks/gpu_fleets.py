"""Regime c on a CUDA device: a fleet as one batch beside the same networks one after another on the device.

    python benchmarks/gpu_fleets.py [NETWORKS ...] [first|more|host] [cpu]

2-8-1 (tanh, yes or no) and 10-32-1 (relu, numbers), 200 rows in one batch, Adam, a thousand steps, each network with
its own seed. `steps` is the training alone, in blocks as `fit_many` does them; `fit_many` is the whole of it, from
plans, which are made before, to trained and measured networks. One after another is measured on one network, and
counted for all: it is `fit_many` of one, which is the single engine. JAX does all networks in one `jit(vmap(scan))` of
as many steps, from our initial weights, compiled before; where it is not installed, or sees no CUDA device, it is left
out with a message. Before that, networks of a batch are compared with the same ones trained alone.

`first` leaves JAX for later, and `more` adds it to what has been measured and kept by then. With the word `cpu` all of
it is gone through there, in small, to see that it runs, and nothing is kept.

With the word `host` nothing is done that a device does: no initial values, no steps, no measurements. What is left of
`fit_many` is the host's own work, from plans to networks, on one thread. It needs no device; where one would be, the
CPU makes some tensors, so it is an upper bound.
"""

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any
from unittest import mock

import torch
from _asked import words_asked
from _measure import RESULTS, machine, save, table
from _on_device import DEVICE, jax_on_device, wait
from rivals import Job

import fivestep as fs
from fivestep.datasets._base import Part
from fivestep.engines._batched.given import StepsAhead
from fivestep.engines._batched.networks import Networks
from fivestep.fleet.batched import batch, kinds, start
from fivestep.fleet.batched.batch import Batch
from fivestep.fleet.batched.measuring import Measurements
from fivestep.fleet.batched.start import initial_rows
from fivestep.fleet.fitting import FleetOptions, engine_for
from fivestep.fleet.member import Member

STEPS = 1000 if DEVICE.type == "cuda" else 20
SAME = 1e-3
"""How far apart the losses of a network may be after a hundred steps in float32, relative."""

BEGUN, LONGEST = time.perf_counter(), 120
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
    plans, how = plans_of(options, count), FleetOptions("auto", "float32", DEVICE.type, None, 1)
    members = [Member(data, plan, partial(engine_for, how, spec, data, plan)) for plan in plans]
    for member in members:
        member.sized = spec
    together = Batch(members)
    goal = [0]

    def work() -> None:
        goal[0] += STEPS
        for _ in together._blocks(goal[0]):
            pass

    return seconds_of(work) / STEPS


def fleet_seconds(case: str, count: int) -> float:
    """The whole of `fit_many`, per step of the whole fleet."""
    spec, data, options = CASES[case]
    plans = plans_of(options, count)
    return seconds_of(lambda: fs.fit_many(spec, data, plans, device=DEVICE.type), 3) / STEPS


def host_seconds(case: str, count: int) -> tuple[float, float]:
    """What the host does for a fleet but its steps and measurements, and what making its plans takes."""
    spec, data, options = CASES[case]

    def no_steps(networks: Networks, ahead: StepsAhead) -> torch.Tensor:
        return networks.flat.new_zeros((len(ahead.sizes), len(networks)))

    def no_figures(_networks: Networks, which: Sequence[int], _rows: Part) -> Measurements:
        return Measurements([0.0] * len(which), [0.0] * len(which))

    def no_values(seeds: Sequence[int], count: int, _device: torch.device) -> torch.Tensor:
        return torch.zeros((len(seeds), count))

    with (
        mock.patch.object(start, "uniform_rows", no_values),
        mock.patch.object(kinds, "DEVICES", ("cpu",)),
        mock.patch.object(Networks, "train", no_steps),
        mock.patch.object(batch, "evaluations", no_figures),
    ):
        plans = plans_of(options, count, 10)  # what there is for each step, the device makes
        whole = seconds_of(lambda: fs.fit_many(spec, data, plans, "scratch", device="cpu"), 5)
        return whole, seconds_of(lambda: plans_of(options, count, 10), 5)


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
    together = fs.fit_many(spec, data, plans, device=DEVICE.type)
    alone = [fs.fit_many(spec, data, plan, "scratch", device="cpu")[0] for plan in plans]
    losses = [[member.history[-1].train_loss for member in members] for members in (together, alone)]
    apart: list[float] = [abs(mine / theirs - 1) for mine, theirs in zip(*losses, strict=True)]
    assert all(one < SAME for one in apart), losses  # no maximum: one that is no number may hide behind it
    return max(apart)


def main(counts: list[int], words: list[str]) -> None:
    """Measures, prints a table, and keeps it, network by network."""
    if "host" in words:
        torch.set_num_threads(1)
        each = [(case, count, *host_seconds(case, count)) for case in CASES for count in counts]
        rows = [[case, f"{count:,}", *(f"{1e6 * one / count:.1f}" for one in taken)] for case, count, *taken in each]
        print(table(["network", "networks", "fit_many without steps, us a network", "its plans, us each"], rows))
        return
    if DEVICE.type == "cuda" and not torch.cuda.is_available():
        print("left out: benchmarks/gpu_fleets.py, this machine has no CUDA device")
        return
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "a CPU"
    found: dict[str, Any] = {"device": name, "steps": STEPS}
    if "more" in words and DEVICE.type == "cuda":
        found = kept(name) or found
    for case in CASES:
        of = found.setdefault(case, {})
        if "alone" not in of:
            of |= {"apart": check(case), "alone": fleet_seconds(case, 1)}
        for count in counts:
            if str(count) not in of:
                of[str(count)] = measured(case, count, of["alone"])
                keep(found)
    for case, count in [(case, count) for case in CASES for count in counts] * ("first" not in words):
        found[case][str(count)] |= jax_if_it_can(case, count)
        keep(found)
    print(tabulated(found, counts))
    print("steps and fit_many are times faster than one after another")


def measured(case: str, count: int, alone: float) -> dict[str, Any]:
    """Seconds of a step of all, alone and with all around it, and how much faster that is than one after another."""
    taken = {"steps": steps_seconds(case, count), "fit_many": fleet_seconds(case, count)}
    return {**taken, "times_faster": {key: count * alone / seconds for key, seconds in taken.items()}}


def kept(name: str) -> dict[str, Any]:
    """What `first` has measured on a device of that name with the same packages; nothing if it has not."""
    file = RESULTS / "gpu_fleets.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    is_here = found.get("device") == name and found["packages"] == machine()["packages"]
    return {key: value for key, value in found.items() if key not in machine()} if is_here else {}


def keep(found: dict[str, Any]) -> None:
    """Writes what has been measured so far, should there be no more time."""
    if DEVICE.type == "cuda":
        save("gpu_fleets", found)


def tabulated(found: dict[str, Any], counts: Sequence[int]) -> str:
    """A row for each network and size of a fleet."""
    rows = []
    for case, count in [(case, count) for case in CASES for count in counts]:
        of, alone = found[case][str(count)], found[case]["alone"]
        rows.append([case, f"{count:,}", *(f"{1e6 * one:.1f}" for one in (alone, of["steps"], of["fit_many"]))])
        rows[-1] += [f"{one:,.0f}" for one in of["times_faster"].values()]
        rows[-1] += [f"{1e6 * of['jax']:.1f}" if "jax" in of else ""]
    head = ["network", "networks", "alone, us a step", "batch, us a step", "fit_many, us a step", "steps", "fit_many"]
    return table([*head, "JAX, us a step"], rows)


if __name__ == "__main__":
    if DEVICE.type == "cpu":
        kinds.DEVICES = ("cpu",)  # fleets are a batch there too
    numbers, rest = words_asked(__doc__, "WORD", known=("first", "more", "host", "cpu"))
    main(numbers or [64, 1024, 4096], rest)
