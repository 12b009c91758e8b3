"""Of a hundred to a thousand rows: the estimators beside their rivals, and with one thing changed.

    python benchmarks/few_rows.py ["as it is;relu"] [--kind regression] [--report] [--write]

On development tables alone: the small ones, a third of the rows held out, and 250 and 700 rows drawn from the larger
ones, with up to 3,000 others to measure on, which says more than a small table's third. For each learner, the
geometric mean over the tables of its error (and log loss) over that of the recipe as it is, with its standard error.
What is in `results/few_rows.jsonl` is not measured again; `--write` puts the report into `docs/tabular.md`. About
four minutes of one core for a learner.
"""

import json
import math
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from statistics import fmean, stdev
from typing import Any, NamedTuple

import numpy as np
import torch
from _asked import parser_of
from _learners import LEARNERS, Learner, fivestep
from _measure import HERE, machine, table
from _tables import TABLES
from ablation import Change, plain_labels, planned, without
from accuracy import SHIFT, figures, pairs_of, ratio_of
from accuracy import read as read_all

from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from fivestep.recipes import tabular

RESULTS = HERE / "results" / "few_rows.jsonl"
PAGE = HERE.parent / "docs" / "tabular.md"
MARKS = "<!-- few_rows.py writes from here -->", "<!-- few rows to here -->"
AS_IT_IS = "as it is"
SPLITS = (3, 4)
"""0 to 2 are those of `accuracy.py`."""
MOST_ROWS = 1000
MOST_TO_TEST = 3000


class Task(NamedTuple):
    """A split of a table: of the rows that are drawn to train on, or of two thirds of a small one's."""

    name: str
    rows: int | None
    split: int

    def places(self, y: np.ndarray) -> list[np.ndarray]:
        """The rows to train on, and those to measure on."""
        from sklearn.model_selection import train_test_split

        strata = y if TABLES[self.name].kind == "classification" else None
        sizes: dict[str, Any] = {"test_size": 1 / 3, "random_state": self.split}
        if self.rows is not None:
            rest = min(MOST_TO_TEST, len(y) - self.rows)
            sizes = {"train_size": self.rows, "test_size": rest, "random_state": 100 + self.split}
        found: list[np.ndarray] = train_test_split(np.arange(len(y)), stratify=strata, **sizes)
        return found


def tasks(kind: str, splits: Sequence[int]) -> Iterator[Task]:
    """Splits of each small table of a kind, and of 250 and of 700 rows that are drawn from each larger one."""
    for name, one in TABLES.items():
        if one.kind == kind and one.role.endswith("development"):
            is_small = 2 * len(loaded(name)[1]) < 3 * MOST_ROWS
            for rows in (None,) if is_small else (250, 700):
                yield from (Task(name, rows, split) for split in splits)


@cache
def loaded(name: str) -> tuple[Any, Any]:
    """A table, read once."""
    return TABLES[name].load()


@contextmanager
def changed(**names: Any) -> Iterator[None]:
    """Inside, the recipe's module has other values under these names."""
    before = {name: getattr(tabular, name) for name in names}
    try:
        vars(tabular).update(names)
        yield
    finally:
        vars(tabular).update(before)


def with_change(change: Change) -> Learner:
    """The estimator, its network and plan of few rows changed."""
    few_rows = tabular._few_rows

    def learn(*given: Any) -> Any:
        with changed(_few_rows=lambda *facts: change(*few_rows(*facts))):
            return fivestep()(*given)

    return learn


def with_settings_of_many_rows(*given: Any) -> Any:
    """Five networks of RealMLP's settings."""
    with changed(FEW_ROWS=0):
        return fivestep()(*given)


def relu(spec: NetSpec, plan: TrainPlan) -> tuple[NetSpec, TrainPlan]:
    """Another activation."""
    return replace(spec, layers=tuple(Choice("relu") if c.name == "silu" else c for c in spec.layers)), plan


def one_hidden_layer(spec: NetSpec, plan: TrainPlan) -> tuple[NetSpec, TrainPlan]:
    """Without the second of two."""
    _, second, last = (k for k, choice in enumerate(spec.layers) if choice.name == "linear")
    return replace(spec, layers=(*spec.layers[:second], *spec.layers[last:])), plan


def as_before(spec: NetSpec, plan: TrainPlan) -> tuple[NetSpec, TrainPlan]:
    """Without percentiles, in batches of 64."""
    return without("percentiles")(*planned(batch_size=64)(spec, plan))


