"""An estimator after a `fit` or `partial_fit` that was refused: as it was before."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import fivestep as fs
from fivestep.check import DivergenceError, InputError

pytestmark = pytest.mark.usefixtures("without_shape_checks")

X = np.random.default_rng(0).normal(size=(30, 3))
LETTERS = np.array(["a", "b", "c"] * 10)
OTHER_LETTERS = np.array(["p", "q", "r"] * 10)
NUMBERS = 2 * X[:, 0] + 1
WITH_A_GAP = np.where(X > 2, np.nan, X)


def classifier(**options: Any) -> Any:
    return fs.MLPClassifier(**{"max_iter": 1, "random_state": 0, "recipe": "standard", **options})


def regressor(**options: Any) -> Any:
    return fs.MLPRegressor(**{"max_iter": 1, "random_state": 0, "recipe": "standard", **options})


@pytest.mark.parametrize(
    "refused",
    [
        {"batch_size": 0},
        {"engine": "nonesuch"},
        {"hidden_layer_sizes": (0,)},
        {"early_stopping": True, "batch_size": 0},
    ],
)
def test_a_refused_fit_leaves_a_classifier_as_it_was(refused: dict[str, Any]) -> None:
    model = classifier().fit(X, LETTERS)
    before = model.predict(X)
    with pytest.raises(InputError):
        model.set_params(**refused).fit(X, OTHER_LETTERS)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.predict(X).tolist() == before.tolist()


def test_a_refused_fit_leaves_a_regressor_in_the_units_that_it_had() -> None:
    model = regressor().fit(X, NUMBERS)
    before = model.predict(X)
    with pytest.raises(InputError, match="batch_size must be"):
        model.set_params(batch_size=0).fit(X, 1000 * NUMBERS)
    assert model.predict(X).tolist() == before.tolist()


def test_a_refused_fit_leaves_the_columns_that_were_learned() -> None:
    model = classifier().fit(pd.DataFrame(X, columns=list("uvw")), LETTERS)
    with pytest.raises(InputError, match="batch_size must be"):
        model.set_params(batch_size=0).fit(pd.DataFrame(X[:, :2], columns=list("rs")), LETTERS)
    assert (model.n_features_in_, model.feature_names_in_.tolist()) == (3, ["u", "v", "w"])


def test_a_refused_first_fit_leaves_nothing() -> None:
    model = classifier(batch_size=0)
    with pytest.raises(InputError, match="batch_size must be"):
        model.fit(X, LETTERS)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_after_a_refused_first_partial_fit_the_next_one_is_the_first() -> None:
    model = classifier(recipe="sklearn")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.partial_fit(WITH_A_GAP, OTHER_LETTERS, classes=["p", "q", "r"])
    model.partial_fit(X, LETTERS, classes=["a", "b", "c"])
    assert model.classes_.tolist() == ["a", "b", "c"]


def test_after_a_refused_first_partial_fit_a_regressor_learns_its_units_anew() -> None:
    model = regressor(batch_size=0)
    with pytest.raises(InputError, match="batch_size must be"):
        model.partial_fit(X, 1000 * NUMBERS)
    model.set_params(batch_size="auto").partial_fit(X, NUMBERS)
    assert model.predict(X).tolist() == regressor().partial_fit(X, NUMBERS).predict(X).tolist()


def test_a_loss_that_explodes_leaves_the_network_of_the_last_fit() -> None:
    model = regressor(solver="sgd").fit(X, NUMBERS)
    before = model.predict(X)
    with pytest.raises(DivergenceError):
        model.set_params(learning_rate_init=1e30, max_iter=50).fit(X, NUMBERS)
    assert model.predict(X).tolist() == before.tolist()


@pytest.mark.parametrize("engine", ["auto", "scratch", "autograd", "nn"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_partial_fit_that_explodes_leaves_the_network_and_how_it_goes_on(engine: str, solver: str) -> None:
    model, other = (regressor(solver=solver, engine=engine) for _ in range(2))
    for one in (model, other):
        one.partial_fit(X, NUMBERS).partial_fit(X, NUMBERS)
    with pytest.raises(DivergenceError, match=r"finite, got (inf|nan) in this call of partial_fit"):
        model.partial_fit(X, 1e200 * NUMBERS)
    assert model.predict(X).tolist() == other.predict(X).tolist()
    assert model.partial_fit(X, NUMBERS).predict(X).tolist() == other.partial_fit(X, NUMBERS).predict(X).tolist()


@pytest.mark.parametrize("recipe", ["standard", "tabular"])
def test_a_partial_fit_after_a_fit_that_explodes_leaves_the_weights_that_predict(recipe: str) -> None:
    model = regressor(recipe=recipe, bagging=1).fit(X, NUMBERS)
    before = model.predict(X)
    with pytest.raises(DivergenceError):
        model.partial_fit(X, 1e200 * NUMBERS)
    assert model.predict(X).tolist() == before.tolist()


def test_weights_that_the_only_step_of_a_partial_fit_breaks_are_noticed_at_once() -> None:
    model = regressor(recipe="sklearn", solver="sgd", learning_rate_init=1e308)
    with pytest.raises(DivergenceError, match="got weights that are not in this call of partial_fit"):
        model.partial_fit(X, 1e6 * NUMBERS)
    assert not hasattr(model, "_network")
