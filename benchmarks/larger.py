"""Steps of larger networks over their matrix products: what everything else in a step costs, by engine.

    python benchmarks/larger.py [ROUNDS]

Three regimes: Fashion-MNIST, 784-256-10, plain descent in batches of 256; a table of fifty columns, 50-512-512-512-1,
Adam in batches of 1024; the recipe `tabular` for ten columns, of which its first layers make 80. The floor is the
products of a step, by the library that fivestep takes for them, out of and into memory that is already there. Windows
are short and take turns, so a machine that is busy for a while is so for all; "least" is the shortest window of each
over the shortest of the floor, which is what an idle machine would show.
"""

from collections.abc import Iterator

import torch
from _asked import number_asked
from _floors import floors
from _measure import OURS, Contestant, interleaved, ratios, save, table

import fivestep as fs
from fivestep.blocks import Blocks
from fivestep.engines._engine import BlockEngine, Engine
from fivestep.recipes._base import Facts, with_numbers
from fivestep.recipes.tabular import Tabular
from fivestep.steps import do_step, upcoming_steps

ENGINES = ("fused:larger=true", "scratch", "nn")


def steps_of(engine: Engine, data: fs.Dataset, num_steps: int) -> Contestant:
    """A window of steps, as `steps` has them done: gathered rows, draws and rates included."""
    if isinstance(engine, BlockEngine):
        return blocks_of(engine, data, num_steps)
    upcoming = upcoming_steps(engine, data, engine.plan, 0)

    def window() -> None:
        for _ in range(num_steps):
            do_step(engine, next(upcoming), engine.plan)

    return window


def blocks_of(engine: BlockEngine, data: fs.Dataset, num_steps: int) -> Contestant:
    """The same as one block."""
    plan = engine.plan
    blocks = Blocks(data, plan.batch_size, plan.seed, engine.dtype, engine.device, engine.row_access)
    rates = torch.full((num_steps,), plan.lr, dtype=torch.float64)

    def window() -> None:
        engine.train_block(blocks.take(engine.num_updates, rates))

    return window


def regimes() -> Iterator[tuple[str, fs.NetSpec, fs.TrainPlan, fs.Dataset, int]]:
    """Letter and widths of its linear layers, network, plan, rows, steps of a window."""
    images = fs.load_dataset("fashion-mnist")
    yield "a: 784-256-10", fs.MLP(784, 256, 10, init="normal"), fs.TrainPlan(epochs=10_000), images, 40
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
        sizes = [int(size) for size in name.split()[1].split("-")]
        products, _ = floors(sizes, [plan.batch_size or 0] * num_steps)[OURS]
        contestants: dict[str, Contestant] = {"products": products}
        for engine in ENGINES:
            contestants[engine] = steps_of(fs.make_engine(engine, spec, plan, device="cpu"), data, num_steps)
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
