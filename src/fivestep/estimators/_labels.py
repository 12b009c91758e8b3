"""Checks of a classifier's labels and class weights."""

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..check import InputError, not_negative, refuse
from ._targets import Targets


def check_labels(y: Any) -> None:
    """Raises an `InputError` for labels that cannot be distinguished, and scikit-learn's `ValueError` for numbers."""
    kind = type_of_target(y, input_name="y")
    if kind.endswith("multioutput"):
        raise InputError(
            f"y must be one label for each row, (N,), or 0 and 1 for several questions, (N, O), got "
            f"{np.shape(y)[1]} columns of other values; train an estimator for each column, or use "
            f"sklearn.multioutput.MultiOutputClassifier."
        )
    if kind == "unknown":
        _refuse_mixed(y)
    check_classification_targets(y)


def _refuse_mixed(y: Any) -> None:
    """Raises an `InputError` for labels of several types."""
    values = np.asarray(y, dtype=object).ravel()
    types = sorted({type(value).__name__ for value in values})
    if len(types) > 1:
        raise InputError(f"y must hold labels of one type, got {' and '.join(types)}; make them all texts.")
    if types[0] in ("bool", "int"):
        raise InputError(
            f"y must have a type of its own, got objects that are all {types[0]} (scikit-learn: Unknown label type); "
            f"write y.astype({types[0]})."
        )


def check_class_weight(given: Any, classes: np.ndarray, targets: Targets) -> None:
    """Raises an `InputError` for weights of unknown classes, or invalid weights."""
    if isinstance(given, list) and targets.num_outputs > 1 and all(isinstance(one, dict) for one in given):
        return  # of several questions, which scikit-learn checks
    if isinstance(given, str) and given == "balanced":
        return
    if not isinstance(given, dict):
        raise refuse("class_weight", given, "'balanced', or a dictionary with weights of classes", "leave it out")
    known = classes.tolist()
    for name, weight in given.items():
        if name not in known:
            raise InputError(
                f"class_weight must name classes of y, {listed(classes)}, got {name!r}; leave it out, or fix it."
            )
        not_negative(f"class_weight of {name!r}", weight, "1 is that of classes that are not named")
    if not any(given.get(name, 1) for name in known):
        raise refuse("class_weight", given, "above 0 for one class at least", "raise one of them")


def listed(classes: Any) -> str:
    """Some classes, in a sentence."""
    shown = [str(value) for value in list(classes)[:10]]
    return ", ".join(shown) + (", ..." if len(classes) > 10 else "")
