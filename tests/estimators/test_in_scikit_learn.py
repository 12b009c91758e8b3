"""The estimators inside scikit-learn's machinery: pickles, clones, pipelines, searches, calibration, metadata."""

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import BaggingRegressor, StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fivestep as fs

pytestmark = pytest.mark.usefixtures("without_shape_checks")

FAST: dict[str, Any] = {"hidden_layer_sizes": 8, "max_iter": 30, "learning_rate_init": 0.03, "random_state": 0}
CLASSIFIER, REGRESSOR = fs.MLPClassifier(**FAST), fs.MLPRegressor(**FAST)


def iris() -> tuple[np.ndarray, np.ndarray]:
    found: tuple[np.ndarray, np.ndarray] = load_iris(return_X_y=True)
    return found


def fitted(**options: Any) -> Any:
    return fs.MLPClassifier(**{**FAST, **options}).fit(*iris())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"recipe": "sklearn", "tol": 1.0},
        pytest.param({"engine": "nn"}, marks=pytest.mark.slow),
        pytest.param({"solver": "lbfgs", "max_iter": 500}, marks=pytest.mark.slow),
        {"norm": "batch_norm"},
        {"ema": 0.9},
    ],
    ids=str,
)
def test_a_pickle_predicts_the_same_bits_and_trains_on_to_the_same(options: dict[str, Any]) -> None:
    x, y = iris()
    one = fitted(**options)
    other = pickle.loads(pickle.dumps(one))
    assert np.array_equal(one.predict_proba(x), other.predict_proba(x))
    if "solver" not in options:
        one.partial_fit(x, y)
        other.partial_fit(x, y)
        assert np.array_equal(one.predict_proba(x), other.predict_proba(x))


def test_a_pickle_keeps_the_weights_of_the_best_epoch_beside_an_average() -> None:
    x, _ = iris()
    one = fitted(ema=0.9, early_stopping=True, n_iter_no_change=2, max_iter=60, learning_rate_init=0.3)
    other = pickle.loads(pickle.dumps(one))
    assert np.array_equal(one.predict_proba(x), other.predict_proba(x))


def test_a_pickle_holds_no_code_of_torch() -> None:
    assert b"torch" not in pickle.dumps(fitted()._network.__getstate__()["state"])


