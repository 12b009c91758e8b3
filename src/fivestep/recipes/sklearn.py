"""scikit-learn's own arithmetic: the settings and rules of its multilayer perceptrons."""

from collections.abc import Mapping
from typing import Any, final

from ..find import Choice, find
from ..net import NetSpec
from ..plan import TrainPlan
from ._base import Facts, Preparation, Recipe
from .plain import Plain

RULES = {"sgd": "momentum", "adam": "adam_hat"}
"""What scikit-learn's two stochastic solvers are called here."""

BATCH_SIZE = 200


@final
class Sklearn(Recipe):
    """The defaults of `sklearn.neural_network`, its update rules, its L2 term: the same numbers from the same weights.

    One hidden layer of 100, relu, Adam at 1e-3 with eps before the correction, batches of 200, an L2 term of 1e-4 by
    rows, 200 epochs. Its losses are sums over the outputs (half of the sum for squares), ours means; so its gradient is
    ours times a factor f (`Preparation.gradient_factor`). f g + alpha w = f (g + alpha / f w) is stepped along: for
    gradient descent with a rate that is f times as large, for Adam, which does not see the size of a gradient, with an
    eps of 1/f.
    """

    optimizer = "adam"
    scales = False

    def prepare(self, model: str, settings: Mapping[str, Any], facts: Facts | None = None) -> tuple[NetSpec, TrainPlan]:
        given = {"optimizer": "adam", "lr": 1e-3, "l2": 1e-4, "epochs": 200, **settings}
        if model == "mlp":
            given = {"hidden": (100,), "activation": "relu", "init": "xavier", **given}
        rule = Choice.parse(given["optimizer"])
        rule = Choice(RULES.get(rule.name, rule.name), **rule.options)
        if "batch_size" not in given:
            given["batch_size"] = BATCH_SIZE if facts is None else min(BATCH_SIZE, facts.num_rows)
        loss = Choice.parse(given.get("loss", "cross_entropy")).name
        factor = 1.0 if facts is None else _gradient_factor(loss, facts.num_outputs)
        if rule.name == "momentum":
            given["lr"] *= factor
        elif rule.name == "adam_hat":
            eps = rule.options.get("eps", find("optim", rule.name).eps)
            rule = Choice(rule.name, **{**rule.options, "eps": eps / factor})
        return Plain().prepare(model, {**given, "optimizer": rule, "l2": given["l2"] / factor})

    def preparation(self, model: str, settings: Mapping[str, Any], facts: Facts) -> Preparation:
        loss = Choice.parse(settings.get("loss", "cross_entropy")).name
        factor = _gradient_factor(loss, facts.num_outputs)
        return Preparation(tol=1e-4, numpy_draws=True, gradient_factor=factor)


def _gradient_factor(loss: str, num_outputs: int) -> float:
    """scikit-learn's gradient over ours, for one of the losses that it has; 1 for any other."""
    return {"mse": num_outputs / 2, "binary_cross_entropy": num_outputs, "poisson": num_outputs}.get(loss, 1.0)
