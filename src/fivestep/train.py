"""The loop, one epoch at a time.

Stopping is `break`, printing is `print`: there are no callbacks.
"""

from collections.abc import Iterator

from .agreement import check_agreement
from .averages import to_prediction
from .check import InputError, at_least, instances, refuse
from .datasets._base import Dataset
from .divergence import Watch
from .engines._engine import Engine
from .epoch import Epoch, Evaluation
from .evaluation import evaluate_in_training
from .machine.interrupt import Interrupt, deferred_interrupt
from .plan import TrainPlan
from .preflight import check_data, check_steps, warn_of_alike_units
from .progress import Progress
from .saved.checkpoint import Checkpoints
from .steps import steps

ENGINE_FIELDS = (
    *("loss", "optimizer", "momentum", "nesterov", "weight_decay", "clip_norm", "clip_value"),
    *("ema", "lr_factors", "no_decay", "seed"),
)
"""The fields of a plan that an engine is made with; the others belong to the loop."""


def train(
    engine: Engine,
    data: Dataset,
    plan: TrainPlan,
    every: int = 1,
    progress: Progress | None = None,
    checkpoints: Checkpoints | None = None,
) -> Iterator[Epoch]:
    """Trains for `plan.epochs` epochs and yields every n-th of them, and the last.

    At a yield the engine holds exactly that epoch's weights, and evaluation happens only there. `patience` and
    `restore_best` are left to the caller; `fit` does both. Goes on after the steps that the engine has done; `progress`
    is what the loop remembered until then, and is kept up to date. `checkpoints` are written from time to time. Ctrl-C
    raises `KeyboardInterrupt`, and SIGTERM `SystemExit`, between two steps. The engine's ranks train together. Raises
    an `InputError` if data, network and plan do not fit, or differ between ranks, a `DivergenceError` if the loss is no
    longer finite, a `RanksError` if a rank has ended or hangs.
    """
    check_start(engine, data, plan, every, is_new=progress is None)
    per_epoch = plan.steps_per_epoch(data.num_rows)
    progress = Progress(engine, plan, engine.num_updates // per_epoch) if progress is None else progress
    _check_unfinished(progress, plan)
    interrupt = Interrupt(is_shared=not engine.ranks.are_alone)
    watch = Watch(engine, data, plan, progress.seen, None if checkpoints is None else checkpoints.last_state, interrupt)
    remaining = steps(engine, data, plan, engine.num_updates, progress.seen, every)
    while progress.epochs < plan.epochs:
        goal = min(progress.epochs - progress.epochs % every + every, plan.epochs)
        with deferred_interrupt(interrupt):
            progress.is_at_epoch = False
            try:
                started = engine.clock - progress.seconds
                while engine.num_updates < goal * per_epoch:
                    started += _between_steps(engine, progress, checkpoints, watch, interrupt, started)
                    watch.before_step()
                    progress.add(step := next(remaining))
                    watch.after_step(step.loss)
                watch.look()
                running_loss = progress.running_loss(data.num_rows)  # waits for the device
                progress.seconds = engine.clock - started
            finally:
                to_prediction(engine)  # however training ends, the engine holds the weights to predict with
            epoch = _evaluated(goal, running_loss, progress, engine, data, plan)
            watch.after_epoch(epoch.train_loss)
            progress.note(epoch)
        yield epoch


def _between_steps(
    engine: Engine,
    progress: Progress,
    checkpoints: Checkpoints | None,
    watch: Watch,
    interrupt: Interrupt,
    started: float,
) -> float:
    """Writes a checkpoint if one is due or training is about to end, then raises an interrupt that is pending.

    All ranks agree on both. `started` is the reading of the engine's clock at which the epoch's steps would have begun
    without pauses. Returns the seconds of this pause.
    """
    is_due = checkpoints is not None and checkpoints.are_due()
    requests, seconds = engine.ranks.agreed(interrupt.requests(checkpoint=is_due)), 0.0
    if checkpoints is not None and any(requests):
        watch.check()  # what is written is finite
        progress.seconds = engine.clock - started
        seconds = checkpoints.write(engine, progress)
    interrupt.take_agreed(requests)
    return seconds


def _evaluated(
    index: int, running_loss: float, progress: Progress, engine: Engine, data: Dataset, plan: TrainPlan
) -> Epoch:
    """The finished epoch, evaluated with the weights that the engine holds."""
    train = Evaluation(running_loss, None)
    if progress.measures_training or index == plan.epochs:
        train = evaluate_in_training(engine, data.train, plan.metrics)
    valid = None if data.valid is None else evaluate_in_training(engine, data.valid, plan.metrics)
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


def check_start(engine: Engine, data: Dataset, plan: TrainPlan, every: int, *, is_new: bool) -> None:
    """Checks that engine, data and plan fit; a run that is resumed has compared its ranks already."""
    at_least("every", every, 1)
    instances(engine=(engine, Engine), data=(data, Dataset), plan=(plan, TrainPlan))
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
    """Refuses a plan that differs from the engine's in any field that an engine is made with."""
    for field in ENGINE_FIELDS:
        if getattr(plan, field) != getattr(engine.plan, field):
            raise InputError(
                f"{field} of the plan must be the engine's {getattr(engine.plan, field)}, got {getattr(plan, field)}; "
                f"make the engine with this plan."
            )
