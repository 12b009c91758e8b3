"""What a step costs when some of the inputs are 0: products of a first layer leave those out.

    python benchmarks/zeros.py [ROUNDS]

Networks of 784-256-10 and 784-64-10, float32, one thread, batches of 256 rows whose zeros lie anywhere; plain descent,
and Adam, whose gradient is kept. A window is sixteen steps. The ratio is that of a step to one of the same network on
rows without zeros, which takes all inputs; half of Fashion-MNIST's pixels are 0, of one-hot columns all but one.
"""

from functools import partial

import torch
from _asked import number_asked
from _measure import Contestant, interleaved, ratios, save
from _sections import show
from _steps import steps_of

import fivestep as fs

SHARES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
ROWS, BATCH, STEPS = 4096, 256, 16
WIDTHS, RULES = (256, 64), {"sgd": 0.1, "adam": 1e-3}


def steps_on(share: float, width: int, rule: str) -> Contestant:
    """A window of steps on rows of which a share is 0."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(ROWS, 784, generator=generator) * (torch.rand(ROWS, 784, generator=generator) >= share)
    data = fs.Dataset(fs.Rows(x, torch.randint(0, 10, (ROWS,), generator=generator)))
    plan = fs.TrainPlan(optimizer=rule, lr=RULES[rule], batch_size=BATCH, epochs=10_000)
    engine = fs.make_engine("fused:larger=true", fs.MLP(784, width, 10), plan, device="cpu")
    return partial(steps_of(engine, data), STEPS)


def main(rounds: int) -> None:
    """Measures, prints, and keeps it."""
    torch.set_num_threads(1)
    found = {}
    for width in WIDTHS:
        for rule in RULES:
            seconds = interleaved({str(share): steps_on(share, width, rule) for share in SHARES}, rounds)
            found[f"784-{width}-10, {rule}"] = ratios(seconds, "0.0")
    save("zeros", {"rounds": rounds, "networks": found})
    show("zeros")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 15))
