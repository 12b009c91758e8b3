"""How well the estimators predict on real tables, beside the usual MLPs and boosted trees on the same splits.

    python benchmarks/accuracy.py [--role ROLE] [--splits 3] [--learners "A;B"] [--tables "A,B"]

Each split holds a third of the rows out (stratified for classes); every learner gets the other two thirds, at its
defaults, and makes its own validation part of them. One process per measurement, so that none sees what another left
behind; small tables share one, for a process takes longer to start than a network to train. The roles are
`development` and `held_out`, and for 200 to 3,000 rows `small_development` and `small_held_out`. A measurement is a
line of `results/accuracy.jsonl`; what is there is not measured again, so a run that was stopped goes on. The report
gives everyone's errors, and holds each of ours against each rival on the tables and splits that both have done: the
ratio of the shifted geometric means with a 95 % interval (bootstrap over the tables), the share of tables on which ours
is better (within 1 %: half a win), and the geometric mean of the ratio of the processor's seconds for training and
prediction, of all cores together, which a busy machine lengthens little.

The error is 1 - accuracy for classes, and the root mean squared error over the target's standard deviation for numbers.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, get_args

import numpy as np
from _asked import parser_of
from _learners import LEARNERS
from _measure import HERE, machine, table
from _tables import TABLES, Role

RESULTS = HERE / "results" / "accuracy.jsonl"
SHIFT = 0.01
"""Added to each error before the logarithm, so that a table which is nearly solved does not outweigh all others."""
MOST = 3.0
"""The largest ratio in the picture; those beyond it are counted at its edge."""
TIE = 0.01
"""Errors that differ by less than this share of the larger one are a tie."""

Key = tuple[str, str, int]

OURS = ("fivestep", "fivestep, one network", "fivestep, bagging=5", "fivestep, members=8")
OF_SMALL = (
    "fivestep",
    "fivestep, one network",
    "fivestep, standard",
    "scikit-learn MLP, scaled",
    "linear, tuned",
    "HistGradientBoosting",
)
"""Who is measured on small tables."""
MARKS = {
    "held_out": ("<!-- accuracy.py writes from here -->", "<!-- to here -->"),
    "small_held_out": ("<!-- accuracy.py writes of small tables from here -->", "<!-- small tables to here -->"),
}
"""Where the report of a role stands in RESULTS.md."""


def measured(name: str, learner: str, split: int) -> dict[str, Any]:
    """One learner on one split of one table."""
    from sklearn.model_selection import train_test_split

    chosen = TABLES[name]
    x, y = chosen.load()
    classify = chosen.kind == "classification"
    train, test = train_test_split(
        np.arange(len(y)), test_size=1 / 3, random_state=split, stratify=y if classify else None
    )
    started = time.process_time()
    got = LEARNERS[learner](x.iloc[train], y[train], x.iloc[test], split, classify)
    seconds = time.process_time() - started
    found = {"table": name, "learner": learner, "split": split, "seconds": round(seconds, 3)}
    return {**found, **figures(got, y[test], classify)}


def figures(got: Any, y: np.ndarray, classify: bool) -> dict[str, float]:
    """The error of probabilities, and their log loss, or that of numbers."""
    from sklearn.metrics import log_loss

    if not classify:
        miss = np.asarray(got, float).ravel() - y
        return {"error": float(np.sqrt((miss**2).mean()) / y.std())}
    p = np.asarray(got, float)
    p /= p.sum(1, keepdims=True)
    return {"error": float((p.argmax(1) != y).mean()), "log_loss": float(log_loss(y, p, labels=range(p.shape[1])))}


def read() -> dict[Key, dict[str, Any]]:
    """What has been measured so far."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    found = [json.loads(line) for line in lines]
    return {(one["table"], one["learner"], one["split"]): one for one in found}


def measure_all(tables: Iterable[str], learners: Sequence[str], splits: int) -> None:
    """Every measurement that is not there yet, each in a process of its own; one that fails is named and left out."""
    done = read()
    wanted = [(t, name, s) for s in range(splits) for t in tables for name in learners if (t, name, s) not in done]
    for number, (name, learner, split) in enumerate(wanted, 1):
        found = measured(name, learner, split) if TABLES[name].is_small else _in_a_process(name, learner, split)
        if isinstance(found, str):
            print(f"{number}/{len(wanted)} {name} {learner}: left out, {found}", flush=True)
            continue
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**found, "machine": machine()["processor"]}) + "\n")
        print(f"{number}/{len(wanted)} {name} {learner}: {found['error']:.4f} in {found['seconds']:.1f} s", flush=True)


