"""What scikit-learn's perceptrons lack, and how a fit ends and says so."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fivestep as fs
from fivestep.check import DivergenceError, InputError
from tests.tolerances import SAME_AS_SKLEARN

pytestmark = pytest.mark.usefixtures("without_shape_checks")

SMALL: dict[str, Any] = {"hidden_layer_sizes": 8, "max_iter": 5, "random_state": 0}


def iris() -> tuple[np.ndarray, np.ndarray]:
    found: tuple[np.ndarray, np.ndarray] = load_iris(return_X_y=True)
    return found


def two_classes(num_rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    found: tuple[np.ndarray, np.ndarray] = make_classification(num_rows, 8, n_informative=5, flip_y=0.1, random_state=0)
    return found


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # far from the end rounding is small
@pytest.mark.parametrize("recipe", ["standard", "sklearn"])
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_a_row_of_weight_n_counts_as_n_rows_with_lbfgs_on_the_full_batch(name: str, recipe: str) -> None:
    rng = np.random.default_rng(0)
    x, y, times = rng.normal(size=(40, 3)), rng.integers(0, 3, 40), rng.integers(0, 4, 40)
    given: dict[str, Any] = {"solver": "lbfgs", "alpha": 1.0, "hidden_layer_sizes": 5, "max_iter": 20}
    make = getattr(fs, name)
    weighted = make(recipe=recipe, random_state=0, **given).fit(x, y, sample_weight=times)
    repeated = make(recipe=recipe, random_state=0, **given).fit(np.repeat(x, times, 0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=SAME_AS_SKLEARN, atol=SAME_AS_SKLEARN)
    assert weighted.loss_ == pytest.approx(repeated.loss_, rel=SAME_AS_SKLEARN)


def test_class_weights_are_weights_of_the_rows() -> None:
    x, y = iris()
    own = {"loss": "cross_entropy:label_smoothing=0.0", **SMALL}  # without a temperature, which few rows would settle
    by_class = fs.MLPClassifier(class_weight={0: 1, 1: 2, 2: 0.5}, **own).fit(x, y)
    by_row = fs.MLPClassifier(**own).fit(x, y, sample_weight=np.array([1, 2, 0.5])[y])
    np.testing.assert_allclose(by_class.predict_proba(x), by_row.predict_proba(x), atol=0.02)  # the scale is unweighted


@pytest.mark.slow
def test_balanced_classes_are_found_as_often_as_each_other() -> None:
    x, y = two_classes()
    rare = np.flatnonzero((y == 0) | (np.arange(len(y)) % 12 == 0))
    x, y = x[rare], y[rare]
    shares = [
        (fs.MLPClassifier(class_weight=weight, random_state=0, max_iter=30).fit(x, y).predict(x) == 1)[y == 1].mean()
        for weight in (None, "balanced")
    ]
    assert shares[1] > shares[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"activation": "mish", "solver": "lion", "learning_rate": "one_cycle"},
        {"activation": ["tanh", "silu"], "hidden_layer_sizes": [8, 4], "dropout": [0.1, 0.2], "norm": "layer_norm"},
        {"solver": "sgd", "momentum": 0.9, "learning_rate": "adaptive", "clip_norm": 1.0},
        {"solver": "adamw:betas=(0.9,0.95)", "weight_decay": 0.1, "ema": 0.9, "learning_rate": "flat_cos"},
        {"solver": "muon", "learning_rate": "warmup", "init": "kaiming", "alpha": 0.01},
        {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 500},
        {"solver": "lbfgs", "max_iter": 500},
        {"engine": "autograd", "dtype": "float32", "device": "cpu", "batch_size": "full"},
        {"recipe": "plain", "learning_rate_init": 0.1, "batch_size": 16},
        {"recipe": "plain", "learning_rate_init": 1.0},
    ],
    ids=str,
)
def test_anything_of_ours_learns_iris(options: dict[str, Any]) -> None:
    x, y = iris()
    given = {"hidden_layer_sizes": 16, "max_iter": 60, "learning_rate_init": 0.01, "random_state": 0, **options}
    assert fs.MLPClassifier(**given).fit((x - x.mean(0)) / x.std(0), y).score((x - x.mean(0)) / x.std(0), y) > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "poisson"])
def test_losses_of_ours_predict_in_the_units_of_the_target(loss: str) -> None:
    x, y = load_diabetes(return_X_y=True)
    assert fs.MLPRegressor(loss, random_state=0, max_iter=60).fit(x, y).score(x, y) > 0.4


@pytest.mark.parametrize("bagging", [1, 2])
def test_a_deviation_is_learned_beside_the_mean_in_the_units_of_the_target(bagging: int) -> None:
    """The targets are 1000 + 200 x around which they spread by 10 where x < 0, and by 100 elsewhere."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (400, 1))
    y = 1000 + 200 * x[:, 0] + np.where(x[:, 0] < 0, 10, 100) * rng.normal(size=400)
    model = fs.MLPRegressor("gaussian_nll", recipe="standard", bagging=bagging, max_iter=60, random_state=0)
    mean, std = model.fit(x, y).predict(x, return_std=True)
    narrow, wide = std[x[:, 0] < -0.2].mean(), std[x[:, 0] > 0.2].mean()
    assert (mean.shape, std.shape) == ((400,), (400,))
    assert np.array_equal(model.predict(x), mean)
    assert model.score(x, y) > 0.6
    assert 5 < narrow < 40
    assert 60 < wide < 140


