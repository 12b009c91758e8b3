"""What changes from step to step of a recorded run, in memory that stays where it is."""

from enum import Enum
from typing import NamedTuple, final

import torch
from torch import Tensor

from ...blocks import Block
from ...draws import Draws
from ...typing import Features, Indices, RowWeights, Targets
from .._base import Engine


@final
class Source(Enum):
    """Where the rows of a block's steps come from."""

    ALL = "all rows, in every step"
    GATHERED = "rows by their numbers, in each step"
    COPIED = "rows that come anew with each block, one after another"


def source_of(block: Block) -> Source:
    """Where the rows of that block's steps come from."""
    if block.order is not None:
        return Source.GATHERED
    return Source.ALL if bool((block.num_rows == len(block.rows)).all()) else Source.COPIED


class Stored(NamedTuple):
    """The inputs of a step as they are stored: all rows of x, or those whose numbers `order` has; times `scale`."""

    x: Tensor
    order: Indices | None
    scale: float | None


@final
class Feed:
    """The rows, rates, numbers and random bits of up to `longest` steps of `size` rows each, and the losses that come.

    Everything is on the device, in tensors that are made once: step s of a run reads entry s of each. Where the steps
    take all rows, or gather theirs, the rows themselves are read; those that come anew with every block are copied.
    """

    def __init__(self, engine: Engine, block: Block, size: int, longest: int) -> None:
        self._engine, self._rows, self.size, self.longest = engine, block.rows, size, longest
        source = source_of(block)
        self._is_gathered, self._is_all = source is Source.GATHERED, source is Source.ALL
        rows, flat = block.rows, engine.params.flat
        places = size if self._is_all else longest * size
        self._order = torch.zeros(places * self._is_gathered, dtype=torch.int64, device=flat.device)
        self._stored = rows.stored if self._is_all or self._is_gathered else _like(rows.stored, places)
        self._y = rows.y if self._is_all else _like(rows.y, places)
        self._shares = None if block.shares is None else flat.new_zeros(places)
        self.rates, self.l2, self.numbers = flat.new_zeros((3, longest), dtype=torch.float64)
        self.losses, self.penalties = flat.new_zeros((2, longest))
        self.memos = [engine.memo(k, reuse=True) for k in range(len(engine.layers))]
        self._bits: dict[int, Tensor] = {}
        self._draws, self._filled, self._at = Draws(engine.plan.seed), range(0), 0

    def fill(self, block: Block, first: int, count: int) -> None:
        """Takes over `count` steps of a block, from number `first` of it on."""
        steps = slice(first, first + count)
        device, done = self.rates.device, self._engine.num_updates
        self._filled = range(done, done + count)
        numbers = torch.arange(done + 1, done + count + 1, dtype=torch.float64)
        settings = torch.stack([block.rates[steps], block.l2[steps], numbers]).to(device, non_blocking=True)
        for own, given in zip((self.rates, self.l2, self.numbers), settings, strict=True):
            own[:count].copy_(given)
        places = slice(int(block.starts[first]), int(block.stops[first + count - 1]))
        if self._shares is not None and block.shares is not None:
            self._fill(self._shares, block.shares, places)
        if block.order is not None:
            self._fill(self._order, block.order, places)
            torch.index_select(block.rows.y, 0, block.order[places], out=self._y[: places.stop - places.start])
        elif not self._is_all:
            self._fill(self._stored, block.rows.stored, places)
            self._fill(self._y, block.rows.y, places)
        for layer in self._bits:
            self._draw(layer)

    @property
    def is_flat(self) -> bool:
        """Whether a row is stored as the network's inputs, one after another."""
        width = self._engine.spec.in_features or 0
        return self._stored[0].numel() == width and self._stored.is_contiguous() and self._y.is_contiguous()

    def stored(self, s: int) -> Stored:
        """The inputs of step s as they are stored."""
        places, scale = self._places(s), self._rows.scale
        if self._is_gathered:
            return Stored(self._stored, self._order[places], scale)
        return Stored(self._stored if self._is_all else self._stored[places], None, scale)

    def inputs(self, s: int) -> Features:
        """The inputs x (N, ...) of step s in the network's type."""
        x, order, scale = self.stored(s)
        gathered = x if order is None else torch.index_select(x, 0, order)
        numbers = self._engine.as_input(gathered.to(self._engine.dtype))
        return numbers if scale is None else numbers.mul_(scale)

    def targets(self, s: int) -> tuple[Targets, RowWeights | None]:
        """The targets of step s, and the weights of its rows where they have some."""
        places = self._places(s)
        return self._y[places], None if self._shares is None else self._shares[places]

    def bits(self, layer: int, like: Tensor) -> Tensor:
        """The random bits of a layer in the step that `begin` has named, for `Draws`."""
        if layer not in self._bits:
            self._bits[layer] = torch.zeros((self.longest, *like.shape), dtype=torch.int16, device=like.device)
            self._draw(layer)
        return self._bits[layer][self._at]

    def begin(self, s: int) -> None:
        """Says which step is done, or recorded, from here on."""
        self._at = s

    def _draw(self, layer: int) -> None:
        """Draws the bits of a layer for the steps that are filled in, as every engine draws them, on the host."""
        shape = self._bits[layer].shape[1:]
        like = torch.zeros(()).expand(shape)
        drawn = []
        for step in self._filled:
            self._draws.step = step
            drawn.append(self._draws.bits(layer, like))
        self._bits[layer][: len(drawn)].copy_(torch.stack(drawn))

    def _places(self, s: int) -> slice:
        return slice(None) if self._is_all else slice(s * self.size, (s + 1) * self.size)

    @staticmethod
    def _fill(own: Tensor, given: Tensor, places: slice) -> None:
        own[: places.stop - places.start].copy_(given[places])


def _like(tensor: Tensor, length: int) -> Tensor:
    return tensor.new_zeros((length, *tensor.shape[1:]))
