"""A random part of the rows held out, with the classes in the same shares."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..check import InputError, refuse
from ._base import Dataset, Rows


def split(data: Dataset, valid: float, *, seed: int) -> Dataset:
    """The same data with `valid` of the training rows, a share in (0, 1) or a number, as its validation part.

    The rows are chosen at random, by the seed. Classes keep their shares in both parts, to within a row, where there
    is room for a row of each; one with a single row is trained on. A validation part that was there before is
    replaced. Raises an `InputError` for a size that leaves a part empty, and for data that draw their training rows
    anew.
    """
    if data.fresh is not None:
        raise InputError(
            f"valid must be left out for task {data.name!r}, whose rows are drawn fresh, got {valid:g}; the parts to "
            f"measure on are drawn too."
        )
    if data.stream is not None:
        raise InputError(
            f"valid must be left out for {data.name!r}, which is streamed with its own parts, got {valid}; say it "
            f"where the file is named."
        )
    rest, held = split_rows(data.train, valid, seed)
    return replace(data, train=rest, valid=held)


def split_rows(rows: Rows, size: float, seed: int) -> tuple[Rows, Rows]:
    """The remaining rows and the held-out rows, both in their original order."""
    from sklearn.model_selection import train_test_split  # imported here: it takes a second

    num_taken = round(size * len(rows)) if 0 < size < 1 else size
    if not 1 <= num_taken < len(rows) or num_taken != int(num_taken):
        raise refuse(
            "valid", size, f"a share in (0, 1), or a whole number of rows from 1 to {len(rows) - 1}", "0.2 is usual"
        )
    places, strata = np.arange(len(rows)), None
    labels = class_labels(rows.y)
    if labels is not None:
        several = places[_has_another(labels)]
        if _can_share(labels[several], int(num_taken)):
            places, strata = several, labels[several]
    _, taken = train_test_split(places, test_size=int(num_taken), random_state=seed % 2**32, stratify=strata)
    is_taken = torch.zeros(len(rows), dtype=torch.bool)
    is_taken[torch.from_numpy(taken)] = True
    return rows.take((~is_taken).nonzero()[:, 0]), rows.take(is_taken.nonzero()[:, 0])


def class_labels(y: Tensor) -> "np.ndarray | None":
    """The class label of each row, also for binary targets; None if the targets are numbers."""
    if y.dim() != 1 or (y.is_floating_point() and not ((y == 0) | (y == 1)).all()):
        return None
    return y.cpu().numpy()


def _has_another(labels: "np.ndarray") -> "np.ndarray":
    """Whether each row's class (N,) has another row."""
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    is_one_of_several: np.ndarray = counts[classes] > 1
    return is_one_of_several


def _can_share(labels: "np.ndarray", num_taken: int) -> bool:
    """Whether each class, all of two rows or more, can have a row in both parts."""
    num_classes = len(np.unique(labels))
    return 0 < num_classes <= min(num_taken, len(labels) - num_taken)
