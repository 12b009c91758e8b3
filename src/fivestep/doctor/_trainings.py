"""The trainings of a script: one after another, as the folds of a comparison, or side by side.

Parameters belong together that one optimizer has, or that a loss depends on: the players of a game are one training.
Of one network, a training ends where another optimizer takes over: a pre-training and a fine-tuning are two.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, final

from ._events import Differentiated, Measured, Place, Predicted, Updated
from ._record import FALLEN, FEWEST, HABIT, Record

ALIKE = 2.0
"""The factor between the rates of two optimizers in turn, within which the second one goes on with the first one's
work: as where one is made for each epoch."""


@final
@dataclass(eq=False)
class Training:
    """The parameters of a training, and its optimizers in the order of their first updates."""

    leaves: set[int]
    rules: list[int] = field(default_factory=list)
    before: list["Training"] = field(default_factory=list)
    """The trainings of the same parameters before it."""


@final
class Use(NamedTuple):
    """The lines on which backward was called before an optimizer's updates, its first rate, and the losses."""

    lines: set[Place | None]
    rate: float
    losses: list[float]


@final
@dataclass(frozen=True)
class Trainings:
    """All trainings; those whose events belong to the others around them; and optimizers that only show a schedule."""

    own: list[Training]
    loose: list[Training]
    shown: list[Training]


def found_in(record: Record) -> Trainings:
    """The trainings of a script.

    One that is no whole by itself belongs to those around it: gradients that nothing uses, as those of an explanation,
    and updates without any, as those of an optimizer that has the parameters of another model.
    """
    networks, uses = _networks(record), _uses_of(record)
    number = {leaf: at for at, leaves in enumerate(networks) for leaf in leaves}
    rules: list[list[int]] = [[] for _ in networks]
    for key, rule in record.rules.items():
        if rule.num_steps and rule.leaves:
            rules[number[min(rule.leaves)]].append(key)
    pairs = zip(networks, rules, strict=True)
    every = [training for leaves, own in pairs for training in _in_turn(record, leaves, own, uses)]
    seen = _events_of(record, every, number)
    shown = [training for training in seen if _is_rehearsal(record, training)]
    whole = [training for training in seen if training not in shown and _is_whole(record, training)]
    parts = [training for training in seen if training not in shown and training not in whole]
    loose = [one for one in parts if whole and _is_a_look(record, one, seen[one])]
    loose += [one for one in parts if one not in loose and any(_is_amid(seen[one], seen[other]) for other in whole)]
    return Trainings([*whole, *_joined([one for one in parts if one not in loose], seen)], loose, shown)


def _networks(record: Record) -> list[set[int]]:
    """Parameters that are trained together.

    Tensors that only one or two losses depend on, which no model and no optimizer has, belong to none: such are the
    rows of an attack. Two networks with optimizers of their own are one if three losses depend on both.
    """
    passes = list(record.of(Differentiated))
    times = Counter(leaf for event in passes for leaf in event.leaves)
    known = {leaf for leaf, number in times.items() if number >= HABIT}
    known = known.union(*(rule.leaves for rule in record.rules.values()))
    known = known.union(*(model.leaves for model in record.models.values()))
    owned = merged(rule.leaves for rule in record.rules.values() if rule.num_steps)
    owner = {leaf: number for number, leaves in enumerate(owned) for leaf in leaves}
    owners = [frozenset(owner[leaf] for leaf in event.leaves if leaf in owner) for event in passes]
    together = Counter(owners)
    linked = dict.fromkeys(
        event.leaves & known
        for event, own in zip(passes, owners, strict=True)
        if len(own) < 2 or together[own] >= HABIT
    )
    return merged([*owned, *linked])


def merged(groups: Iterable[set[int] | frozenset[int]]) -> list[set[int]]:
    """The groups, of which those with a common member are one."""
    of_member: dict[int, set[int]] = {}
    for group in groups:
        known = {id(of_member[one]): of_member[one] for one in group if one in of_member}
        whole = set(group).union(*known.values())
        of_member |= dict.fromkeys(whole, whole)
    return list({id(whole): whole for whole in of_member.values()}.values())


def _in_turn(record: Record, leaves: set[int], rules: list[int], uses: dict[int, Use]) -> Iterator[Training]:
    """The trainings of one network by some optimizers, one after another."""
    own = sorted(rules, key=lambda key: record.rules[key].first_update)
    trainings, last_update = [Training(leaves, own[:1])], 0
    for last, key in pairwise(own):
        last_update = max(last_update, record.rules[last].last_update)
        first = trainings[-1].rules[0]
        goes_on = _goes_on(record, uses, last, key) and not _begins_again(record, uses, first, last, key)
        if record.rules[key].first_update < last_update or goes_on:
            trainings[-1].rules.append(key)
        else:
            trainings.append(Training(leaves, [key], trainings[:]))
    yield from trainings


