"""What each part of the recipe `tabular` is worth: the recipe with one thing changed, on the development tables.

    python benchmarks/ablation.py ["without percentiles;256 epochs"] [--splits 1] [--tables "credit,hpc"]

The same rows as in `accuracy.py`. For each change, the geometric mean of its error over that of the recipe as it is, on
every table and split that both have done, and its standard error; of classes that of the log loss too. One process per
measurement; what is in `results/ablation.jsonl` is not measured again. About five minutes of one core for each change
and split.
"""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from _asked import parser_of
from _measure import HERE, table
from _tables import TABLES
from accuracy import SHIFT, measured

from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan

RESULTS = HERE / "results" / "ablation.jsonl"
AS_IT_IS = "as it is"
Change = Callable[[NetSpec, TrainPlan], tuple[NetSpec, TrainPlan]]


def without(name: str) -> Change:
    """The network without a layer."""

    def change(spec: NetSpec, plan: TrainPlan) -> tuple[NetSpec, TrainPlan]:
        factors = {key: factor for key, factor in plan.lr_factors.items() if key != name}
        layers = tuple(layer for layer in spec.layers if layer.name != name)
        return replace(spec, layers=layers), replace(plan, lr_factors=factors)

    return change


def planned(**settings: Any) -> Change:
    """The plan with other settings."""
    return lambda spec, plan: (spec, replace(plan, **settings))


def ordinary_activation(spec: NetSpec, plan: TrainPlan) -> tuple[NetSpec, TrainPlan]:
    """Activations without a learnt strength."""
    factors = {name: factor for name, factor in plan.lr_factors.items() if name != "parametric"}
    return replace(spec, layers=tuple(map(_bare, spec.layers))), replace(plan, lr_factors=factors)


def _bare(layer: Choice) -> Choice:
    return Choice.parse(layer.options["activation"]) if layer.name == "parametric" else layer


def plain_labels(spec: NetSpec, plan: TrainPlan) -> tuple[NetSpec, TrainPlan]:
    """Labels as they are."""
    smoothed = "label_smoothing" in plan.loss.options  # type: ignore[union-attr]  # parsed by the plan
    if not smoothed:
        return spec, plan
    return spec, replace(plan, loss=Choice(plan.loss.name, label_smoothing=0.0), temperature_scaling=False)  # type: ignore[union-attr]


CHANGES: dict[str, Change] = {
    AS_IT_IS: lambda spec, plan: (spec, plan),
    "without percentiles": without("percentiles"),
    "without the periodic embedding": without("periodic"),
    "without the scale of features": without("scale"),
    "without dropout": without("dropout"),
    "without learnt strengths of activations": ordinary_activation,
    "without label smoothing": plain_labels,
    "without a temperature": planned(temperature_scaling=False),
    "64 epochs": planned(epochs=64),
    "256 epochs": planned(epochs=256),
    "a plain cosine": planned(schedule="cosine"),
    "Adam's beta2 at 0.999": planned(optimizer="adamw:betas=(0.9,0.999)"),
    "without weight decay": planned(weight_decay=0.0),
}


def one(name: str, change: str, split: int) -> dict[str, Any]:
    """The error of the changed recipe on a split of a table."""
    from fivestep.recipes.tabular import Tabular

    prepare = Tabular.prepare
    Tabular.prepare = lambda self, *given: CHANGES[change](*prepare(self, *given))  # type: ignore[method-assign]
    return {**measured(name, "fivestep", split), "learner": change}


def main() -> None:
    """Reads the command line, measures, prints the table."""
    parser = parser_of(__doc__)
    parser.add_argument("changes", nargs="?", default=";".join(CHANGES))
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--tables", default=",".join(n for n, t in TABLES.items() if t.role == "development"))
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one[0], given.one[1], int(given.one[2]))))
        return
    changes = list(dict.fromkeys([AS_IT_IS, *given.changes.split(";")]))
    done = _read()
    for split in [] if given.report else range(given.splits):
        for change in changes:
            for name in given.tables.split(","):
                if (name, change, split) not in done:
                    _measure(name, change, split)
    print(_report(_read(), changes))


def _measure(name: str, change: str, split: int) -> None:
    command = [sys.executable, str(Path(__file__)), "--one", name, change, str(split)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        print(f"{name} {change}: left out, {(result.stderr.strip().splitlines() or ['nothing'])[-1]}", flush=True)
        return
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(result.stdout.strip().splitlines()[-1] + "\n")
    print(f"{name} {change}: {json.loads(result.stdout.strip().splitlines()[-1])['error']:.4f}", flush=True)


def _read() -> dict[tuple[str, str, int], dict[str, float]]:
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {(o["table"], o["learner"], o["split"]): o for o in map(json.loads, lines)}


def _report(done: dict[tuple[str, str, int], dict[str, float]], changes: list[str]) -> str:
    rows = []
    for change in changes[1:]:
        cells = []
        for kind, key in (("classification", "error"), ("classification", "log_loss"), ("regression", "error")):
            pairs = [
                (found[key], done[name, AS_IT_IS, split][key])
                for (name, who, split), found in done.items()
                if who == change and TABLES[name].kind == kind and (name, AS_IT_IS, split) in done
            ]
            logarithms = [math.log((new + SHIFT) / (old + SHIFT)) for new, old in pairs]
            if len(logarithms) < 2:
                cells += ["", ""]
                continue
            error = stdev(logarithms) / math.sqrt(len(logarithms))
            cells += [f"{100 * fmean(logarithms):+.1f} +- {100 * error:.1f} %", str(len(logarithms))]
        rows.append([change, *cells])
    return table(["the recipe", "error, classes", "n", "log loss", "n", "error, numbers", "n"], rows)


if __name__ == "__main__":
    main()
