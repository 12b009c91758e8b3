"""Every contestant of the benchmarks does the same work: from the same weights and rows, to the same weights."""

import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rivals import Job, Rival, families, of_family
from tests.tolerances import RIVALS

ROWS, SIZES, STEPS = 32, (5, 8, 3), 100
SLOW = {"keras_jax", "lightning_trainer", "pytorch_compiled"}
"""They start a process, or compile for seconds."""
UNCORRECTED = {"keras_jax", "scikit_learn"}
"""Their Adam adds epsilon to the root of the moment before its bias is corrected, as in the paper's second form."""


def job(loss: str, rule: str) -> Job:
    """A full batch, so that nobody's order of the rows matters."""
    draw = np.random.default_rng(0)
    is_classes = loss == "cross_entropy"
    sizes = SIZES if is_classes else (*SIZES[:-1], 1)
    y = draw.integers(0, sizes[-1], ROWS) if is_classes else draw.integers(0, 2, (ROWS, 1)).astype(np.float32)
    weights = {}
    for k, (i, o) in enumerate(pairwise(sizes)):
        weights[f"{2 * k}.weight"] = draw.normal(0, 0.5, (o, i)).astype(np.float32)
        weights[f"{2 * k}.bias"] = draw.normal(0, 0.1, o).astype(np.float32)
    x = draw.normal(size=(ROWS, sizes[0])).astype(np.float32)
    activation = "relu" if is_classes else "tanh"
    return Job(x, y, sizes, activation, loss, rule, 0.05, ROWS, weights)  # type: ignore[arg-type]


def by_hand(work: Job, steps: int, *, is_uncorrected: bool) -> dict[str, np.ndarray]:
    """The oracle: the gradient on paper, in float64, with NumPy."""
    w = {name: value.astype(np.float64) for name, value in work.weights.items()}
    m, v = ({name: np.zeros_like(value) for name, value in w.items()} for _ in range(2))
    for t in range(1, steps + 1):
        z1 = work.x @ w["0.weight"].T + w["0.bias"]
        a = np.maximum(z1, 0) if work.activation == "relu" else np.tanh(z1)
        z = a @ w["2.weight"].T + w["2.bias"]
        if work.loss == "cross_entropy":
            p = np.exp(z - z.max(1, keepdims=True))
            dz = (p / p.sum(1, keepdims=True) - np.eye(z.shape[1])[work.y]) / ROWS
        else:
            dz = (1 / (1 + np.exp(-z)) - work.y) / ROWS if work.loss != "mse" else 2 * (z - work.y) / ROWS
        da = dz @ w["2.weight"] * ((z1 > 0) if work.activation == "relu" else 1 - a**2)
        g = {"2.weight": dz.T @ a, "2.bias": dz.sum(0), "0.weight": da.T @ work.x, "0.bias": da.sum(0)}
        for name in w:
            m[name] = 0.9 * m[name] + 0.1 * g[name]
            v[name] = 0.999 * v[name] + 0.001 * g[name] ** 2
            correction = np.sqrt(1 - 0.999**t)
            root = np.sqrt(v[name]) / correction + 1e-8 / (correction if is_uncorrected else 1)
            w[name] -= work.lr * (g[name] if work.rule == "sgd" else m[name] / (1 - 0.9**t) / root)
    return w


def loaded(family: str) -> list[type[Rival]]:
    """The classes of a family. Skips where its library is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a library says about itself when it is loaded is not ours
        try:
            return of_family(family)
        except ImportError as error:
            pytest.skip(f"{family}: {error}")


JOBS = [("cross_entropy", "sgd"), ("binary_cross_entropy", "adam"), ("mse", "adam")]
CASES = [(family, *of) for family in families() if family not in SLOW for of in JOBS]
SLOW_CASES = [pytest.param(family, *of, marks=pytest.mark.slow) for family in sorted(SLOW) for of in JOBS[:2]]


@pytest.mark.parametrize(("family", "loss", "rule"), [*CASES, *SLOW_CASES])
@pytest.mark.filterwarnings("ignore")
def test_a_rival_ends_where_the_gradient_on_paper_ends(family: str, loss: str, rule: str) -> None:
    work = job(loss, rule)
    expected = by_hand(work, STEPS, is_uncorrected=family in UNCORRECTED)
    found, refusals = {}, {cls.title: cls.refusal(work) for cls in loaded(family)}
    if all(refusals.values()):
        pytest.skip(f"{family} does not train {loss} with {rule}: {refusals}")
    for cls in loaded(family):
        if refusals[cls.title] is None:
            rival = cls(work)
            rival.train(STEPS)
            got = rival.weights()
            found[cls.title] = max(float(np.abs(got[name] - expected[name]).max()) for name in expected)
    assert {title: worst for title, worst in found.items() if worst > RIVALS} == {}


def test_a_job_comes_back_from_its_folder(tmp_path: Path) -> None:
    work = job("mse", "adam")
    work.save(tmp_path)
    back = Job.load(tmp_path)
    assert (back.sizes, back.loss, back.rule, back.lr, back.batch) == (work.sizes, "mse", "adam", 0.05, ROWS)
    assert np.array_equal(back.x, work.x)
    assert all(np.array_equal(back.weights[name], work.weights[name]) for name in work.weights)