def test_of_several_targets_each_has_its_deviation_and_its_quantiles() -> None:
    x, y = load_diabetes(return_X_y=True)
    targets = np.stack([y, 1e4 - 5 * y], 1)
    options = {"recipe": "standard", "max_iter": 2, "random_state": 0}
    mean, std = fs.MLPRegressor("gaussian_nll", **options).fit(x, targets).predict(x, return_std=True)
    assert mean.shape == std.shape == targets.shape
    assert fs.MLPRegressor("quantile:levels=(0.1,0.9)", **options).fit(x, targets).predict(x).shape == (len(x), 4)


def test_a_deviation_is_refused_of_a_loss_without_one() -> None:
    x, y = load_diabetes(return_X_y=True)
    model = fs.MLPRegressor(max_iter=1, recipe="standard").fit(x[:50], y[:50])
    with pytest.raises(InputError, match="loss must be 'gaussian_nll' for predict with return_std, got 'mse'; train"):
        model.predict(x, return_std=True)


@pytest.mark.slow
def test_several_quantiles_are_several_columns() -> None:
    x, y = load_diabetes(return_X_y=True)
    loss = "quantile:levels=(0.1,0.5,0.9)"
    low, middle, high = fs.MLPRegressor(loss, random_state=0, max_iter=60).fit(x, y).predict(x).T
    assert 0.7 < ((low <= y) & (y <= high)).mean() < 0.95
    assert np.corrcoef(middle, y)[0, 1] > 0.6


@pytest.mark.slow
def test_smoothed_labels_give_softer_probabilities() -> None:
    x, y = two_classes()
    sharp, soft = (
        fs.MLPClassifier(loss=loss, random_state=0, max_iter=60).fit(x, y).predict_proba(x).max(1).mean()
        for loss in ("cross_entropy:label_smoothing=0.0", "cross_entropy:label_smoothing=0.3")
    )
    assert soft < sharp - 0.05


def test_the_hinge_loss_has_margins_and_no_probabilities() -> None:
    x, y = two_classes()
    model = fs.MLPClassifier(loss="hinge", random_state=0, max_iter=30).fit(x, y)
    assert model.score(x, y) > 0.8
    margins = model.decision_function(x)
    assert margins.shape == y.shape
    assert np.array_equal(model.classes_[(margins > 0).astype(int)], model.predict(x))
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "predict_log_proba")
    assert not hasattr(fs.MLPClassifier(), "decision_function")
    with pytest.raises(AttributeError) as caught:
        _ = model.predict_proba
    assert "loss must be one with probabilities for predict_proba, got 'hinge'" in str(caught.value.__cause__)


def test_the_margins_of_several_labels_are_those_of_each() -> None:
    x, y = two_classes()
    labels = np.stack([y == y[0], x[:, 0] > 0], 1).astype(int)
    model = fs.MLPClassifier(loss="hinge", random_state=0, max_iter=5).fit(x, labels)
    assert np.array_equal(model.decision_function(x) > 0, model.predict(x))


