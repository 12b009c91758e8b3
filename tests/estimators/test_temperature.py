"""Estimators that learned from smoothed labels are as sure of their classes as rows set aside tell."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import log_loss

import fivestep as fs
from tests.tolerances import BEST_TEMPERATURE

Rows = tuple[np.ndarray, np.ndarray]


def rows(seed: int, num_rows: int, num_classes: int = 3) -> Rows:
    """Classes that overlap."""
    rng = np.random.default_rng(seed)
    y = np.arange(num_rows) % num_classes
    return rng.normal(size=(num_rows, 4)) + y[:, None], y


def loss_at(temperature: float, p: np.ndarray, y: np.ndarray) -> float:
    """The log loss of softmax(log p / T)."""
    return float(log_loss(y, np.exp(log_softmax(np.log(p) / temperature, 1))))


@pytest.mark.parametrize("num_classes", [2, 3])
def test_no_other_temperature_suits_the_rows_to_stop_by_better(num_classes: int) -> None:
    x, y = rows(0, 1200, num_classes)
    to_stop_by = rows(1, 600, num_classes)
    model = fs.MLPClassifier(random_state=0, max_iter=4).fit(x, y, eval_set=to_stop_by)
    p = model.predict_proba(to_stop_by[0])
    assert loss_at(1, p, to_stop_by[1]) < min(loss_at(t, p, to_stop_by[1]) for t in (0.93, 1.07))


@pytest.mark.parametrize("settings", [{"bagging": 2}, {"members": 2}])
def test_several_networks_are_surer_than_their_labels_were(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = rows(0, 1200)
    others, truth = rows(1, 2000)
    model = fs.MLPClassifier(random_state=0, max_iter=4, **settings)
    p = model.fit(x, y).predict_proba(others)
    monkeypatch.setattr("fivestep.estimators._ensembles.set_temperature", lambda *_: None)
    smoothed = model.fit(x, y).predict_proba(others)
    assert p.max(1).mean() > smoothed.max(1).mean() + 0.02
    assert log_loss(truth, p) < log_loss(truth, smoothed)


def test_a_network_that_goes_on_training_stays_as_it_is() -> None:
    x, y = rows(0, 1200)
    to_stop_by = rows(1, 600)
    one = fs.MLPClassifier(random_state=0, max_iter=4).fit(x, y, eval_set=to_stop_by)
    other = fs.MLPClassifier(random_state=0, max_iter=4, warm_start=True).fit(x, y, eval_set=to_stop_by)
    ratios = other.coefs_[-1] / one.coefs_[-1]
    assert ratios == pytest.approx(np.full_like(ratios, ratios.flat[0]), rel=BEST_TEMPERATURE)
    assert ratios.flat[0] < 1
    assert np.array_equal(one.predict(x), other.predict(x))


def test_a_run_of_the_same_rows_gives_the_same_probabilities(tmp_path: Path) -> None:
    x, y = rows(0, 1200)
    to_stop_by = rows(1, 600)
    model = fs.MLPClassifier(random_state=0, max_iter=4).fit(x, y, eval_set=to_stop_by)
    data, plan = model.dataset(x, y, eval_set=to_stop_by), replace(model.engine_.plan, restore_best=True)
    run = fs.fit(model.engine_.spec, data, plan, model.engine_.choice, out=tmp_path / "run")
    theirs = run.engine.predict(data.valid.x).softmax(1).numpy()
    assert np.array_equal(theirs, model.predict_proba(to_stop_by[0]))


@pytest.mark.parametrize(
    ("loss", "scales"), [(None, True), ("cross_entropy:label_smoothing=0.1", False), ("binary_cross_entropy", True)]
)
def test_only_what_the_recipe_smooths_gets_a_temperature(loss: str | None, scales: bool) -> None:
    x, y = rows(0, 1200, num_classes=2)
    assert fs.MLPClassifier(loss=loss, random_state=0, max_iter=1).fit(x, y).engine_.plan.temperature_scaling is scales