def test_what_is_stored_of_an_estimator_is_arrays_and_text_whatever_it_was_fitted_to() -> None:
    """Skops, which stores without pickle, cannot store tensors."""
    x = pd.DataFrame({"a": np.arange(40.0) % 7, "b": ["x", "y"] * 20})
    model = fs.MLPClassifier(recipe="standard", max_iter=2, random_state=0).fit(x, np.arange(40) % 2)
    content, modules = pickle.dumps(model), set[str]()

    class Noting(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            modules.add(module.partition(".")[0])
            return super().find_class(module, name)

    again = Noting(io.BytesIO(content)).load()
    assert modules <= {"fivestep", "sklearn", "numpy", "builtins", "copyreg"}
    assert np.array_equal(again.predict_proba(x), model.predict_proba(x))


def test_a_deep_copy_is_one_by_itself() -> None:
    x, y = iris()
    one = fitted()
    before, other = one.predict_proba(x), copy.deepcopy(one)
    other.partial_fit(x, y)
    assert np.array_equal(one.predict_proba(x), before)
    assert not np.array_equal(other.predict_proba(x), before)


def test_a_clone_has_the_parameters_and_is_not_fitted() -> None:
    one = fitted(dropout=0.25, activation=["relu"])
    other = clone(one)
    assert other.get_params() == one.get_params()
    with pytest.raises(NotFittedError):
        other.predict(iris()[0])


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    x, _ = iris()
    first, again, other = fitted(), fitted(), fitted(random_state=1)
    assert np.array_equal(first.predict_proba(x), again.predict_proba(x))
    assert not np.array_equal(first.predict_proba(x), other.predict_proba(x))


def test_a_generator_of_numpys_newer_kind_decides_too() -> None:
    x, y = iris()
    first, same = (fs.MLPClassifier(max_iter=1, random_state=np.random.default_rng(0)).fit(x, y) for _ in range(2))
    other = fs.MLPClassifier(max_iter=1, random_state=np.random.default_rng(1)).fit(x, y)
    np.testing.assert_array_equal(first.predict_proba(x), same.predict_proba(x))
    assert (first.predict_proba(x) != other.predict_proba(x)).any()


@pytest.mark.slow
def test_a_search_over_a_grid_finds_the_rate_that_learns() -> None:
    rate = "mlpclassifier__learning_rate_init"
    pipeline = make_pipeline(StandardScaler(), clone(CLASSIFIER).set_params(max_iter=100))
    search = GridSearchCV(pipeline, {rate: [1e-7, 0.03]}, cv=3)
    search.fit(*iris())
    assert search.best_params_ == {rate: 0.03}
    assert search.best_score_ > 0.9


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_a_search_in_several_processes_or_threads_finds_the_same_figures(backend: str) -> None:
    """joblib's back ends take our estimators there and back; every fit is that of one process, to the bit."""
    grid = {"learning_rate_init": [1e-7, 0.03]}
    alone = GridSearchCV(CLASSIFIER, grid, cv=2).fit(*iris())
    with parallel_config(backend=backend, n_jobs=2):
        shared = GridSearchCV(CLASSIFIER, grid, cv=2).fit(*iris())
    if backend == "loky":
        get_reusable_executor().shutdown()  # its processes would stay for minutes, beside other tests
    for name in ("split0_test_score", "split1_test_score"):
        assert np.array_equal(shared.cv_results_[name], alone.cv_results_[name])
    assert shared.best_params_ == alone.best_params_
    assert np.array_equal(shared.predict_proba(iris()[0]), alone.predict_proba(iris()[0]))


def test_cross_validation_beats_guessing() -> None:
    x, y = load_diabetes(return_X_y=True)
    assert cross_val_score(REGRESSOR, x, y, cv=3).mean() > 0.4


@pytest.mark.slow
def test_calibrated_probabilities_sum_to_one() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    calibrated = CalibratedClassifierCV(CLASSIFIER, cv=3).fit(x, y)
    np.testing.assert_allclose(calibrated.predict_proba(x).sum(1), 1, rtol=1e-12)
    assert calibrated.score(x, y) > 0.93


def test_an_estimator_mapped_from_a_file_is_only_read(tmp_path: Path) -> None:
    x, y = iris()
    model = clone(REGRESSOR).fit(x, y)
    joblib.dump(model, tmp_path / "model.joblib")
    assert np.array_equal(joblib.load(tmp_path / "model.joblib", mmap_mode="r").predict(x), model.predict(x))


def test_without_probabilities_it_is_ranked_and_calibrated_by_its_margins() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    model = fs.MLPClassifier(**FAST, loss="hinge")
    assert cross_val_score(model, x, y, cv=3, scoring="roc_auc").min() > 0.95
    assert CalibratedClassifierCV(model, cv=3).fit(x, y).score(x, y) > 0.95
    assert StackingClassifier([("mlp", model)], cv=3).fit(x, y).score(x, y) > 0.95


@pytest.mark.slow
def test_stacking_bagging_and_importances_work() -> None:
    x, y = iris()
    assert StackingClassifier([("mlp", CLASSIFIER)], LogisticRegression(), cv=3).fit(x, y).score(x, y) > 0.9
    assert BaggingRegressor(REGRESSOR, 2, random_state=0).fit(x, y).score(x, y) > 0.8
    assert permutation_importance(fitted(), x, y, n_repeats=2, random_state=0).importances_mean.shape == (4,)


def test_a_pipeline_hands_out_columns_by_name() -> None:
    x, y = load_iris(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), clone(CLASSIFIER)).set_output(transform="pandas").fit(x, y)
    assert list(pipeline[-1].feature_names_in_) == list(x.columns)


def test_other_columns_than_in_fit_are_refused_by_name() -> None:
    x, y = load_iris(return_X_y=True, as_frame=True)
    one = clone(CLASSIFIER).fit(x, y)
    with pytest.raises(ValueError, match="feature names should match"):
        one.predict(x.rename(columns={x.columns[0]: "other"}))


def test_weights_are_routed_to_fit_and_score() -> None:
    x, y = iris()
    with config_context(enable_metadata_routing=True):
        one = clone(CLASSIFIER).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        found = cross_validate(one, x, y, cv=3, params={"sample_weight": (y != 0).astype(float)}, return_estimator=True)
    guesses = np.concatenate([estimator.predict(x[y == 0]) for estimator in found["estimator"]])
    assert not (guesses == 0).any()  # rows of weight 0 have taught nothing


def test_without_routing_weights_go_through_a_pipeline_by_name() -> None:
    x, y = iris()
    pipeline = make_pipeline(StandardScaler(), clone(CLASSIFIER))
    pipeline.fit(x, y, mlpclassifier__sample_weight=(y != 0).astype(float))
    assert not (pipeline.predict(x) == 0).any()


