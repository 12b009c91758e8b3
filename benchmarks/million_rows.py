"""A million rows of 50 numbers, 50-512-512-512-1, Adam, batches of 1024: a step over its eleven matrix products.

    python benchmarks/million_rows.py [ROUNDS] [TITLE ...]

All rows are in memory, and a window is the next 30 of the 977 steps of an epoch, since whole epochs of everybody would
take minutes a round. Those whose loop ends only with an epoch get the first 30,720 rows as their whole table, which is
rather to their advantage. Before the clock starts, each does 60 steps from the same weights and must come to the same
loss, to within the noise of another order of the rows.
"""

import torch
from _floors import floors
from _measure import THEIRS
from _race import Lengths, asked, check_losses, entrants, keep, raced
from rivals import Job

import fivestep as fs
from fivestep.engines._engine import initial_weights

ROWS, SIZES, BATCH, STEPS = 1_000_000, (50, 512, 512, 512, 1), 1024, 30
SAME_LOSS = 1.15
"""The factor between the losses after 60 steps; one engine with three orders of the rows differs by 4 %."""


def job() -> Job:
    """Standard normal inputs; the target is the sine of a sum of them, with noise."""
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, SIZES[0], generator=stream)
    noise = torch.randn(ROWS, generator=stream)
    y = (torch.sin(2 * x.sum(1) / SIZES[0] ** 0.5) + 0.3 * noise)[:, None]
    weights = {name: w.numpy() for name, w in initial_weights(fs.MLP(*SIZES), 0).items()}
    rule = {"activation": "relu", "loss": "mse", "rule": "adam", "lr": 1e-3, "batch": BATCH}
    return Job(x.numpy(), y.numpy(), SIZES, **rule, weights=weights)  # type: ignore[arg-type]


def main(rounds: int, only: list[str] | None) -> None:
    """Checks that all come to the same loss, measures, prints the table, and keeps it."""
    racing = entrants(job(), Lengths(STEPS, STEPS, 2 * STEPS), only)
    check_losses(racing, SAME_LOSS)
    found = raced(racing, floors(SIZES, [BATCH] * STEPS), THEIRS, rounds)
    keep("million_rows", {"rounds": rounds, "steps": STEPS, "contestants": found}, only)


if __name__ == "__main__":
    main(*asked(__doc__, 5))