def _in_a_process(name: str, learner: str, split: int) -> dict[str, Any] | str:
    """The measurement, or what went wrong."""
    command = [sys.executable, str(Path(__file__)), "--one", name, learner, str(split)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (result.stdout.strip().splitlines() or [""])[-1]
    if result.returncode or not last.startswith("{"):
        return (result.stderr.strip().splitlines() or ["nothing"])[-1]
    found: dict[str, Any] = json.loads(last)
    return found


def report(tables: Sequence[str], learners: Sequence[str], ours: Sequence[str] = OURS) -> str:
    """Errors on each table, and each of ours against each rival on the tables and splits that both have done."""
    done = read()
    there = [name for name in learners if any(key[1] == name and key[0] in tables for key in done)]
    lines = []
    for kind in ("classification", "regression", "both"):
        of_kind = [t for t in tables if kind in (TABLES[t].kind, "both")]
        if kind != "both":
            head = ["table", "splits", *there]
            lines += [f"### {kind}: mean error on each table", "", table(head, _rows(done, of_kind, there)), ""]
        for mine in [name for name in ours if name in there]:
            title = "both kinds together" if kind == "both" else kind
            lines += [f"### {title}: {mine} against each of the others", "", *_against(done, of_kind, mine, there), ""]
        if kind == "classification" and ours[0] in there:
            lines += [f"### log loss: {ours[0]} against each of the others", ""]
            lines += [*_against(done, of_kind, ours[0], there, "log_loss"), ""]
    return "\n".join(lines)


def _rows(done: dict[Key, dict[str, Any]], tables: Sequence[str], learners: Sequence[str]) -> list[list[str]]:
    """For each table: how many splits the first learner has done, and everyone's mean error over their own splits."""
    rows = []
    for name in tables:
        errors = {who: [one["error"] for (t, w, _), one in done.items() if (t, w) == (name, who)] for who in learners}
        if any(errors.values()):
            figures = [f"{mean(of):.4f}" if of else "" for of in errors.values()]
            rows.append([name, str(len(errors[learners[0]])), *figures])
    return rows


def _against(
    done: dict[Key, dict[str, Any]], tables: Sequence[str], mine: str, there: Sequence[str], key: str = "error"
) -> list[str]:
    head = [
        "rival",
        "tables",
        "splits",
        "geometric mean, ours",
        "theirs",
        "ours over theirs",
        "95 %",
        "ours wins",
        "CPU",
    ]
    rows = []
    for rival in there:
        pairs = {} if rival == mine else pairs_of(done, tables, mine, rival, key)
        if not pairs:
            continue
        ours, theirs, seconds, splits = zip(*pairs.values(), strict=True)
        ratio, low, high = ratio_of(ours, theirs)
        both = [math.exp(mean(math.log(e + SHIFT) for e in of)) - SHIFT for of in (ours, theirs)]
        rows.append(
            [
                rival,
                str(len(pairs)),
                f"{min(splits)}-{max(splits)}" if min(splits) < max(splits) else str(min(splits)),
                *(f"{value:.4f}" for value in both),
                f"{ratio:.3f}",
                f"{low:.2f}-{high:.2f}",
                f"{mean(_win(a, b) for a, b in zip(ours, theirs, strict=True)):.0%}",
                f"{math.exp(mean(math.log(ratio) for ratio in seconds)):.2f}",
            ]
        )
    return [table(head, rows)]


def ratio_of(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """The geometric mean over the tables of our figures over theirs, and its 95 % interval."""
    logarithms = np.log((np.array(ours) + SHIFT) / (np.array(theirs) + SHIFT))
    drawn = np.random.default_rng(0).choice(logarithms, (10_000, len(logarithms))).mean(1)
    low, high = np.exp(np.quantile(drawn, [0.025, 0.975]))
    return float(np.exp(logarithms.mean())), float(low), float(high)


def pairs_of(
    done: dict[Key, dict[str, Any]], tables: Sequence[str], mine: str, rival: str, key: str = "error"
) -> dict[str, tuple[float, float, float, int]]:
    """For each table: both mean errors (or log losses), our seconds over theirs, and over how many splits."""
    found = {}
    for name in tables:
        own = {(who, split) for (t, who, split), got in done.items() if t == name and key in got}
        of = [{split for who, split in own if who == one} for one in (mine, rival)]
        splits = sorted(set.intersection(*of))
        if splits:
            first, second = ([done[name, who, split] for split in splits] for who in (mine, rival))
            errors = [mean(one[key] for one in ones) for ones in (first, second)]
            seconds = [sum(one["seconds"] for one in ones) for ones in (first, second)]
            found[name] = errors[0], errors[1], seconds[0] / max(seconds[1], 1e-3), len(splits)
    return found


def draw(tables: Sequence[str], learners: Sequence[str], path: Path, mine: str = OURS[0]) -> None:
    """The error of each learner over ours, a point for each table and a bar at the geometric mean."""
    import matplotlib.pyplot as plt

    done = read()
    ratios = {}
    for rival in learners:
        pairs = {} if rival == mine else pairs_of(done, tables, mine, rival)
        if pairs:
            ratios[rival] = np.array([(theirs + SHIFT) / (ours + SHIFT) for ours, theirs, *_ in pairs.values()])
    names = sorted(ratios, key=lambda name: np.log(ratios[name]).mean())
    figure, axes = plt.subplots(figsize=(7, 0.42 * len(names) + 1.2), layout="constrained")
    for place, name in enumerate(names):
        middle, shown = float(np.exp(np.log(ratios[name]).mean())), ratios[name].clip(0.5, MOST)
        axes.plot(shown, np.full(len(shown), place), "o", color="tab:blue", alpha=0.35, markersize=5)
        far = int((ratios[name] > MOST).sum())
        if far:
            axes.annotate(f"{far} beyond", (MOST, place + 0.2), fontsize=8, ha="right")
        axes.plot([middle, middle], [place - 0.3, place + 0.3], color="black", linewidth=2)
        axes.annotate(f"{middle:.2f}", (1.01, place), xycoords=axes.get_yaxis_transform(), fontsize=9, va="center")
    axes.axvline(1, color="gray", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(0.6, 1.05 * MOST)
    axes.set_xticks([0.7, 1, 1.4, 2, 3], ["0.7", "1", "1.4", "2", "3"])
    axes.set_xticks([], minor=True)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.2)
    axes.set_xlabel(f"error over that of {mine} (point: a table; bar: geometric mean)")
    figure.savefig(path, dpi=150)


def write_results(text: str, role: str) -> None:
    """Puts the report of a role between its two marks in RESULTS.md."""
    path, (start, end) = HERE / "RESULTS.md", MARKS[role]
    before, _, rest = path.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{start}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")


def _win(mine: float, other: float) -> float:
    """1 for the lower error, 0 for the higher, 1/2 for a tie."""
    if abs(mine - other) <= TIE * max(mine, other):
        return 0.5
    return float(mine < other)


def main() -> None:
    """Reads the command line, measures, prints the report."""
    parser = parser_of(__doc__)
    parser.add_argument("--role", choices=get_args(Role), default="development")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--learners")
    parser.add_argument("--tables", default="")
    parser.add_argument("--report", action="store_true", help="only print what has been measured")
    parser.add_argument("--write", action="store_true", help="put the report into RESULTS.md, and draw the picture")
    parser.add_argument("--one", nargs=3, metavar=("TABLE", "LEARNER", "SPLIT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.one[0], given.one[1], int(given.one[2]))))
        return
    tables = given.tables.split(",") if given.tables else [n for n, t in TABLES.items() if t.role == given.role]
    usual = OF_SMALL if given.role.startswith("small") else LEARNERS
    learners = given.learners.split(";") if given.learners else list(usual)
    if not given.report and not given.write:
        measure_all(tables, learners, given.splits)
    text = report(tables, learners)
    print(text)
    if given.write:
        write_results(text, given.role)
        if given.role == "held_out":
            draw(tables, learners, HERE.parent / "docs" / "images" / "accuracy.png")


if __name__ == "__main__":
    main()
