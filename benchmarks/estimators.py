"""The estimators at their defaults beside scikit-learn's perceptrons, on its own small real tables.

    python benchmarks/estimators.py [SPLITS]

A third of the rows is held out at random, stratified for classes, once for each split. Errors are 1 - accuracy, and
for the regression the root mean squared error over the deviation of the held-out targets. scikit-learn's perceptron
runs as it is, and behind a StandardScaler, as its documentation advises. Everything at its defaults, on one thread;
the learners take turns. The seconds are the processor's, which a busy machine lengthens little. About two minutes.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _asked import number_asked
from _measure import save, table
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fivestep as fs

TABLES = ("iris", "wine", "breast_cancer", "digits", "diabetes")
Learner = Callable[[bool, int], Any]
LEARNERS: dict[str, Learner] = {
    "fivestep": lambda is_classes, seed: (fs.MLPClassifier if is_classes else fs.MLPRegressor)(random_state=seed),
    "scikit-learn": lambda is_classes, seed: (MLPClassifier if is_classes else MLPRegressor)(random_state=seed),
    "scikit-learn, scaled": lambda is_classes, seed: make_pipeline(
        StandardScaler(), (MLPClassifier if is_classes else MLPRegressor)(random_state=seed)
    ),
}


def error(learner: Any, x: np.ndarray, y: np.ndarray, is_classes: bool) -> float:
    """1 - accuracy, or the root mean squared error in units of the deviation."""
    score = float(learner.score(x, y))
    return 1 - score if is_classes else (1 - score) ** 0.5


def measure(name: str, num_splits: int) -> dict[str, dict[str, list[float]]]:
    """Errors and seconds of training of every learner on every split of a table."""
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    is_classes = name != "diabetes"
    found: dict[str, dict[str, list[float]]] = {learner: {"error": [], "seconds": []} for learner in LEARNERS}
    for seed in range(num_splits):
        rows = train_test_split(x, y, test_size=1 / 3, random_state=seed, stratify=y if is_classes else None)
        for learner, make in LEARNERS.items():
            started = time.process_time()
            model = make(is_classes, seed).fit(rows[0], rows[2])
            found[learner]["seconds"].append(time.process_time() - started)
            found[learner]["error"].append(error(model, rows[1], rows[3], is_classes))
    return found


def main(num_splits: int) -> None:
    """Measures, prints the table, and keeps it."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # scikit-learn's perceptron does not converge within its default epochs
    found = {name: measure(name, num_splits) for name in TABLES}
    rows = [
        [
            name,
            learner,
            f"{statistics.mean(of['error']):.4f}",
            f"{statistics.stdev(of['error']):.4f}",
            f"{statistics.median(of['seconds']):.2f}",
        ]
        for name, learners in found.items()
        for learner, of in learners.items()
    ]
    for learner in LEARNERS:
        means = [max(statistics.mean(learners[learner]["error"]), 1e-3) for learners in found.values()]
        seconds = sum(statistics.median(learners[learner]["seconds"]) for learners in found.values())
        rows.append(["geometric mean", learner, f"{statistics.geometric_mean(means):.4f}", "", f"{seconds:.2f}"])
    print(table(("table", "learner", "error", "deviation", "seconds"), rows))
    save("estimators", {"splits": num_splits, "tables": found})


if __name__ == "__main__":
    main(number_asked(__doc__, "SPLITS", 8))
