"""`recipe="sklearn"` beside scikit-learn itself: the same weights, batches, losses and predictions."""

from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning

import fivestep as fs
from tests.tolerances import SAME_AS_SKLEARN

pytestmark = [
    pytest.mark.usefixtures("without_shape_checks"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

NUM_EPOCHS = 20


def rows(task: str) -> tuple[np.ndarray, np.ndarray]:
    """103 rows, so that the last batch of 20 has three."""
    x, y = make_classification(103, 6, n_informative=4, n_classes=3, random_state=0)
    x[:, 0] = 5 * x[:, 0] + 3
    if task == "multilabel":
        y = make_multilabel_classification(103, 6, n_classes=4, random_state=0)[1]
    elif task == "two classes":
        y = np.where(y == 2, "no", "yes")
    elif task == "numbers":
        y = make_regression(103, 6, noise=1.0, random_state=0)[1] / 50
    elif task == "several numbers":
        y = make_regression(103, 6, n_targets=3, noise=1.0, random_state=0)[1] / 50
    elif task == "counts":
        y = np.random.default_rng(0).poisson(np.exp(x[:, 1] / 2)).astype(float)
    return x, y


TASKS = ("two classes", "three classes", "multilabel", "numbers", "several numbers", "counts")
OPTIONS: dict[str, dict[str, Any]] = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "sgd without nesterov": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    "sgd without momentum": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.01},
    "sgd invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.05, "power_t": 0.3},
    "sgd adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 2},
    "adam": {"solver": "adam"},
    "adam large eps": {"solver": "adam", "epsilon": 0.1, "beta_1": 0.8, "beta_2": 0.95, "alpha": 1.0},
    "lbfgs": {"solver": "lbfgs", "alpha": 0.1},
}
SHARED = {"hidden_layer_sizes": (7, 5), "activation": "tanh", "batch_size": 20, "max_iter": NUM_EPOCHS}


def pair(task: str, **options: Any) -> tuple[Any, Any]:
    """Ours and theirs, both trained."""
    x, y = rows(task)
    name = "MLPClassifier" if "classes" in task or task == "multilabel" else "MLPRegressor"
    loss = {"loss": "poisson"} if task == "counts" else {}
    weight = options.pop("sample_weight", None)
    given = {**SHARED, "random_state": 3, **loss, **options}
    theirs = getattr(neural_network, name)(**given).fit(x, y, sample_weight=weight)
    ours = getattr(fs, name)(recipe="sklearn", **given).fit(x, y, sample_weight=weight)
    return ours, theirs


def furthest(ours: Any, theirs: Any) -> float:
    """The largest difference between weights and biases, in units of the largest of each."""
    couples = [*zip(ours.coefs_, theirs.coefs_, strict=True), *zip(ours.intercepts_, theirs.intercepts_, strict=True)]
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in couples)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(options, id=name, marks=() if name in ("sgd", "adam", "lbfgs") else pytest.mark.slow)
        for name, options in OPTIONS.items()
    ],
)
@pytest.mark.parametrize("task", TASKS)
def test_twenty_epochs_end_at_the_same_weights(task: str, options: dict[str, Any]) -> None:
    ours, theirs = pair(task, **options)
    assert furthest(ours, theirs) < SAME_AS_SKLEARN
    assert ours.n_iter_ == theirs.n_iter_


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("task", ["three classes", "several numbers"])
def test_weighted_rows_end_at_the_same_weights(task: str, solver: str) -> None:
    weight = np.random.default_rng(1).uniform(0, 3, 103)
    ours, theirs = pair(task, solver=solver, alpha=0.5, sample_weight=weight)
    assert furthest(ours, theirs) < SAME_AS_SKLEARN


@pytest.mark.parametrize("task", [task for task in TASKS if task != "several numbers"])
def test_losses_are_the_same(task: str) -> None:
    ours, theirs = pair(task, alpha=0.3)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=SAME_AS_SKLEARN)
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=SAME_AS_SKLEARN)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=SAME_AS_SKLEARN)


@pytest.mark.parametrize("task", TASKS)
def test_the_loss_of_lbfgs_is_the_same(task: str) -> None:
    ours, theirs = pair(task, solver="lbfgs", alpha=0.3)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=SAME_AS_SKLEARN)


