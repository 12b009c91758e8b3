"""What a person may hand to the estimators by mistake, and the sentence that it ends in."""

import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.model_selection import GridSearchCV

import fivestep as fs
from fivestep.check import InputError

pytestmark = [
    pytest.mark.usefixtures("without_shape_checks"),
    pytest.mark.filterwarnings("ignore:The number of unique classes", "ignore:column 'id' is left out"),
]

X = np.random.default_rng(0).normal(size=(30, 3))
LETTERS = np.array(["a", "b", "c"] * 10)
NUMBERS = 2 * X[:, 0] + 1
FRAME = pd.DataFrame({"a": X[:, 0], "word": LETTERS})


def classifier(**options: Any) -> Any:
    return fs.MLPClassifier(**{"max_iter": 1, "random_state": 0, "recipe": "standard", **options})


def regressor(**options: Any) -> Any:
    return fs.MLPRegressor(**{"max_iter": 1, "random_state": 0, "recipe": "standard", **options})


def as_objects(*values: object) -> np.ndarray:
    return np.array([*values] * 10, dtype=object)


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (
            np.array([["a", "b"]] * 30),
            LETTERS,
            "X must be numbers, or a DataFrame with categories, got 'a'; make it a Da",
        ),
        (X, None, "requires y to be passed, but the target y is None"),
        (X, np.where(X[:, 0] > 0, np.nan, 1.0), "y must have a label in each row, got nan in row "),
        (X, NUMBERS, "Unknown label type: continuous"),
        (
            X,
            as_objects(None, "a", "b"),
            "y must have a label in each row, got None in row 0 and 9 more; drop those rows",
        ),
        (FRAME[[]], LETTERS, "X must have a column or more, got none; add the columns to learn from."),
        (FRAME.set_axis(["a", "a"], axis=1), LETTERS, "of X must have different names, got 'a' as columns 1 and 2"),
        (FRAME[["a", "a"]], LETTERS, "of X must have different names, got 'a' as columns 1 and 2"),
        (X, as_objects(1, "a", 2), "y must hold labels of one type, got int and str; make them all texts."),
        (X, as_objects(True, False, True), "y must have a type of its own, got objects that are all bool (scikit"),
        (
            X,
            X.round().astype(int),
            "y must be one label for each row, (N,), or 0 and 1 for several questions, (N, O), g",
        ),
        (X[:, 0], LETTERS, "Reshape your data"),
        (X, LETTERS[:-1], "inconsistent numbers of samples: [30, 29]"),
        (X[:0], LETTERS[:0], "0 sample(s)"),
        (
            FRAME.assign(a=np.where(X[:, 0] > 0, np.inf, 0)),
            LETTERS,
            "column 'a' must hold finite numbers, got 'inf' in row",
        ),
        (FRAME, None, "y must be the targets of the rows, got None; pass them to fit."),
        (
            pd.DataFrame({"id": [f"t{k}" for k in range(30)]}),
            LETTERS,
            "a table must have a column that a network can use",
        ),
    ],
)
def test_rows_and_labels_that_cannot_be_learned_are_refused(x: Any, y: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        classifier().fit(x, y)


@pytest.mark.parametrize("x", [X, FRAME, scipy.sparse.csr_matrix(X)], ids=["array", "DataFrame", "sparse"])
def test_words_are_no_numbers_to_predict(x: Any) -> None:
    with pytest.raises(InputError, match=r"^y must hold numbers to predict, got 'a'; use MLPClassifier for classes\.$"):
        regressor().fit(x, LETTERS)


@pytest.mark.parametrize("x", [X, FRAME], ids=["array", "DataFrame"])
@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (
            np.where(np.arange(30) == 3, np.nan, NUMBERS),
            "a number in each row, got nan in row 3; drop that row of X an",
        ),
        (pd.Series(NUMBERS).where(X[:, 0] < 1), "y must have a number in each row, got nan in row "),
        (pd.array([1, None] * 15, dtype="Int64"), "got nan in row 1 and 14 more; drop those rows of X and y."),
        (pl.Series([None, 1.0] * 15), "got nan in row 0 and 14 more; drop those rows of X and y."),
        (np.stack([NUMBERS, np.full(30, np.nan)], 1), "got nan in row 0 and 29 more; drop those rows of X and y."),
        (pd.date_range("2024", periods=30), "y must be numbers to predict, got 'datetime64[us]'; count the days si"),
        (pl.Series(pd.date_range("2024", periods=30)), "y must be numbers to predict, got 'datetime64"),
        (pd.to_timedelta(NUMBERS, unit="h"), "y must be numbers to predict, got 'timedelta64[ns]'; take their seconds"),
    ],
    ids=["array", "Series", "nullable", "polars", "two", "moments", "moments of polars", "spans"],
)
def test_targets_that_are_missing_or_moments_are_refused(x: Any, y: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        regressor().fit(x, y)


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, pd.NaT], ids=str)
def test_labels_that_are_missing_are_refused(gap: Any) -> None:
    with pytest.raises(InputError, match=r"^y must have a label in each row, got \S+ in row 2 and 9 more; drop those"):
        classifier().fit(X, as_objects("a", "b", gap))


