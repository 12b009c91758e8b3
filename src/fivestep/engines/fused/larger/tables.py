"""Update rule and tile as the compiled passes over a larger network take them."""

from collections.abc import Sequence

import torch

from ....find import Choice
from ....net import NetSpec
from ....optim._moving_average import AVERAGE
from ....params import Params
from ....plan import TrainPlan
from ..._update import RuleGroup
from .._forms import rule_form
from .._tables import CACHE, LANES, SLOTS, aligned, descent_form, type_of
from ..body.passes import Remembered, Tile
from ..body.rules import Descent


def descent_of(plan: TrainPlan, group: RuleGroup) -> Descent | None:
    """The update rule of a group for one compiled pass; None where it has no form, or where torch's passes are faster.

    Plain descent and momentum compute so little that torch's one or two passes on all threads take half the time.
    """
    return None if Choice.parse(plan.optimizer).name in ("sgd", "momentum") else descent_form(plan, group)


def remembered_by(plan: TrainPlan, group: RuleGroup) -> Remembered:
    """What the rule of a group remembers, by slots."""
    form = rule_form(plan)
    slots = {**(form.slots if form else {}), AVERAGE: SLOTS - 1}
    arrays = [group.w[:0].numpy()] * SLOTS
    for name, tensor in group.memory.items():
        arrays[slots[name]] = tensor.numpy()
    m, v, u, average = arrays
    return Remembered(m, v, u, average, group.w.new_zeros(SLOTS + 2, LANES).numpy())


def remembered_together(plan: TrainPlan, params: Params, groups: Sequence[RuleGroup]) -> Remembered:
    """The same for all groups: what they remember becomes parts of vectors that begin where the parameters do."""
    if len(groups) > 1:
        for name in groups[0].memory:
            whole = torch.empty_like(params.flat)
            for group in groups:
                part = whole[group.where_in(params)]
                group.memory[name] = part.copy_(group.memory[name])
    w, first = params.flat, groups[0]
    memory = {name: first.memory[name].as_strided((w.numel(),), (1,), 0) for name in first.memory}
    return remembered_by(plan, first._replace(w=w, memory=memory))


def tile_for(spec: NetSpec, params: Params) -> Tile:
    """Room for the logits of as many rows as fit into the cache."""
    kind, num_out = type_of(params), spec.out_features or 0
    rows = max(LANES, min(512, CACHE // (3 * num_out * kind.itemsize)) // LANES * LANES)
    values, gradients, targets = (aligned(num_out * rows, kind) for _ in range(3))
    return Tile(values, gradients, targets, aligned(rows, kind), rows)
