"""Fashion-MNIST, official split, with the recipe `image`: test accuracy over seeds, without and with augmentation.

    python benchmarks/image.py [--seeds 3] [--only plain|augmented]
    python benchmarks/image.py --validate '{"dropout": 0.2}'

The first form trains on all 60,000 rows and measures the test part once, after the last epoch. The second is how the
settings were chosen: it trains on 50,000 rows and measures the other 10,000; nothing in it looks at the test part.
Takes half a minute for each seed on a GPU and a quarter of an hour on two cores; results/image.json keeps every run,
with its seconds and the device that they are of.
"""

import json
import time
from statistics import mean
from typing import Any

import torch

import fivestep as fs
from fivestep.datasets._split import split
from fivestep.recipes._base import Facts, with_moments
from fivestep.recipes.image import Image

from _measure import RESULTS as FOLDER, machine, table  # isort: skip  (beside this file)
from _asked import parser_of

RESULTS = FOLDER / "image.json"
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "augmented": {"augment": "shift_and_flip"},
}
TARGETS = {"plain": "at least 0.912", "augmented": "above 0.9163"}


def train(data: fs.Dataset, settings: dict[str, Any], seed: int) -> tuple[fs.Engine, float]:
    """The trained network, and the seconds of its training steps."""
    facts = Facts(len(data.train), data.in_features, data.num_outputs or 0, "classes")
    spec, plan = Image().prepare("mlp", {**settings, "seed": seed}, facts)
    spec = with_moments(spec, data.train.moments)
    engine = fs.make_engine("auto", plan.sized(spec, data), plan, device="auto")
    started = time.perf_counter()
    for step in fs.steps(engine, data, plan):
        last = step.loss
    last.item()  # a device may still be at work
    return engine, time.perf_counter() - started


def accuracy(engine: fs.Engine, rows: fs.Rows | None) -> float:
    """The share of right answers."""
    assert rows is not None
    return fs.evaluate(engine, rows).accuracy or 0.0


def device_of(engine: fs.Engine) -> str:
    """What did the work: the name of the card, or how many threads."""
    if engine.device.type == "cuda":
        return torch.cuda.get_device_name(engine.device)
    threads = torch.get_num_threads()
    return "1 thread" if threads == 1 else f"{threads} threads"


def validate(settings: dict[str, Any], seed: int, kept: dict[str, Any]) -> None:
    """Adds the accuracy on 10,000 training rows that were held out."""
    engine, seconds = train(data := split(fs.load_dataset("fashion-mnist"), 10_000, seed=0), settings, seed)
    score, on = accuracy(engine, data.valid), device_of(engine)
    kept["validation"].append({"settings": settings, "seed": seed, "accuracy": score, "device": on})
    print(f"{json.dumps(settings)}: validation accuracy {score:.4f}, {seconds:.0f} s on {on}", flush=True)


def write(kept: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps({**kept, **machine()}, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Trains what is not in the results yet, and prints them all."""
    parser = parser_of(__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=list(VARIANTS))
    parser.add_argument("--validate", type=json.loads, metavar="SETTINGS")
    asked = parser.parse_args()
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": [], "validation": []}
    if asked.validate is not None:
        validate(asked.validate, 0, kept)
        write(kept)
        return
    runs: list[dict[str, Any]] = kept["runs"]
    data = fs.load_dataset("fashion-mnist")
    for seed in range(asked.seeds):
        for variant in [asked.only] if asked.only else VARIANTS:
            settings = VARIANTS[variant]
            if any((run["seed"], run["settings"]) == (seed, settings) for run in runs):
                continue
            engine, seconds = train(data, settings, seed)
            score = accuracy(engine, data.test)
            on = device_of(engine)
            runs.append({"variant": variant, "settings": settings, "seed": seed, "test_accuracy": score,
                         "seconds": seconds, "device": on})  # fmt: skip
            print(f"{variant}, seed {seed}: test accuracy {score:.4f}, {seconds:.0f} s on {on}", flush=True)
            write(kept)
    print(summary(runs))


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