def test_the_squares_of_several_numbers_are_summed_where_theirs_are_averaged() -> None:
    """The gradient is that of the sum in both; without the L2 term the reported loss is three times theirs."""
    ours, theirs = pair("several numbers", alpha=0.0)
    np.testing.assert_allclose(ours.loss_curve_, 3 * np.array(theirs.loss_curve_), rtol=SAME_AS_SKLEARN)


@pytest.mark.parametrize("task", ["two classes", "three classes", "multilabel", "numbers"])
def test_early_stopping_sees_the_same_scores_and_keeps_the_same_epoch(task: str) -> None:
    options = {"early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 3, "max_iter": 60}
    ours, theirs = pair(task, learning_rate_init=0.01, **options)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=SAME_AS_SKLEARN)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_, rel=SAME_AS_SKLEARN)
    assert (ours.best_loss_, theirs.best_loss_) == (None, None)
    assert furthest(ours, theirs) < SAME_AS_SKLEARN


def test_training_stops_at_the_same_epoch_by_the_same_tolerance() -> None:
    ours, theirs = pair("three classes", tol=0.01, n_iter_no_change=4, max_iter=300)
    assert 10 < ours.n_iter_ == theirs.n_iter_ < 300
    assert ours.stopped_by_ == "tol"


def test_an_adaptive_rate_ends_at_the_same_epoch() -> None:
    options = {"learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1, "max_iter": 300}
    ours, theirs = pair("three classes", solver="sgd", **options)
    assert ours.n_iter_ == theirs.n_iter_ < 60
    assert ours.stopped_by_ == "learning_rate"


@pytest.mark.parametrize("activation", ["identity", "logistic", "relu"])
def test_every_activation_starts_and_ends_at_the_same_weights(activation: str) -> None:
    ours, theirs = pair("three classes", activation=activation)
    assert furthest(ours, theirs) < SAME_AS_SKLEARN


def test_without_shuffling_the_batches_are_the_same() -> None:
    ours, theirs = pair("three classes", shuffle=False)
    assert furthest(ours, theirs) < SAME_AS_SKLEARN


def test_all_defaults_are_theirs() -> None:
    x, y = rows("three classes")
    theirs = neural_network.MLPClassifier(random_state=0).fit(x, y)
    ours = fs.MLPClassifier(recipe="sklearn", random_state=0).fit(x, y)
    assert furthest(ours, theirs) < SAME_AS_SKLEARN
    assert [w.shape for w in ours.coefs_] == [(6, 100), (100, 3)]


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_parameter_of_theirs_is_taken_as_it_is(name: str) -> None:
    x, y = rows("three classes")
    theirs = getattr(neural_network, name)(random_state=0)
    ours = getattr(fs, name)(recipe="sklearn", **theirs.get_params())
    assert furthest(ours.fit(x, y), theirs.fit(x, y)) < SAME_AS_SKLEARN


@pytest.mark.parametrize("attribute", ["n_layers_", "n_outputs_", "out_activation_", "t_", "n_features_in_", "n_iter_"])
@pytest.mark.parametrize("task", TASKS)
def test_attributes_are_the_same(task: str, attribute: str) -> None:
    ours, theirs = pair(task, max_iter=2)
    assert getattr(ours, attribute) == getattr(theirs, attribute)


@pytest.mark.parametrize("task", TASKS)
def test_predictions_are_the_same(task: str) -> None:
    ours, theirs = pair(task)
    x, y = rows(task)
    np.testing.assert_allclose(*(as_numbers(one.predict(x)) for one in (ours, theirs)), rtol=SAME_AS_SKLEARN)
    assert ours.predict(x).dtype == theirs.predict(x).dtype
    assert ours.score(x, y) == pytest.approx(theirs.score(x, y), rel=SAME_AS_SKLEARN)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=SAME_AS_SKLEARN)
        np.testing.assert_allclose(ours.predict_log_proba(x), theirs.predict_log_proba(x), rtol=SAME_AS_SKLEARN)


def as_numbers(answers: np.ndarray) -> np.ndarray:
    return (answers == "yes").astype(float) if answers.dtype.kind == "U" else answers


