"""The loop, one epoch at a time, and the measurement of what came out.

Stopping is `break`, printing is `print`: there are no callbacks.
"""

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from .averages import to_prediction
from .check import InputError, at_least, refuse
from .datasets._base import Dataset, Rows
from .divergence import Watch
from .engines._base import Engine
from .interrupt import deferred_interrupt
from .layer import Memo
from .metrics._base import build_metrics, measure
from .plan import TrainPlan
from .preflight import check_data, check_whole_batches
from .steps import steps
from .threads import threads_for
from .typing import Outputs, RowWeights, Targets

EVALUATION_ROWS = 8192
"""Rows that one evaluation pass takes at a time: enough for full speed, few enough for any memory."""


FIXED = (
    *("loss", "optimizer", "momentum", "nesterov", "weight_decay", "clip_norm", "clip_value"),
    *("ema", "lr_factors", "no_decay", "seed"),
)
"""The fields of a plan that an engine is made with; the others are the loop's."""


class Evaluation(NamedTuple):
    """The mean loss over the rows, the share of right answers (None for numbers), and the metrics by name."""

    loss: float
    accuracy: float | None
    metrics: Mapping[str, float] = MappingProxyType({})

    def figures(self) -> dict[str, float | None]:
        """All of it by name."""
        return {"loss": self.loss, "accuracy": self.accuracy, **self.metrics}


@final
@dataclass(frozen=True)
class Epoch:
    """The state of training after epoch `index` (counted from 1) and `step` steps.

    `train_loss` and `valid_loss` are measured with the same weights in evaluation mode, so they can be compared.
    `running_loss` is the mean loss of the steps since the last `Epoch`, while the weights moved and dropout was on:
    what other libraries show as the training loss. `seconds` is the time of those steps alone, without evaluation.
    `train_metrics` and `valid_metrics` are the plan's metrics by name.
    """

    index: int
    step: int
    lr: float
    running_loss: float
    train_loss: float
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float
    rows_per_second: float
    train_metrics: Mapping[str, float] = dataclasses.field(default_factory=dict, hash=False)
    valid_metrics: Mapping[str, float] = dataclasses.field(default_factory=dict, hash=False)

    def figures(self) -> dict[str, float | None]:
        """What was measured, by part and name: "train_loss", "train_accuracy", "train_f1", ..., "valid_loss", ..."""
        parts = {
            "train": Evaluation(self.train_loss, self.train_accuracy, self.train_metrics).figures(),
            "valid": {"loss": self.valid_loss, "accuracy": self.valid_accuracy, **self.valid_metrics},
        }
        return {f"{part}_{name}": value for part, figures in parts.items() for name, value in figures.items()}

    def __str__(self) -> str:
        shown = {name: value for name, value in self.figures().items() if value is not None}
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
        return f"epoch {self.index}  {numbers}  {self.seconds:.2f} s"


def train(engine: Engine, data: Dataset, plan: TrainPlan, every: int = 1) -> Iterator[Epoch]:
    """Trains for `plan.epochs` epochs and yields every n-th of them, and the last.

    At a yield the engine holds exactly that epoch's weights, and evaluation happens only there. Continues after the
    steps that the engine has already done. Ctrl-C is taken between two steps, as `KeyboardInterrupt`. Raises an
    `InputError` if data, network and plan do not fit, and a `DivergenceError` if the loss is no longer finite.
    """
    at_least("every", every, 1)
    check_same_arithmetic(engine, plan)
    check_data(engine, data)
    check_whole_batches(plan, data)
    per_epoch = plan.steps_per_epoch(len(data.train))
    _check_unfinished(engine, plan, per_epoch)
    seen: list[float] = []  # the monitored loss of each epoch that was evaluated, for a schedule that answers to it
    watch = Watch(engine, data, plan, seen)
    stream = steps(engine, data, plan, engine.num_updates, seen)
    done = engine.num_updates // per_epoch
    while done < plan.epochs:
        goal = min(done - done % every + every, plan.epochs)
        total, num_rows = torch.zeros_like(engine.params.flat[0]), 0
        started = time.perf_counter()
        try:
            with deferred_interrupt() as raise_if_pressed:
                for step in islice(stream, goal * per_epoch - engine.num_updates):
                    total.add_(step.loss, alpha=step.num_rows)  # stays on the device
                    num_rows += step.num_rows
                    watch.after_step(step.loss)
                    raise_if_pressed()
            watch.check()
        finally:
            to_prediction(engine)  # whatever ends the run, it ends with the weights to predict with
        running_loss = total.item() / num_rows  # a host-device synchronisation, once for each epoch that is shown
        seconds = time.perf_counter() - started
        done = goal
        epoch = Epoch(
            index=goal,
            step=engine.num_updates,
            lr=engine.lr,
            running_loss=running_loss,
            seconds=seconds,
            rows_per_second=num_rows / seconds,
            **_measured(engine, data, plan),
        )
        seen.append(monitored(epoch, plan))
        yield epoch


