"""The precision in which a step multiplies: the network's own, TF32, or bfloat16 with weights in float32."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor

from ....check import InputError, one_of, refuse
from ....net import NetSpec
from ....params import Params
from ....typing import Elements, Tensors, Vector

PRECISIONS = ("tf32", "bfloat16")
"""TF32 rounds the factors of a product to eleven bits, and bfloat16 to eight; both add up in float32."""

EXACT = ("embedding", "embed_columns", "periodic", "standardize", "shift_and_flip")
"""Layers that need exact inputs, such as codes. Those with buffers are found by having buffers."""

_ROUNDING = threading.RLock()


@contextmanager
def multiplying_in(precision: str | None) -> Iterator[None]:
    """Inside, torch multiplies float32 in that precision.

    TF32 is a setting of the whole process, so threads take turns: else one would put back what another has set.
    """
    if precision != "tf32":
        yield
        return
    with _ROUNDING:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


class Weights(ABC):
    """The weights that a step multiplies by, layer by layer, and their gradients."""

    w: Sequence[Tensors]
    dw: Sequence[dict[str, Tensor]]
    grad: Vector

    @abstractmethod
    def into(self, numbers: Elements) -> Elements:
        """Numbers in the type of these weights."""

    @abstractmethod
    def give_gradient(self) -> None:
        """Hands the gradient to the update rule."""

    @abstractmethod
    def refresh(self) -> None:
        """Updates the copies from the weights that the update rule has moved."""


@final
class Own(Weights):
    """The network's own weights, in its own dtype."""

    def __init__(self, params: Params) -> None:
        self.w, self.dw, self.grad = params.weights, params.gradients, params.grad

    def into(self, numbers: Elements) -> Elements:
        return numbers

    def give_gradient(self) -> None:
        """It is where the rule looks."""

    def refresh(self) -> None:
        """They are the same."""


@final
class Rounded(Weights):
    """A copy in bfloat16 of weights that are kept, and moved, in float32; the gradient is found in bfloat16 too.

    A step moves a weight by less than a 256th of it, which bfloat16 cannot represent. Micikevicius et al. 2018, "Mixed
    precision training", section 3.1; bfloat16 has the range of float32, so no loss is scaled.
    """

    def __init__(self, params: Params) -> None:
        self._params = params
        self.flat, self.grad = (torch.zeros_like(params.flat, dtype=torch.bfloat16) for _ in range(2))
        self.w = [_views(named, self.flat) for named in params.gradients]
        self.dw = [_views(named, self.grad) for named in params.gradients]

    def into(self, numbers: Elements) -> Elements:
        return numbers.to(torch.bfloat16)

    def give_gradient(self) -> None:
        self._params.grad.copy_(self.grad)

    def refresh(self) -> None:
        self.flat.copy_(self._params.flat)


def weights_in(precision: str | None, params: Params) -> Weights:
    """The weights that a step in that precision multiplies by."""
    return Rounded(params) if precision == "bfloat16" else Own(params)


def _views(named: Tensors, flat: Tensor) -> dict[str, Tensor]:
    """Views of `flat` at the same offsets as those of another flat vector."""
    return {
        name: flat[view.storage_offset() : view.storage_offset() + view.numel()].view(view.shape)
        for name, view in named.items()
    }


def check_precision(precision: Any, spec: NetSpec, dtype: torch.dtype, device: torch.device) -> None:
    """Raises an `InputError` for an unknown precision, or one that is not available here."""
    one_of("precision", str(precision), PRECISIONS)
    if dtype != torch.float32:
        raise refuse("precision", precision, "used with dtype float32", "leave one of the two out")
    if device.type not in ("cpu", "cuda") or (precision == "tf32" and device.type != "cuda"):
        raise refuse("precision", precision, f"one that {device} has", _instead(device))
    if precision == "tf32" and torch.cuda.get_device_capability(device) < (8, 0):
        raise refuse("precision", precision, "used on a device of compute capability 8.0 or more", "leave it out")
    for layer, choice in zip(spec.build(), spec.layers, strict=True):
        if precision == "bfloat16" and (layer.buffer_shapes() or choice.name in EXACT):
            raise InputError(
                f"precision must be left out with layers that count or remember, got 'bfloat16' with {choice.name!r}, "
                f"which needs more digits than bfloat16 has; leave one of the two out."
            )


def _instead(device: torch.device) -> str:
    return "'bfloat16' works there too, or leave it out" if device.type == "cpu" else "leave it out"
