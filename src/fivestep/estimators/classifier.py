"""The classifier."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, Self, final

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels

from ..check import InputError, refuse
from ._labels import check_class_weight, check_labels, listed
from ._parameters import PARAMETERS
from ._perceptron import Perceptron
from ._reading import Table
from ._settings import link_of, loss_of
from ._targets import Labels, Targets
from ._unchanged import unchanged_if_it_fails


def _has_probabilities(of: "MLPClassifier") -> bool:
    """True; raises an `InputError` for a loss without probabilities, as hinge is."""
    link = of._targets.criterion.inverse_link if hasattr(of, "_targets") else link_of(of, "cross_entropy")
    if link == "identity":
        raise InputError(
            f"loss must be one with probabilities for predict_proba, got {of.loss!r}; train with another, or use "
            f"predict or decision_function."
        )
    return True


def _has_margins(of: "MLPClassifier") -> bool:
    """Whether its logits are margins, of a loss without probabilities."""
    return not hasattr(of, "predict_proba")


@final
@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]  # scikit-learn has no types
    """A multilayer perceptron for classes, or for several yes or no questions at once, as a scikit-learn estimator.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> MLPClassifier(random_state=0).fit(X, y).score(X, y) > 0.95
    True

    It takes the place of scikit-learn's: the same parameters and attributes, and beside them `class_weight`, missing
    values and categories in DataFrames, `eval_set`, any activation, update rule, schedule, dropout and norm of ours,
    and a validation loss curve. `loss` is "log_loss" or one of ours for classes, such as "hinge";
    `class_weight` is "balanced" or a dictionary of numbers by class, 1 for those left out, as in scikit-learn.
    """

    hidden_layer_sizes: Any = None
    activation: Any = None
    _: KW_ONLY
    class_weight: Any = None

    def _learn_targets(self, table: Table, *, is_scaled: bool) -> Targets:
        check_labels(table.y)
        return self._labels(table.y)

    def _labels(self, y: Any) -> Labels:
        kind = type_of_target(y)
        if kind.startswith("multilabel"):
            loss = loss_of(self, "binary_cross_entropy", ("yes_no",))
        elif len(unique_labels(y)) > 2:
            loss = loss_of(self, "cross_entropy", ("classes",))
        else:
            loss = loss_of(self, "binary_cross_entropy", ("classes", "yes_no"))
        labels = Labels.fit(y, loss)
        self.classes_ = labels.classes
        return labels

    def _check_targets(self, y: Any, *, is_whole: bool) -> None:
        check_labels(y)
        if self.class_weight is not None:
            check_class_weight(self.class_weight, self.classes_, self._targets)
        found = unique_labels(y)
        others = np.setdiff1d(found, self.classes_)
        if len(others) or (is_whole and len(found) < len(self.classes_)):
            raise InputError(
                f"y must hold the classes of the first fit, {listed(self.classes_)}, got {listed(found)}; train a "
                f"new estimator that knows them{', or set warm_start to False' if self.warm_start else ''}."
            )

    def _training_weight(self, table: Table) -> np.ndarray | None:
        if self.class_weight is None:
            return table.weight
        weight: np.ndarray = compute_sample_weight(self.class_weight, table.y)
        return weight if table.weight is None else weight * table.weight

    @property
    def _y_is_numeric(self) -> bool:
        return False

    @available_if(lambda of: of.solver != "lbfgs")  # type: ignore[untyped-decorator]
    @unchanged_if_it_fails
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Does one epoch over rows X (N, I) with targets y, on from where the last call, or `fit`, ended.

        `classes` are all that there will be; the first call needs them, where nothing was fitted before. What the
        recipe learns about the scale of the inputs, it learns from the first call. Raises as `fit` does.
        """
        if self.class_weight == "balanced":
            raise refuse("class_weight", "balanced", "numbers by class with partial_fit", "it sees a part of the rows")
        if not hasattr(self, "_targets"):
            if classes is None:
                raise InputError("classes must be passed on the first call to partial_fit, got none; pass all of them.")
            if np.ndim(classes) != 1:
                raise refuse("classes", classes, "a list of all labels", "pass np.unique of all targets")
            is_multilabel = type_of_target(y).startswith("multilabel")
            self._targets = self._labels(y if is_multilabel else np.asarray(classes))
        elif classes is not None and not np.array_equal(unique_labels(classes), self.classes_):
            raise InputError(
                f"classes must be those of the first call, {listed(self.classes_)}, got {listed(classes)}; leave it "
                f"out."
            )
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """The classes (N,) of rows X, or their labels (N, O): in a sparse matrix where y was one."""
        answers: np.ndarray = self._targets_if_fitted().answers(self._logits(X))
        return answers

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class for rows X, in the order of `classes_`, or of yes to each question: (N, C).

        A loss without probabilities, as hinge is, has `decision_function` in its place.
        """
        targets = self._targets_if_fitted()
        assert isinstance(targets, Labels)
        return targets.probabilities(self._logits(X))

    @available_if(_has_margins)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> np.ndarray:
        """The margins of rows X, above 0 for the second of `classes_` (N,), or for yes to each question (N, O).

        Only a loss without probabilities, as hinge is, has them.
        """
        targets = self._targets_if_fitted()
        assert isinstance(targets, Labels)
        margins: np.ndarray = self._logits(X).numpy()
        return margins if targets.is_multilabel else margins[:, 0]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithms: np.ndarray = np.log(self.predict_proba(X))
        return logarithms

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


MLPClassifier.__doc__ = f"{MLPClassifier.__doc__}{PARAMETERS}"