def test_rows_set_aside_give_curves_and_the_best_epoch() -> None:
    x, y = two_classes()
    model = fs.MLPClassifier(random_state=0, early_stopping=True, n_iter_no_change=5, learning_rate_init=0.02).fit(x, y)
    assert model.stopped_by_ == "validation"
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == len(model.loss_curve_) == model.n_iter_
    assert int(np.argmin(model.validation_loss_curve_)) == model.n_iter_ - 7  # more than five after it without a gain
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_an_eval_set_is_what_it_stops_by() -> None:
    x, y = two_classes()
    model = fs.MLPClassifier(recipe="standard", random_state=0, n_iter_no_change=5, learning_rate_init=0.02)
    model.fit(x[:400], y[:400], eval_set=(x[400:], y[400:]))
    best = int(np.argmin(model.validation_loss_curve_))
    assert model.score(x[400:], y[400:]) == model.validation_scores_[best]
    p = model.predict_proba(x[400:])[np.arange(200), y[400:]]
    assert -np.log(p).mean() == pytest.approx(model.validation_loss_curve_[best], rel=1e-5)


@pytest.mark.parametrize("weight", [None, np.arange(100) % 3])
@pytest.mark.parametrize("kind", [fs.MLPClassifier, fs.MLPRegressor])
def test_the_score_of_the_rows_to_stop_by_is_that_of_scikit_learn(kind: Any, weight: np.ndarray | None) -> None:
    x, y = two_classes(300)
    y = y if kind is fs.MLPClassifier else 1e3 + 7 * x[:, 0]
    model = kind(recipe="standard", random_state=0, max_iter=4)
    model.fit(x[:200], y[:200], eval_set=(x[200:], y[200:], weight))
    best = int(np.argmin(model.validation_loss_curve_))
    expected = model.score(x[200:], y[200:], sample_weight=weight)
    assert model.validation_scores_[best] == pytest.approx(expected, rel=SAME_AS_SKLEARN)


def test_rows_to_stop_by_have_scikit_learns_names_too() -> None:
    x, y = load_iris(return_X_y=True)
    weight = np.arange(30) % 2
    options = {"random_state": 0, "max_iter": 3, "recipe": "standard"}
    ours = fs.MLPClassifier(**options).fit(x, y, eval_set=(x[::5], y[::5], weight))
    theirs = fs.MLPClassifier(**options).fit(x, y, X_val=x[::5], y_val=y[::5], sample_weight_val=weight)
    assert theirs.validation_loss_curve_ == ours.validation_loss_curve_


def test_a_pipeline_transforms_the_rows_to_stop_by() -> None:
    x, y = load_iris(return_X_y=True)
    model = fs.MLPClassifier(random_state=0, max_iter=3, recipe="plain", solver="adam", learning_rate_init=0.01)
    with config_context(enable_metadata_routing=True):
        asked = clone(model).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), asked, transform_input=["X_val"]).fit(x, y, X_val=x, y_val=y)
    scaled = StandardScaler().fit_transform(x)
    expected = model.fit(scaled, y, eval_set=(scaled, y))
    assert pipeline[-1].validation_loss_curve_ == expected.validation_loss_curve_


def test_an_eval_set_may_be_a_list_with_weights() -> None:
    x, y = two_classes(200)
    weight = (np.arange(100) < 50).astype(float)
    one = fs.MLPClassifier(**SMALL).fit(x[:100], y[:100], eval_set=[(x[100:], y[100:], weight)])
    other = fs.MLPClassifier(**SMALL).fit(x[:100], y[:100], eval_set=(x[100:150], y[100:150]))
    np.testing.assert_allclose(one.validation_loss_curve_, other.validation_loss_curve_, rtol=1e-6)


def test_without_rows_set_aside_there_are_no_such_curves() -> None:
    model = fs.MLPClassifier(early_stopping=False, **SMALL).fit(*iris())
    assert (model.validation_loss_curve_, model.validation_scores_, model.best_validation_score_) == (None, None, None)
    assert (model.stopped_by_, model.n_iter_) == ("max_iter", 5)


def test_a_schedule_that_ends_is_no_failure_to_converge(recwarn: pytest.WarningsRecorder) -> None:
    fs.MLPClassifier(**SMALL).fit(*iris())
    assert not [warning for warning in recwarn if issubclass(warning.category, ConvergenceWarning)]


