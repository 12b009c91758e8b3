"""The loop, one epoch at a time, and the measurement of what came out.

Stopping is `break`, printing is `print`: there are no callbacks.
"""

import time
from collections.abc import Iterator, Mapping, Sequence

import torch

from .agreement import check_agreement
from .averages import to_prediction
from .check import InputError, at_least, instance, refuse
from .datasets._base import Dataset, Part, Rows
from .divergence import Watch
from .engines._engine import Engine
from .engines._parts import rows_at_a_time
from .epoch import Epoch, Evaluation
from .layer import Memo
from .machine.interrupt import Interrupt, deferred_interrupt
from .machine.threads import threads_for
from .metrics._base import AnyMetric, build_metrics
from .metrics._tally import MOST_TOGETHER, Tally
from .plan import TrainPlan
from .preflight import check_data, check_steps, warn_of_alike_units
from .progress import Progress
from .ranks import ALONE, Ranks
from .saved.checkpoint import Checkpoints
from .steps import steps
from .typing import Outputs, RowWeights, Targets

FIXED = (
    *("loss", "optimizer", "momentum", "nesterov", "weight_decay", "clip_norm", "clip_value"),
    *("ema", "lr_factors", "no_decay", "seed"),
)
"""The fields of a plan that an engine is made with; the others are the loop's."""


