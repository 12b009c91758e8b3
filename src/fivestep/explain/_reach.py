"""The step to explain: does the steps before it, and takes the first rows of its batch."""

from collections.abc import Sequence

from ..batches import Batch
from ..check import refuse
from ..datasets._base import Dataset
from ..divergence import Watch
from ..engines._engine import Engine
from ..epoch import Epoch
from ..plan import TrainPlan
from ..preflight import check_data
from ..replay import upcoming_with
from ..steps import Upcoming, do_step


def train_to(engine: Engine, data: Dataset, plan: TrainPlan, number: int, history: Sequence[Epoch] = ()) -> Upcoming:
    """Does the steps before step `number` (counted from 1), and returns that step, which is not done.

    `history` is that of a run whose steps are repeated, for schedules that react to its losses.

    Raises an `InputError` if the plan has no such step or does not fit the data, and a `DivergenceError` if the loss
    is no longer finite on the way.
    """
    check_data(engine, data)
    num_steps = plan.num_steps(data.num_rows)
    if not engine.num_updates < number <= num_steps:
        expected = f"a step that is still to do, {engine.num_updates + 1} to {num_steps}"
        raise refuse("step", number, expected, "more epochs have more steps")
    seen: list[float] = []
    watch = Watch(engine, data, plan, seen)
    for upcoming in upcoming_with(engine, data, history, seen):
        if upcoming.number == number:
            watch.check()
            engine.lr = upcoming.lr
            return upcoming
        watch.before_step()
        watch.after_step(do_step(engine, upcoming, plan))
    raise AssertionError("the plan has fewer steps than it says")


def first_rows(batch: Batch, num_rows: int) -> Batch:
    """The first rows of a batch, as a batch of its own: their weights sum to 1."""
    if not 1 <= num_rows <= len(batch.x):
        raise refuse("rows", num_rows, f"a whole number from 1 to the batch's {len(batch.x)}", "'all' takes them all")
    weight = None if batch.weight is None else batch.weight[:num_rows]
    if weight is not None and weight.sum() == 0:
        raise refuse("rows", num_rows, "enough for one row with a weight above 0", "take more")
    return Batch(batch.x[:num_rows], batch.y[:num_rows], None if weight is None else weight / weight.sum())
