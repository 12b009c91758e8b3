"""Mergeable summaries of rows, whose size does not depend on the number of rows."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self, final

import torch
from torch import Tensor

from ..typing import Outputs, RowWeights, Targets


class Summary(ABC):
    """Of some rows."""

    @abstractmethod
    def merged(self, other: Self) -> Self:
        """That of these rows and the other's together."""


@final
@dataclass(frozen=True, eq=False)
class Sums(Summary):
    """Numbers that add up over the rows, in any shape."""

    numbers: Tensor

    def merged(self, other: Self) -> Self:
        return type(self)(self.numbers + other.numbers)

    def means(self) -> Tensor:
        """Of sums beside the sum of the weights, which comes last: the means over the rows, (S,)."""
        return self.numbers[:-1] / self.numbers[-1]


@final
@dataclass(frozen=True, eq=False)
class Moments(Summary):
    """The weight of the rows, and of each output (O,) the mean of y and the sums of (y - mean y)^2 and (y - z)^2.

    Two of them with weights w, v and means m, n merge to the mean (w m + v n) / (w + v), and the squares around it are
    those of both and (m - n)^2 w v / (w + v), so nothing large cancels. Chan, Golub and LeVeque 1983, "Algorithms for
    computing the sample variance", equation 1.5.
    """

    num_rows: int
    weight: Tensor
    mean: Tensor
    around_mean: Tensor
    errors: Tensor

    @classmethod
    def of(cls, z: Outputs, y: Targets, weight: RowWeights) -> Self:
        """Those of predictions z (N, O) beside targets y (N, O), with weights (N,)."""
        y = y.to(z.dtype)
        total, first = weight.sum(), y[0]  # y - y[0] is exactly 0 where all are equal
        mean = first + weight @ (y - first) / total
        return cls(len(y), total, mean, weight @ (y - mean).square(), weight @ (y - z).square())

    def merged(self, other: Self) -> Self:
        total, apart = self.weight + other.weight, other.mean - self.mean
        mean = self.mean + apart * (other.weight / total)
        between = apart.square() * (self.weight * other.weight / total)
        around = self.around_mean + other.around_mean + between
        return type(self)(self.num_rows + other.num_rows, total, mean, around, self.errors + other.errors)


def sums_of(values: Tensor, weight: RowWeights) -> Sums:
    """The weighted sums of some values of each row (N, S), and the sum of the weights (N,) behind them."""
    return Sums(torch.cat([weight @ values.to(weight.dtype), weight.sum()[None]]))