@pytest.mark.parametrize(
    ("model", "y", "what"),
    [(regressor, NUMBERS[:, None] * [1, 1], "a number"), (classifier, LETTERS, "a label")],
    ids=["numbers", "labels"],
)
def test_targets_that_are_masked_are_refused(model: Any, y: np.ndarray, what: str) -> None:
    masked = np.ma.array(y, mask=np.zeros(y.shape))
    model().fit(X, masked)
    masked[3] = np.ma.masked
    with pytest.raises(InputError, match=f"y must have {what} in each row, got a masked value in row 3; drop that row"):
        model().fit(X, masked)
    with pytest.raises(InputError, match="sample_weight must be a number for each row, got masked values; fill them"):
        model().fit(X, y, sample_weight=np.ma.masked_less(np.arange(len(y), dtype=float), 1))


@pytest.mark.parametrize(("x", "got"), [({"a": [1.0, 2.0]}, "a dictionary"), ([{"a": 1.0}], "a list of dictionaries")])
def test_dictionaries_are_refused_with_what_to_write(x: Any, got: str) -> None:
    with pytest.raises(InputError, match=rf"X must be a DataFrame.*, got {got}; write pandas.DataFrame\(X\)\."):
        regressor().fit(x, [1.0, 2.0])


def test_numbers_written_as_texts_are_numbers() -> None:
    texts = np.array([f"{value:.3f}" for value in NUMBERS])
    expected = regressor().fit(X, texts.astype(float)).predict(X)
    assert np.array_equal(regressor().fit(X, texts).predict(X), expected)


