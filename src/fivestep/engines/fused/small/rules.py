"""The update rule of a plan for the small body, and the places of the rule's memory there."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np

from ....optim._base import Optimizer
from ....optim._moving_average import AVERAGE, without_average
from ....optim.muon import Muon
from ....params import Params
from ....plan import TrainPlan
from ..._update import RuleGroup
from .._forms import decouples, small_rule_form
from .._tables import SLOTS, Array, aligned, in_lanes, options_of, type_of
from ..body import kinds as kind
from ..body.further import ByMatrix, Further
from ..body.rules import Rule
from .tables import ParameterOrder

AnyRule = Rule | Further | ByMatrix


@final
class RuleMemory(NamedTuple):
    """One memory of a rule for a group: its array, and its places in the body's memory, or in `Further.carried`."""

    array: Any
    place: Any
    is_carried: bool


def rule_of(
    plan: TrainPlan, groups: Sequence[RuleGroup], optimizer: Optimizer, params: Params, order: ParameterOrder
) -> AnyRule:
    """The update rule, with the factor and the decay of every parameter, in whole lanes."""
    form = small_rule_form(plan)
    factors, decays, matrices = (aligned(order.size, type_of(params)) for _ in range(3))
    matrices[order.places[: params.matrices.numel()]] = 1
    for group in groups:
        places = order.places[group.where_in(params)]
        factors[places], decays[places] = group.lr_factor, without_average(group.rule).weight_decay
    plain = Rule(
        kind=form.kind,
        numbers=options_of(form.numbers(optimizer)),
        decoupled=decouples(plan.optimizer, optimizer),
        lr_factors=factors,
        decays=decays,
        matrices=matrices,
        clip_value=math.inf if plan.clip_value is None else plan.clip_value,
        clip_norm=math.inf if plan.clip_norm is None else plan.clip_norm,
        ema=-1.0 if plan.ema is None else plan.ema,
    )
    if form.kind == kind.MUON:
        of_matrices = [group for group in groups if isinstance(without_average(group.rule), Muon)]
        if not of_matrices:  # AdamW is left
            return plain._replace(kind=kind.ADAM, decoupled=True)
        return _by_matrix(plain, of_matrices, params, order)
    if form.kind >= kind.AMSGRAD:
        return Further(plain, np.array([group.lr_factor for group in groups]), np.zeros(len(groups)))
    return plain


def rule_memories(
    groups: Sequence[RuleGroup], plan: TrainPlan, params: Params, order: ParameterOrder
) -> list[RuleMemory]:
    """Every memory of a rule, group by group."""
    slots, memories = {**small_rule_form(plan).slots, AVERAGE: SLOTS - 1}, list[RuleMemory]()
    for k, group in enumerate(groups):
        of_group = order.places[group.where_in(params)]
        for name, tensor in group.memory.items():
            is_carried = name not in slots
            place = slice(k, k + 1) if is_carried else slots[name] * order.size + of_group
            memories.append(RuleMemory(tensor.view(-1).numpy(), place, is_carried))
    return memories


def _by_matrix(plain: Rule, groups: Sequence[RuleGroup], params: Params, order: ParameterOrder) -> ByMatrix:
    """Muon, with the layout of each matrix, and work space for the largest one."""
    layouts = [_layout(order.places[group.where_in(params)].reshape(group.w.shape)) for group in groups]
    rules = [without_average(group.rule) for group in groups]
    rule = rules[0]
    assert isinstance(rule, Muon)
    scales = [of.length(*group.w.shape) for of, group in zip(rules, groups, strict=True) if isinstance(of, Muon)]
    short, long = (max(of(rows, columns) for _, rows, columns, _ in layouts) for of in (min, max))
    size, square = in_lanes(short) * in_lanes(long), in_lanes(short) ** 2
    x, y, gram, poly = (aligned(room, type_of(params)) for room in (size, size, square, square))
    places, rows, columns, steps = (np.array(numbers, np.int64) for numbers in zip(*layouts, strict=True))
    return ByMatrix(
        plain, places, rows, columns, steps, np.array(scales), rule.nesterov, rule.ns_steps, x, y, gram, poly
    )


def _layout(places: Array) -> tuple[int, int, int, int]:
    """The layout of a matrix whose elements have those places (O, I): first place, rows, columns, distance of rows.

    If it is stored transposed, its columns are the rows.
    """
    if places.shape[1] > 1 and places[0, 1] != places[0, 0] + 1:
        places = places.T
    num_rows, num_columns = places.shape
    return int(places[0, 0]), num_rows, num_columns, int(places[1, 0] - places[0, 0]) if num_rows > 1 else num_columns
