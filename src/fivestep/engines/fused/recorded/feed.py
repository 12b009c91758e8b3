"""The inputs of a recorded run that change from step to step, in memory at fixed addresses."""

from enum import Enum
from typing import final

import torch
from torch import Tensor

from ....blocks import Block
from ....draws import Draws
from ....typing import Features, RowWeights, Targets
from ..._engine import Engine


@final
class Source(Enum):
    """The source of the rows of a block's steps."""

    ALL = "all rows, in every step"
    GATHERED = "rows by their numbers, in each step"
    COPIED = "rows that come anew with each block, one after another"


def source_of(block: Block) -> Source:
    """The source of the rows of that block's steps."""
    if block.order is not None:
        return Source.GATHERED
    return Source.ALL if bool((block.num_rows == len(block.rows)).all()) else Source.COPIED


@final
class Feed:
    """The rows, rates, numbers and random bits of up to `longest` steps of `size` rows each, and their losses.

    Everything is on the device, in tensors at fixed addresses: step s of a run reads entry s of each. If the steps take
    all rows, or gather theirs, the rows are read in place; rows that are new in every block are copied. It begins with
    room for one step, which shows how much memory a step takes, and is lengthened once.
    """

    def __init__(self, engine: Engine, block: Block, size: int) -> None:
        self._engine, self.size, self.scale = engine, size, block.rows.scale
        self.memos = [engine.memo(k, reuse=True) for k in range(len(engine.layers))]
        self._bits: dict[int, Tensor] = {}
        self._draws, self._filled, self._at = Draws(engine.plan.seed), range(0), 0
        self.lengthen(block, 1)
        self.has_one_step = True

    def lengthen(self, block: Block, longest: int) -> None:
        """Allocates memory for so many steps in place of the old one, before the first of them is recorded."""
        self.longest, self.has_one_step, size = longest, False, self.size
        source, rows, flat = source_of(block), block.rows, self._engine.params.flat
        self._is_all = source is Source.ALL
        places = size if self._is_all else longest * size
        self.order = None if source is not Source.GATHERED else flat.new_zeros(places, dtype=torch.int64)
        self.stored = _like(rows.stored, places) if source is Source.COPIED else rows.stored
        self.y = rows.y if self._is_all else _like(rows.y, places)
        self.shares = None if block.shares is None else flat.new_zeros(places)
        self.rates, self.l2, self.numbers = flat.new_zeros((3, longest), dtype=torch.float64)
        self.settings = flat.new_zeros((4, longest), dtype=torch.float32)
        self.losses, self.penalties = flat.new_zeros((2, longest))
        self._bits = {layer: _like(bits[0][None], longest) for layer, bits in self._bits.items()}

    @property
    def bytes_of_step(self) -> int:
        """The memory that it needs for each step, in bytes."""
        own = [*self._bits.values(), self.order, *(() if self._is_all else (self.y,))]
        own += [self.stored] if self.order is None and not self._is_all else []
        return sum(int(tensor.nbytes) for tensor in own if tensor is not None) // self.longest

    def fill(self, block: Block, first: int, count: int) -> None:
        """Copies the inputs of `count` steps of a block, from number `first` on."""
        steps = slice(first, first + count)
        device, done = self.rates.device, self._engine.num_updates
        self._filled = range(done, done + count)
        numbers = torch.arange(done + 1, done + count + 1, dtype=torch.float64)
        settings = torch.stack([block.rates[steps], block.l2[steps], numbers]).to(device, non_blocking=True)
        for own, given in zip((self.rates, self.l2, self.numbers), settings, strict=True):
            own[:count].copy_(given)
        places = slice(int(block.starts[first]), int(block.stops[first + count - 1]))
        if self.shares is not None and block.shares is not None:
            self._fill(self.shares, block.shares, places)
        if block.order is not None and self.order is not None:
            self._fill(self.order, block.order, places)
            torch.index_select(block.rows.y, 0, block.order[places], out=self.y[: places.stop - places.start])
        elif not self._is_all:
            self._fill(self.stored, block.rows.stored, places)
            self._fill(self.y, block.rows.y, places)
        for layer in self._bits:
            self._draw(layer)

    @property
    def is_contiguous(self) -> bool:
        """Whether rows and targets are stored one after another, as kernels of our own expect them."""
        return self.stored.is_contiguous() and self.y.is_contiguous()

    def first(self, s: int) -> int:
        """The index of the first row of step s."""
        return 0 if self._is_all else s * self.size

    def inputs(self, s: int) -> Features:
        """The inputs x (N, ...) of step s in the network's type."""
        places = slice(self.first(s), self.first(s) + self.size)
        taken = self.stored[places] if self.order is None else torch.index_select(self.stored, 0, self.order[places])
        numbers = self._engine.as_input(taken.to(self._engine.dtype))
        return numbers if self.scale is None else numbers.mul_(self.scale)

    def targets(self, s: int) -> tuple[Targets, RowWeights | None]:
        """The targets of step s, and the weights of its rows where they have some."""
        places = slice(self.first(s), self.first(s) + self.size)
        return self.y[places], None if self.shares is None else self.shares[places]

    def bits(self, layer: int, like: Tensor) -> Tensor:
        """The random bits of a layer in the step set by `begin`, for `Draws`."""
        if layer not in self._bits:
            self._bits[layer] = torch.zeros((self.longest, *like.shape), dtype=torch.int16, device=like.device)
            self._draw(layer)
        return self._bits[layer][self._at]

    def begin(self, s: int) -> None:
        """Sets the step that is done, or recorded, from now on."""
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

    @staticmethod
    def _fill(own: Tensor, given: Tensor, places: slice) -> None:
        own[: places.stop - places.start].copy_(given[places])


def _like(tensor: Tensor, length: int) -> Tensor:
    return tensor.new_zeros((length, *tensor.shape[1:]))
