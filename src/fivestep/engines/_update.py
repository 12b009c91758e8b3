"""What stands around an update in the engines that use our own update rules: clipping, and a copy of the state."""

import torch
from torch import Tensor

from ..params import Params
from ..plan import TrainPlan
from ..typing import Tensors, Vector


def clip_(gradient: Vector, plan: TrainPlan) -> None:
    """Bounds each element by `clip_value`, then the norm of the whole by `clip_norm`, in place (1e-6 as in torch).

    Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
    """
    if plan.clip_value is not None:
        gradient.clamp_(-plan.clip_value, plan.clip_value)
    if plan.clip_norm is not None:
        norm = torch.linalg.vector_norm(gradient)
        gradient.mul_((plan.clip_norm / (norm + 1e-6)).clamp(max=1.0))  # no branch: the norm stays on the device


def copy_of_state(params: Params, momenta: Tensors) -> dict[str, Tensor]:
    """The parameters and the update rule's memory, copied."""
    return {"flat": params.flat.clone(), **{name: value.clone() for name, value in momenta.items()}}


def restore_state(params: Params, momenta: Tensors, state: Tensors) -> None:
    """Puts back what `copy_of_state` copied."""
    params.flat.copy_(state["flat"])
    for name, value in momenta.items():
        value.copy_(state[name])