def linear_path(spec: NetSpec, plan: TrainPlan) -> tuple[NetSpec, TrainPlan]:
    """With a way past the activations: what the second hidden layer gives is added to what the first one sums."""
    first, _, last = (k for k, choice in enumerate(spec.layers) if choice.name == "linear")
    detour = Choice("residual", layers=tuple(map(str, spec.layers[first + 1 : last])))
    return replace(spec, layers=(*spec.layers[: first + 1], detour, *spec.layers[last:])), plan


def with_linear(*given: Any) -> Any:
    """The mean of our answers and those of a linear model."""
    return (np.asarray(fivestep()(*given)) + np.asarray(LEARNERS["linear, tuned"](*given))) / 2


RIVALS = ("linear, tuned", "scikit-learn MLP, scaled", "HistGradientBoosting")
CHANGES: dict[str, Learner] = {
    "one network": fivestep(bagging=1),
    "two networks for each fold": fivestep(bagging=5, members=2),
    "RealMLP's settings": with_settings_of_many_rows,
    "without percentiles, batches of 64": with_change(as_before),
    "without percentiles": with_change(without("percentiles")),
    "batches of 64": with_change(planned(batch_size=64)),
    "without `periodic`": with_change(without("periodic")),
    "relu": with_change(relu),
    "one hidden layer": with_change(one_hidden_layer),
    "a linear path": with_change(linear_path),
    "200 epochs": with_change(planned(epochs=200)),
    "a rate of 0.01": with_change(planned(lr=0.01)),
    "labels as they are": with_change(plain_labels),
    "the mean with a tuned linear model": with_linear,
}
ALL: dict[str, Learner] = {AS_IT_IS: fivestep(), **{name: LEARNERS[name] for name in RIVALS}, **CHANGES}


def measured(task: Task, learner: str) -> dict[str, Any]:
    """One learner on one task."""
    x, y = loaded(task.name)
    train, test = task.places(y)
    classify = TABLES[task.name].kind == "classification"
    started = time.process_time()
    got = ALL[learner](x.iloc[train], y[train], x.iloc[test], task.split, classify)
    seconds = time.process_time() - started
    found = figures(got, y[test], classify)
    if classify:
        found["temperature"] = round(best_temperature(got, y[test]), 4)
    return {"learner": learner, **task._asdict(), "num_rows": len(train), "seconds": round(seconds, 3), **found}


def best_temperature(p: np.ndarray, y: np.ndarray) -> float:
    """T in [0.1, 10] for which softmax(log p / T) has the least log loss: above 1 where p (N, C) is too sure of itself.

    Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = np.log(np.maximum(np.asarray(p, float), np.finfo(float).eps))  # as scikit-learn's log loss clips them

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / math.exp(log_temperature), 1)[np.arange(len(y)), y].mean())

    return math.exp(minimize_scalar(loss, bounds=(-math.log(10), math.log(10))).x)


def read() -> dict[tuple[str, Task], dict[str, Any]]:
    """What has been measured so far."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    found = [json.loads(line) for line in lines]
    return {(one["learner"], Task(one["name"], one["rows"], one["split"])): one for one in found}


def report() -> str:
    """Four tables: us beside rivals, on development and on held-out tables, how sure all are, and what changes do."""
    head = ["classes, 133 to 499 rows", "log loss", "500 to 863 rows", "log loss", "numbers, 168 to 499 rows"]
    head += ["500 to 840 rows", "time"]
    parts = []
    for title, names, is_rival in (("ours over", RIVALS, True), ("changed over ours", tuple(CHANGES), False)):
        rows = [[name, *_cells(name, is_rival=is_rival)] for name in names]
        parts.append(table([title, *head], [row for row in rows if row[-1]]))
    return "\n\n".join((parts[0], _held_out(), _temperatures(), parts[1]))


def _held_out() -> str:
    """The ratios of `accuracy.py` on the tables that decided nothing."""
    rows, done = [], read_all()
    for rival in RIVALS:
        cells = []
        for kind, key in (("classification", "error"), ("classification", "log_loss"), ("regression", "error")):
            names = [name for name, one in TABLES.items() if (one.role, one.kind) == ("small_held_out", kind)]
            ours, theirs, *_ = zip(*pairs_of(done, names, "fivestep", rival, key).values(), strict=True)
            ratio, low, high = ratio_of(ours, theirs)
            lower = sum(a < b for a, b in zip(ours, theirs, strict=True))
            cells.append(f"{ratio:.3f} ({low:.2f}-{high:.2f}), lower on {lower} of {len(ours)}")
        rows.append([rival, *cells])
    return table(["held out, ours over", "classes", "their log loss", "numbers"], rows)


