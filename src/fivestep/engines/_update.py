"""What stands around an update in the engines that use our own rules: clipping, groups, a copy of the state."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..group import Group
from ..optim._base import AveragingOptimizer, MatrixOptimizer, Optimizer
from ..params import Params
from ..plan import TrainPlan
from ..typing import Tensors, Vector


class RuleGroup(NamedTuple):
    """Parameters that one update rule moves in one call: views of them and of their gradients, the rule, its memory."""

    w: Tensor
    dw: Tensor
    rule: Optimizer
    lr_factor: float
    memory: dict[str, Tensor]


def rule_groups(params: Params, optimizer: Optimizer) -> list[RuleGroup]:
    """The groups of a network: usually one with all its parameters; for a rule for matrices, each matrix by itself."""
    groups: list[RuleGroup] = []
    named, named_gradients = params.named(), params.named_gradients()
    for group, where, names in params.parts(matrices_apart=isinstance(optimizer, MatrixOptimizer)):
        rule = rule_of(group, optimizer)
        views = [(params.flat[where], params.grad[where])]
        if isinstance(rule, MatrixOptimizer):
            views = [(named[name], named_gradients[name]) for name in names]
        groups += [RuleGroup(w, dw, rule, group.lr_factor, rule.state(w)) for w, dw in views]
    return groups


def rule_of(group: Group, optimizer: Optimizer) -> Optimizer:
    """The rule for a group: without decay where it shall not decay, and a rule for vectors where it has no matrices."""
    rule = optimizer.rest() if isinstance(optimizer, MatrixOptimizer) and not group.is_matrix else optimizer
    return rule if group.decays else replace(rule, weight_decay=0.0)


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
    """The weights to predict with, where a rule keeps others than those it takes gradients at; else None."""
    if not any(isinstance(group.rule, AveragingOptimizer) for group in groups):
        return None
    training = params.flat.clone()
    for group in groups:
        if isinstance(group.rule, AveragingOptimizer):
            group.w.copy_(group.rule.average(group.w, group.memory))
    averaged = params.flat.clone()
    params.flat.copy_(training)
    return averaged


def copy_of_state(params: Params, groups: Sequence[RuleGroup]) -> dict[str, Tensor]:
    """The parameters, the buffers and the update rules' memory, copied."""
    memory = {f"{k}.{name}": value.clone() for k, group in enumerate(groups) for name, value in group.memory.items()}
    return {"flat": params.flat.clone(), "buffers": params.buffers.clone(), **memory}


def restore_state(params: Params, groups: Sequence[RuleGroup], state: Tensors) -> None:
    """Puts back what `copy_of_state` copied."""
    params.flat.copy_(state["flat"])
    params.buffers.copy_(state["buffers"])
    for k, group in enumerate(groups):
        for name, value in group.memory.items():
            value.copy_(state[f"{k}.{name}"])
