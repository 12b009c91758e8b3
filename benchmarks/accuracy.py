"""How well the estimators predict on real tables, beside the usual MLPs and boosted trees on the same splits.

    python benchmarks/accuracy.py [--role development|held_out] [--splits 3] [--learners "A;B"] [--tables "A,B"]

Each split holds a third of the rows out (stratified for classes); every learner gets the other two thirds, at its
defaults, and makes its own validation part of them. One process per measurement, so that none sees what another left
behind. A measurement is a line of `results/accuracy.jsonl`; what is there is not measured again, so a run that was
stopped goes on. The report gives, for each learner, the mean and the shifted geometric mean of its errors, the share of
tables on which ours is better (within 1 %: half a win), and the processor's seconds for training and prediction, of all
cores together, which a busy machine does not lengthen.

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
from typing import Any

import numpy as np
from _learners import LEARNERS
from _measure import HERE, machine, table
from _tables import TABLES

RESULTS = HERE / "results" / "accuracy.jsonl"
SHIFT = 0.01
"""Added to each error before the logarithm, so that a table which is nearly solved does not outweigh all others."""
TIE = 0.01
"""Errors that differ by less than this share of the larger one are a tie."""

Key = tuple[str, str, int]


def measured(name: str, learner: str, split: int) -> dict[str, Any]:
    """One learner on one split of one table."""
    from sklearn.metrics import log_loss
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
    found: dict[str, Any] = {"table": name, "learner": learner, "split": split, "seconds": round(seconds, 3)}
    if classify:
        p = np.asarray(got, float)
        p /= p.sum(1, keepdims=True)
        found["error"] = float((p.argmax(1) != y[test]).mean())
        found["log_loss"] = float(log_loss(y[test], p, labels=range(p.shape[1])))
    else:
        miss = np.asarray(got, float).ravel() - y[test]
        found["error"] = float(np.sqrt((miss**2).mean()) / y[test].std())
    return found


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
        command = [sys.executable, str(Path(__file__)), "--one", name, learner, str(split)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        last = (result.stdout.strip().splitlines() or [""])[-1]
        if result.returncode or not last.startswith("{"):
            reason = (result.stderr.strip().splitlines() or ["nothing"])[-1]
            print(f"{number}/{len(wanted)} {name} {learner}: left out, {reason}", flush=True)
            continue
        found = json.loads(last)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**found, "machine": machine()["processor"]}) + "\n")
        print(f"{number}/{len(wanted)} {name} {learner}: {found['error']:.4f} in {found['seconds']:.1f} s", flush=True)


def report(tables: Sequence[str], learners: Sequence[str], ours: str = "fivestep") -> str:
    """A table of errors and a summary, for the tables and splits that all these learners have."""
    done = read()
    there = [name for name in learners if any(key[1] == name for key in done)]
    lines = []
    for kind in ("classification", "regression"):
        errors = {name: _errors(done, [t for t in tables if TABLES[t].kind == kind], name, there) for name in there}
        if not errors.get(ours):
            continue
        head = ["table", *there]
        rows = [[t, *(f"{errors[name][t][0]:.4f}" for name in there)] for t in errors[ours]]
        lines += [f"### {kind}: error on each table", "", table(head, rows), "", f"### {kind}: summary", ""]
        lines += [table(*_summary(errors, ours)), ""]
    return "\n".join(lines)


def _errors(
    done: dict[Key, dict[str, Any]], tables: Sequence[str], learner: str, learners: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """The mean error and seconds on each table, over the splits that every learner has done."""
    found = {}
    for name in tables:
        of = [{split for (t, who, split) in done if t == name and who == one} for one in learners]
        splits = sorted(set.intersection(*of))
        if splits:
            ones = [done[name, learner, split] for split in splits]
            found[name] = mean(one["error"] for one in ones), mean(one["seconds"] for one in ones)
    return found


def _summary(errors: dict[str, dict[str, tuple[float, float]]], ours: str) -> tuple[list[str], list[list[str]]]:
    geometric = {
        name: math.exp(mean(math.log(e + SHIFT) for e, _ in of.values())) - SHIFT for name, of in errors.items()
    }
    head = ["learner", "mean error", "geometric mean", "fivestep's over it", "fivestep wins", "CPU seconds"]
    rows = []
    for name, of in errors.items():
        wins = mean(_win(errors[ours][t][0], e) for t, (e, _) in of.items())
        rows.append(
            [
                name,
                f"{mean(e for e, _ in of.values()):.4f}",
                f"{geometric[name]:.4f}",
                f"{geometric[ours] / geometric[name]:.3f}",
                f"{wins:.0%}",
                f"{mean(s for _, s in of.values()):.1f}",
            ]
        )
    return head, rows


def _win(mine: float, other: float) -> float:
    """1 for the lower error, 0 for the higher, 1/2 for a tie."""
    if abs(mine - other) <= TIE * max(mine, other):
        return 0.5
    return float(mine < other)


def main() -> None:
    """Reads the command line, measures, prints the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", choices=("development", "held_out"), default="development")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--learners", default=";".join(LEARNERS))
    parser.add_argument("--tables", default="")
    parser.add_argument("--report", action="store_true", help="only print what has been measured")
    parser.add_argument("--one", nargs=3, metavar=("TABLE", "LEARNER", "SPLIT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.one[0], given.one[1], int(given.one[2]))))
        return
    tables = given.tables.split(",") if given.tables else [n for n, t in TABLES.items() if t.role == given.role]
    learners = given.learners.split(";")
    if not given.report:
        measure_all(tables, learners, given.splits)
    print(report(tables, learners))


if __name__ == "__main__":
    main()
