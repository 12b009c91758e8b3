"""What a step costs against rows and width, and from which size on tensors on all threads beat the compiled body.

    python benchmarks/sizes.py [ROUNDS]

A network of ten inputs, one hidden layer of relu and one output, squared error, Adam, all rows in one batch. Rows grow
at a width of 32, widths at 200 rows; then two hidden layers, between which the products are square. A window is as many
steps as take a twentieth of a second. Draws `docs/images/cost-against-size.png`. The last lines are the floating-point
operations of a step at which `fused` and `scratch` take the same time, by which the engine `auto` chooses.
"""

import math
import sys
import time
from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import torch
from _measure import Contestant, interleaved, save, spread, table
from torch import nn

import fivestep as fs
from fivestep.blocks import Blocks
from fivestep.engines._base import BlockEngine
from fivestep.engines._choose import operations_per_step

WINDOW = 0.05
IMAGE = Path(__file__).parent.parent / "docs" / "images" / "cost-against-size.png"
SIZES = {
    "rows": [(rows, 32) for rows in (16, 64, 256, 1024, 4096, 16384)],
    "width": [(200, width) for width in (4, 16, 64, 256, 1024, 4096)],
    "two layers": [(256, width) for width in (32, 64, 128, 256, 512)],
}
Steps = Callable[[int], None]
"""Does that many steps."""


def engine(name: str, data: fs.Dataset, spec: fs.NetSpec) -> Steps:
    """One of our engines, step by step or block by block, as `train` has them."""
    plan = fs.TrainPlan("mse", "adam", lr=1e-6, batch_size=None, epochs=10**9)
    made = fs.make_engine(name, spec, plan, device="cpu")

    def run(count: int) -> None:
        if isinstance(made, BlockEngine):
            rates = torch.full((count,), plan.lr, dtype=torch.float64)
            made.train_block(Blocks(data, None, 0, made.dtype, made.device).take(made.num_updates, rates))
        else:
            for _ in islice(fs.steps(made, data, plan, made.num_updates), count):
                pass

    return run


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


def window(run: Steps) -> tuple[Contestant, int]:
    """As many steps as fill a window, and their number."""
    run(2)  # compiled, or loaded
    count, seconds = 1, 0.0
    while seconds < WINDOW / 4:
        count *= 2
        started = time.perf_counter()
        run(count)
        seconds = time.perf_counter() - started
    count = max(2, round(count * WINDOW / seconds))
    return lambda: run(count), count


def seconds_per_step(rows: int, spec: fs.NetSpec, rounds: int) -> dict[str, float]:
    """The median of each contestant."""
    x = torch.randn(rows, 10, generator=torch.Generator().manual_seed(0))
    data = fs.Dataset(fs.Rows(x, x.sum(1, keepdim=True)))
    runs = {
        "fused": engine("fused", data, spec),
        "scratch": engine("scratch", data, spec),
        "PyTorch": pytorch(data, spec),
    }
    windows = {name: window(run) for name, run in runs.items()}
    seconds = interleaved({name: work for name, (work, _) in windows.items()}, rounds)
    return {name: spread(values)["median"] / windows[name][1] for name, values in seconds.items()}


def crossing(points: list[tuple[float, float]]) -> float | None:
    """Where the ratio of two times passes 1, between two (operations, ratio), on logarithmic scales."""
    for (before, low), (after, high) in pairwise(points):
        if low < 1 <= high:
            share = -math.log(low) / (math.log(high) - math.log(low))
            return math.exp(math.log(before) + share * (math.log(after) - math.log(before)))
    return None


def draw(found: dict[str, list[dict[str, Any]]]) -> None:
    """Two curves for each contestant: against rows, and against width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, (along, shared) in zip(
        figure.subplots(1, 2, sharey=True), (("rows", "width 32"), ("width", "200 rows")), strict=True
    ):
        for name in ("PyTorch", "scratch", "fused"):
            axes.loglog(
                [p[along] for p in found[along]], [1e6 * p["seconds"][name] for p in found[along]], "o-", label=name
            )
        axes.set(xlabel=f"{along} ({shared})")
        axes.grid(alpha=0.3)
    figure.axes[0].set(ylabel="microseconds per step")
    figure.axes[0].legend(frameon=False)
    figure.savefig(IMAGE, dpi=110)


def main(rounds: int) -> None:
    """Measures, prints, draws, and keeps it."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows, crossings = [], {}
    for along, sizes in SIZES.items():
        found[along] = []
        for num_rows, width in sizes:
            spec = fs.MLP(10, *[width] * (2 if along == "two layers" else 1), 1)
            seconds = seconds_per_step(num_rows, spec, rounds)
            operations = operations_per_step(spec, num_rows)
            found[along].append({"rows": num_rows, "width": width, "operations": operations, "seconds": seconds})
            rows.append(
                [
                    f"{num_rows:,}",
                    f"{width:,}",
                    f"{operations / 1e6:.2f}",
                    *(f"{1e6 * s:.1f}" for s in seconds.values()),
                ]
            )
        crossings[along] = crossing(
            [(p["operations"], p["seconds"]["fused"] / p["seconds"]["scratch"]) for p in found[along]]
        )
    print(table(["rows", "width", "million operations", "fused, us", "scratch, us", "PyTorch, us"], rows))
    draw(found)
    for along, meeting in crossings.items():
        where = f"{meeting / 1e6:.1f} million operations" if meeting else "none of these sizes"
        print(f"{along}: fused and scratch meet at {where}")
    print(f"{rounds} rounds; kept in {save('sizes', {'rounds': rounds, 'points': found, 'crossings': crossings})}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
