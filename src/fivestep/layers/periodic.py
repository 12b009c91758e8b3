"""The periodic embedding of numbers, with a dense skip."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from ..check import at_least, positive
from ..layer import Initializer, Layer, Memo
from ..typing import Features, Inputs, Outputs, Shape, Tensors
from ._columns import checked_places, places_in


@final
@dataclass(frozen=True)
class Periodic(Layer):
    """Each of C numbers of a row becomes d numbers, itself and d - 1 smooth functions of it; the others stay.

    For the number x of column c, with k `frequencies`, all parameters belonging to the column:

        u = x f_c + p_c           (k,)      frequency f and phase p, in turns
        v = cos(2 pi u)           (k,)
        e = [x, W_c v + b_c]      (d,)      W_c is (d - 1, k), b_c is (d - 1,)

    Rows (*N, I) become (*N, C d + I - C), the other I - C numbers last. `columns` says which, by place from 0 in
    ascending order; by default all. With de given, whose first number goes to x directly and whose others are dh:

        dW_c = sum dh v^T      db_c = sum dh      dv = W_c^T dh      du = -2 pi sin(2 pi u) dv
        df_c = sum x du        dp_c = sum du      dx = de_0 + f_c . du

    A network of plain numbers has to build sharp or wavy functions of one column out of many units; here it finds them
    ready. f begins as N(0, sigma^2), p as uniform in (-1/2, 1/2), W and b as uniform in (-1/sqrt k, 1/sqrt k).
    Holzmueller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", section 3, PBLD; after Gorishniy, Rubachev and Babenko 2022, "On embeddings for numerical features in tabular
    deep learning", section 3.3.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "u": "{x} * {frequency} + {phase}, for each of its columns",
        "v": "cos(2 pi {u})",
        "y": "of each column [{x}, {weight} {v} + {bias}], then the other numbers of {x}",
        "dweight": "{dy} {v}^T, summed over the rows",
        "dbias": "sum of {dy} over the rows",
        "dphase": "du = -2 pi sin(2 pi {u}) * {weight}^T {dy}, summed over the rows",
        "dfrequency": "{x} du, summed over the rows",
        "dx": "{dy} of the number itself + {frequency} . du",
    }

    columns: tuple[int, ...] | None = None
    frequencies: int = 16
    dim: int = 4
    sigma: float = 0.1
    in_features: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", checked_places(self.columns))
        at_least("frequencies", self.frequencies, 1)
        at_least("dim", self.dim, 2)
        positive("sigma", self.sigma, "0.1 is usual")

    def sized(self, input_shape: Shape) -> Self:
        width = input_shape[-1]
        columns = places_in(width, self.columns, self.in_features, "periodic")
        return replace(self, in_features=width, columns=columns)

    @cached_property
    def chosen(self) -> list[int]:
        """The places of the C numbers."""
        assert self.columns is not None, "sized() comes first"
        return list(self.columns)

    @cached_property
    def others(self) -> list[int]:
        """The places of the numbers that stay."""
        assert self.in_features is not None, "sized() comes first"
        return sorted(set(range(self.in_features)) - set(self.chosen))

    def parameter_shapes(self) -> dict[str, Shape]:
        c, k, h = len(self.chosen), self.frequencies, self.dim - 1
        return {"frequency": (c, k), "phase": (c, k), "weight": (c, h, k), "bias": (c, h)}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def check_input(self, x: Features) -> None:
        """Takes any numbers."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], input_shape[-1] + len(self.chosen) * (self.dim - 1))

    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        bound = 1 / math.sqrt(self.frequencies)
        w["frequency"].normal_(0, self.sigma, generator=generator)
        w["phase"].uniform_(-0.5, 0.5, generator=generator)
        w["weight"].uniform_(-bound, bound, generator=generator)
        w["bias"].uniform_(-bound, bound, generator=generator)

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Outputs:
        rows = x.flatten(0, -2)
        chosen, others = memo.constants("chosen", self.chosen, x), memo.constants("others", self.others, x)
        numbers, rest = rows[:, chosen], rows[:, others]
        u = numbers[..., None] * w["frequency"] + w["phase"]  # (N, C, k)
        v = torch.cos(2 * math.pi * u)
        h = torch.einsum("nck,chk->nch", v, w["weight"]) + w["bias"]  # (N, C, d - 1)
        memo["x"], memo["u"], memo["v"] = numbers, u, v
        y = torch.cat([torch.cat([numbers[..., None], h], -1).flatten(1), rest], 1)
        return y.view(*x.shape[:-1], y.shape[-1])

    def backward(self, w: Tensors, dw: Tensors, dy: Outputs, memo: Memo, need_dx: bool = True) -> Inputs:
        dz, width = dy.flatten(0, -2), len(self.chosen) * self.dim
        de = dz[:, :width].view(len(dz), -1, self.dim)
        dh = de[..., 1:]  # (N, C, d - 1)
        dw["weight"].add_(torch.einsum("nch,nck->chk", dh, memo["v"]))
        dw["bias"].add_(dh.sum(0))
        dv = torch.einsum("nch,chk->nck", dh, w["weight"])
        du = dv.mul_(torch.sin(2 * math.pi * memo["u"]).mul_(-2 * math.pi))
        dw["frequency"].add_(torch.einsum("nc,nck->ck", memo["x"], du))
        dw["phase"].add_(du.sum(0))
        if not need_dx:
            return dy
        dx = dz.new_empty(len(dz), len(self.chosen) + len(self.others))
        dx[:, memo.constants("chosen", self.chosen, dy)] = de[..., 0] + torch.einsum("nck,ck->nc", du, w["frequency"])
        dx[:, memo.constants("others", self.others, dy)] = dz[:, width:]
        return dx.view(*dy.shape[:-1], -1)

    def module(self, memo: Memo) -> nn.Module:
        return _TorchPeriodic(self)


@final
class _TorchPeriodic(nn.Module):  # torch has no such layer: a small network for each column, as a loop
    def __init__(self, layer: Periodic) -> None:
        super().__init__()
        self.columns, shapes = layer.chosen, layer.parameter_shapes()
        self.frequency = nn.Parameter(torch.zeros(shapes["frequency"]))
        self.phase = nn.Parameter(torch.zeros(shapes["phase"]))
        self.weight = nn.Parameter(torch.zeros(shapes["weight"]))
        self.bias = nn.Parameter(torch.zeros(shapes["bias"]))

    def forward(self, x: Tensor) -> Tensor:
        parts, others = [], [x[..., c : c + 1] for c in range(x.shape[-1]) if c not in self.columns]
        columns = zip(self.columns, self.frequency, self.phase, self.weight, self.bias, strict=True)
        for column, frequency, phase, weight, bias in columns:
            number = x[..., column : column + 1]
            wave = torch.cos(2 * math.pi * (number * frequency + phase))
            parts += [number, nn.functional.linear(wave, weight, bias)]
        return torch.cat([*parts, *others], -1)