def _temperatures() -> str:
    """The median and the quartiles of the temperature that each learner's probabilities would need."""
    rows = []
    for learner in (AS_IT_IS, *RIVALS):
        ones = [one for (who, _), one in read().items() if who == learner and "temperature" in one]
        found = [
            [one["temperature"] for one in ones if (one["num_rows"] < MOST_ROWS / 2) == few] for few in (True, False)
        ]
        if all(found):
            quartiles = [np.quantile(each, (0.25, 0.5, 0.75)) for each in found]
            cells = [f"{middle:.2f} ({low:.2f}-{high:.2f})" for low, middle, high in quartiles]
            rows.append(["ours" if learner == AS_IT_IS else learner, *cells])
    return table(["the temperature that would suit best", "133 to 499 rows", "500 to 863 rows"], rows)


def _cells(learner: str, *, is_rival: bool) -> list[str]:
    """For each kind and number of rows the mean change in percent, its standard error and the number of tables."""
    cells: list[str] = []
    seconds: list[float] = []
    for kind, key, few in [
        *(("classification", key, few) for few in (True, False) for key in ("error", "log_loss")),
        *(("regression", "error", few) for few in (True, False)),
    ]:
        logarithms, ratios = _logarithms(learner, kind, key, few=few)
        seconds += ratios
        if len(logarithms) < 3:
            cells.append("")
            continue
        sign = -1 if is_rival else 1
        error = 100 * stdev(logarithms) / math.sqrt(len(logarithms))
        lower = sum(sign * one < 0 for one in logarithms)
        cells.append(f"{100 * sign * fmean(logarithms):+.1f} +- {error:.1f} ({lower} of {len(logarithms)})")
    return [*cells, f"{math.exp((-1 if is_rival else 1) * fmean(seconds)):.1f}" if seconds else ""]


def _logarithms(learner: str, kind: str, key: str, *, few: bool) -> tuple[list[float], list[float]]:
    """For each table and number of drawn rows: the logarithms of the learner's figure, and time, over ours."""
    done, found, seconds = read(), [], []
    pairs: dict[tuple[str, int | None], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for (who, task), one in done.items():
        if who == learner and TABLES[task.name].kind == kind and (one["num_rows"] < MOST_ROWS / 2) == few:
            ours = done.get((AS_IT_IS, task))
            if ours is not None:
                pairs.setdefault((task.name, task.rows), []).append((one, ours))
    for both in pairs.values():
        mine, other = (fmean(one[key] for one in ones) for ones in list(zip(*both, strict=True))[::-1])
        found.append(math.log((other + SHIFT) / (mine + SHIFT)))
        seconds.append(math.log(sum(a["seconds"] for a, _ in both) / sum(b["seconds"] for _, b in both)))
    return found, seconds


def write(text: str) -> None:
    """Puts the report between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> None:
    """Reads the command line, measures, prints the report."""
    parser = parser_of(__doc__)
    parser.add_argument("learners", nargs="?", default=";".join(ALL))
    parser.add_argument("--kind", choices=("classification", "regression", "both"), default="both")
    parser.add_argument("--splits", type=int, nargs="+", default=SPLITS, help="chosen on some, judged on others")
    parser.add_argument("--report", action="store_true", help="only print what has been measured")
    parser.add_argument("--write", action="store_true", help="put the report into docs/tabular.md")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # scikit-learn's perceptron does not converge within its default epochs
    kinds = ("classification", "regression") if given.kind == "both" else (given.kind,)
    wanted = [] if given.report or given.write else given.learners.split(";")
    for learner in wanted:
        done = read()
        for task in (task for kind in kinds for task in tasks(kind, given.splits) if (learner, task) not in done):
            found = measured(task, learner)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**found, "machine": machine()["processor"]}) + "\n")
        print(f"{learner}: done", file=sys.stderr, flush=True)
    text = report()
    print(text)
    if given.write:
        write(text)


if __name__ == "__main__":
    main()
