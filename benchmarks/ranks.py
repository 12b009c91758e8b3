"""Two ranks of one thread against one rank of one thread, beside `DistributedDataParallel`; and a model of their cost.

    python benchmarks/ranks.py [ROUNDS]

It starts itself under `torchrun --nproc-per-node 2`. All contestants live in these two processes and take turns; while
one rank works alone, the other waits in a receive, which costs nothing. Rows are in memory, as in `fivestep train`, and
for DDP as well, which gets the same shares of the same batches by index. After the windows all must have the same loss.

The model: a step of B rows on N ranks takes a + b B / N, the work, and c + d (bytes of the gradient), the sum over the
ranks. a and b are fitted to steps of one rank at other batch sizes, c and d to sums of other lengths; what it says
about two ranks is then held against two ranks.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from _measure import PAUSE, save, spread, table
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

import fivestep as fs
from fivestep.draws import order
from fivestep.ranks import ALONE, Ranks, join_ranks, leave_ranks

LENGTHS = (1_000, 10_000, 50_000, 100_000, 400_000)
"""Numbers in the sums that c and d are fitted to."""

FLEETS = ((64, 1_000), (12, 20_000))
"""Networks, and steps of each."""


class Case(NamedTuple):
    """A network, its plan, its rows, the steps of a window, and the batch sizes that a and b are fitted to."""

    spec: fs.NetSpec
    plan: fs.TrainPlan
    data: fs.Dataset
    num_steps: int
    sizes: tuple[int, ...]


def cases() -> dict[str, Case]:
    rows = torch.Generator().manual_seed(0)
    x, y = torch.randn(65_536, 50, generator=rows), torch.randn(65_536, 1, generator=rows)
    wide = fs.TrainPlan(loss="mse", optimizer="adam", lr=1e-3, batch_size=8192)
    images = fs.load_dataset("fashion-mnist")
    return {
        "784-256-10, batch 256": Case(
            fs.MLP(784, 256, 10, init="normal"), fs.TrainPlan(), images, 60, (32, 64, 96, 192, 320)
        ),
        "50-512-512-512-1, batch 8192": Case(
            fs.MLP(50, 512, 512, 512, 1), wide, fs.Dataset(fs.Rows(x, y)), 2, (1024, 2048, 3072, 6144)
        ),
    }


def ours(case: Case, ranks: Ranks, size: int | None = None) -> Callable[[int], Tensor]:
    """Does so many steps with `fivestep.steps`, and goes on from there; the loss of the last one."""
    plan = fs.TrainPlan(**{**case.plan.to_dict(), "batch_size": size or case.plan.batch_size, "epochs": 10**6})
    engine = fs.make_engine("scratch", case.spec, plan, device="cpu", ranks=ranks)
    stream = fs.steps(engine, case.data, plan)
    return lambda count: list(islice(stream, count))[-1].loss


def ddp(case: Case, ranks: Ranks) -> Callable[[int], Tensor]:
    """The same with `DistributedDataParallel`, set up as its documentation advises for a fixed graph."""
    plan = case.plan
    first = fs.make_engine("nn", case.spec, plan, device="cpu").named_parameters()
    module = nn.Sequential(
        *(
            nn.Linear(*first[f"{k}.weight"].shape[::-1]) if f"{k}.weight" in first else nn.ReLU()
            for k in range(len(case.spec.layers))
        )
    )
    module.load_state_dict(first)
    model = DistributedDataParallel(module, gradient_as_bucket_view=True, static_graph=True)
    losses: dict[str, nn.Module] = {"cross_entropy": nn.CrossEntropyLoss(), "mse": nn.MSELoss()}
    loss_of = losses[str(plan.loss)]
    rule = torch.optim.Adam if str(plan.optimizer) == "adam" else torch.optim.SGD
    optimizer = rule(model.parameters(), lr=plan.lr, fused=True)
    stored, y, scale = case.data.train.stored, case.data.train.y, case.data.train.scale

    def batches() -> Iterator[Tensor]:
        for epoch in range(10**6):
            for batch in order(plan.seed, epoch, len(stored)).split(plan.batch_size or 0):
                yield batch[ranks.places(len(batch))[0]]

    stream = batches()

    def work(count: int) -> Tensor:
        loss = torch.zeros(())
        for rows in islice(stream, count):
            x = stored[rows] if scale is None else stored[rows].float().mul_(scale)
            loss = loss_of(model(x), y[rows])
            optimizer.zero_grad(set_to_none=False)
            loss.backward()
            optimizer.step()
        total = loss.detach() / ranks.size
        dist.all_reduce(total)
        return total

    return work


def fleet(num: int, num_steps: int, ranks: Ranks) -> Callable[[int], Tensor]:
    """Trains a fleet of small networks, and finds the best of them."""
    data = fs.load_dataset("moons")
    usual = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=num_steps)
    plans = [replace(usual, seed=seed) for seed in range(num)]
    spec = fs.MLP(2, 8, 1, activation="tanh")

    def work(_count: int) -> Tensor:
        members = fs.fit_many(spec, data, plans, "fused", device="cpu", num_threads=1, ranks=ranks)
        return torch.tensor(min(member.history[-1].train_loss for member in members))

    return work


def windows(
    contestants: Mapping[str, Callable[[int], Tensor] | None], count: int, ranks: Ranks, rounds: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds of each window by contestant, and the last loss. None does nothing: this rank is not one of its own."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    losses: dict[str, float] = {}
    for number in range(-1, rounds):  # the first one warms
        for name in list(contestants)[number % len(contestants) :] + list(contestants)[: number % len(contestants)]:
            time.sleep(PAUSE / 10)
            ranks.gathered(None)
            started = time.perf_counter()
            work = contestants[name]
            loss = None if work is None else float(work(count))
            took = time.perf_counter() - started
            losses[name] = next(other for other in ranks.gathered(loss) if other is not None)
            if number >= 0:
                seconds[name].append(took)
    return seconds, losses


def measured(name: str, case: Case, ranks: Ranks, rounds: int) -> dict[str, Any]:
    """The contestants of one case, with ratios of the same round."""
    through_gloo = Ranks(ranks.rank, ranks.size)
    through_gloo._memory = None
    contestants = {
        "one rank": ours(case, ALONE) if ranks.is_first else None,
        "two ranks": ours(case, ranks),
        "two ranks through gloo": ours(case, through_gloo),
        "DistributedDataParallel": ddp(case, ranks),
    }
    seconds, losses = windows(contestants, case.num_steps, ranks, rounds)
    reference = losses["one rank"]
    assert all(abs(loss - reference) < 0.02 * abs(reference) for loss in losses.values()), losses
    rows = case.num_steps * (case.plan.batch_size or 0)
    found = {
        who: {
            "rows per second": rows / spread(values)["median"],
            "over one rank": spread([one / own for one, own in zip(seconds["one rank"], values, strict=True)]),
            "seconds per step": spread([value / case.num_steps for value in values]),
        }
        for who, values in seconds.items()
    }
    return {"case": name, "parameters": case.spec.num_parameters, "contestants": found}


def fleets(num: int, num_steps: int, ranks: Ranks, rounds: int) -> dict[str, Any]:
    """Two ranks with a fleet over one rank with it, in windows of the same round."""
    one = fleet(num, num_steps, ALONE) if ranks.is_first else None
    seconds, losses = windows({"one rank": one, "two ranks": fleet(num, num_steps, ranks)}, 1, ranks, rounds)
    assert losses["one rank"] == losses["two ranks"], losses
    pairs = zip(seconds["one rank"], seconds["two ranks"], strict=True)
    over_one = spread([one / two for one, two in pairs])
    return {"networks": num, "steps": num_steps, "seconds": spread(seconds["two ranks"]), "over one rank": over_one}


def fitted(case: Case, ranks: Ranks, rounds: int) -> dict[str, float]:
    """a and b, from one rank's steps at several batch sizes: least squares in relative terms."""
    means = []
    for size in case.sizes:
        count = max(2, case.num_steps * (case.plan.batch_size or 0) // size // 2)
        only = {"one": ours(case, ALONE, size) if ranks.is_first else None}
        seconds, _ = windows(only, count, ranks, rounds)
        means.append(spread(seconds["one"])["median"] / count)
    a, b = _line(case.sizes, means)
    return {"a": a, "b": b}


def sums(ranks: Ranks, repeats: int) -> dict[str, float]:
    """c and d, from sums of several lengths."""
    medians = []
    for length in LENGTHS:
        vector, seconds = ranks.zeros(length, torch.float32, torch.device("cpu")), []
        for _ in range(repeats):
            vector.fill_(1.0)  # as after a step, the numbers are in the cache of the one who made them
            ranks.sum_(torch.zeros(1))
            started = time.perf_counter()
            ranks.sum_(vector)
            seconds.append(time.perf_counter() - started)
        medians.append(spread(seconds)["median"])
    c, d = _line([4 * length for length in LENGTHS], medians)
    return {"c": c, "d": d}


def _line(x: Any, y: Any) -> tuple[float, float]:
    """Intercept and slope with the smallest relative errors; neither is below 0."""
    weight = 1 / np.asarray(y)
    matrix = np.stack([np.ones(len(y)), np.asarray(x, dtype=float)], axis=1) * weight[:, None]
    intercept, slope = np.linalg.lstsq(matrix, np.ones(len(y)), rcond=None)[0]
    return max(float(intercept), 0.0), float(slope)


def main(rounds: int) -> None:
    """Measures all, and lets rank 0 print and keep it."""
    torch.set_num_threads(1)
    ranks = join_ranks()
    through_gloo = Ranks(ranks.rank, ranks.size)
    through_gloo._memory = None
    model = {"memory": sums(Ranks(ranks.rank, ranks.size), 200), "gloo": sums(through_gloo, 100)}
    result: dict[str, Any] = {"sums": model, "cases": []}
    for name, case in cases().items():
        found = measured(name, case, ranks, rounds)
        work = found["work"] = fitted(case, ranks, max(2, rounds // 2))
        size, num_bytes = case.plan.batch_size or 0, 4 * case.spec.num_parameters
        found["predicted"] = {
            way: work["a"] + work["b"] * size / 2 + cost["c"] + cost["d"] * num_bytes for way, cost in model.items()
        }
        result["cases"].append(found)
    result["fleets"] = [fleets(num, num_steps, ranks, rounds) for num, num_steps in FLEETS]
    if ranks.is_first:
        show(result)
        save("ranks", {"rounds": rounds, **result})
    leave_ranks()


def show(result: Mapping[str, Any]) -> None:
    """The tables."""
    rows = []
    for case in result["cases"]:
        for who, found in case["contestants"].items():
            ratio = found["over one rank"]
            quartiles = f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
            rows.append([case["case"], who, f"{found['rows per second']:,.0f}", quartiles])
    for found in result["fleets"]:
        ratio = found["over one rank"]
        quartiles = f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
        rows.append([f"{found['networks']} networks 2-8-1, {found['steps']:,} steps", "two ranks", "", quartiles])
    print(table(["work", "", "rows/s", "over one rank"], rows))
    print("\nSeconds per step of two ranks:")
    held = []
    for case in result["cases"]:
        for way, who in (("memory", "two ranks"), ("gloo", "two ranks through gloo")):
            step = case["contestants"][who]["seconds per step"]["median"]
            said = case["predicted"][way]
            held.append(
                [case["case"], way, f"{1e3 * said:.3f} ms", f"{1e3 * step:.3f} ms", f"{100 * (said / step - 1):+.0f} %"]
            )
    print(table(["work", "through", "model", "measured", "model over it"], held))
    print("\n" + json.dumps({"sums": result["sums"], "work": {c["case"]: c["work"] for c in result["cases"]}}))


if __name__ == "__main__":
    if "RANK" not in os.environ:
        again = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(again, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