def test_a_tolerance_that_is_never_met_is_said() -> None:
    with pytest.warns(ConvergenceWarning, match="got no end within max_iter=5 epochs; raise max_iter, or tol"):
        fs.MLPClassifier(tol=0.0, **SMALL).fit(*iris())


def test_a_loss_that_explodes_names_the_step() -> None:
    x, y = load_diabetes(return_X_y=True)
    model = fs.MLPRegressor(solver="sgd", learning_rate_init=1e6, recipe="sklearn", random_state=0)
    with pytest.raises(DivergenceError, match=r"the loss must stay finite, got .*; lower the learning rate"):
        model.fit(x, y)


@pytest.mark.parametrize("num_epochs", [0, 3])
def test_ctrl_c_keeps_what_was_learned(monkeypatch: pytest.MonkeyPatch, num_epochs: int) -> None:
    from fivestep.estimators import _training

    def pressed(*args: Any, **kwargs: Any) -> Any:
        stream = train(*args, **kwargs)
        yield from (next(stream) for _ in range(num_epochs))
        raise KeyboardInterrupt

    train = _training.train
    monkeypatch.setattr(_training, "train", pressed)
    with pytest.warns(UserWarning, match="training was interrupted: the estimator keeps what it has learned so far"):
        model = fs.MLPClassifier(**SMALL).fit(*iris())
    assert (model.stopped_by_, model.n_iter_) == ("user", num_epochs)
    assert model.predict(iris()[0]).shape == (150,)


@pytest.mark.parametrize(("verbose", "numbers"), [(True, [1, 2, 3, 4, 5]), (2, [2, 4]), (False, [])])
def test_a_line_for_every_nth_epoch(verbose: Any, numbers: list[int]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        fs.MLPClassifier(verbose=verbose, **SMALL).fit(*iris(), eval_set=iris())
    assert [line.split("  ")[0] for line in out.getvalue().splitlines()] == [f"epoch {number}" for number in numbers]
    assert all("valid loss" in line and "valid score" in line for line in out.getvalue().splitlines())


def test_weights_can_be_read_and_changed() -> None:
    x, _ = iris()
    model = fs.MLPClassifier(recipe="standard", **SMALL).fit(*iris())
    by_hand = model.coefs_[0].copy()
    model.coefs_[-1][:] = 0
    model.intercepts_[-1][:] = [0, 0, 9]
    assert model.coefs_[0].shape == (4, 8)
    assert np.array_equal(model.coefs_[0], by_hand)
    assert set(model.predict(x)) == {2}


def test_before_fit_there_are_no_weights() -> None:
    assert not hasattr(fs.MLPClassifier(), "coefs_")


def test_lbfgs_has_no_partial_fit() -> None:
    assert not hasattr(fs.MLPRegressor(solver="lbfgs"), "partial_fit")
    assert hasattr(fs.MLPRegressor(), "partial_fit")


def test_partial_fit_learns_in_portions() -> None:
    x, y = two_classes()
    model = fs.MLPClassifier(random_state=0, learning_rate_init=0.01)
    for _ in range(15):
        for start in range(0, 600, 200):
            model.partial_fit(x[start : start + 200], y[start : start + 200], classes=[0, 1])
    assert model.score(x, y) > 0.85
    assert (model.t_, len(model.loss_curve_)) == (9000, 45)


def test_texts_and_numbers_are_classes() -> None:
    x, y = iris()
    model = fs.MLPClassifier(max_iter=60, random_state=0).fit(x, np.array(["a", "b", "c"])[y])
    assert list(model.classes_) == ["a", "b", "c"]
    assert model.score(x, np.array(["a", "b", "c"])[y]) > 0.9


def test_one_class_is_always_predicted() -> None:
    x, _ = iris()
    model = fs.MLPClassifier(**SMALL).fit(x, np.full(150, "only"))
    assert set(model.predict(x)) == {"only"}
    assert np.array_equal(model.predict_proba(x), np.ones((150, 1)))


@pytest.mark.parametrize("container", [scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array])
def test_sparse_rows_are_the_dense_ones(container: Any) -> None:
    x, y = iris()
    x = np.where(x < 1.5, 0, x)
    dense, sparse = fs.MLPClassifier(**SMALL).fit(x, y), fs.MLPClassifier(**SMALL).fit(container(x), y)
    assert np.array_equal(dense.predict_proba(x), sparse.predict_proba(container(x)))


@pytest.mark.slow
def test_targets_of_any_size_are_learned() -> None:
    x, y = load_diabetes(return_X_y=True)
    model = fs.MLPRegressor(random_state=0, max_iter=60)
    usual = model.fit(x, y).predict(x)
    np.testing.assert_allclose(model.fit(x, 1e9 * y + 1e12).predict(x), 1e9 * usual + 1e12, rtol=1e-6)


def test_scales_of_inputs_do_not_matter() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    scales = 10.0 ** np.arange(30)
    one, other = fs.MLPClassifier(**SMALL).fit(x, y), fs.MLPClassifier(**SMALL).fit(x * scales, y)
    np.testing.assert_allclose(one.predict_proba(x), other.predict_proba(x * scales), rtol=1e-4)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"recipe": "sklaern"}, "recipe must be one of .*, got 'sklaern'; did you mean 'sklearn'?"),
    ({"solver": "adm"}, "solver must be one of .*, got 'adm'; did you mean 'adam'?"),
    ({"activation": "rleu"}, "activation must be one of .*, got 'rleu'; did you mean 'relu'?"),
    ({"hidden_layer_sizes": (8, 0)}, "hidden_layer_sizes must be a whole number of at least 1, got 0"),
    ({"batch_size": "all"}, "batch_size must be one of auto, full, got 'all'"),
    ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
    ({"max_iter": 0}, "max_iter must be a whole number of at least 1, got 0"),
    (
        {"early_stopping": True, "validation_fraction": 1.5},
        r"validation_fraction must be a number in \(0, 1\), got 1.5",
    ),
    ({"early_stopping": True, "validation_fraction": 0.001}, "validation_fraction must set at least 2 rows aside"),
    ({"n_iter_no_change": 0}, "n_iter_no_change must be a whole number of at least 1, got 0"),
    ({"alpha": -1.0}, "alpha must be a finite number of at least 0, got -1.0; 0 switches it off"),
    ({"learning_rate_init": 0}, "learning_rate_init must be a finite number greater than 0, got 0"),
    ({"learning_rate": "cosin"}, "learning_rate must be one of .*, got 'cosin'; did you mean 'cosine'?"),
    ({"verbose": "yes"}, "verbose must be a whole number of at least 0, got 'yes'"),
    ({"shuffle": "no"}, "shuffle must be True or False, got 'no'"),
    ({"loss": "mse"}, "loss must be one for classes, as y holds, got 'mse', which is for numbers; leave it out"),
    ({"solver": "lbfgs", "dropout": 0.5}, "solver 'lbfgs' must look at the same loss again and again"),
    ({"beta_1": 1.0}, r"beta_1 must be a number in \[0, 1\), got 1.0"),
]


