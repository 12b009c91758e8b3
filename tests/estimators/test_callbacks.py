"""scikit-learn's callbacks: who is told what of a fit, and who may end it."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fivestep as fs

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
pytestmark = pytest.mark.usefixtures("without_shape_checks")

X, Y = load_iris(return_X_y=True)


class Told:
    """Notes what it is told, and has enough after some epochs."""

    max_propagation_depth = None

    def __init__(self, enough: int | None = None) -> None:
        self.enough = enough
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.seen: list[Any] = []
        self.is_open = False

    def setup(self, estimator: Any, context: Any) -> None:
        self.is_open = True

    def teardown(self, estimator: Any, context: Any) -> None:
        self.is_open = False

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any = None) -> bool:
        self.ended.append(context.task_name)
        self.seen.append(fitted_estimator)
        return self.ended.count("epoch") == self.enough


def classifier(**options: Any) -> Any:
    return fs.MLPClassifier(**{"random_state": 0, "max_iter": 4, "recipe": "standard", **options})


def fitted(told: Told, **options: Any) -> Any:
    return classifier(**options).set_callbacks(told).fit(X, Y)


def test_every_epoch_is_told_and_the_fit_around_them() -> None:
    told = Told()
    fitted(told)
    assert told.begun == ["fit", *["epoch"] * 4]
    assert told.ended == [*["epoch"] * 4, "fit"]
    assert not told.is_open


def test_whoever_has_enough_ends_it_with_the_weights_of_that_epoch() -> None:
    ended = fitted(Told(enough=3), recipe="sklearn", max_iter=9)
    expected = classifier(recipe="sklearn", max_iter=3)
    with pytest.warns(UserWarning, match="no end within max_iter=3"):
        expected.fit(X, Y)
    assert (ended.n_iter_, ended.stopped_by_) == (3, "callback")
    np.testing.assert_array_equal(ended.coefs_[0], expected.coefs_[0])


def test_the_estimator_of_an_epoch_is_the_one_that_would_have_ended_there() -> None:
    told = Told()
    model = fitted(told)
    epochs = told.seen[:-1]
    assert [one.n_iter_ for one in epochs] == [1, 2, 3, 4]
    assert [len(one.loss_curve_) for one in epochs] == [1, 2, 3, 4]
    assert len({one.predict_proba(X).tobytes() for one in epochs}) == 4  # each kept weights of its own
    np.testing.assert_array_equal(epochs[-1].predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(told.seen[-1].predict_proba(X), model.predict_proba(X))


def test_a_score_of_scikit_learns_is_watched_epoch_by_epoch() -> None:
    monitor = callback.ScoringMonitor(scoring="balanced_accuracy")
    model = classifier().set_callbacks(monitor).fit(X, Y)
    scores = [row["balanced_accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 4
    assert scores[-1] == model.score(X, Y)  # three classes of fifty each


def test_rows_are_told_with_their_weights() -> None:
    monitor = callback.ScoringMonitor(scoring="accuracy")
    weight = np.where(Y == 0, 1.0, 0.0)
    classifier(max_iter=1).set_callbacks(monitor).fit(X, Y, sample_weight=weight)
    assert [row["accuracy"] for row in monitor.get_logs().data] == [1.0, 1.0]  # of one class alone


@pytest.mark.parametrize("options", [{"members": 2}, {"solver": "lbfgs", "max_iter": 300}], ids=["members", "lbfgs"])
def test_what_has_no_epochs_of_one_network_is_one_task(options: dict[str, Any]) -> None:
    told = Told()
    model = fitted(told, **options)
    assert (told.begun, told.ended) == (["fit"], ["fit"])
    np.testing.assert_array_equal(told.seen[0].predict_proba(X), model.predict_proba(X))


def test_a_search_hands_its_callbacks_on() -> None:
    told = Told()
    pipeline = make_pipeline(StandardScaler(), classifier(max_iter=2))
    GridSearchCV(pipeline, {"mlpclassifier__alpha": [0, 1]}, cv=2).set_callbacks(told).fit(X, Y)
    assert told.ended.count("epoch") == 2 * (2 * 2 + 1)


def test_the_progress_bar_of_scikit_learn_moves(capsys: pytest.CaptureFixture[str]) -> None:
    classifier().set_callbacks(callback.ProgressBar()).fit(X, Y)
    assert "MLPClassifier - fit" in capsys.readouterr().out


def test_callbacks_are_closed_after_an_error_and_kept_by_a_clone() -> None:
    told = Told()
    model = classifier().set_callbacks(told)
    with pytest.raises(ValueError, match="y must have a label in each row"):
        model.fit(X, [None] * 150)
    assert not told.is_open
    clone(model).fit(X, Y)
    assert told.ended.count("fit") == 1


def test_with_rows_set_aside_the_best_epoch_stays_all_the_same() -> None:
    told = Told(enough=3)
    model = fitted(told, early_stopping=True, max_iter=20)
    best = told.seen[int(np.argmin(model.validation_loss_curve_))]
    assert (model.n_iter_, model.stopped_by_) == (3, "callback")
    np.testing.assert_array_equal(model.predict_proba(X), best.predict_proba(X))
