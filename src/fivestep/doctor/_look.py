"""Statistics of a tensor. Nothing here changes a tensor, a random state or a graph: everything begins with `detach`."""

import math
from functools import cache

import torch
from torch import Tensor

from ._events import Facts

NUMBERS = 100_000
"""The most numbers of a tensor that are examined."""

BESIDE = 1e-3
"""The distance from a target, of 1 and its size, that is none: a clamp to 1e-7 and 1 - 1e-7."""

MOST_CLASSES = 1_000
"""The most classes whose rows are counted."""

ROWS = 1_000
"""The most rows of a loss's input that are summed."""


def facts_of(tensor: Tensor) -> Facts:
    """Range, mean and deviation of the first numbers; whether all are finite."""
    x = tensor.detach().reshape(-1)
    if not x.numel() or x.is_complex():
        return Facts(tuple(tensor.shape), dtype_of(tensor), 0, 0, 0, 0, True, 0)
    part = x[:NUMBERS].double()
    numbers = torch.stack(
        [
            part.min(),
            part.max(),
            part.mean(),
            part.std(correction=0),
            x.isfinite().all().double(),
            part @ _ramp(part.device)[: len(part)],
        ]
    ).tolist()
    low, high, mean, deviation, is_finite, mark = numbers
    return Facts(tuple(tensor.shape), dtype_of(tensor), low, high, mean, deviation, bool(is_finite), mark)


def dtype_of(tensor: Tensor) -> str:
    """The dtype, such as float32."""
    return str(tensor.dtype).removeprefix("torch.")


def mark_of(tensor: Tensor) -> float:
    """A hash of the first numbers: the `mark` of the tensor's `Facts`."""
    part = tensor.detach().reshape(-1)[:NUMBERS]
    return 0.0 if part.is_complex() else float(part.double() @ _ramp(part.device)[: len(part)])


@cache
def _ramp(device: torch.device) -> Tensor:
    """Distinct factors for the hash."""
    return torch.arange(1, NUMBERS + 1, dtype=torch.float64, device=device).sin()


def row_sums(logits: Tensor) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """For x (N, C, ...): the extremes of sum_c x, infinite if an x < 0, and of log sum_c exp x."""
    if logits.dim() < 2 or not logits.is_floating_point() or not logits.numel():
        return None
    x = logits.detach()[:ROWS].double()
    are_shares = bool(x.min() >= 0)
    return _extremes(x.sum(1)) if are_shares else (-math.inf, math.inf), _extremes(x.logsumexp(1))


def target_sums(logits: Tensor, target: Tensor) -> tuple[float, float] | None:
    """For targets of the logits' shape (N, C, ...) or (C,): the extremes of sum_c y; -inf if a y < 0."""
    if target.shape != logits.shape or not target.is_floating_point() or not target.numel() or not target.dim():
        return None
    y = target.detach().double()
    low, high = _extremes(y.sum(1 if y.dim() > 1 else 0))
    return (low, high) if bool(y.min() >= 0) else (-math.inf, high)


def class_counts(logits: Tensor, target: Tensor) -> tuple[int, ...]:
    """The number of rows of each class; empty unless targets are labels (N,) of at most 1,000 classes."""
    if target.dim() != 1 or target.is_floating_point() or logits.dim() != 2 or not 0 < logits.shape[1] <= MOST_CLASSES:
        return ()
    if not target.numel() or bool(target.detach().min() < 0):
        return ()
    return tuple(int(count) for count in target.detach().bincount(minlength=logits.shape[1]).tolist())


def binary_counts(logits: Tensor, target: Tensor) -> tuple[int, ...]:
    """The numbers of rows that are 0 and 1; empty for other values, or for several targets per row."""
    if not target.numel() or target.numel() != len(target) or logits.shape != target.shape:
        return ()
    y = target.detach()
    ones, zeros = (int(count) for count in torch.stack([(y == 1).sum(), (y == 0).sum()]).tolist())
    return (zeros, ones) if zeros + ones == y.numel() else ()


def relation_of_labels(logits: Tensor, target: Tensor) -> tuple[float, float] | None:
    """For logits (N, C) and labels (N,): the sum of a_(i, y_i), and its variance if the labels are shuffled.

    a are the log probabilities, centered over the rows and, by the shares of the classes, over the columns: the sum has
    mean 0 under shuffling, and N / (N - 1) times the mean square of a over both as variance for each row. Both are 0
    for one label in all rows, as no shuffle changes it; None if a logit is not finite.
    """
    if target.dim() != 1 or target.is_floating_point() or logits.dim() != 2 or not 1 < len(target) == len(logits):
        return None
    y = target.detach().long()
    if not 1 < logits.shape[1] <= MOST_CLASSES or bool(((y < 0) | (y >= logits.shape[1])).any()):
        return None
    if not is_finite(logits):
        return None
    share = y.bincount(minlength=logits.shape[1]).double() / len(y)
    a = logits.detach().double().log_softmax(1)
    a = a - (a @ share).unsqueeze(1)
    a = a - a.mean(0)
    variance = float((a.square() @ share).sum()) * len(y) / (len(y) - 1)
    return float(a.gather(1, y.unsqueeze(1)).sum()), variance


def relation(given: Tensor, target: Tensor) -> tuple[float, float] | None:
    """For one number a row: N times the correlation, and N^2 / (N - 1), its variance if the targets are shuffled.

    Both are 0 for one target in all rows, as no shuffle changes it; None if a number is not finite.
    """
    if given.shape != target.shape or not given.dim() or not 1 < given.numel() == len(given):
        return None
    x, y = (one.detach().reshape(-1).double() for one in (given, target))
    if not (is_finite(x) and is_finite(y)):
        return None
    if bool((y == y[0]).all()):
        return 0.0, 0.0
    x, y = x - x.mean(), y - y.mean()
    lengths = float(x.norm() * y.norm())
    return len(x) * float(x @ y) / lengths if lengths > 0 else 0.0, len(x) ** 2 / (len(x) - 1)


def held(x: Tensor, target: Tensor, low: float, high: float) -> float:
    """The share of numbers x at a bound, or beyond it, whose targets are elsewhere."""
    if x.shape != target.shape or not x.numel():
        return 0.0
    x, y = x.detach(), target.detach()
    return float((((x <= low) | (x >= high)) & ((x - y).abs() > BESIDE * (1 + y.abs()))).double().mean())


def are_rows_alike(tensor: Tensor) -> bool:
    """Whether it has two rows or more, all identical."""
    x = tensor.detach()
    if x.dim() < 2 or len(x) < 2 or not x.numel() or x.is_sparse:
        return False
    return torch.equal(x[:1], x[1:2]) and bool((x == x[:1]).all())


def is_finite(tensor: Tensor) -> bool:
    """Whether all of its numbers are finite."""
    return not tensor.is_floating_point() or bool(tensor.detach().isfinite().all())


def _extremes(x: Tensor) -> tuple[float, float]:
    low, high = torch.stack([x.min(), x.max()]).tolist()
    return low, high


def size(tensor: Tensor) -> float:
    """The Euclidean norm of all its numbers."""
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    return float(torch.linalg.vector_norm(tensor.detach(), dtype=_double(tensor))) if tensor.numel() else 0.0


def _double(tensor: Tensor) -> torch.dtype:
    return torch.complex128 if tensor.is_complex() else torch.float64


def dot(one: Tensor, other: Tensor) -> float:
    """The product of two samples, as a real number."""
    return float(torch.vdot(one, other).real)


def sample(tensor: Tensor) -> Tensor:
    """A copy of its first numbers."""
    return tensor.detach().reshape(-1)[:NUMBERS].clone()