def test_numbers_without_finite_squares_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"^y must be numbers whose squares are finite, got \S+; divide them all by one"
    ):
        regressor().fit(X, NUMBERS * 1e300)


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (np.ones(29), "sample_weight.shape == (29,), expected (30,)!"),
        (-np.ones(30), "Negative values in data passed to `sample_weight`"),
        (np.zeros(30), "Sample weights must contain at least one non-zero number"),
        (np.full(30, np.nan), "Input sample_weight contains NaN"),
    ],
)
def test_weights_that_are_none_are_refused_as_scikit_learn_does(weight: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        classifier().fit(X, LETTERS, sample_weight=weight)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ({"d": 2}, "class_weight must name classes of y, a, b, c, got 'd'; leave it out, or fix it."),
        (
            {"a": -1},
            "class_weight of 'a' must be a finite number of at least 0, got -1; 1 is that of classes that are no",
        ),
        ({"a": 0, "b": 0, "c": 0}, "class_weight must be above 0 for one class at least, got"),
        (
            "balancd",
            "class_weight must be 'balanced', or a dictionary with weights of classes, got 'balancd'; leave it",
        ),
        (
            [1, 2, 3],
            "class_weight must be 'balanced', or a dictionary with weights of classes, got [1, 2, 3]; leave it",
        ),
    ],
)
def test_weights_of_classes_that_are_none_are_refused(weights: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        classifier(class_weight=weights).fit(X, LETTERS)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"hidden_layer_sizes": (10, 0)},
            "hidden_layer_sizes must be a whole number of at least 1, got 0; () is a netwo",
        ),
        ({"activation": 3}, "activation must be a name such as 'relu', got 3; write it as text, or leave it out."),
        ({"activation": ("relu", 3)}, "activation must be a name such as 'relu', got ('relu', 3); write it as text"),
        ({"solver": 3}, "solver must be a name such as 'adam', got 3; write it as text, or leave it out."),
        ({"solver": "adm"}, "got 'adm'; did you mean 'adam'?"),
        ({"learning_rate": "const"}, "must be one of invscaling, adaptive, constant, cosine"),
        (
            {"learning_rate": "invscaling", "power_t": -1},
            "power_t must be a finite number of at least 0, got -1; 0.5 is u",
        ),
        ({"solver": "adam", "epsilon": 0}, "epsilon must be a finite number greater than 0, got 0; 1e-8 is usual."),
        ({"solver": "adam", "beta_2": 1}, "beta_2 must be a number in [0, 1), got 1; 0.999 is usual."),
        ({"nesterovs_momentum": "x"}, "nesterovs_momentum must be True or False, got 'x'; leave it out."),
        ({"early_stopping": 3}, "early_stopping must be True or False, got 3; leave it out."),
        ({"max_iter": 0}, "max_iter must be a whole number of at least 1, got 0; 200 is usual."),
        (
            {"augment": "shift_and_flip"},
            "augment must be left out with recipe 'standard', got 'shift_and_flip'; say recip",
        ),
        ({"loss": "mse"}, "loss must be one for classes, as y holds, got 'mse', which is for numbers; leave it out."),
        (
            {"loss": "hinge"},
            "loss must be one for classes, as y holds, got 'hinge', which is for a yes or no; leave it out",
        ),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_under_its_own_name(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        classifier(**options).fit(X, LETTERS)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (X, "eval_set must be a pair (X, y), or a triple with weights, got 'ndarray'; pass one of them."),
        (
            [(X, LETTERS), (X, LETTERS)],
            "eval_set must be one pair (X, y), or one triple with weights, got 2 of them; pass",
        ),
        ((X, LETTERS[:5]), "in eval_set, Found input variables with inconsistent numbers of samples: [30, 5]"),
        ((X[:, :2], LETTERS), "in eval_set, X has 2 features, but MLPClassifier is expecting 3 features as input."),
        (
            (X, LETTERS.astype("U2") + "x"),
            "in eval_set, y must hold the classes of the first fit, a, b, c, got ax, bx, cx",
        ),
        (
            (X, LETTERS, np.ones(3)),
            "the weights of eval_set must be one for each of its 30 rows, got 3; add or drop some.",
        ),
        ((X, LETTERS, -np.ones(30)), "in eval_set, Negative values"),
    ],
)
def test_an_eval_set_that_is_none_is_refused(given: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        classifier().fit(X, LETTERS, eval_set=given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"X_val": X}, "y_val must be given with the others, got None; pass both X_val and y_val, or eval_set=(X, y)."),
        ({"y_val": LETTERS}, "X_val must be given with the others, got None; pass both"),
        ({"X_val": X, "y_val": LETTERS, "eval_set": (X, LETTERS)}, "eval_set must be left out beside X_val and y_val"),
        ({"X_val": X, "y_val": LETTERS[:-1]}, "in X_val and y_val, Found input variables with inconsistent"),
        (
            {"X_val": X, "y_val": NUMBERS.astype(str)},
            "in X_val and y_val, y must hold the classes of the first fit, a,",
        ),
        (
            {"X_val": X, "y_val": LETTERS, "sample_weight_val": [1]},
            "the weights of X_val and y_val must be one for each",
        ),
    ],
)
def test_rows_to_stop_by_that_are_none_are_refused(given: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        classifier().fit(X, LETTERS, **given)


def test_a_scalar_weighs_every_row_of_an_eval_set() -> None:
    weighted, plain = (classifier().fit(X, LETTERS, eval_set=(X, LETTERS, *more)) for more in ((2.0,), ()))
    assert weighted.validation_loss_curve_ == pytest.approx(plain.validation_loss_curve_)


@pytest.mark.parametrize("name", ["predict", "predict_proba", "score", "to_onnx"])
def test_nothing_comes_before_fit(name: str) -> None:
    given = {"score": (X, LETTERS), "to_onnx": ()}.get(name, (X,))
    with pytest.raises(NotFittedError):
        getattr(classifier(), name)(*given)


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (X[:, :2], "X has 2 features, but MLPClassifier is expecting 3 features as input."),
        (X.astype(str).astype(object) + "x", "X must be numbers alone, as in fit, got"),
        (X[:0], "0 sample(s)"),
        (np.where(X > 0, np.inf, X), "Input X contains infinity"),
    ],
)
def test_other_rows_than_in_fit_are_refused(x: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        classifier().fit(X, LETTERS).predict(x)


@pytest.mark.parametrize("classes", ["abc", 3])
def test_the_classes_of_partial_fit_are_a_list(classes: Any) -> None:
    with pytest.raises(
        InputError, match=r"^classes must be a list of all labels, got .*; pass np\.unique of all targets"
    ):
        classifier().partial_fit(X, LETTERS, classes=classes)


def test_a_new_class_in_partial_fit_is_refused() -> None:
    begun = classifier().partial_fit(X[:2], ["a", "b"], classes=["a", "b"])
    with pytest.raises(InputError, match=r"got a, c; train a new estimator that knows them\.$"):
        begun.partial_fit(X[:2], ["a", "c"])


def test_a_warm_start_with_another_network_is_refused() -> None:
    begun = classifier(warm_start=True, hidden_layer_sizes=(5,)).fit(X, LETTERS).set_params(hidden_layer_sizes=(6,))
    with pytest.raises(
        InputError, match=r"must be that of the last fit with warm_start, got 3-6-3 after 3-5-3; give it"
    ):
        begun.fit(X, LETTERS)


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_search_over_a_bad_value_gives_it_no_score() -> None:
    search = GridSearchCV(classifier(), {"hidden_layer_sizes": [(5,), (0,)]}, cv=2)
    with pytest.warns(FitFailedWarning, match="hidden_layer_sizes must be a whole number of at least 1, got 0"):
        search.fit(X, LETTERS)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
