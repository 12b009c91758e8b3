"""scikit-learn's perceptron, an implementation in NumPy that knows nothing of torch: same weights, same batches.

`partial_fit` on one batch is one update there. What it begins with is what it has after an update with a rate of
1e-300, which moves no number; its matrices are the transposed ones of torch, (in, out).
"""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import Tensor

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._engine import Engine
from fivestep.engines._make import make_engine
from fivestep.find import names
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.steps import do_step, upcoming_steps
from tests.samples import numbers
from tests.tolerances import ENGINES_FLOAT64, distance

every_engine = pytest.mark.parametrize("name", names("engines"))
NUM_ROWS, BATCH, EPOCHS, RATE = 24, 10, 4, 0.05
ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic", "identity": "identity"}
"""Ours, and theirs. An epoch is two batches of ten rows and one of four."""

X = numbers(NUM_ROWS, 4)
TARGETS = {
    "classes": (X @ numbers(4, 3, seed=1)).argmax(1),
    "yes or no": ((X @ numbers(4, 1, seed=1)) > 0.3).double(),
    "numbers": numbers(NUM_ROWS, 1, seed=5),
}
KINDS: dict[str, tuple[type, str, int]] = {
    "classes": (MLPClassifier, "cross_entropy", 3),
    "yes or no": (MLPClassifier, "binary_cross_entropy", 1),
    "numbers": (MLPRegressor, "mse", 1),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def theirs(kind: str, activation: str, **options: Any) -> Any:
    usual = {"hidden_layer_sizes": (6, 5), "activation": ACTIVATIONS[activation], "shuffle": False, "random_state": 0}
    usual |= {"learning_rate_init": RATE, "alpha": 0.0}
    return KINDS[kind][0](**{**usual, **options})


def fit_batch(model: Any, kind: str, x: Tensor, y: Tensor) -> None:
    """One update. Classes are named at the first call, for a batch may lack one of them."""
    more = {"classes": np.unique(TARGETS[kind].numpy())} if kind != "numbers" else {}
    model.partial_fit(x.numpy(), y.numpy().ravel(), **more)


def weights_of(model: Any) -> dict[str, Tensor]:
    """Theirs, under our names and in our layout."""
    pairs = enumerate(zip(model.coefs_, model.intercepts_, strict=True))
    return {
        key: torch.from_numpy(np.ascontiguousarray(value))
        for k, (coef, intercept) in pairs
        for key, value in ((f"{2 * k}.weight", coef.T), (f"{2 * k}.bias", intercept))
    }


def gaps(name: str, kind: str, activation: str, options: dict[str, Any], plan: dict[str, Any]) -> list[float]:
    """The largest distance of weights and loss after each step of four epochs."""
    still = theirs(kind, activation, **{**options, "learning_rate_init": 1e-300})
    fit_batch(still, kind, X[:BATCH], TARGETS[kind][:BATCH])
    model = theirs(kind, activation, **options)
    engine = engine_for(name, kind, activation, plan)
    engine.load_weights(weights_of(still))
    data = Dataset(Rows(X, TARGETS[kind]), num_outputs=KINDS[kind][2])
    found = []
    for upcoming in upcoming_steps(engine, data, engine.plan, 0):
        fit_batch(model, kind, upcoming.batch.x, upcoming.batch.y)
        loss = do_step(engine, upcoming, engine.plan) / (2 if kind == "numbers" else 1)  # theirs is half the square
        expected, own = weights_of(model), engine.named_parameters()
        off = [distance(own[key].detach(), value) for key, value in expected.items()]
        found.append(max(*off, distance(loss, torch.tensor(model.loss_, dtype=torch.float64))))
    return found


def engine_for(name: str, kind: str, activation: str, options: dict[str, Any]) -> Engine:
    """With half the rate for numbers: the gradient of the square is twice that of its half."""
    _, loss, outputs = KINDS[kind]
    plan = TrainPlan(loss=loss, lr=RATE, batch_size=BATCH, epochs=EPOCHS, **{"optimizer": "sgd", **options})
    if kind == "numbers" and "adam" not in str(plan.optimizer):
        plan = TrainPlan.from_dict({**plan.to_dict(), "lr": RATE / 2, "l2": 2 * plan.l2})
    return make_engine(name, MLP(4, 6, 5, outputs, activation=activation), plan, dtype="float64", device="cpu")


@every_engine
@each_kind
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_descent_has_the_coefficients_of_scikit_learn_after_every_step(
    name: str, kind: str, activation: str
) -> None:
    plain = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}
    found = gaps(name, kind, activation, plain, {})
    assert len(found) == 12
    assert max(found) < ENGINES_FLOAT64


