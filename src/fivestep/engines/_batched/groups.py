"""The update rule of K networks: the groups of one network, each with views of all networks."""

from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from ...optim._base import Optimizer
from ...optim._moving_average import MovingAverage
from .._engine import Engine
from .._update import rule_groups


class Group(NamedTuple):
    """Parameters that one rule moves in one call: views (K, p) of them and of their gradients, the rule's memory.

    `decay` (K, 1) is the weight decay of each network, unless the rule does it.
    """

    where: slice
    w: Tensor
    dw: Tensor
    rule: Optimizer
    lr_factor: float
    memory: dict[str, Tensor]
    decay: Tensor | None


def groups_of(pattern: Engine, flat: Tensor, grad: Tensor, decays: Tensor | None) -> list[Group]:
    """The groups of `scratch`, with views and memory that have a row for each network."""
    groups = []
    parts = pattern.params.parts(matrices_apart=False)
    for part, group in zip(parts, rule_groups(pattern.params, pattern.optimizer, pattern.plan.ema), strict=True):
        rule, decay = group.rule, None
        if decays is not None and part.group.decays:
            rule, decay = without_decay(rule), decays
        w = flat[:, part.where]
        groups.append(Group(part.where, w, grad[:, part.where], rule, group.lr_factor, rule.state(w), decay))
    return groups


def without_decay(rule: Optimizer) -> Optimizer:
    """The same rule without weight decay, or for decay that is done before it."""
    if isinstance(rule, MovingAverage):
        return replace(rule, rule=without_decay(rule.rule))
    return replace(rule, weight_decay=0.0)
