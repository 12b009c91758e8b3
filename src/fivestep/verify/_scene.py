"""All that is known at the first difference: both tensors, and everything they were computed from."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ..engines._engine import Engine
from ..steps import Upcoming
from ._difference import Difference
from ._lockstep import Lockstep, Tensors
from ._moments import Key

CLOSE = 0.01
"""A reason explains a difference if it leaves at most this share of it."""


@final
@dataclass(frozen=True)
class Scene:
    """The first difference of a comparison."""

    lock: Lockstep
    names: tuple[str, str]

    @property
    def part(self) -> int:
        """Which of the five; 0 for a step that was not split."""
        return self._found.part

    @property
    def key(self) -> Key:
        """The tensor that differs."""
        return self._found.key

    @property
    def one(self) -> Tensor:
        """The first engine's tensor, in float64."""
        return self.now(0)[self.key].double()

    @property
    def other(self) -> Tensor:
        """The second engine's."""
        return self.now(1)[self.key].double()

    @property
    def engine(self) -> Engine:
        """The second engine, whose layers, loss and rule define the right result."""
        return self.lock.other

    @property
    def upcoming(self) -> Upcoming:
        """The step, with its rate and its batch."""
        assert self.lock.upcoming is not None
        return self.lock.upcoming

    @property
    def step(self) -> int:
        """The number of the step since both engines were reset, from 1: the one that draws and update rules use."""
        return self.upcoming.number - self.lock.num_before

    def now(self, side: int, part: int | None = None) -> Tensors:
        """The tensors of an engine (0 or 1) after a part of this step, by default the one that differs."""
        return self.lock.records[side].now[self.part if part is None else part]

    def last(self, side: int, part: int) -> Tensors | None:
        """The tensors of an engine after a part of the step before; None in the first step."""
        return self.lock.records[side].last.get(part)

    def explains(self, candidate: Tensor) -> bool:
        """Whether the first engine's tensor is the candidate, up to a hundredth of the difference."""
        if candidate.shape != self.one.shape or not candidate.isfinite().all():
            return False
        left, all_of_it = (self.one - candidate).abs().max(), (self.one - self.other).abs().max()
        return bool(left <= CLOSE * all_of_it)

    def explains_sorted(self) -> bool:
        """Whether both tensors hold the same numbers in another order."""
        one, other = (tensor.flatten().sort().values for tensor in (self.one, self.other))
        return bool((one - other).abs().max() <= CLOSE * (self.one - self.other).abs().max())

    def ratio(self, one: Tensor, other: Tensor) -> float | None:
        """The number c with one = c * other; None if there is none."""
        size = (other * other).sum()
        if one.shape != other.shape or one.numel() < 2 or not size or not size.isfinite():
            return None
        c = (one * other).sum() / size
        left = (one - c * other).abs().max()
        return float(c) if left <= CLOSE * (one - other).abs().max() else None

    @property
    def _found(self) -> Difference:
        assert self.lock.first is not None
        return self.lock.first


def weights_by_layer(scene: Scene) -> list[dict[str, Tensor]]:
    """Copies of the second engine's weights and buffers before the step, in its own dtype."""
    layers: list[dict[str, Tensor]] = [{} for _ in scene.engine.layers]
    for key, value in scene.lock.before.items():
        layer, _, name = key.name.partition(".")
        layers[int(layer)][name] = value.clone()
    return layers


def as_text(factor: float) -> str:
    """A factor as readable text, with enough digits to differ from 1."""
    nearest = round(factor)
    if is_factor(factor, nearest) and nearest not in (0, 1):
        return str(nearest)
    return f"{factor:.4g}" if abs(factor - 1) > 0.01 else f"{factor:.12g}"


def is_factor(factor: float, expected: float) -> bool:
    """Whether that is the factor, up to a hundredth of its effect."""
    return abs(factor - expected) <= CLOSE * abs(expected - 1)


def fitted(target: Tensor, terms: dict[str, Tensor]) -> dict[str, float] | None:
    """The numbers c with target = sum of c * term, by least squares; None if there are none, or none for certain."""
    terms = {name: term for name, term in terms.items() if bool(term.any())}
    if not terms or target.numel() <= len(terms):
        return None
    columns = torch.stack([term.flatten() for term in terms.values()], dim=1)
    sizes = columns.abs().max(0).values
    if torch.linalg.matrix_rank(columns / sizes, rtol=1e-6) < len(terms):
        return None
    found = torch.linalg.lstsq(columns / sizes, target.flatten()[:, None]).solution[:, 0] / sizes
    return dict(zip(terms, found.tolist(), strict=True))
