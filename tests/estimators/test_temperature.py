"""Networks that learned from smoothed labels are as sure of their classes as rows set aside tell."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.metrics import log_loss

import fivestep as fs
from fivestep.estimators._temperature import LARGEST, best_temperature
from fivestep.find import Choice
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


@pytest.mark.parametrize("truth", [0.5, 2.0])
def test_the_best_temperature_has_the_least_loss_by_torchs_own_derivative(truth: float) -> None:
    z = 3 * torch.randn(200, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.multinomial((z / truth).softmax(1), 1, generator=torch.Generator().manual_seed(1))[:, 0]
    weight = torch.ones(200, dtype=torch.float64)
    found = torch.tensor(best_temperature(Choice("cross_entropy"), z, y, weight), requires_grad=True)
    torch.nn.functional.cross_entropy(z / found, y, label_smoothing=1 / 201).backward()  # type: ignore[no-untyped-call]
    assert found.grad == pytest.approx(0, abs=BEST_TEMPERATURE)
    assert found.item() == pytest.approx(truth, rel=0.25)  # of 200 rows


def test_a_row_of_weight_2_is_two_rows() -> None:
    z, y = torch.tensor([[2.0], [1.0], [-1.0]]).double(), torch.tensor([[1.0], [0.0], [0.0]]).double()
    loss, both = Choice("binary_cross_entropy"), [0, 1, 1, 2]
    ones = torch.full((4,), 1.0).double()
    again = best_temperature(loss, z[both], y[both], ones)
    assert best_temperature(loss, z, y, torch.tensor([1.0, 2.0, 1.0]).double()) == pytest.approx(again, rel=0.1)


def test_where_all_rows_are_right_the_temperature_ends_at_its_bound() -> None:
    z, y = torch.tensor([[0.1, 0.0], [0.0, 0.1]]).double(), torch.tensor([0, 1])
    found = best_temperature(Choice("cross_entropy"), z, y, torch.ones(2).double())
    assert found == pytest.approx(1 / LARGEST, rel=1e-3)


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
