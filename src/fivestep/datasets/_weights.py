"""Class weights, as weights of the rows.

The mean that `nn.CrossEntropyLoss(weight=w)` takes over a batch is sum_n w[y_n] l_n / sum_n w[y_n]. That is the loss of
rows with the weights w[y_n], which every batch divides by their sum: so no loss needs to know of class weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from ..check import InputError, refuse
from ._base import Dataset, Rows

ClassWeight = Literal["balanced"] | Sequence[float]


def class_weights(y: Tensor, num_classes: int, how: ClassWeight, weight: Tensor | None = None) -> Tensor:
    """The weight of each class, (C,): the numbers given, or for "balanced" n / (C n_c), as in scikit-learn.

    n rows, n_c of them in class c, C classes that occur: then every class weighs the same in all. `y` holds classes 0
    .. `num_classes` - 1; rows with a `weight` of their own count that many times. A class that does not occur gets 1.
    """
    if how != "balanced":
        if len(how) != num_classes:
            expected = f"'balanced' or {num_classes} numbers, one for each class"
            raise refuse("class_weight", how, expected, "give each class one, or write 'balanced'")
        return torch.tensor(how, dtype=torch.float64)
    counts = torch.bincount(y, weight, minlength=num_classes).double()
    balanced = counts.sum() / ((counts > 0).sum() * counts)
    return balanced.where(counts > 0, 1.0)


def weigh_classes(data: Dataset, how: ClassWeight, target: str, num_outputs: int) -> Dataset:
    """The same data with training rows weighted by class, times their own weights if they have any.

    `target` is what the loss calls a row's target, `num_outputs` the width of the network. The other parts stay as
    they are: they measure. Raises an `InputError` where a row has no class of its own.
    """
    weigh = class_weigher(data, how, target, num_outputs)
    fresh, stream = data.fresh, data.stream
    return replace(
        data,
        train=weigh(data.train),
        fresh=None if fresh is None else lambda epoch: weigh(fresh(epoch)),
        stream=None if stream is None else stream.weighed(weigh),
    )


def class_weigher(data: Dataset, how: ClassWeight, target: str, num_outputs: int) -> Callable[[Rows], Rows]:
    """A function that weights rows by class, which for "balanced" counts the classes in the training part."""
    if target == "numbers":
        raise refuse("class_weight", how, "left out for a loss that compares numbers", "use cross_entropy for classes")
    num_classes = num_outputs if target == "classes" else 2
    return _weigher(class_weights(_classes(data.train), num_classes, how, data.train.weight))


def _weigher(weights: Tensor) -> Callable[[Rows], Rows]:
    def weigh(rows: Rows) -> Rows:
        weight = weights.to(rows.y.device)[_classes(rows)]
        return Rows(rows.stored, rows.y, weight if rows.weight is None else weight * rows.weight, scale=rows.scale)

    return weigh


def _classes(rows: Rows) -> Tensor:
    """The class of each row, (N,)."""
    y = rows.y
    if y.numel() != len(rows):
        raise InputError(
            f"class_weight must be used with one class for each row, got targets of the shape {tuple(y.shape)}; weigh "
            f"the rows, or of several yes or no the yes of each: binary_cross_entropy:pos_weight=(1,2)."
        )
    classes = y.reshape(-1).long()
    if (classes != y.reshape(-1)).any():
        raise InputError("class_weight must be used with targets 0 and 1, got numbers between; leave it out.")
    return classes
