"""What checkpoints cost: their share of the training time on Fashion-MNIST, reference recipe, and on small work.

    python benchmarks/checkpoints.py [ROUNDS]

Each round trains the same run twice, in turn with and without checkpoints, in a folder on this machine's disk; the time
is that of the loop with its evaluations, without the files at the end. The share is what the writing itself took, over
the whole; the difference of the two is printed beside it, and is mostly the noise of the machine.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from _asked import number_asked
from _measure import save, spread, table

import fivestep as fs
from fivestep.progress import Progress
from fivestep.saved.checkpoint import Checkpoints
from fivestep.train import train

WORK = {
    "fashion-mnist, 10 epochs": ("fashion-mnist", fs.MLP(784, 256, 10, init="normal"), fs.TrainPlan()),
    "fashion-mnist, adam, 10 epochs": (
        "fashion-mnist",
        fs.MLP(784, 256, 10),
        fs.TrainPlan(optimizer="adam", lr=1e-3),
    ),
    "moons, 30,000 epochs": (
        "moons",
        fs.MLP(2, 8, 1, activation="tanh"),
        fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=30_000),
    ),
}


def run(data: fs.Dataset, spec: fs.NetSpec, plan: fs.TrainPlan, folder: Path | None) -> tuple[float, float, int]:
    """Seconds of a whole run, those of writing checkpoints, and how many there were."""
    engine = fs.make_engine("scratch", spec, plan, device="cpu")
    progress, written = Progress(engine, plan), []
    checkpoints = None if folder is None else Checkpoints(folder, {"config": {}})
    started = time.perf_counter()
    if checkpoints is not None:
        write = checkpoints.write

        def noted(*arguments: object) -> float:
            written.append(write(*arguments))  # type: ignore[arg-type]
            return written[-1]

        checkpoints.write = noted  # type: ignore[assignment,method-assign]
        checkpoints.write(engine, progress)  # as a run does before its first step and after its last
    for _ in train(engine, data, plan, max(1, plan.epochs // 20), progress, checkpoints):
        pass
    if checkpoints is not None:
        checkpoints.write(engine, progress)
    return time.perf_counter() - started, sum(written), len(written)


def main(rounds: int) -> None:
    """Measures, prints the table, and keeps it."""
    rows: list[list[str]] = []
    result: dict[str, dict[str, Any]] = {}
    for name, (task, spec, plan) in WORK.items():
        data = fs.load_dataset(task)
        shares, differences, count = [], [], 0
        for _ in range(rounds):
            plain, _, _ = run(data, spec, plan, None)
            with tempfile.TemporaryDirectory() as folder:
                seconds, writing, count = run(data, spec, plan, Path(folder))
            shares.append(100 * writing / seconds)
            differences.append(100 * (seconds / plain - 1))
        result[name] = {"share": spread(shares), "difference": spread(differences), "written": count}
        share, difference = result[name]["share"], result[name]["difference"]
        rows.append(
            [
                name,
                f"{share['median']:.2f} %",
                f"{share['low']:.2f} to {share['high']:.2f} %",
                f"{difference['median']:+.1f} %",
                str(count),
            ]
        )
    print(table(["", "share of the time", "quartiles", "against a run without", "written"], rows))
    kept = save("checkpoints", {"benchmark": "checkpoints", "rounds": rounds, "cost": result})
    print(f"\n{rounds} rounds; kept in {kept}")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 5))
