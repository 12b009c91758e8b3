"""What it costs to be watched: a step of a plain PyTorch loop, alone and under `fs.watch()`.

    python benchmarks/doctor.py [ROUNDS]

Each window takes the same steps of the same loop. "Looked at" are steps of which all is seen, the first 30 under a new
watch each time; "a thousand" is a whole run, of which the first 30 and then two in every 47 are looked at.
"""

import itertools

import torch
from _asked import number_asked
from _measure import Contestant, interleaved, save, spread
from _sections import show
from torch import nn
from torch.nn import functional as F  # noqa: N812

import fivestep as fs

SIZES = {"10-64-3": (32, 600), "784-256-10": (256, 300), "784-1024-1024-10": (256, 60)}
"""Widths, with the rows of a batch, and the steps of a window."""

LOOKED_AT, RUN = 30, 1_000


def loop(widths: list[int], rows: int) -> tuple[nn.Module, torch.optim.Optimizer, torch.Tensor, torch.Tensor]:
    """A network with ReLU, SGD, and a batch."""
    torch.manual_seed(0)
    layers = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return model, optimizer, torch.randn(rows, widths[0]), torch.randint(widths[-1], (rows,))


def contestants(name: str, rows: int, steps: int) -> dict[str, Contestant]:
    """The loop alone, watched step by step, and watched for a whole run, whose window says how many `steps` it is."""
    model, optimizer, x, y = loop([int(width) for width in name.split("-")], rows)

    def train(number: int) -> None:
        for _ in range(number):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    def alone() -> None:
        train(steps)

    def looked_at() -> None:
        for _ in range(steps // LOOKED_AT):
            with fs.watch():
                train(LOOKED_AT)

    def thousand() -> float:
        with fs.watch():
            train(RUN)
        return RUN / steps

    return {"alone": alone, "looked at": looked_at, "a thousand": thousand}


def main(rounds: int) -> None:
    """Measures, prints the table, and keeps it."""
    found = {}
    for name, (rows, steps) in SIZES.items():
        seconds = interleaved(contestants(name, rows, steps), rounds)
        found[name] = {"rows": rows} | {
            way: spread([1e6 * value / steps for value in values]) for way, values in seconds.items()
        }
    save("doctor", {"rounds": rounds, "microseconds": found})
    show("doctor")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 5))