@every_engine
@each_kind
@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_has_the_coefficients_of_scikit_learn(name: str, kind: str, nesterov: bool) -> None:
    """At a constant rate, a velocity that holds the rate (theirs) and one that does not (ours) make the same step."""
    options = {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": nesterov}
    plan = {"momentum": 0.9, **({"nesterov": True} if nesterov else {})}
    assert max(gaps(name, kind, "tanh", options, plan)) < ENGINES_FLOAT64


@every_engine
@each_kind
def test_the_l2_term_is_theirs(name: str, kind: str) -> None:
    """Divided by the rows of the batch, so the short last batch of an epoch decays more."""
    options = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False, "alpha": 0.3}
    assert max(gaps(name, kind, "tanh", options, {"l2": 0.3})) < ENGINES_FLOAT64


@every_engine
@each_kind
def test_adam_is_theirs_where_eps_stands_as_theirs(name: str, kind: str) -> None:
    """Adam divides a gradient by its size, so the factor of half the square falls out, but for eps: twice theirs."""
    eps = 2e-8 if kind == "numbers" else 1e-8
    found = gaps(name, kind, "tanh", {"solver": "adam"}, {"optimizer": f"adam_hat:eps={eps}"})
    assert max(found) < ENGINES_FLOAT64


@every_engine
def test_adam_is_theirs_as_far_as_eps_allows(name: str) -> None:
    """Theirs adds eps before the bias of v is corrected, torch's after it. With s = sqrt(1 - beta2^t):

        theirs    lr m^ / (sqrt(v^) + eps / s)
        torch's   lr m^ / (sqrt(v^) + eps)

    The steps differ by the factor 1 + eps (1/s - 1) / (sqrt(v^) + eps) at most, where 1/s <= 31.7; so with eps = 1e-20
    and gradients above 1e-7 by less than 4e-12 in each step, and in twelve steps by less than 1e-10.
    """
    options, plan = {"solver": "adam", "epsilon": 1e-20}, {"optimizer": "adam:eps=1e-20"}
    assert max(gaps(name, "classes", "tanh", options, plan)) < ENGINES_FLOAT64


def test_adam_differs_from_theirs_by_what_the_place_of_eps_makes() -> None:
    """At the first step s = sqrt(0.001) and sqrt(v^) = |g|, so the steps' ratio is (|g| + eps / s) / (|g| + eps).

    With eps = 0.01 that is far above rounding, and the formula gives it to the last digits.
    """
    still = theirs("classes", "tanh", solver="adam", learning_rate_init=1e-300)
    model = theirs("classes", "tanh", solver="adam", epsilon=0.01)
    for one in (still, model):
        fit_batch(one, "classes", X[:BATCH], TARGETS["classes"][:BATCH])
    engine = engine_for("nn", "classes", "tanh", {"optimizer": "adam:eps=0.01"})
    engine.load_weights(weights_of(still))
    engine.train_step(X[:BATCH], TARGETS["classes"][:BATCH])
    before = weights_of(still)
    for key, after in weights_of(model).items():
        g = engine.named_gradients()[key].abs()
        ratio = (g + 0.01 / 0.001**0.5) / (g + 0.01)
        step = engine.named_parameters()[key].detach() - before[key]
        assert distance((after - before[key]) * ratio, step) < ENGINES_FLOAT64
