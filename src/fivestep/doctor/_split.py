"""The record of a script, split into one for each of its trainings."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, final

from ._events import Clipped, Differentiated, Event, Measured, NotFinite, Predicted, TimeFirst, Updated
from ._record import Record
from ._trainings import Training, Trainings, found_in


def records_of(record: Record) -> list[Record]:
    """One for each training, in the order in which they begin.

    What cannot be told of one training, such as an error that ended the script, is in all of them. A script that trains
    nothing has one record, without events if optimizers only show a schedule.
    """
    found = found_in(record)
    if len(found.own) < 2 and not found.shown:
        return [record]
    if not found.own:
        return [_part(record, Training(set()), [], {})]
    events: dict[Training, list[int]] = {training: [] for training in found.own}
    for at, training in enumerate(_Belongings(record, found).of_all()):
        if training is not None:
            events[training].append(at)
    updates: dict[int, list[int]] = {}
    for at, rule in enumerate(record.movers):
        updates.setdefault(rule, []).append(at)
    work = {training: _at_work(record, training, own) for training, own in events.items() if own}
    own = sorted(work, key=lambda training: work[training][0])
    parts = {one: _part(record, one, [record.events[at] for at in events[one]], updates) for one in own}
    for training, part in parts.items():
        others = [other for other in own if other is not training]
        part.is_complete |= any(work[other][0] > work[training][-1] for other in others)
        part.first_loss = _first_loss(part, [parts[one] for one in training.before if one in parts])
        together = [parts[other] for other in others if _take_turns(work[training], work[other])]
        part.company = [other for other in together if other.places != part.places]
        if not others:
            part.num_backwards = record.num_backwards
    return list(parts.values())


def _at_work(record: Record, training: Training, events: list[int]) -> list[int]:
    """Where its updates are; of one whose updates are by hand, its backward passes; else all of its events."""
    kind = Updated if training.rules else Differentiated
    return [at for at in events if isinstance(record.events[at], kind)] or events


def _take_turns(one: list[int], other: list[int]) -> bool:
    """Whether two trainings are at work at the same time."""
    return one[0] < other[-1] and other[0] < one[-1]


@final
class _Belongings:
    """Finds the training of each event.

    Of an update it is that of its optimizer, of anything else the one of its parameters or its model that has the next
    update; of an evaluation, the one that had the last. What has none of their parameters belongs to the training at
    that time.
    """

    def __init__(self, record: Record, found: Trainings) -> None:
        self._record = record
        self._all = found.own
        self._shown = {rule for training in found.shown for rule in training.rules}
        self._of_rule = {rule: training for training in found.own for rule in training.rules}
        self._of_leaf: dict[int, set[Training]] = {}
        for training in found.own:
            for leaf in training.leaves:
                self._of_leaf.setdefault(leaf, set()).add(training)

    def of_all(self) -> list[Training | None]:
        """The training of each event; None for those that only show a schedule."""
        events = self._record.events
        candidates = [self._candidates(event) for event in events]
        before = self._nearest(events, candidates, range(len(events)))
        after = self._nearest(events, candidates, range(len(events) - 1, -1, -1))
        return [
            None if not ones else (before[at] or after[at]) if _looks_back(event) else (after[at] or before[at])
            for at, (event, ones) in enumerate(zip(events, candidates, strict=True))
        ]

    def _candidates(self, event: Event) -> list[Training]:
        if isinstance(event, Updated):
            if event.optimizer in self._shown:
                return []
            known = self._of_rule.get(event.optimizer)
            return self._all if known is None else [known]
        leaves = self._leaves_of(event)
        ones = set[Training]().union(*(self._of_leaf[leaf] for leaf in leaves if leaf in self._of_leaf))
        return [one for one in self._all if one in ones] or self._all

    def _leaves_of(self, event: Event) -> set[int] | frozenset[int]:
        if isinstance(event, Differentiated | Clipped):
            return event.leaves
        if isinstance(event, Measured) and event.has_grad:
            return event.leaves
        key = None if isinstance(event, Updated) else event.model
        return self._record.models[key].leaves if key in self._record.models else frozenset()

    def _nearest(
        self, events: list[Event], candidates: list[list[Training]], order: range
    ) -> dict[int, Training | None]:
        """For each event, the candidate that is the last one to be at work, in this order."""
        at_work: dict[Training, int] = {}
        nearest = dict[int, Training | None]()
        for time, at in enumerate(order):
            ones = candidates[at]
            if len(ones) == 1 and isinstance(events[at], Updated | Differentiated):
                at_work[ones[0]] = time
            known = ones if len(ones) == 1 else [one for one in ones if one in at_work]
            nearest[at] = max(known, key=lambda one: at_work.get(one, -1), default=None)
        return nearest


def _looks_back(event: Event) -> bool:
    """Whether it is an evaluation, or an update, which uses a gradient before it."""
    return isinstance(event, Updated) or (isinstance(event, Predicted | Measured) and not event.has_grad)


def _part(record: Record, training: Training, events: list[Event], updates: dict[int, list[int]]) -> Record:
    """What belongs to one training; rounds are counted by its own updates."""
    keys = {event.optimizer for event in events if isinstance(event, Updated)} | set(training.rules)
    leaves = set[int]().union(*(event.leaves for event in events if isinstance(event, Differentiated)))
    rules = {
        key: rule
        for key, rule in record.rules.items()
        if key in keys or (not rule.num_steps and not rule.leaves.isdisjoint(leaves))
    }
    models = {event.model for event in events if isinstance(event, Predicted | TimeFirst | NotFinite)}
    leaves |= set[int]().union(*(rules[key].leaves for key in rules), *(_leaves(record, models)))
    own = sorted(at for key in keys for at in updates.get(key, ()))
    return replace(
        record,
        events=[event._replace(round=bisect_left(own, event.round)) for event in events],
        models={key: model for key, model in record.models.items() if key in models},
        rules=rules,
        leaves={key: leaf for key, leaf in record.leaves.items() if key in leaves},
        schedules={key: one for key, one in record.schedules.items() if one.rule in rules},
        not_cleared=Counter({key: times for key, times in record.not_cleared.items() if key in leaves}),
        activations=[one for one in record.activations if not one.model or one.model in models],
        normalized=_of_models(record.normalized, models),
        repeated=_of_models(record.repeated, models),
        num_updates=len(own),
        num_backwards=sum(isinstance(event, Differentiated) for event in events),
    )


def _leaves(record: Record, models: set[int]) -> Iterator[set[int]]:
    return (record.models[key].leaves for key in models if key in record.models)


def _of_models(found: dict[int, Any], models: set[int]) -> dict[int, Any]:
    return {key: one for key, one in found.items() if one.model in models}


def _first_loss(part: Record, before: list[Record]) -> float | None:
    """The first loss of the training before it that it goes on with: for the same loss, and with no new parameters."""
    whole = [one for one in before if _reached(part) <= _reached(one) | _called(one) and one.losses]
    return next((one.losses[0] for one in whole if one.places == part.places or _names(one) == _names(part)), None)


def _reached(record: Record) -> set[int]:
    """The parameters that its losses depend on."""
    return set[int]().union(*(event.leaves for event in record.of(Differentiated)))


def _called(record: Record) -> set[int]:
    """The parameters of the models that were called, also of parts that were frozen."""
    return set[int]().union(*_leaves(record, {event.model for event in record.of(Predicted)}))


def _names(record: Record) -> set[str]:
    return {event.name for event in record.of(Measured) if event.has_grad}