def test_predictions_of_folds_are_those_of_a_fit_without_the_fold() -> None:
    x, y = iris()
    folds = [(np.arange(50, 150), np.arange(50)), (np.arange(50), np.arange(50, 150))]
    y = y % 2
    predicted = cross_val_predict(CLASSIFIER, x, y, cv=folds)
    assert np.array_equal(predicted[:50], clone(CLASSIFIER).fit(x[50:], y[50:]).predict(x[:50]))


def test_the_representation_shows_what_was_changed() -> None:
    assert repr(fs.MLPClassifier(dropout=0.5)) == "MLPClassifier(dropout=0.5)"


def test_positions_are_those_of_scikit_learn() -> None:
    assert fs.MLPClassifier((3,), "tanh").get_params()["activation"] == "tanh"
    assert fs.MLPRegressor("poisson", (3,), "tanh").get_params()["hidden_layer_sizes"] == (3,)
    with pytest.raises(TypeError):
        fs.MLPClassifier((3,), "tanh", "adam")  # type: ignore[misc]


def test_the_dataset_of_a_classifier_has_its_losses_and_the_names_of_its_classes() -> None:
    x, y = iris()
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    own = "cross_entropy:label_smoothing=0.1"  # of which no recipe asks for a temperature
    model = fs.MLPClassifier(**FAST, loss=own, class_weight={"setosa": 3.0})
    model.fit(x, names, eval_set=(x[::3], names[::3]))
    data = model.dataset(x, names, eval_set=(x[::3], names[::3]))
    assert data.class_names == ("setosa", "versicolor", "virginica")
    assert data.train.weight is not None
    assert data.train.weight.unique().tolist() == [1.0, 3.0]
    assert data.valid is not None
    assert model.validation_loss_curve_ is not None
    assert fs.evaluate(model.engine_, data.valid).loss == pytest.approx(min(model.validation_loss_curve_))


def test_a_fitted_estimator_can_be_diagnosed_and_drawn() -> None:
    x, y = iris()
    model = fs.MLPClassifier(**{**FAST, "learning_rate_init": 1e-7}).fit(x, y)
    data = model.dataset(x, y)
    found = fs.diagnose(model.engine_, data)
    assert "learning rate" in [one.sign for one in found.findings]
    assert fs.plot(model.engine_, "confusion", data=data).axes[0].get_ylabel()


LEVELS = ["a", "b", "only in the last fold", "nowhere"]
SIZE = np.random.default_rng(0).normal(100, 20, 60)
TOWN = [*(["a", "b", None] * 19), "a", "b", "only in the last fold"]
LATE = [None] * 40 + SIZE[40:].tolist()


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"size": SIZE, "town": pd.Categorical(TOWN, LEVELS), "late": LATE}),
        pl.DataFrame({"size": SIZE, "town": TOWN, "late": LATE}),
        pl.DataFrame({"size": SIZE, "town": pl.Series(TOWN, dtype=pl.Categorical), "late": LATE}),
        pl.DataFrame({"size": SIZE, "town": pl.Series(TOWN, dtype=pl.Enum(LEVELS)), "late": LATE}),
    ],
    ids=["categories of pandas", "texts of polars", "categories of polars", "levels of polars"],
)
def test_folds_of_a_frame_may_have_levels_of_their_own_and_gaps_alone(frame: Any) -> None:
    """A level that no training row has, levels that no row has, and a column without a value in one training part."""
    plain = pd.DataFrame({"size": SIZE, "town": np.array(TOWN, dtype=object), "late": LATE})
    model, folds = clone(REGRESSOR).set_params(max_iter=2), KFold(3)
    expected = cross_val_score(model, plain, SIZE, cv=folds)
    assert np.array_equal(cross_val_score(model, frame, SIZE, cv=folds), expected)


def test_the_dataset_of_a_frame_knows_its_columns() -> None:
    x, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    x["ward"] = np.where(x["sex"] == 1, "north", "south")
    data = fs.MLPRegressor(**FAST).fit(x, y).dataset(x, y)
    assert data.encoder is not None
    assert list(data.encoder.places) == list(x.columns)


def test_before_fit_there_is_neither_engine_nor_dataset() -> None:
    assert not hasattr(fs.MLPClassifier(), "engine_")
    with pytest.raises(NotFittedError):
        fs.MLPClassifier().dataset(*iris())
