"""Rows of one group stay together, wherever an estimator sets rows aside."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fivestep as fs
from fivestep.estimators import _perceptron
from fivestep.estimators._ensembles import Fold

pytestmark = pytest.mark.usefixtures("without_shape_checks")

N, NUM_GROUPS = 240, 24
CHANCE = np.random.default_rng(0)
PERSON = CHANCE.integers(0, NUM_GROUPS, N)
X = np.c_[np.arange(N), CHANCE.normal(size=(N, 3))]
CLASS = CHANCE.integers(0, 3, N)
FAST: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], list[int]]]:
    """The numbers of the rows to train on and to stop by, of each network that is fitted or of each fold."""
    found: list[tuple[list[int], list[int]]] = []

    def numbers(table: Any) -> list[int]:
        return [] if table is None else [int(number) for number in table.x[:][:, 0]]

    def noting_folds(fitting: Any, given: list[Fold], weight_of: Any) -> Any:
        found.extend((numbers(fold.train), numbers(fold.valid)) for fold in given)
        return fit_ensemble(fitting, given, weight_of)

    def noting_split(*args: Any) -> Any:
        train, valid = split(*args)
        found.append((numbers(train), numbers(valid)))
        return train, valid

    fit_ensemble, split = _perceptron.fit_ensemble, _perceptron.split
    monkeypatch.setattr(_perceptron, "fit_ensemble", noting_folds)
    monkeypatch.setattr(_perceptron, "split", noting_split)
    return found


def are_apart(train: list[int], valid: list[int], groups: np.ndarray = PERSON) -> bool:
    """Whether no group has rows in both, and every row is in one of them."""
    return not set(groups[train]) & set(groups[valid]) and sorted(train + valid) == list(range(len(groups)))


@pytest.mark.parametrize("options", [{"bagging": 4, **FAST}, {"max_iter": 2, "random_state": 0}], ids=str)
def test_each_fold_has_whole_groups(folds: list[Any], options: dict[str, Any]) -> None:
    """Asked for by name, or chosen by the recipe, as there are few rows."""
    fs.MLPClassifier(**options).fit(X, CLASS, groups=PERSON)
    assert len(folds) == options.get("bagging", 5)
    assert all(are_apart(*fold) for fold in folds)
    assert sorted(number for _, valid in folds for number in valid) == list(range(N))


def test_folds_of_numbers_are_those_of_scikit_learn(folds: list[Any]) -> None:
    fs.MLPRegressor(bagging=3, **FAST).fit(X, X[:, 1], groups=PERSON)
    expected = [(list(train), list(valid)) for train, valid in GroupKFold(3).split(X, groups=PERSON)]
    assert folds == expected


def test_classes_keep_about_their_shares_in_folds_of_groups(folds: list[Any]) -> None:
    """Each group has two classes: half of the groups hold the rare one."""
    label = np.where(PERSON % 2 == 0, np.arange(N) % 2, 2)
    fs.MLPClassifier(bagging=3, **FAST).fit(X, label, groups=PERSON)
    shares = np.array([np.bincount(label[valid], minlength=3) / len(valid) for _, valid in folds])
    assert np.abs(shares - np.bincount(label) / N).max() < 0.1


@pytest.mark.parametrize("share", [None, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_part_to_stop_by_has_whole_groups_and_about_its_share_of_the_rows(
    folds: list[Any], share: float | None, seed: int
) -> None:
    options = {**FAST, "random_state": seed, "early_stopping": True, "validation_fraction": share}
    fs.MLPClassifier(**options).fit(X, CLASS, groups=PERSON)
    ((train, valid),) = folds
    assert are_apart(train, valid)
    assert abs(len(valid) / N - min(share or 0.2, 0.5)) < 0.06


def test_the_seed_chooses_the_part_to_stop_by(folds: list[Any]) -> None:
    for seed in range(6):
        fs.MLPRegressor(**{**FAST, "random_state": seed}).fit(X, X[:, 1], groups=np.arange(N) % NUM_GROUPS)
    assert len({tuple(valid) for _, valid in folds}) > 1


def test_the_part_to_stop_by_is_not_the_one_group_of_most_rows(folds: list[Any]) -> None:
    groups = np.where(np.arange(N) < 150, 0, np.arange(N))
    for model, y in ((fs.MLPRegressor(**FAST), X[:, 1]), (fs.MLPClassifier(**FAST), CLASS)):
        model.fit(X, y, groups=groups)
    assert all(are_apart(train, valid, groups) and len(valid) < N / 2 for train, valid in folds)


@pytest.mark.filterwarnings("ignore:.*tolerance to have converged")  # of two epochs
@pytest.mark.parametrize("recipe", ["sklearn", "standard", "tabular"])
def test_a_batch_is_no_larger_than_the_rows_that_groups_leave(recipe: str) -> None:
    """Two groups, one of which has nine rows in ten: a fifth cannot be set aside."""
    groups = (np.arange(N) >= 216).astype(int)
    model = fs.MLPRegressor(**FAST, recipe=recipe, early_stopping=True, batch_size=200)
    model.fit(X, X[:, 1], groups=groups)
    assert model.engine_.plan.batch_size <= 216


@pytest.mark.parametrize(
    "groups",
    [
        [f"person {k}" for k in PERSON],
        pd.Series(PERSON).astype("category"),
        pd.Series(PERSON, dtype="Int64"),
        pl.Series(PERSON),
        torch.from_numpy(PERSON),
        np.array([1, "one"], dtype=object)[(PERSON % 2)],
    ],
    ids=["texts", "categories of pandas", "nullable numbers of pandas", "polars", "torch", "of several types"],
)
def test_groups_may_be_anything_that_is_equal_or_not(folds: list[Any], groups: Any) -> None:
    fs.MLPClassifier(**FAST).fit(X, CLASS, groups=groups)
    ((train, valid),) = folds
    values = np.asarray(groups)
    assert not set(values[train]) & set(values[valid])


@pytest.mark.parametrize(
    ("groups", "options", "sentence"),
    [
        (
            PERSON[:100],
            {},
            r"groups must have the group of each of the 240 rows, of shape \(240,\), got shape \(100,\)",
        ),
        (PERSON[:, None], {}, r"groups must have the group of each of the 240 rows, .*, got shape \(240, 1\)"),
        ([None, *PERSON[1:]], {}, "groups must be a group in each row, also in row 0, got None"),
        (np.r_[PERSON[:-1], np.nan], {}, "groups must be a group in each row, also in row 239, got nan"),
        (np.ma.masked_equal(np.arange(N), 7), {}, "groups must be a group in each row, also in row 7, got None"),
        (PERSON, {"bagging": 25}, "bagging must be at most the 24 groups, which stay whole, got 25; lower it"),
        (np.zeros(N), {}, "groups must be two or more where rows are set aside to stop by, got one"),
        (np.zeros(N), {"bagging": 2}, "groups must be two or more where rows are set aside to stop by, got one"),
        (np.zeros(N), {"hidden_layer_sizes": None}, "groups must be two or more where rows are set aside to stop by"),
    ],
    ids=range(9),
)
def test_groups_that_cannot_be_kept_apart_are_refused(groups: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(fs.InputError, match=sentence):
        fs.MLPClassifier(**{**FAST, **options}).fit(X, CLASS, groups=groups)


@pytest.mark.parametrize("recipe", ["sklearn", "standard"])
def test_a_group_of_one_row_is_too_little_to_stop_by(recipe: str) -> None:
    model = fs.MLPRegressor(**FAST, recipe=recipe, early_stopping=True)
    with pytest.raises(fs.InputError, match="must set at least 2 rows aside, in whole groups, and leave some, got 0"):
        model.fit(X, X[:, 1], groups=np.arange(N) == 7)


def test_a_recipe_takes_as_many_folds_as_there_are_groups(folds: list[Any]) -> None:
    fs.MLPClassifier(max_iter=2, random_state=0).fit(X, CLASS, groups=PERSON % 3)
    assert len(folds) == 3


def test_rows_of_weight_0_are_in_no_fold(folds: list[Any]) -> None:
    fs.MLPClassifier(bagging=2, **FAST).fit(X, CLASS, sample_weight=np.arange(N) % 2, groups=PERSON)
    assert sorted(folds[0][0] + folds[0][1]) == list(range(1, N, 2))
    assert not set(PERSON[folds[0][0]]) & set(PERSON[folds[0][1]])


def test_where_nothing_is_set_aside_groups_change_nothing() -> None:
    model = fs.MLPClassifier(**FAST, early_stopping=False)
    expected = clone(model).fit(X, CLASS).predict_proba(X)
    assert np.array_equal(model.fit(X, CLASS, groups=PERSON).predict_proba(X), expected)


def test_groups_that_are_routed_to_a_splitter_reach_the_networks_too(folds: list[Any]) -> None:
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False), fs.MLPClassifier(**FAST))
        cross_validate(pipeline, X, CLASS, cv=GroupKFold(3), params={"groups": PERSON})
        GridSearchCV(fs.MLPClassifier(**FAST), {"dropout": [0.0]}, cv=GroupKFold(2)).fit(X, CLASS, groups=PERSON)
    assert len(folds) == 3 + 2 + 1
    assert not any(set(PERSON[train]) & set(PERSON[valid]) for train, valid in folds)


def test_who_says_so_has_groups_for_the_splitter_alone(folds: list[Any]) -> None:
    with config_context(enable_metadata_routing=True):
        model = fs.MLPClassifier(**FAST).set_fit_request(groups=False)
        cross_validate(model, X, CLASS, cv=GroupKFold(2), params={"groups": PERSON})
    assert all(set(PERSON[train]) & set(PERSON[valid]) for train, valid in folds)


def test_a_network_that_stops_by_whole_groups_is_not_taken_in_by_what_it_knows_of_them() -> None:
    """What a person has is chance: of others nothing can be known, and the loss is about the variance or more."""
    chance = np.random.default_rng(1)
    person = np.repeat(np.arange(60), 10)
    x, y = chance.normal(size=(60, 5))[person], chance.normal(size=60)[person]
    model = fs.MLPRegressor(
        hidden_layer_sizes=(64,), recipe="standard", max_iter=60, early_stopping=True, random_state=0
    )
    assert min(clone(model).fit(x, y).validation_loss_curve_) < 0.7
    assert min(clone(model).fit(x, y, groups=person).validation_loss_curve_) > 0.9
