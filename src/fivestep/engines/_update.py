"""What surrounds an update in the engines that use our own rules: clipping, parameter groups, a copy of the state."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..group import Group
from ..optim._base import Again, AveragingOptimizer, MatrixOptimizer, Optimizer
from ..optim._moving_average import MovingAverage, without_average
from ..params import Params
from ..plan import TrainPlan
from ..typing import Tensors, Vector

PIECE = 2**19
"""Parameters that a rule moves at a time, which bounds its temporary memory, such as that for Adam's roots."""


class RuleGroup(NamedTuple):
    """Parameters that one update rule moves in one call: views of them and of their gradients, the rule, its memory."""

    w: Tensor
    dw: Tensor
    rule: Optimizer
    lr_factor: float
    memory: dict[str, Tensor]

    def where_in(self, params: Params) -> slice:
        """Its parameters in the flat vector."""
        start = int(self.w.storage_offset() - params.flat.storage_offset())
        return slice(start, start + self.w.numel())


def rule_groups(params: Params, optimizer: Optimizer, ema: float | None) -> list[RuleGroup]:
    """The groups of a network: usually one with all its parameters; for a matrix rule, each matrix by itself."""
    groups: list[RuleGroup] = []
    named, named_gradients = params.named(), params.named_gradients()
    by_matrix = isinstance(optimizer, MatrixOptimizer)
    for group, where, names in params.parts(matrices_apart=by_matrix):
        rule = rule_of(group, optimizer, ema)
        views = [(params.flat[where], params.grad[where])]
        if by_matrix and group.is_matrix:
            views = [(named[name], named_gradients[name]) for name in names]
        groups += [RuleGroup(w, dw, rule, group.lr_factor, rule.state(w)) for w, dw in views]
    return groups


def rule_of(group: Group, optimizer: Optimizer, ema: float | None) -> Optimizer:
    """The rule for a group: a matrix rule's `rest()` for one without matrices; without decay for one that is spared it.

    With `ema`, it also keeps a moving average of the weights.
    """
    rule = optimizer.rest() if isinstance(optimizer, MatrixOptimizer) and not group.is_matrix else optimizer
    rule = rule if group.decays else replace(rule, weight_decay=0.0)
    return rule if ema is None else MovingAverage(rule, ema)


def move_(group: RuleGroup, lr: float, step: int, again: Again | None = None) -> None:
    """One step of a group's rule. On the CPU an elementwise rule moves one piece at a time (`PIECE`)."""
    w, rule = group.w, group.rule
    if not without_average(rule).by_element or w.numel() <= PIECE or w.device.type != "cpu":
        rule.update_(w, group.dw, group.memory, lr, step, again)
        return
    for start in range(0, w.numel(), PIECE):
        piece = slice(start, start + PIECE)
        rule.update_(w[piece], group.dw[piece], {name: of[piece] for name, of in group.memory.items()}, lr, step)


def clip_(gradient: Vector, plan: TrainPlan) -> None:
    """Bounds each element by `clip_value`, then the norm of the whole by `clip_norm`, in place (1e-6 as in torch).

    Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
    """
    if plan.clip_value is not None:
        gradient.clamp_(-plan.clip_value, plan.clip_value)
    if plan.clip_norm is not None:
        norm = torch.linalg.vector_norm(gradient)
        gradient.mul_((plan.clip_norm / (norm + 1e-6)).clamp(max=1.0))  # no branch: the norm stays on the device


def averaged_by_rules(params: Params, groups: Sequence[RuleGroup]) -> Vector | None:
    """The weights to predict with, where they differ from those that a rule takes gradients at; else None."""
    if not any(group.rule.averages for group in groups):
        return None
    averaged = training_weights(params).clone()
    for group in groups:
        if isinstance(group.rule, AveragingOptimizer):
            own = averaged[group.where_in(params)].view(group.w.shape)
            own.copy_(group.rule.average(own, group.memory))
    return averaged


def training_weights(params: Params) -> Vector:
    """The weights that the next gradient is taken at, even while the network holds others to predict with."""
    return params.flat if params.training is None else params.training


def state_of(params: Params, groups: Sequence[RuleGroup], *, copied: bool) -> dict[str, Tensor]:
    """The parameters, the buffers and the update rules' memory, as copies or as the tensors themselves."""
    memory = {f"{k}.{name}": value for k, group in enumerate(groups) for name, value in group.memory.items()}
    copies = {name: value.clone() for name, value in memory.items()} if copied else memory
    return {**numbers_of(params, copied=copied), **copies}


def numbers_of(params: Params, *, copied: bool) -> dict[str, Tensor]:
    """The parameters that train, and the buffers."""
    numbers = {"flat": training_weights(params), "buffers": params.buffers}
    return {name: value.clone() for name, value in numbers.items()} if copied else numbers


def restore_state(params: Params, groups: Sequence[RuleGroup], state: Tensors) -> None:
    """Puts back what `state_of` copied."""
    restore_numbers(params, state)
    for k, group in enumerate(groups):
        for name, value in group.memory.items():
            value.copy_(state[f"{k}.{name}"])


def restore_numbers(params: Params, state: Tensors) -> None:
    """Puts back what `numbers_of` copied."""
    params.training = None
    params.flat.copy_(state["flat"])
    params.buffers.copy_(state["buffers"])