def _goes_on(record: Record, uses: dict[int, Use], last: int, key: int) -> bool:
    """Whether an optimizer is like the last one: of one class, with its parameters, for the same lines, as fast."""
    one, other = record.rules[last], record.rules[key]
    if (one.name, one.leaves) != (other.name, other.leaves):
        return False
    if last not in uses or key not in uses:
        return True
    before, after = uses[last], uses[key]
    return before.lines == after.lines and before.rate <= ALIKE * after.rate and after.rate <= ALIKE * before.rate


def _begins_again(record: Record, uses: dict[int, Use], first: int, last: int, key: int) -> bool:
    """Whether the loss had fallen since the first optimizer, and jumps above its first one: it is for another task."""
    if record.rules[last].num_steps < FEWEST or not {first, last, key} <= uses.keys() or len(uses[key].lines) != 1:
        return False
    begin, before, after = (uses[one].losses for one in (first, last, key))
    if not begin or not after or len(before) < HABIT:
        return False
    return sum(before[-HABIT:]) / HABIT < begin[0] < after[0] - FALLEN * abs(begin[0])


def _uses_of(record: Record) -> dict[int, Use]:
    """How each optimizer is used, as far as it is watched."""
    uses, since = dict[int, Use](), list[Differentiated]()
    for event in record.events:
        if isinstance(event, Differentiated):
            since.append(event)
        elif isinstance(event, Updated):
            use = uses.setdefault(event.optimizer, Use(set(), max(event.rates, default=0.0), []))
            use.lines.update(one.place for one in since)
            use.losses.extend(one.loss for one in since)
            since = []
    return uses


def _events_of(record: Record, every: list[Training], number: dict[int, int]) -> dict[Training, list[int]]:
    """Where updates are among all events, and the backward passes, which are those of a network's first training."""
    of_rule = {rule: training for training in every for rule in training.rules}
    of_network = {number[min(training.leaves)]: training for training in every if not training.before}
    seen: dict[Training, list[int]] = {}
    for at, event in enumerate(record.events):
        if isinstance(event, Updated) and event.optimizer in of_rule:
            seen.setdefault(of_rule[event.optimizer], []).append(at)
        elif isinstance(event, Differentiated):
            for network in dict.fromkeys(number[leaf] for leaf in event.leaves if leaf in number):
                seen.setdefault(of_network[network], []).append(at)
    return seen


def _is_whole(record: Record, training: Training) -> bool:
    """Whether its updates had gradients, or its parameters were moved by hand."""
    if not training.rules:
        return any(record.leaves[leaf].has_changed for leaf in training.leaves)
    updates = (event for event in record.of(Updated) if event.optimizer in training.rules)
    return any(one.gradient is not None for event in updates for one in event.moved)


def _is_rehearsal(record: Record, training: Training) -> bool:
    """Whether it is an optimizer that only shows the rates of a schedule, and is not meant to train anything.

    Such a one has a schedule, which is stepped; none of its updates had a gradient; and between them nothing else
    happened: no backward pass was made and, where that is watched, no model was called and no loss computed.
    """
    shown = {one.rule for one in record.schedules.values() if one.num_steps >= HABIT}
    if not training.rules or not shown.issuperset(training.rules):
        return False
    rules = [record.rules[key] for key in training.rules]
    own = [
        at for at, event in enumerate(record.events) if isinstance(event, Updated) and event.optimizer in training.rules
    ]
    between = record.events[own[0] : own[-1]] if own else []
    is_idle = all(rule.num_idle == rule.num_steps >= HABIT for rule in rules)
    return is_idle and not any(isinstance(event, Predicted | Measured) for event in between)


def _is_a_look(record: Record, training: Training, own: list[int]) -> bool:
    """Whether it is a few gradients that nothing was meant to use: there is no optimizer of these parameters."""
    held = any(not rule.leaves.isdisjoint(training.leaves) for rule in record.rules.values())
    return not held and len(own) < FEWEST


def _is_amid(own: list[int], others: list[int]) -> bool:
    """Whether one of the others is between the first and the last of its own."""
    return any(own[0] < at < own[-1] for at in others)


def _joined(parts: list[Training], seen: dict[Training, list[int]]) -> list[Training]:
    """Those that are no whole: the ones at the same time are one."""
    joined: list[Training] = []
    end = -1
    for one in sorted(parts, key=lambda one: seen[one][0]):
        if seen[one][0] < end:
            joined[-1].leaves |= one.leaves
            joined[-1].rules += one.rules
        else:
            joined.append(one)
        end = max(end, seen[one][-1])
    return joined
