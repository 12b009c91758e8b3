"""Optimizers that are stepped without a loss, to show the rates of a schedule: they train nothing."""

from dataclasses import replace

from ._events import Measured, Predicted, Updated
from ._record import HABIT, Record


def without_rehearsals(record: Record) -> Record:
    """The record without optimizers that only show a schedule, whose updates move nothing and are not meant to.

    Such a one has a schedule, which is stepped; none of its updates had a gradient; and between them nothing else
    happened: no backward pass was made and, where that is watched, no model was called and no loss computed.
    """
    shown = {one.rule for one in record.schedules.values() if one.num_steps >= HABIT}
    shown = {rule for rule in shown if _is_rehearsal(record, rule)}
    if not shown:
        return record
    return replace(
        record,
        events=[event for event in record.events if not (isinstance(event, Updated) and event.optimizer in shown)],
        rules={key: rule for key, rule in record.rules.items() if key not in shown},
        schedules={key: one for key, one in record.schedules.items() if one.rule not in shown},
        num_updates=record.num_updates - sum(record.rules[rule].num_steps for rule in shown),
    )


def _is_rehearsal(record: Record, rule: int) -> bool:
    own = [at for at, event in enumerate(record.events) if isinstance(event, Updated) and event.optimizer == rule]
    between = record.events[own[0] : own[-1]] if own else []
    is_idle = record.rules[rule].num_idle == record.rules[rule].num_steps >= HABIT
    return is_idle and not any(isinstance(event, Predicted | Measured) for event in between)