@pytest.mark.parametrize(("options", "sentence"), REFUSED, ids=[str(options) for options, _ in REFUSED])
def test_what_cannot_work_is_refused_in_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        fs.MLPClassifier(**options).fit(*iris())


def test_partial_fit_says_what_it_needs() -> None:
    x, y = iris()
    with pytest.raises(InputError, match="classes must be passed on the first call to partial_fit, got none"):
        fs.MLPClassifier().partial_fit(x, y)
    with pytest.raises(InputError, match="class_weight must be numbers by class with partial_fit, got 'balanced'"):
        fs.MLPClassifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(InputError, match="early_stopping must be left out with partial_fit, got True"):
        fs.MLPClassifier(early_stopping=True).partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(InputError, match="y must hold the classes of the first fit, 0, 1, got 0, 1, 2"):
        fs.MLPClassifier().partial_fit(x, y, classes=[0, 1])


def test_a_warm_start_with_other_classes_is_refused() -> None:
    x, y = iris()
    model = fs.MLPClassifier(warm_start=True, **SMALL).fit(x, y)
    with pytest.raises(InputError, match="y must hold the classes of the first fit, 0, 1, 2, got 0, 1; train a new"):
        model.fit(x[y < 2], y[y < 2])


def test_more_rows_in_a_batch_than_there_are_is_a_warning() -> None:
    with pytest.warns(UserWarning, match="batch_size must be at most the 120 rows to train on, got 500"):
        fs.MLPClassifier(batch_size=500, **SMALL).fit(*iris())
