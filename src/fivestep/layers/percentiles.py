"""The percentile of each number of a row among the training rows, beside the number itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self, final

import numpy as np
import torch
from torch import Tensor, nn

from ..check import at_least
from ..layer import Initializer, LearnsFromRows, Memo
from ..typing import Features, Inputs, Outputs, RowWeights, Shape, Tensors
from ._columns import checked_places, places_in

FARTHEST = 3.0
"""Where the knots end before the layer has learned from rows: the encoder's numbers lie within."""


@final
@dataclass(frozen=True)
class Percentiles(LearnsFromRows):
    """y = [p_1(x), ..., p_C(x), x]: for each of C `columns` its percentile, from -1 to 1, before the row itself.

    p_c rises along straight lines through the K points (t_ck, l_ck), its `knots`, and is level beyond them:

        p_c = l_k + (l_{k+1} - l_k) (x_c - t_k) / (t_{k+1} - t_k)    where t_k <= x_c <= t_{k+1}
        dx_c = dy of x_c + (l_{k+1} - l_k) / (t_{k+1} - t_k) dy of p_c

    The points are learned once, from the training rows, before the first step: l is twice the share of the rows below t
    plus that of those equal to it, minus 1, at every value of a column that has at most K of them, else at K even
    shares. A row of weight 2 counts as two. Before that, p_c = x_c / 3. Rows (*N, I) become (*N, C + I).

    A number scaled by its quartiles says little where most of a skewed column lies close together; its percentile says
    nothing of distances. A network that has both finds thresholds as trees do: on the development tables of
    `benchmarks/accuracy.py` errors fall by 2 to 4 %.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "share": "how far {x} lies from one of the {knots} to the next, for each of its columns",
        "rise": "the difference of {levels} there",
        "width": "the difference of {knots} there",
        "y": "the level before + {rise} * {share}, then {x}",
        "dx": "{dy} of the numbers themselves + {rise} / {width} * {dy} of their percentiles",
    }

    columns: tuple[int, ...] | None = None
    num_knots: int = 64
    in_features: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", checked_places(self.columns))
        at_least("num_knots", self.num_knots, 2)

    def sized(self, input_shape: Shape) -> Self:
        width = input_shape[-1]
        columns = places_in(width, self.columns, self.in_features, "percentiles")
        return replace(self, in_features=width, columns=columns)

    @cached_property
    def chosen(self) -> list[int]:
        """The places of the C numbers."""
        assert self.columns is not None, "sized() comes first"
        return list(self.columns)

    def parameter_shapes(self) -> dict[str, Shape]:
        return {}

    def buffer_shapes(self) -> dict[str, Shape]:
        points = (len(self.chosen), self.num_knots)
        return {"knots": points, "levels": points, "num_rows": ()}

    def check_input(self, x: Features) -> None:
        """Takes any numbers."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], input_shape[-1] + len(self.chosen))

    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        w["knots"].copy_(torch.linspace(-FARTHEST, FARTHEST, self.num_knots, dtype=torch.float64))
        w["levels"].copy_(torch.linspace(-1, 1, self.num_knots, dtype=torch.float64))
        w["num_rows"].zero_()

    def has_learned(self, w: Tensors) -> bool:
        return bool(w["num_rows"] > 0)

    def learn_(self, w: Tensors, x: Inputs, weight: RowWeights | None) -> None:
        numbers = x.flatten(0, -2)[:, self.chosen].double().cpu().numpy()
        counts = np.ones(len(x)) if weight is None else weight.double().cpu().numpy()
        counts = counts.repeat(len(numbers) // len(x))  # each token weighs as much as its row
        for column, knots, levels in zip(numbers.T, w["knots"], w["levels"], strict=True):
            points = _points(column, counts, self.num_knots)
            for to, values in zip((knots, levels), points, strict=True):
                to.copy_(torch.from_numpy(np.pad(values, (0, self.num_knots - len(values)), mode="edge")))
        w["num_rows"].fill_(len(numbers))

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Outputs:
        rows = x.flatten(0, -2)
        numbers = rows[:, memo.constants("chosen", self.chosen, x)].T.contiguous()  # (C, N)
        upper = torch.searchsorted(w["knots"], numbers.detach()).clamp_(1, self.num_knots - 1)
        lower = upper - 1
        start, level = w["knots"].gather(1, lower), w["levels"].gather(1, lower)
        memo["width"] = width = w["knots"].gather(1, upper).sub_(start)
        memo["rise"] = rise = w["levels"].gather(1, upper).sub_(level)
        memo["share"] = share = ((numbers - start) / width.clamp(min=torch.finfo(width.dtype).tiny)).clamp(0, 1)
        y = torch.cat([torch.addcmul(level, rise, share).T, rows], 1)
        return y.view(*x.shape[:-1], y.shape[-1])

    def backward(self, w: Tensors, dw: Tensors, dy: Outputs, memo: Memo, need_dx: bool = True) -> Inputs:
        if not need_dx:
            return dy
        dz, share, width = dy.flatten(0, -2), memo["share"], memo["width"]
        rises = (share > 0) & (share < 1)
        slope = torch.where(rises, memo["rise"] / width, 0)  # (C, N)
        dx = dz[:, len(self.chosen) :].clone()
        dx[:, memo.constants("chosen", self.chosen, dy)] += slope.T * dz[:, : len(self.chosen)]
        return dx.view(*dy.shape[:-1], -1)

    def module(self, memo: Memo) -> nn.Module:
        return _TorchPercentiles(self)


def _points(values: np.ndarray, counts: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Knots in ascending order, at most that many, and the level at each."""
    knots, places = np.unique(values, return_inverse=True)
    share = np.bincount(places, counts, len(knots)) / counts.sum()
    levels = 2 * share.cumsum() - share - 1  # twice what lies below, plus what is equal, minus 1
    if len(knots) <= most:
        return knots, levels
    even = np.linspace(levels[0], levels[-1], most)
    return np.interp(even, levels, knots), even


@final
class _TorchPercentiles(nn.Module):  # torch has no such layer: a sum of ramps, one from each knot to the next
    knots: Tensor
    levels: Tensor

    def __init__(self, layer: Percentiles) -> None:
        super().__init__()
        self.columns = layer.chosen
        for name, shape in layer.buffer_shapes().items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        width = self.knots.diff().clamp(min=torch.finfo(self.knots.dtype).tiny)
        ramps = ((x[..., self.columns, None] - self.knots[:, :-1]) / width).clamp(0, 1)  # (*N, C, K - 1)
        return torch.cat([self.levels[:, 0] + (ramps * self.levels.diff()).sum(-1), x], -1)
