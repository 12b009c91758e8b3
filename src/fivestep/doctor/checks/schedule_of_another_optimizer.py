"""The schedule changes the rate of an optimizer that is not used."""

from .._events import UPDATE, Seen
from .._record import HABIT, Record


def schedule_of_another_optimizer(record: Record) -> Seen | None:
    """A schedule was stepped several times while its optimizer made no update, and another one moved its parameters.

    The optimizer was made once more after the schedule, as for another learning rate or after a checkpoint; the rate
    of the new one stays as it is. One that has the same groups, as within a wrapper, is not reported.
    """
    for schedule in record.schedules.values():
        rule = record.rules[schedule.rule]
        others = [
            other
            for other in record.rules.values()
            if other is not rule and other.last_update > rule.last_update and not other.leaves.isdisjoint(rule.leaves)
        ]
        if others and schedule.num_idle >= HABIT and 2 * schedule.num_idle > schedule.num_steps:
            return Seen(
                UPDATE,
                schedule.place,
                f"{schedule.name} was stepped {schedule.num_idle:,} times while its optimizer, {rule.name}, made no "
                f"update: another one, {others[-1].name}, has moved its parameters, with a rate that stays as it is.",
                "Make the schedule after the optimizer, from the one that is used.",
            )
    return None
