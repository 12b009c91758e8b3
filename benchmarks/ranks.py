"""Two ranks of one thread against one rank of one thread, beside `DistributedDataParallel`; and a model of their cost.

    python benchmarks/ranks.py [ROUNDS] [PART ...]

It starts itself under `torchrun --nproc-per-node 2`. All contestants live in these two processes and take turns; while
one rank works alone, the other waits in a receive, which costs nothing. Rows are in memory, as in `fivestep train`, and
for DDP as well, which gets the same shares of the same batches by index. After the windows all must have the same loss.
PART is images, wide or fleets; what was not asked for stays as it was measured last.

The model: a step of B rows on N ranks takes (a + b B / N) (1 + w), the work and the wait for the slowest, and c + d
(bytes of the gradient), the sum over the ranks. a and b are fitted to steps of other batch sizes that all ranks do at
the same time, each by itself: they share caches and memory. w, c and d are fitted to sums of other lengths, each after
a step of a rank's own. What it says about two ranks is then held against two ranks.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from _asked import words_asked
from _measure import HERE, PAUSE, save, spread
from _sections import show
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

import fivestep as fs
from fivestep.draws import order
from fivestep.ranks import ALONE, Ranks, join_ranks, leave_ranks

LENGTHS = (1_000, 100_000, 400_000, 800_000)
"""Numbers in the sums that c and d are fitted to."""

BLOCKS = 5
"""Of measurements of single steps, means of so many blocks are taken, and the median of these."""

FLEETS = ((1_024, 1_000), (256, 20_000))
"""Networks, and steps of each."""


class Case(NamedTuple):
    """A network, its plan, its rows, the steps of a window, and the batch sizes that a and b are fitted to."""

    name: str
    spec: fs.NetSpec
    plan: fs.TrainPlan
    data: fs.Dataset
    num_steps: int
    sizes: tuple[int, ...]

    @property
    def batch_size(self) -> int:
        return self.plan.batch_size or self.data.num_rows


def images() -> Case:
    data, plan = fs.load_dataset("fashion-mnist"), fs.TrainPlan()
    spec = fs.MLP(784, 256, 10, init="normal")
    return Case("784-256-10, batch 256", spec, plan, data, 150, (96, 160, 192, 256))


def wide() -> Case:
    rows = torch.Generator().manual_seed(0)
    x, y = torch.randn(65_536, 50, generator=rows), torch.randn(65_536, 1, generator=rows)
    spec, data = fs.MLP(50, 512, 512, 512, 1), fs.Dataset(fs.Rows(x, y))
    plan = fs.TrainPlan(loss="mse", optimizer="adam", lr=1e-3, batch_size=8192)
    return Case("50-512-512-512-1, batch 8192", spec, plan, data, 3, (2048, 3072, 6144))


CASES: Mapping[str, Callable[[], Case]] = {"images": images, "wide": wide}


def ours(case: Case, ranks: Ranks, size: int | None = None) -> Callable[[int], Tensor]:
    """Does so many steps with `fivestep.steps`, and goes on from there; the loss of the last one.

    With a `size` of its own, the batch is one part, as a share is for ranks.
    """
    plan = replace(case.plan, epochs=10**6, batch_size=size or case.batch_size, micro_batch_size=size)
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


def fleet(num: int, num_steps: int, ranks: Ranks, first: int = 0) -> Callable[[int], Tensor]:
    """Trains a fleet of small networks, with seeds from `first` on, and finds the best of them."""
    data = fs.load_dataset("moons")
    usual = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=num_steps)
    plans = [replace(usual, seed=seed) for seed in range(first, first + num)]
    spec = fs.MLP(2, 8, 1, activation="tanh")

    def work(_count: int) -> Tensor:
        members = fs.fit_many(spec, data, plans, "fused", device="cpu", num_threads=1, ranks=ranks)
        return torch.tensor(min(member.history[-1].train_loss for member in members))

    return work


def windows(
    contestants: Mapping[str, Callable[[int], Tensor] | None], count: int, ranks: Ranks, rounds: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds of each window by contestant, until all ranks are through, and the last loss of the first one.

    None does nothing: this rank is not one of its own.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    losses: dict[str, float] = {}
    for number in range(-1, rounds):  # the first one warms
        for name in list(contestants)[number % len(contestants) :] + list(contestants)[: number % len(contestants)]:
            time.sleep(PAUSE / 10)
            ranks.gathered(None)
            started = time.perf_counter()
            work = contestants[name]
            loss = None if work is None else float(work(count))
            of_ranks = ranks.gathered((loss, time.perf_counter() - started))
            losses[name] = next(other for other, _ in of_ranks if other is not None)
            if number >= 0:
                seconds[name].append(max(took for _, took in of_ranks))
    return seconds, losses


def through_gloo(ranks: Ranks) -> Ranks:
    """The same ranks without the memory that they share."""
    others = Ranks(ranks.rank, ranks.size)
    others._memory = None
    return others


def measured(case: Case, ranks: Ranks, rounds: int) -> dict[str, Any]:
    """The contestants of one case, with ratios of the same round."""
    contestants = {
        "one rank": ours(case, ALONE) if ranks.is_first else None,
        "two ranks": ours(case, ranks),
        "two ranks through gloo": ours(case, through_gloo(ranks)),
        "DistributedDataParallel": ddp(case, ranks),
    }
    seconds, losses = windows(contestants, case.num_steps, ranks, rounds)
    reference = losses["one rank"]
    assert all(abs(loss - reference) < 0.02 * abs(reference) for loss in losses.values()), losses
    rows = case.num_steps * case.batch_size
    found = {
        who: {
            "rows per second": rows / spread(values)["median"],
            "over one rank": spread([one / own for one, own in zip(seconds["one rank"], values, strict=True)]),
            "seconds per step": spread([value / case.num_steps for value in values]),
        }
        for who, values in seconds.items()
    }
    return {"case": case.name, "parameters": case.spec.num_parameters, "contestants": found}


def fleets(num: int, num_steps: int, ranks: Ranks, rounds: int) -> dict[str, Any]:
    """Two ranks with a fleet over one rank with it, in windows of the same round.

    Beside it what the machine has to give: both processes with half of the fleet, and nothing to say to each other.
    """
    share = num // ranks.size
    contestants = {
        "one rank": fleet(num, num_steps, ALONE) if ranks.is_first else None,
        "two ranks": fleet(num, num_steps, ranks),
        "apart": fleet(share, num_steps, ALONE, share * ranks.rank),
    }
    seconds, losses = windows(contestants, 1, ranks, rounds)
    assert losses["one rank"] == losses["two ranks"], losses
    over_one = {
        who: spread([one / other for one, other in zip(seconds["one rank"], seconds[who], strict=True)])
        for who in ("two ranks", "apart")
    }
    return {
        "networks": num,
        "steps": num_steps,
        "seconds": spread(seconds["two ranks"]),
        "over one rank": over_one["two ranks"],
        "apart": over_one["apart"],
    }


def work_of(case: Case, ranks: Ranks, rounds: int) -> dict[str, float]:
    """a and b, from steps at several batch sizes that the ranks do side by side: least squares in relative terms."""
    means = []
    for size in case.sizes:
        count = max(2, case.num_steps * case.batch_size // size // 4)
        seconds, _ = windows({"each": ours(case, ALONE, size)}, count, ranks, rounds)
        means.append(spread(seconds["each"])["median"] / count)
    a, b = _line(case.sizes, means)
    return {"a": a, "b": b}


def sum_of(case: Case, ranks: Ranks, repeats: int) -> dict[str, float]:
    """w, c and d, from sums of several lengths, each after a step of a rank's own.

    Both ranks read the same clock: a sum takes from the arrival of the last one until all have it. A rank waits for the
    slowest from its own arrival on.
    """
    work, costs, waits = ours(case, ALONE, case.batch_size // ranks.size), [], []
    for length in LENGTHS:
        vector, times = ranks.zeros(length, torch.float32, torch.device("cpu")), []
        for _ in range(repeats):
            loss, arrived = work(1), time.perf_counter()
            ranks.add_up_(vector.zero_(), loss)
            times.append((arrived, time.perf_counter()))
        arrivals, ends = np.array(ranks.gathered(times)).transpose(2, 0, 1)  # (ranks, repeats) each
        costs.append(settled((ends.max(0) - arrivals.max(0))[1:]))
        took = arrivals[:, 1:] - ends[:, :-1]
        waits.append(settled(took.max(0) - took.mean(0)) / settled(took.mean(0)))
    c, d = _line([4 * length for length in LENGTHS], costs)
    return {"w": spread(waits)["median"], "c": c, "d": d}


def settled(values: Any) -> float:
    """What a step takes in a window without a disturbance."""
    return float(np.median([part.mean() for part in np.array_split(values, BLOCKS)]))


def _line(x: Any, y: Any) -> tuple[float, float]:
    """Intercept and slope with the smallest relative errors; neither is below 0."""
    weight = 1 / np.asarray(y)
    matrix = np.stack([np.ones(len(y)), np.asarray(x, dtype=float)], axis=1) * weight[:, None]
    intercept, slope = np.linalg.lstsq(matrix, np.ones(len(y)), rcond=None)[0]
    return max(float(intercept), 0.0), float(slope)


def of_case(case: Case, ranks: Ranks, rounds: int) -> dict[str, Any]:
    """The contestants, and what the model says of two ranks from what others than they took."""
    found = measured(case, ranks, rounds)
    work = found["work"] = work_of(case, ranks, rounds)
    num_bytes, repeats = 4 * case.spec.num_parameters, max(2 * BLOCKS, case.num_steps)
    found["sums"] = {
        "memory": sum_of(case, Ranks(ranks.rank, ranks.size), repeats),
        "gloo": sum_of(case, through_gloo(ranks), repeats),
    }
    found["predicted"] = {
        way: (work["a"] + work["b"] * case.batch_size / ranks.size) * (1 + of["w"]) + of["c"] + of["d"] * num_bytes
        for way, of in found["sums"].items()
    }
    return found


def main(rounds: int, parts: Sequence[str]) -> None:
    """Measures what is asked for, and lets rank 0 print and keep it."""
    torch.set_num_threads(1)
    ranks = join_ranks()
    file = HERE / "results" / "ranks.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    by_name = {found["case"]: found for found in kept.get("cases", [])}
    for case in (CASES[part]() for part in parts if part in CASES):
        by_name[case.name] = of_case(case, ranks, rounds)
    of_fleets = kept.get("fleets", [])
    if "fleets" in parts:
        of_fleets = [fleets(num, num_steps, ranks, rounds) for num, num_steps in FLEETS]
    result = {"rounds": rounds, "cases": list(by_name.values()), "fleets": of_fleets}
    if ranks.is_first:
        save("ranks", result)
        show("ranks")
        show("ranks_model")
    leave_ranks()


if __name__ == "__main__":
    numbers, parts = words_asked(__doc__, "ROUNDS or PART", known=(*CASES, "fleets"))
    if "RANK" not in os.environ:
        again = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(again, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode)
    main((numbers or [9])[0], parts or [*CASES, "fleets"])
