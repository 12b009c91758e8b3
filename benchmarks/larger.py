"""Steps of larger networks over their matrix products: what everything else in a step costs, by engine.

    python benchmarks/larger.py [ROUNDS]

Four regimes: Fashion-MNIST, 784-256-10, plain descent in batches of 256; the same with no pixel of 0, which the first
layer would leave out; a table of fifty columns, 50-512-512-512-1, Adam in batches of 1024; the recipe `tabular` for ten
columns, of which its first layers make 80. The floor is the
products of a step, by the library that fivestep takes for them, out of and into memory that is already there. Windows
are short and take turns, so a machine that is busy for a while is so for all; "least" is the shortest window of each
over the shortest of the floor, which is what an idle machine would show.
"""

from collections.abc import Iterator
from functools import partial

import torch
from _asked import number_asked
from _floors import floors
from _measure import OURS, Contestant, interleaved, ratios, save, table
from _steps import steps_of

import fivestep as fs
from fivestep.recipes._base import Facts, with_numbers
from fivestep.recipes.tabular import Tabular

ENGINES = ("fused:larger=true", "scratch", "nn")


def regimes() -> Iterator[tuple[str, fs.NetSpec, fs.TrainPlan, fs.Dataset, int]]:
    """Letter and widths of its linear layers, network, plan, rows, steps of a window."""
    images = fs.load_dataset("fashion-mnist")
    spec, plan = fs.MLP(784, 256, 10, init="normal"), fs.TrainPlan(epochs=10_000)
    yield "a: 784-256-10", spec, plan, images, 40
    rows = fs.Rows(images.train.stored.clamp(min=1), images.train.y, scale=images.train.scale)
    yield "a, no zeros: 784-256-10", spec, plan, fs.Dataset(rows), 40
    numbers = fs.Dataset(fs.Rows(torch.randn(1_000_000, 50), torch.randn(1_000_000, 1)))
    plan = fs.TrainPlan(loss="mse", optimizer="adam", lr=1e-3, batch_size=1024, epochs=10_000)
    yield "e: 50-512-512-512-1", fs.MLP(50, 512, 512, 512, 1), plan, numbers, 4
    columns = fs.Dataset(fs.Rows(torch.randn(20_000, 10), torch.randn(20_000, 1)))
    prepared = Tabular().prepare("mlp", {"loss": "mse", "epochs": 10_000}, Facts(20_000, 10, 1, "numbers"))
    spec, plan = with_numbers(*prepared, range(10))
    yield "t: 80-256-256-256-1", plan.sized(spec, columns), plan, columns, 20


def main(rounds: int) -> None:
    """Measures, prints the table, and keeps it."""
    rows, found = [], {}
    for name, spec, plan, data, num_steps in regimes():
        sizes = [int(size) for size in name.split()[-1].split("-")]
        products, _ = floors(sizes, [plan.batch_size or 0] * num_steps)[OURS]
        contestants: dict[str, Contestant] = {"products": products}
        for engine in ENGINES:
            run = steps_of(fs.make_engine(engine, spec, plan, device="cpu"), data)
            contestants[engine] = partial(run, num_steps)
        seconds = interleaved(contestants, rounds)
        over = ratios(seconds, "products")
        least = {who: min(each) / min(seconds["products"]) for who, each in seconds.items()}
        found[name] = {"over_products": over, "least": least}
        for who, ratio in over.items():
            quartiles = f"{ratio['low']:.2f} to {ratio['high']:.2f}"
            microseconds = f"{1e6 * min(seconds[who]) / num_steps:.0f}"
            rows.append([name, who, f"{ratio['median']:.2f}", quartiles, f"{least[who]:.2f}", microseconds])
    print(table(["", "", "over products", "quartiles", "least", "us per step, least"], rows))
    print(f"{rounds} rounds; kept in {save('larger', {'rounds': rounds, 'regimes': found})}")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 25))
