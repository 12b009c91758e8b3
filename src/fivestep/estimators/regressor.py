"""The regressor."""

from dataclasses import dataclass
from typing import Any, Literal, Self, final, overload

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from ..check import InputError
from ._parameters import PARAMETERS
from ._perceptron import Perceptron
from ._reading import Table
from ._settings import loss_of
from ._targets import Numbers, Targets
from ._unchanged import unchanged_if_it_fails


@final
@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]  # scikit-learn has no types
    """A multilayer perceptron for one number or several, as a scikit-learn estimator.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> MLPRegressor(random_state=0).fit(X, y).score(X, y) > 0.5
    True

    It takes the place of scikit-learn's: the same parameters and attributes, and beside them missing values and
    categories in DataFrames, `eval_set`, any loss, activation, update rule, schedule, dropout and norm of ours, and a
    validation loss curve. `loss` is "squared_error", "absolute_error", "poisson", "gamma", "tweedie", "huber",
    "smooth_l1", "quantile", or "gaussian_nll", for which `predict(X, return_std=True)` gives standard deviations too.
    """

    loss: Any = None
    hidden_layer_sizes: Any = None
    activation: Any = None

    def _learn_targets(self, table: Table, *, is_scaled: bool) -> Targets:
        loss = loss_of(self, "mse", ("numbers",))
        return Numbers.fit(table.y, table.weight, loss, is_scaled=is_scaled)

    def _check_targets(self, y: Any, *, is_whole: bool) -> None:
        width = y.shape[1] if y.ndim > 1 else 1
        if width != self._targets.num_outputs:
            raise InputError(
                f"y must have the {self._targets.num_outputs} numbers in each row of the first fit, got {width}; train "
                f"a new estimator."
            )

    def _training_weight(self, table: Table) -> np.ndarray | None:
        return table.weight

    @property
    def _y_is_numeric(self) -> bool:
        return True

    @available_if(lambda of: of.solver != "lbfgs")  # type: ignore[untyped-decorator]
    @unchanged_if_it_fails
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Does one epoch over rows X (N, I) with targets y, on from where the last call, or `fit`, ended.

        What the recipe learns about the scales of inputs and targets, it learns from the first call. Raises as `fit`.
        """
        return self._partial_fit(X, y, sample_weight)

    @overload
    def predict(self, X: Any, return_std: Literal[False] = False) -> np.ndarray: ...

    @overload
    def predict(self, X: Any, return_std: bool) -> np.ndarray | tuple[np.ndarray, np.ndarray]: ...

    def predict(self, X: Any, return_std: bool = False) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """The numbers (N,) or (N, O) of rows X; of a network with several for each target all of them.

        With `return_std` a pair, the standard deviations too, which a network with the loss "gaussian_nll" predicts;
        raises an `InputError` for any other loss.
        """
        targets = self._targets_if_fitted()
        assert isinstance(targets, Numbers)
        if return_std and not any(targets.criterion.spreads):
            raise InputError(
                f"loss must be 'gaussian_nll' for predict with return_std, got {targets.loss.name!r}; train with it."
            )
        logits = self._logits(X)
        answers = targets.answers(logits)
        return (answers, targets.deviations(logits)) if return_std else answers


MLPRegressor.__doc__ = f"{MLPRegressor.__doc__}{PARAMETERS}"
