"""What a step costs against rows and width, in each of the two compiled bodies, in tensors and in a plain loop.

    python benchmarks/sizes.py [ROUNDS]

A network of ten inputs, one hidden layer of relu and one output, squared error, Adam, all rows in one batch. Rows grow
at a width of 32, widths at 200 rows; then two hidden layers, between which the products are square. A window is as many
steps as take a twentieth of a second. `fused` is the small body, on one thread, and `fused, larger` the other, which
divides units where the processor has the registers; of each point it is said which of the two `auto` takes. The
crossings are the floating-point operations of a step at which the first takes as long as each of the others: the engine
`auto` goes by them (`engines/fused/_size.py`). Last, 16,384 rows of which only some are different,
merged into one each that is weighted by their number (`--merge-duplicates`): the same loss, which is checked, in fewer
rows. What fleets cost against their number is in fleets.py.
"""

import math
import time
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from _asked import number_asked
from _measure import interleaved, save, spread
from _sections import show
from _steps import Steps, steps_in, steps_of
from torch import nn

import fivestep as fs
from fivestep.engines.fused._size import is_larger, operations_per_step

WINDOW = 0.05
ROWS, DIFFERENT = 16_384, (16, 64, 256, 1024, 4096, 16_384)
SIZES = {
    "rows": [(rows, 32) for rows in (16, 64, 256, 1024, 4096, 16384)],
    "width": [(200, width) for width in (4, 16, 64, 256, 1024, 4096)],
    "two layers": [(256, width) for width in (32, 64, 96, 128, 256, 512)],
    "rows of two layers": [(rows, 128) for rows in (16, 64, 256, 1024)],
}
LARGER = "fused, larger"

PLAN = fs.TrainPlan("mse", "adam", lr=1e-6, batch_size=None, epochs=10**9)


def _made(name: str, spec: fs.NetSpec) -> fs.Engine:
    return fs.make_engine(name, spec, PLAN, device="cpu")


def engine(name: str, data: fs.Dataset, spec: fs.NetSpec) -> Steps:
    """The steps of one of our engines."""
    return steps_of(_made(name, spec), data)


def pytorch(data: fs.Dataset, spec: fs.NetSpec) -> Steps:
    """The plain loop."""
    x, y = data.train.x, data.train.y
    layers = (next(iter(layer.parameter_shapes().values()), None) for layer in spec.build())
    model = nn.Sequential(*(nn.ReLU() if shape is None else nn.Linear(shape[1], shape[0]) for shape in layers))
    optimizer, criterion = torch.optim.Adam(model.parameters(), lr=1e-6), nn.MSELoss()

    def run(count: int) -> None:
        for _ in range(count):
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def seconds_per_step(rows: int, spec: fs.NetSpec, rounds: int) -> dict[str, float]:
    """The median of each contestant."""
    x = torch.randn(rows, 10, generator=torch.Generator().manual_seed(0))
    data = fs.Dataset(fs.Rows(x, x.sum(1, keepdim=True)))
    runs = {
        "fused": engine("fused:larger=false", data, spec),
        LARGER: engine("fused:larger=true", data, spec),
        "scratch": engine("scratch", data, spec),
        "PyTorch": pytorch(data, spec),
    }
    return medians(runs, rounds)


def medians(runs: dict[str, Steps], rounds: int) -> dict[str, float]:
    """Seconds of a step of each contestant."""
    counts = {name: steps_in(run, WINDOW) for name, run in runs.items()}
    seconds = interleaved({name: partial(run, counts[name]) for name, run in runs.items()}, rounds)
    return {name: spread(values)["median"] / counts[name] for name, values in seconds.items()}


def crossing(points: list[tuple[float, float]]) -> float | None:
    """Where the ratio of two times passes 1, between two (operations, ratio), on logarithmic scales."""
    for (before, low), (after, high) in pairwise(points):
        if low < 1 <= high:
            share = -math.log(low) / (math.log(high) - math.log(low))
            return math.exp(math.log(before) + share * (math.log(after) - math.log(before)))
    return None


def merged(rounds: int) -> list[dict[str, Any]]:
    """Points at a fixed number of rows, of which fewer and fewer are different: merged into one each, or not.

    Merging happens once, before the first step: `data.unique()`, whose own seconds stand beside.
    """
    spec, found = fs.MLP(10, 32, 1), []
    for different in DIFFERENT:
        x = torch.randn(different, 10, generator=torch.Generator().manual_seed(0)).repeat(ROWS // different, 1)
        data = fs.Dataset(fs.Rows(x, x.sum(1, keepdim=True)))
        started = time.perf_counter()
        once = data.unique()
        merging = time.perf_counter() - started
        losses = [fs.evaluate(_made("scratch", spec), part.train).loss for part in (data, once)]
        assert abs(losses[0] - losses[1]) < 1e-5 * losses[0], losses
        runs = {
            "fused, merged": engine("fused", once, spec),
            "scratch, merged": engine("scratch", once, spec),
            "fused, all rows": engine("fused", data, spec),
            "PyTorch, all rows": pytorch(data, spec),
        }
        found.append({"rows": ROWS, "different": different, "merging": merging, "seconds": medians(runs, rounds)})
    return found


def along_sizes(along: str, sizes: list[tuple[int, int]], rounds: int) -> list[dict[str, Any]]:
    """The points of one curve, each with the body that `auto` takes there."""
    found = []
    for num_rows, width in sizes:
        spec = fs.MLP(10, *[width] * (2 if "two layers" in along else 1), 1)
        point = {"rows": num_rows, "width": width, "operations": operations_per_step(spec, num_rows)}
        takes = LARGER if is_larger(spec, PLAN, num_rows)[0] else "fused"
        found.append({**point, "auto": takes, "seconds": seconds_per_step(num_rows, spec, rounds)})
    return found


def main(rounds: int) -> None:
    """Measures, prints, and keeps it."""
    found = {along: along_sizes(along, sizes, rounds) for along, sizes in SIZES.items()}
    crossings, of_bodies = (
        {
            along: crossing([(p["operations"], p["seconds"]["fused"] / p["seconds"][other]) for p in points])
            for along, points in found.items()
        }
        for other in ("scratch", LARGER)
    )
    found["different rows"] = merged(rounds)
    save("sizes", {"rounds": rounds, "points": found, "crossings": crossings, "of bodies": of_bodies})
    show("sizes")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 5))
