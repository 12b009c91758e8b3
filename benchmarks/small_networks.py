"""A step on two small networks: `fused` through `train(..., every=1000)`, beside everyone in `rivals/`.

    python benchmarks/small_networks.py [ROUNDS] [TITLE ...]

2-8-1 is the task `moons`: 200 rows in one batch, tanh, binary cross-entropy, Adam. 10-32-1 has 1000 rows in batches of
100, drawn anew for every epoch, relu, squared error, Adam. All start from the same weights and take turns; before the
clock starts, each trains three hundred epochs and must come to the same loss. What compiling takes is in none of the
windows; the first call, compiling and three hundred epochs together, stands beside them.
"""

from typing import Any

import torch
from _race import Lengths, asked, check_losses, entrants, keep, raced
from rivals import Job

import fivestep as fs
from fivestep.engines._engine import initial_weights

CHECK = 300
"""Epochs before the check."""
SAME_LOSS = {"2-8-1": 1.001, "10-32-1": 1.5}
"""The factor between the losses: the orders of the rows differ in the second, and in both scikit-learn's epsilon."""


def jobs() -> dict[str, Job]:
    """The two, with the initial weights that `make_engine` draws."""
    moons = fs.load_dataset("moons").train
    x = torch.randn(1000, 10, generator=torch.Generator().manual_seed(0))
    rows = {"2-8-1": (moons.x.float(), moons.y.float().reshape(-1, 1)), "10-32-1": (x, x.sum(1, keepdim=True))}
    settings: dict[str, dict[str, Any]] = {
        "2-8-1": {"activation": "tanh", "loss": "binary_cross_entropy", "lr": 0.05, "batch": len(moons)},
        "10-32-1": {"activation": "relu", "loss": "mse", "lr": 1e-3, "batch": 100},
    }
    found = {}
    for name, (inputs, y) in rows.items():
        sizes = tuple(int(width) for width in name.split("-"))
        weights = {key: value.numpy() for key, value in initial_weights(fs.MLP(*sizes), 0).items()}
        shared: dict[str, Any] = {"rule": "adam", "weights": weights, "is_measured": True}
        found[name] = Job(inputs.numpy(), y.numpy(), sizes, **settings[name], **shared)
    return found


def main(rounds: int, only: list[str] | None) -> None:
    """Measures, prints the table, and keeps it."""
    found = {}
    for name, job in jobs().items():
        print(f"{name}:")
        lengths = Lengths(1000 * job.steps_per_epoch, 100 if job.is_full_batch else 20 * job.steps_per_epoch, 0)
        racing = entrants(job, lengths._replace(check=CHECK * job.steps_per_epoch), only)
        check_losses(racing, SAME_LOSS[name])
        found[name] = raced(racing, {}, "fused", rounds)
    keep("small_networks", {"rounds": rounds, "networks": found}, only)


if __name__ == "__main__":
    main(*asked(__doc__, 9))