def _measured(engine: Engine, data: Dataset, plan: TrainPlan) -> dict[str, Any]:
    """The fields of an `Epoch` that evaluation fills."""
    train = evaluate(engine, data.train, plan.metrics)
    valid = None if data.valid is None else evaluate(engine, data.valid, plan.metrics)
    return {
        "train_loss": train.loss,
        "train_accuracy": train.accuracy,
        "train_metrics": train.metrics,
        "valid_loss": None if valid is None else valid.loss,
        "valid_accuracy": None if valid is None else valid.accuracy,
        "valid_metrics": {} if valid is None else valid.metrics,
    }


def monitored(epoch: Epoch, plan: TrainPlan) -> float:
    """The figure that stopping and schedules go by, of the validation part where there is one: lower is better.

    A metric of which higher is better, and 1 the best, is turned round: 1 - value.
    """
    part = "train" if epoch.valid_loss is None else "valid"
    value = epoch.figures()[f"{part}_{plan.monitor}"]
    assert value is not None
    return 1 - value if plan.monitor != "loss" and plan.build_metrics()[plan.monitor].higher_is_better else value


@torch.no_grad()
def evaluate(engine: Engine, rows: Rows, metrics: str | Sequence[str] | None = None) -> Evaluation:
    """The loss and accuracy of the network on `rows` in evaluation mode: means over the rows, weighted if they are.

    `metrics`, by default those of the engine's plan, are measured beside them, from all rows together; one that does
    not suit the loss's target raises an `InputError`.
    """
    chosen = build_metrics(engine.plan.metrics if metrics is None else metrics, engine.criterion.target)
    collected: list[tuple[Tensor, Tensor, Tensor]] = []
    loss = right = total = 0.0
    for start in range(0, len(rows), EVALUATION_ROWS):
        part = rows.take(slice(start, start + EVALUATION_ROWS)).to(engine.device, engine.dtype)
        with threads_for(engine, len(part)):
            logits = engine.predict(part.inputs(engine.dtype))
            y = engine.criterion.match(logits, part.y)
            weight = logits.new_ones(len(part)) if part.weight is None else part.weight
            loss += (engine.criterion.rows(logits, y, Memo(training=False)) @ weight).item()
            right += (_share_right(engine, logits, y) @ weight).item()
            total += weight.sum().item()
        if chosen:
            collected.append((predictions(engine, logits).cpu(), y.cpu(), weight.cpu()))
    measured = measure(chosen, *(torch.cat(parts) for parts in zip(*collected, strict=True))) if chosen else {}
    accuracy = None if engine.criterion.target == "numbers" else right / total
    return Evaluation(loss / total, measured.get("accuracy", accuracy), measured)


def predictions(engine: Engine, logits: Outputs) -> Outputs:
    """For numbers, what the logits stand for (a rate is exp of its logit); for classes and yes or no, the logits."""
    return engine.criterion.predicted(logits) if engine.criterion.target == "numbers" else logits


def _share_right(engine: Engine, logits: Outputs, y: Targets) -> RowWeights:
    """For each row, the share of its answers that are right: the largest logit for classes, its sign for yes and no."""
    guesses = logits.argmax(-1) == y if engine.criterion.target == "classes" else (logits > 0) == (y > 0.5)
    return guesses.reshape(len(y), -1).to(logits.dtype).mean(1)


def _check_unfinished(engine: Engine, plan: TrainPlan, per_epoch: int) -> None:
    if engine.num_updates >= plan.epochs * per_epoch:
        raise refuse(
            "epochs",
            plan.epochs,
            f"more than the {engine.num_updates // per_epoch} that the engine has done",
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
