"""Several networks in the place of one."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, make_multilabel_classification

import fivestep as fs
from fivestep.check import InputError
from fivestep.ensemble import num_members
from fivestep.layer import Memo
from tests.tolerances import ENGINES_FLOAT64, distance

SMALL: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 15, "learning_rate_init": 0.03, "random_state": 0}


def of_classes() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_breast_cancer(return_X_y=True)
    return x[:120], y[:120]


@pytest.mark.parametrize(
    ("options", "count"), [({"members": 3}, 3), ({"bagging": 4}, 4), ({"members": 2, "bagging": 3}, 6)], ids=str
)
def test_so_many_networks_answer_together(options: dict[str, int], count: int) -> None:
    x, y = of_classes()
    model = fs.MLPClassifier(**SMALL, **options).fit(x, y)
    assert model._network.engine.spec.layers[0].options["members"] == count
    assert model.score(x, y) > 0.9
    p = model.predict_proba(x)
    assert np.allclose(p.sum(1), 1)
    assert (model.predict(x) == model.classes_[p.argmax(1)]).all()


def test_probabilities_are_the_mean_of_those_of_the_members() -> None:
    x, y = of_classes()
    model = fs.MLPClassifier(**SMALL, members=3).fit(x, y)
    engine = model._network.engine
    layer, rows = engine.layers[0], torch.from_numpy(model._inputs.transform(x, model._network.dtype))
    each = []
    for k in range(3):
        a = rows
        for j, inner in enumerate(layer.body):
            w = {name: engine.params.weights[0][f"members.{k}.{j}.{name}"] for name in inner.parameter_shapes()}
            a = inner.forward(w, a, Memo(training=False))
        each.append(torch.sigmoid(a))
    assert distance(torch.from_numpy(model.predict_proba(x)[:, 1:]), torch.stack(each).mean(0)) < ENGINES_FLOAT64


def test_numbers_are_averaged_and_members_differ() -> None:
    x, y = load_diabetes(return_X_y=True)
    model = fs.MLPRegressor(**SMALL, members=2).fit(x[:150], y[:150])
    weights = model._network.engine.named_parameters()
    assert not torch.equal(weights["0.members.0.1.weight"], weights["0.members.1.1.weight"])
    assert model.score(x[:150], y[:150]) > 0.3


def test_the_same_random_state_gives_the_same_ensemble_and_it_pickles() -> None:
    x, y = of_classes()
    one, two = (fs.MLPClassifier(**SMALL, bagging=2).fit(x, y) for _ in range(2))
    expected = one.predict_proba(x)
    assert np.array_equal(two.predict_proba(x), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(one)).predict_proba(x), expected)


def test_several_labels_too() -> None:
    x, y = make_multilabel_classification(n_samples=80, random_state=0)
    model = fs.MLPClassifier(**SMALL, bagging=2).fit(x, y)
    assert model.predict_proba(x).shape == y.shape


def test_its_curve_is_the_mean_of_the_members() -> None:
    x, y = of_classes()
    model = fs.MLPClassifier(**SMALL, members=2).fit(x, y)
    assert len(model.loss_curve_) == model.n_iter_ == 15
    assert model.stopped_by_ == "max_iter"
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"members": 0}, "members must be a whole number of at least 1, got 0"),
        ({"bagging": 0}, "bagging must be a whole number of at least 1, got 0"),
        ({"bagging": "five"}, "bagging must be a whole number of at least 1, got 'five'"),
        ({"bagging": 121}, "bagging must be at most the 120 rows, got 121; lower it"),
        ({"members": 2, "warm_start": True}, "warm_start must be left out with members or bagging, got True"),
        ({"members": 2, "solver": "lbfgs"}, "solver must be left out with members or bagging, got 'lbfgs'"),
        ({"bagging": 2, "recipe": "sklearn"}, "recipe must be left out with members or bagging, got 'sklearn'"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        fs.MLPClassifier(**{**SMALL, **options}).fit(*of_classes())


def test_folds_are_watched_once_and_one_network_goes_on() -> None:
    x, y = of_classes()
    with pytest.raises(InputError, match="eval_set must be left out with bagging"):
        fs.MLPClassifier(**SMALL, bagging=2).fit(x, y, eval_set=(x, y))
    with pytest.raises(InputError, match="members and bagging must be left out with partial_fit"):
        fs.MLPClassifier(**SMALL, members=2).partial_fit(x, y, classes=[0, 1])


def test_partial_fit_goes_on_with_the_networks_of_a_fit_as_one() -> None:
    x, y = load_diabetes(return_X_y=True)
    model = fs.MLPRegressor(max_iter=2, random_state=0).fit(x, y)
    before = model.score(x, y)
    model.partial_fit(x[:300], y[:300]).partial_fit(x[300:], y[300:])
    assert num_networks(model) == 5
    assert model.score(x, y) > before + 0.01


def test_there_are_no_coefs_of_several_networks() -> None:
    model = fs.MLPClassifier(**SMALL, members=2).fit(*of_classes())
    with pytest.raises(AttributeError, match="has the weights of several networks"):
        _ = model.coefs_


FEW: dict[str, Any] = {"max_iter": 3, "random_state": 0}


def num_networks(model: Any) -> int:
    return num_members(model.engine_.spec)


def test_few_rows_are_trained_on_by_five_networks_each_stopped_by_another_fifth() -> None:
    x, y = load_diabetes(return_X_y=True)
    model = fs.MLPRegressor(**FEW).fit(x, y)
    asked = fs.MLPRegressor(bagging=5, **FEW).fit(x, y)
    assert num_networks(model) == 5
    assert np.array_equal(model.predict(x), asked.predict(x))
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 3
    assert (model.validation_scores_, model.best_validation_score_, model.best_loss_) == (None, None, None)


@pytest.mark.parametrize(
    "given",
    [
        {"bagging": 1},
        {"hidden_layer_sizes": (8,)},
        {"warm_start": True},
        {"early_stopping": True},
        {"early_stopping": False},
        {"n_iter_no_change": 2},
        {"solver": "adam"},
        {"recipe": "standard"},
    ],
    ids=str,
)
def test_who_asks_for_one_network_of_few_rows_gets_one(given: dict[str, Any]) -> None:
    x, y = load_diabetes(return_X_y=True)
    model = fs.MLPRegressor(**{**FEW, **given}).fit(x, y)
    assert num_networks(model) == 1
    assert model.coefs_[-1].shape[1] == 1


def test_rows_to_stop_by_partial_fit_and_members_are_for_networks_without_folds() -> None:
    x, y = load_diabetes(return_X_y=True)
    assert num_networks(fs.MLPRegressor(**FEW).fit(x, y, eval_set=(x, y))) == 1
    assert num_networks(fs.MLPRegressor(**FEW).partial_fit(x, y)) == 1
    assert num_networks(fs.MLPRegressor(members=2, **FEW).fit(x, y)) == 2


def test_very_few_rows_and_a_thousand_are_trained_on_by_one() -> None:
    x, y = load_diabetes(return_X_y=True)
    assert num_networks(fs.MLPRegressor(**FEW).fit(x[:99], y[:99])) == 1
    rows = np.arange(1000) % len(x)
    assert num_networks(fs.MLPRegressor(**FEW).fit(x[rows], y[rows])) == 1


def test_the_lines_of_several_networks_are_their_means(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = load_diabetes(return_X_y=True)
    model = fs.MLPRegressor(verbose=True, **FEW).fit(x, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"epoch {k}  loss {loss:.4f}" for k, loss in enumerate(model.loss_curve_, 1)]