@pytest.mark.parametrize(
    "options", [OPTIONS[name] for name in ("sgd", "sgd invscaling", "sgd adaptive", "adam")], ids=str
)
def test_calls_of_partial_fit_end_at_the_same_weights(options: dict[str, Any]) -> None:
    x, y = rows("three classes")
    given = {**SHARED, **options, "random_state": 3}
    theirs, ours = neural_network.MLPClassifier(**given), fs.MLPClassifier(recipe="sklearn", **given)
    for number in range(8):
        part = slice(10 * number, 10 * number + 30)
        theirs.partial_fit(x[part], y[part], classes=[0, 1, 2])
        ours.partial_fit(x[part], y[part], classes=[0, 1, 2])
    assert furthest(ours, theirs) < SAME_AS_SKLEARN
    assert ours.t_ == theirs.t_ == 240
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=SAME_AS_SKLEARN)


@pytest.mark.parametrize("batch_size", [20, "auto"])
@pytest.mark.filterwarnings("ignore:.*batch_size")
def test_calls_of_partial_fit_may_have_any_number_of_rows(batch_size: Any) -> None:
    x, y = rows("three classes")
    given = {**SHARED, "batch_size": batch_size, "random_state": 3}
    theirs, ours = neural_network.MLPClassifier(**given), fs.MLPClassifier(recipe="sklearn", **given)
    for part in (slice(10), slice(10, 90), slice(90, 97), slice(103)):
        theirs.partial_fit(x[part], y[part], classes=[0, 1, 2])
        ours.partial_fit(x[part], y[part], classes=[0, 1, 2])
    assert furthest(ours, theirs) < SAME_AS_SKLEARN


@pytest.mark.parametrize("recipe", ["standard", "tabular", "plain"])
def test_the_last_call_of_partial_fit_may_have_fewer_rows(recipe: str) -> None:
    x, y = rows("numbers")
    model = fs.MLPRegressor(recipe=recipe, random_state=0)
    for part in (slice(50), slice(50, 100), slice(100, 103)):
        model.partial_fit(x[part], y[part])
    assert model.t_ == 103


@pytest.mark.parametrize("recipe", ["standard", "tabular", "plain"])
def test_a_small_first_call_of_partial_fit_makes_no_small_steps_of_later_ones(recipe: str) -> None:
    x = np.random.default_rng(0).normal(size=(3000, 4))
    y = x[:, 0]
    small, large = (fs.MLPRegressor(recipe=recipe, random_state=0) for _ in range(2))
    for model, first in ((small, 5), (large, 3000)):
        model.partial_fit(x[:first], y[:first])
    done = small.engine_.num_updates
    small.partial_fit(x, y)
    assert small.engine_.num_updates - done == large.engine_.num_updates


def test_partial_fit_goes_on_from_fit_with_the_memory_of_the_update_rule() -> None:
    ours, theirs = pair("numbers")
    x, y = rows("numbers")
    assert furthest(ours.partial_fit(x, y), theirs.partial_fit(x, y)) < SAME_AS_SKLEARN


def test_a_warm_start_goes_on_from_the_weights() -> None:
    x, y = rows("three classes")
    given = {**SHARED, "random_state": 3, "warm_start": True}
    theirs, ours = neural_network.MLPClassifier(**given), fs.MLPClassifier(recipe="sklearn", **given)
    for _ in range(3):
        theirs.fit(x, y)
        ours.fit(x, y)
    assert furthest(ours, theirs) < SAME_AS_SKLEARN
    assert len(ours.loss_curve_) == len(theirs.loss_curve_) == 3 * NUM_EPOCHS
    assert ours.n_iter_ == NUM_EPOCHS


def test_float32_rows_are_computed_in_float32() -> None:
    x, y = rows("numbers")
    ours = fs.MLPRegressor(recipe="sklearn", max_iter=5).fit(x.astype(np.float32), y)
    assert ours.coefs_[0].dtype == np.float32


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_whoever_ends_at_max_iter_is_told(solver: str) -> None:
    x, y = rows("numbers")
    sentence = r"must end by its tolerance to have converged, got .*; raise max_iter"
    with pytest.warns(ConvergenceWarning, match=sentence):
        fs.MLPRegressor(recipe="sklearn", solver=solver, max_iter=2).fit(x, y)