def train(
    engine: Engine,
    data: Dataset,
    plan: TrainPlan,
    every: int = 1,
    progress: Progress | None = None,
    checkpoints: Checkpoints | None = None,
) -> Iterator[Epoch]:
    """Trains for `plan.epochs` epochs and yields every n-th of them, and the last.

    At a yield the engine holds exactly that epoch's weights, and evaluation happens only there. Goes on after the steps
    that the engine has done; `progress` is what the loop remembered until then, and is kept up to date. `checkpoints`
    are written now and then. Ctrl-C is taken between two steps, as `KeyboardInterrupt`, and SIGTERM as `SystemExit`.
    The engine's ranks train together. Raises an `InputError` if data, network and plan do not fit, or differ between
    ranks, a `DivergenceError` if the loss is no longer finite, a `RanksError` if a rank has ended or hangs.
    """
    check_start(engine, data, plan, every, is_new=progress is None)
    per_epoch = plan.steps_per_epoch(data.num_rows)
    progress = Progress(engine, plan, engine.num_updates // per_epoch) if progress is None else progress
    _check_unfinished(progress, plan)
    interrupt = Interrupt(is_shared=not engine.ranks.are_alone)
    watch = Watch(engine, data, plan, progress.seen, None if checkpoints is None else checkpoints.last_state, interrupt)
    stream = steps(engine, data, plan, engine.num_updates, progress.seen, every)
    while progress.epochs < plan.epochs:
        goal = min(progress.epochs - progress.epochs % every + every, plan.epochs)
        with deferred_interrupt(interrupt):
            try:
                started = time.perf_counter() - progress.seconds
                while engine.num_updates < goal * per_epoch:
                    is_due = checkpoints is not None and checkpoints.are_due()
                    now = engine.ranks.agreed(interrupt.wishes(checkpoint=is_due))
                    if checkpoints is not None and any(now):
                        watch.check()  # what is written is finite
                        progress.seconds = time.perf_counter() - started
                        started += checkpoints.write(engine, progress)
                    interrupt.take_agreed(now)
                    watch.before_step()
                    progress.add(step := next(stream))
                    watch.after_step(step.loss)
                watch.look()
                running_loss = progress.running_loss(data.num_rows)  # waits for the device
                progress.seconds = time.perf_counter() - started
            finally:
                to_prediction(engine)  # whatever ends the run, it ends with the weights to predict with
            epoch = _measured(goal, running_loss, progress, engine, data, plan)
            watch.after_epoch(epoch.train_loss)
            progress.note(epoch)
            if checkpoints is not None and interrupt.has_come and not interrupt.is_shared:
                checkpoints.write(engine, progress)
        yield epoch


def _measured(
    index: int, running_loss: float, progress: Progress, engine: Engine, data: Dataset, plan: TrainPlan
) -> Epoch:
    """The epoch that has been done, measured with the weights that the engine holds."""
    train = Evaluation(running_loss, None)
    if progress.measures_training or index == plan.epochs:
        train = _evaluated(engine, data.train, plan.metrics, engine.ranks)
    valid = None if data.valid is None else _evaluated(engine, data.valid, plan.metrics, engine.ranks)
    return Epoch.of(
        train,
        valid,
        index=index,
        step=engine.num_updates,
        lr=engine.lr,
        running_loss=running_loss,
        seconds=progress.seconds,
        rows_per_second=progress.num_rows / progress.seconds,
    )


def evaluate(
    engine: Engine, rows: Part, metrics: str | Sequence[str] | Mapping[str, AnyMetric] | None = None
) -> Evaluation:
    """The loss and accuracy of the network on `rows` in evaluation mode: means over the rows, weighted if they are.

    `metrics`, by default those of the engine's plan, are measured beside them, from all rows together; one that does
    not suit the loss's target raises an `InputError`, as do rows that all weigh 0. A rank does this by itself, for all.
    """
    instance("rows", rows, Part, "pass one part of the data, such as data.test, or Rows(x, y)")
    return _evaluated(engine, rows, engine.plan.metrics if metrics is None else metrics, ALONE)


@torch.no_grad()
def _evaluated(
    engine: Engine, rows: Part, metrics: str | Sequence[str] | Mapping[str, AnyMetric], ranks: Ranks
) -> Evaluation:
    """The same by several ranks, each of which takes its turns; all get the same bits, which are those of one."""
    chosen = build_metrics(metrics, engine.criterion.target)
    each: list[tuple[float, float, float]] = []  # loss, right answers and weight of the rows of each turn
    tally = Tally(chosen, bounded=not isinstance(rows, Rows) and len(rows) > MOST_TOGETHER)
    for turn, taken in enumerate(rows.parts(evaluation_rows(engine))):
        each.append((0.0, 0.0, 0.0))
        if turn % ranks.size != ranks.rank:
            continue
        part = taken.to(engine.device, engine.dtype)
        with threads_for(engine, len(part)):
            logits = engine.predict(part.inputs(engine.dtype))
            y = engine.criterion.match(logits, part.y)
            weight = logits.new_ones(len(part)) if part.weight is None else part.weight
            loss = engine.criterion.rows(logits, y, Memo(training=False)) @ weight
            each[turn] = loss.item(), (share_right(engine, logits, y) @ weight).item(), weight.sum().item()
        if chosen:
            middle = engine.criterion.middle
            tally.add(turn, middle(predictions(engine, logits)), middle(y), weight)
    if not ranks.are_alone:
        ranks.sum_(turns := torch.tensor(each, dtype=torch.float64))
        each = turns.tolist()
    loss_sum, right, total = (sum(column) for column in zip(*each, strict=True))
    if total == 0:
        raise refuse("the weights of the rows", "none", "numbers of at least 0 that are not all 0", "mend the weights")
    measured = tally.measured(ranks)
    accuracy = None if engine.criterion.target == "numbers" else right / total
    return Evaluation(loss_sum / total, measured.get("accuracy", accuracy), measured)


def evaluation_rows(engine: Engine) -> int:
    """The rows of one evaluation pass."""
    return rows_at_a_time(engine.spec, engine.device)


def predictions(engine: Engine, logits: Outputs) -> Outputs:
    """For numbers, what the logits stand for (a rate is exp of its logit); for classes and yes or no, the logits."""
    return engine.criterion.predicted(logits) if engine.criterion.target == "numbers" else logits


def share_right(engine: Engine, logits: Outputs, y: Targets) -> RowWeights:
    """For each row, the share of its answers that are right: the largest logit for classes, its sign for yes and no."""
    guesses = logits.argmax(-1) == y if engine.criterion.target == "classes" else (logits > 0) == (y > 0.5)
    return guesses.reshape(len(y), -1).to(logits.dtype).mean(1)


def check_start(engine: Engine, data: Dataset, plan: TrainPlan, every: int, *, is_new: bool) -> None:
    """Whether all fits, before anything is done; who goes on with what has begun has asked the other ranks already."""
    at_least("every", every, 1)
    instance("data", data, Dataset, "make one of your rows with Dataset(Rows(x, y))")
    check_same_arithmetic(engine, plan)
    if is_new:
        check_agreement(engine, data, plan)
    check_data(engine, data)
    check_steps(plan, data)
    if is_new:
        warn_of_alike_units(engine)


def _check_unfinished(progress: Progress, plan: TrainPlan) -> None:
    if progress.epochs >= plan.epochs:
        raise refuse(
            "epochs",
            plan.epochs,
            f"more than the {progress.epochs} that the engine has done",
            "raise it, or make a new engine",
        )


def check_same_arithmetic(engine: Engine, plan: TrainPlan) -> None:
    """The engine was made with a loss, an update rule and a seed; the plan may only differ in what the loop does."""
    for field in FIXED:
        if getattr(plan, field) != getattr(engine.plan, field):
            raise InputError(
                f"{field} of the plan must be the engine's {getattr(engine.plan, field)}, got {getattr(plan, field)}; "
                f"make the engine with this plan."
            )
