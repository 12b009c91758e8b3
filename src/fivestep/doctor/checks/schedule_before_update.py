"""A schedule is stepped before the update that it is for."""

from .._events import UPDATE, Seen
from .._record import HABIT, Record


def schedule_before_update(record: Record) -> Seen | None:
    """`scheduler.step()` came before the first `optimizer.step()`, and stands in front of the updates ever since.

    The first value of the schedule is skipped, as torch warns (since 1.1), and everything comes one step too early: a
    warm-up begins higher, a milestone is an epoch before its time. Reported for a loop that has come to its own end
    with updates after the last step of the schedule. A schedule that is put forward once, before the loop, is not
    reported, nor one beside a `GradScaler`, which leaves updates out.
    """
    for schedule in record.schedules.values():
        rule = record.rules[schedule.rule]
        is_in_front = schedule.is_ahead and schedule.num_idle == 1 and rule.num_steps > schedule.updates_at_step
        if is_in_front and schedule.num_steps >= HABIT and record.is_complete and not record.has_scaler:
            return Seen(
                UPDATE,
                schedule.place,
                f"{schedule.name} is stepped before the updates that it is for: its first learning rate was used for "
                "none of them, and each of the others comes one step too early.",
                "Call scheduler.step() after optimizer.step(), at the end of the batch or of the epoch.",
            )
    return None
