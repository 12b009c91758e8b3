"""Images moved by some pixels and mirrored, at random, in training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from ..check import InputError, at_least, in_unit_interval
from ..draws import BITS
from ..layer import Initializer, Layer, Memo
from ..typing import Features, Inputs, Shape, Tensors


@final
@dataclass(frozen=True)
class ShiftAndFlip(Layer):
    """In training each image is mirrored with probability `flip` and moved by up to `shift` pixels; else y = x.

    Rows (N, h w) are images of h rows of w pixels, one after another; without `height` they are square. With v and u
    drawn for each image from -shift .. shift, all equally likely, and f from {0, 1}:

        y[i, j] = x[i + v, c]    with c = j + u, or w - 1 - (j + u) where f = 1

    and 0 where that lies outside. Backward sends each pixel's gradient back to where it came from. The draws are made
    outside the arithmetic, from (seed, step, layer), so all engines see the same images, on any device.
    The usual augmentation of small images; for example He et al. 2016, "Deep residual learning", section 4.2.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "source": "drawn for this step: the pixel that each pixel comes from",
        "y": "{x} at {source}, 0 outside",
        "dx": "{dy} sent back to {source}",
    }

    shift: int = 1
    flip: float = 0.5
    height: int | None = None
    width: int | None = None
    is_row_by_row: ClassVar[bool] = False
    augments: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("shift", self.shift, 0, "1 or 2 is usual")
        in_unit_interval("flip", self.flip, "0 mirrors nothing")

    def sized(self, input_shape: Shape) -> Self:
        pixels = input_shape[-1]
        side = math.isqrt(pixels)
        height = self.height or (pixels // self.width if self.width else side)
        width = self.width or (pixels // self.height if self.height else side)
        if len(input_shape) != 1 or height * width != pixels:
            raise InputError(
                f"shift_and_flip must have rows of height x width pixels, got rows of shape {input_shape} for "
                f"{height} x {width}; say height and width, or leave the layer out."
            )
        return replace(self, height=height, width=width)

    def parameter_shapes(self) -> dict[str, Shape]:
        return {}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def check_input(self, x: Features) -> None:
        """Takes any numbers."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        """Nothing to fill."""

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Inputs:
        if not memo.training:
            return x
        source = memo["source"] = self._source(*self.moves(memo.bits(_three(x))))  # (N, h w)
        return torch.gather(self._padded(x), 1, source)

    def backward(self, w: Tensors, dw: Tensors, dy: Inputs, memo: Memo, need_dx: bool = True) -> Inputs:
        if not need_dx:
            return dy
        height, width = self.size
        tall, wide = height + 2 * self.shift, width + 2 * self.shift
        padded = dy.new_zeros(len(dy), tall * wide).scatter_add_(1, memo["source"], dy).view(-1, tall, wide)
        return padded[:, self.shift : self.shift + height, self.shift : self.shift + width].flatten(1)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        assert self.height is not None, "sized() comes first"
        assert self.width is not None, "sized() comes first"
        return self.height, self.width

    def moves(self, bits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From random bits (N, 3): how far down and right each window moves, and whether it is mirrored (N,)."""
        number = bits.long()
        steps = (number[:, :2] * (2 * self.shift + 1) >> BITS) - self.shift
        return steps[:, 0], steps[:, 1], number[:, 2] < self.flip * 2**BITS

    def _padded(self, x: Inputs) -> Tensor:
        """The images with a frame of `shift` zeros around each."""
        frame = (self.shift,) * 4
        return nn.functional.pad(x.view(-1, *self.size), frame).flatten(1)

    def _source(self, down: Tensor, right: Tensor, mirrored: Tensor) -> Tensor:
        """The place in the padded image that each pixel is taken from (N, h w)."""
        height, width = self.size
        rows = torch.arange(height, device=down.device)[:, None]
        columns = torch.arange(width, device=down.device)
        straight, turned = columns + right[:, None], width - 1 - columns - right[:, None]  # (N, w)
        column = torch.where(mirrored[:, None], turned, straight) + self.shift
        row = (rows[:, 0] + down[:, None] + self.shift) * (width + 2 * self.shift)  # (N, h)
        return (row[:, :, None] + column[:, None, :]).flatten(1)

    def module(self, memo: Memo) -> nn.Module:
        return _TorchShiftAndFlip(self, memo)


@final
class _TorchShiftAndFlip(nn.Module):
    """Torch's sampling of images at the points of a grid, with the draws taken from `memo`."""

    def __init__(self, layer: ShiftAndFlip, memo: Memo) -> None:
        super().__init__()
        self.layer, self.memo = layer, memo

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        height, width = self.layer.size
        down, right, mirrored = (part.to(x.dtype) for part in self.layer.moves(self.memo.bits(_three(x))))
        sign, zero, one = 1 - 2 * mirrored, torch.zeros_like(down), torch.ones_like(down)
        across = torch.stack([sign, zero, sign * right * 2 / width], 1)  # of the grid from -1 to 1
        along = torch.stack([zero, one, down * 2 / height], 1)
        images = x.view(-1, 1, height, width)
        grid = nn.functional.affine_grid(torch.stack([across, along], 1), list(images.shape), align_corners=False)
        return nn.functional.grid_sample(images, grid, mode="nearest", align_corners=False).flatten(1)


def _three(x: Inputs) -> Tensor:
    """Something with three numbers for each row, (N, 3)."""
    return x[:, :1].expand(-1, 3)
