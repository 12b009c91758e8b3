"""A schedule counts updates and is stepped by epochs, or the other way round."""

from .._events import UPDATE, Seen
from .._record import HABIT, Record, Schedule

TURNS = 2
"""Times down and up: one is what a loop that was made longer than its schedule gives."""

RARE = 5
"""Updates for each step, at least, of a schedule that is stepped once an epoch: an epoch has five batches or more."""

NEAR = 0.02
"""How far the length may be from the number of updates, as a share: a last batch of an epoch that is dropped or not."""

STEPPED_TOO_OFTEN = "Tried to step "


def schedule_out_of_step(record: Record) -> Seen | None:
    """A schedule was stepped far more often than it is long, or far less often than it was made for.

    `CosineAnnealingLR` with T_max epochs, stepped for each batch, comes to 0 after T_max batches, goes up again, and so
    on: said after two such turns. `OneCycleLR` ends with an error there. Stepped once an epoch, a schedule as long as
    all updates hardly leaves its beginning; one that is never stepped stays there. These two are said of a loop that
    has come to its own end.
    """
    for schedule in record.schedules.values():
        seen = _too_often(record, schedule)
        if seen is None and record.is_complete:
            seen = _too_seldom(schedule) or _never(record, schedule)
        if seen is not None:
            return seen
    return None


def _too_often(record: Record, schedule: Schedule) -> Seen | None:
    failed, length = record.failed, schedule.length
    if length is None:
        return None
    advice = "Give it the number of all updates, epochs * len(loader), or step it once an epoch."
    made = f"{schedule.name} was made for {length:,} steps"
    if failed is not None and failed.message.startswith(STEPPED_TOO_OFTEN):
        return Seen(UPDATE, failed.place, f"{made}, and was stepped once more.", advice)
    is_cosine = schedule.name == "CosineAnnealingLR" and schedule.num_steps >= 2 * TURNS * length
    if not is_cosine or 2 * schedule.num_steps < schedule.num_updates:
        return None
    turns = f"the rate has come to its least and gone up again {schedule.num_steps // (2 * length):,} times"
    return Seen(UPDATE, schedule.place, f"{made}, and was stepped {schedule.num_steps:,} times: {turns}.", advice)


def _too_seldom(schedule: Schedule) -> Seen | None:
    length, number = schedule.length, schedule.num_steps
    if length is None or number < HABIT or schedule.num_updates < RARE * number:
        return None
    if abs(schedule.num_updates - length) > max(2, NEAR * length):
        return None
    return Seen(
        UPDATE,
        schedule.place,
        f"{schedule.name} was made for {length:,} steps, as many as there were updates, and was stepped {number:,} "
        "times: the rate has hardly left its beginning.",
        "Step it after every update: scheduler.step() next to optimizer.step().",
    )


def _never(record: Record, schedule: Schedule) -> Seen | None:
    others = [other for other in record.schedules.values() if other.rule == schedule.rule and other is not schedule]
    updates = record.rules[schedule.rule].num_steps - schedule.updates_at_start
    if not schedule.was_made or schedule.num_steps or others or updates < record.num_updates / 2 or updates < 100:
        return None
    return Seen(
        UPDATE,
        schedule.place,
        f"{schedule.name} was made, and not stepped in {updates:,} updates of its optimizer: the rate stays as it was.",
        "Call scheduler.step() once an epoch, or after every update, as it counts.",
    )
