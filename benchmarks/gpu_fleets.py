"""Regime c on a CUDA device: a fleet as one batch beside the same networks one after another on the device.

    python benchmarks/gpu_fleets.py [NETWORKS ...]

2-8-1 (tanh, yes or no) and 10-32-1 (relu, numbers), 200 rows in one batch, Adam, a thousand steps, each network with
its own seed. `steps` is the training alone, in blocks as `fit_many` does them; `fit_many` is the whole of it, from
plans to trained and measured networks. One after another is measured on one network, and counted for all: it is
`fit_many` of one, which is the single engine. Before that, networks of a batch are compared with the same ones trained
alone.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from _measure import save, table

import fivestep as fs
from fivestep.batched.batch import Batch
from fivestep.fleet import _engine
from fivestep.member import Member

STEPS = 1000
SAME = 1e-3
"""How far apart the losses of a network may be after a hundred steps in float32, relative."""


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
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return median(taken)


def steps_seconds(case: str, count: int) -> float:
    """The training alone, per step of the whole fleet."""
    spec, data, options = CASES[case]
    plans = plans_of(options, count)
    members = [Member(data, plan, partial(_engine, "auto", spec, data, plan, "float32", "cuda")) for plan in plans]
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
        seconds_of(lambda: fs.fit_many(spec, data, plans_of(options, count), device="cuda"), 1 + (count < 100)) / STEPS
    )


def check(case: str) -> float:
    """The largest relative difference of a loss between a batch and the networks alone."""
    spec, data, options = CASES[case]
    plans = plans_of(options, 8, 100)
    batch = fs.fit_many(spec, data, plans, device="cuda")
    alone = [fs.fit_many(spec, data, plan, "scratch", device="cpu")[0] for plan in plans]
    losses = [[member.history[-1].train_loss for member in members] for members in (batch, alone)]
    apart: float = max(abs(mine / theirs - 1) for mine, theirs in zip(*losses, strict=True))
    assert apart < SAME, losses
    return apart


def main(counts: list[int]) -> None:
    """Measures, prints a table, and keeps it, network by network."""
    if not torch.cuda.is_available():
        print("left out: benchmarks/gpu_fleets.py, this machine has no CUDA device")
        return
    found: dict[str, Any] = {"device": torch.cuda.get_device_name(), "steps": STEPS}
    rows = []
    for case in CASES:
        found[case] = {"apart": check(case), "alone": fleet_seconds(case, 1)}
        for count in counts:
            steps, whole = steps_seconds(case, count), fleet_seconds(case, count)
            times = {"steps": count * found[case]["alone"] / steps, "fit_many": count * found[case]["alone"] / whole}
            found[case][str(count)] = {"steps": steps, "fit_many": whole, "times_faster": times}
            rows.append([case, f"{count:,}", *(f"{1e6 * one:.1f}" for one in (found[case]["alone"], steps, whole))])
            rows[-1] += [f"{one:,.0f}" for one in times.values()]
            path = save("gpu_fleets", found)
    head = ["network", "networks", "alone, us a step", "batch, us a step", "fit_many, us a step", "steps", "fit_many"]
    print(table(head, rows))
    print(f"the last two columns are times faster than one after another; kept in {path}")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [64, 1024, 4096])
