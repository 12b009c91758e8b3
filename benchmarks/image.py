"""Fashion-MNIST, official split, with the recipe `image`: test accuracy over seeds, without and with augmentation.

    python benchmarks/image.py [--seeds 3] [--only plain|augmented]
    python benchmarks/image.py --validate '{"dropout": 0.2}'

The first form trains on all 60,000 rows and measures the test part once, after the last epoch. The second is how the
settings were chosen: it trains on 50,000 rows and measures the other 10,000; nothing in it looks at the test part.
Takes some minutes for each seed on two cores; results/image.json keeps every run, with its seconds.
"""

import argparse
import json
import time
from statistics import mean
from typing import Any

import torch

import fivestep as fs
from fivestep.datasets._split import split
from fivestep.recipes._base import Facts, with_moments
from fivestep.recipes.image import Image

from _measure import HERE, machine, table  # isort: skip  (beside this file)

RESULTS = HERE / "results" / "image.json"
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "augmented": {"augment": "shift_and_flip"},
}
TARGETS = {"plain": "at least 0.912", "augmented": "above 0.9163"}


def train(data: fs.Dataset, settings: dict[str, Any], seed: int) -> tuple[fs.Engine, float]:
    """The trained network, and the seconds of its training steps."""
    facts = Facts(len(data.train), data.in_features, data.num_outputs, "classes")
    spec, plan = Image().prepare("mlp", {**settings, "seed": seed}, facts)
    spec = with_moments(spec, data.train.moments)
    engine = fs.make_engine("scratch", plan.sized(spec, data), plan, device="auto")
    started = time.perf_counter()
    for _ in fs.steps(engine, data, plan):
        pass
    return engine, time.perf_counter() - started


def accuracy(engine: fs.Engine, rows: fs.Rows | None) -> float:
    """The share of right answers."""
    assert rows is not None
    return fs.evaluate(engine, rows).accuracy or 0.0


def validate(settings: dict[str, Any], seed: int) -> None:
    """One line: the accuracy on 10,000 training rows that were held out."""
    engine, seconds = train(data := split(fs.load_dataset("fashion-mnist"), 10_000, seed=0), settings, seed)
    print(
        f"{json.dumps(settings)}  validation accuracy {accuracy(engine, data.valid):.4f}  {seconds:.0f} s", flush=True
    )


def main() -> None:
    """Trains what is not in the results yet, and prints them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=list(VARIANTS))
    parser.add_argument("--validate", type=json.loads, metavar="SETTINGS")
    asked = parser.parse_args()
    if asked.validate is not None:
        return validate(asked.validate, seed=0)
    runs: list[dict[str, Any]] = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    data = fs.load_dataset("fashion-mnist")
    for seed in range(asked.seeds):
        for variant in [asked.only] if asked.only else VARIANTS:
            settings = VARIANTS[variant]
            if any((run["seed"], run["settings"]) == (seed, settings) for run in runs):
                continue
            engine, seconds = train(data, settings, seed)
            score = accuracy(engine, data.test)
            threads = torch.get_num_threads()
            runs.append({"variant": variant, "settings": settings, "seed": seed, "test_accuracy": score,
                         "seconds": seconds, "threads": threads})  # fmt: skip
            print(
                f"{variant}, seed {seed}: test accuracy {score:.4f}, {seconds:.0f} s on {threads} threads", flush=True
            )
            RESULTS.write_text(json.dumps({**machine(), "runs": runs}, indent=1) + "\n", encoding="utf-8")
    print(summary(runs))
    return None


def summary(runs: list[dict[str, Any]]) -> str:
    """A row for each variant."""
    rows = []
    for variant, settings in VARIANTS.items():
        mine = [run for run in runs if run["settings"] == settings]
        if mine:
            scores = [run["test_accuracy"] for run in mine]
            spread = f"{min(scores):.4f} to {max(scores):.4f}"
            seconds = f"{mean(run['seconds'] for run in mine):,.0f}"
            rows.append([variant, str(len(mine)), f"{mean(scores):.4f}", spread, TARGETS[variant], seconds])
    return table(["Fashion-MNIST, test", "seeds", "accuracy", "least and most", "goal", "seconds"], rows)


if __name__ == "__main__":
    main()
