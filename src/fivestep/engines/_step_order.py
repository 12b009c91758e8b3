"""The error for steps that are called by hand in the wrong order."""

from typing import TypeVar

import torch
from torch import Tensor

from ..check import InputError

Kept = TypeVar("Kept")


def after_loss(kept: Kept | None) -> Kept:
    """What steps 1 and 2 kept for step 4; raises an `InputError` if they are missing, or torch did not record them."""
    if isinstance(kept, Tensor) and not kept.requires_grad and not torch.is_grad_enabled():
        raise InputError(
            "backward must come after a forward that torch records, got one inside torch.no_grad() or "
            "torch.inference_mode(); train outside of it."
        )
    if kept is None or (isinstance(kept, Tensor) and not kept.requires_grad):
        raise InputError(
            "backward must come after forward and loss, got it before them; call loss(forward(x), y) first."
        )
    return kept
