"""How good a network is on some rows: the loss, the accuracy and the metrics."""

from collections.abc import Mapping, Sequence

import torch

from .check import InWords, instance, instances, refuse
from .datasets._base import Part, Rows
from .engines._engine import Engine
from .engines._parts import rows_at_a_time
from .epoch import Evaluation
from .find import build
from .layer import Memo
from .losses._base import Loss
from .machine.threads import threads_for
from .metrics._base import AnyMetric, build_metrics
from .metrics._tally import MOST_TOGETHER, Tally
from .ranks import ALONE, Ranks
from .typing import Outputs, RowWeights, Targets


def evaluate(
    engine: Engine, rows: Part, metrics: str | Sequence[str] | Mapping[str, AnyMetric] | None = None
) -> Evaluation:
    """The loss and the accuracy, in [0, 1], of the network on `rows` in evaluation mode.

    Both are means over the rows, weighted if the rows are; the accuracy of a regression is None. `metrics`, by default
    those of the engine's plan, are measured beside them, from all rows together. With `temperature_scaling` in the
    plan, the loss leaves out label smoothing, as the temperature is fitted to the labels as they are. Each rank that
    calls this evaluates all rows by itself. Raises an `InputError` for a metric that does not suit the loss's targets,
    and for weights of rows that are negative or not finite, or all 0.
    """
    instances(engine=(engine, Engine))
    instance("rows", rows, Part, "pass one part of the data, such as data.test, or Rows(x, y)")
    chosen = engine.plan.metrics if metrics is None else metrics
    return _evaluate(engine, rows, chosen, loss_of_answers(engine), ALONE)


def evaluate_in_training(engine: Engine, rows: Part, metrics: Sequence[str]) -> Evaluation:
    """`evaluate` by the loss of training, divided among the engine's ranks: all get the bits that one process would."""
    return _evaluate(engine, rows, metrics, engine.criterion, engine.ranks)


def loss_of_answers(engine: Engine) -> Loss:
    """The loss of `evaluate`: that of training, without label smoothing if the plan asks for a temperature."""
    if not engine.plan.temperature_scaling:
        return engine.criterion
    loss: Loss = build("losses", engine.plan.loss, label_smoothing=0.0)
    return loss


@torch.no_grad()
def _evaluate(
    engine: Engine,
    rows: Part,
    metrics: str | Sequence[str] | Mapping[str, AnyMetric],
    criterion: Loss,
    ranks: Ranks,
) -> Evaluation:
    """The same by the loss `criterion`; the passes over some rows each are divided among the ranks."""
    chosen = build_metrics(metrics, engine.criterion.target)
    each: list[tuple[float, float, float]] = []  # loss, right answers and weight of the rows of each pass
    tally = Tally(chosen, bounded=not isinstance(rows, Rows) and len(rows) > MOST_TOGETHER)
    for number, rows_of_pass in enumerate(rows.parts(evaluation_rows(engine))):
        each.append((0.0, 0.0, 0.0))
        if number % ranks.size != ranks.rank:
            continue
        part = rows_of_pass.to(engine.device, engine.dtype)
        if part.weight is not None and not (fits := (part.weight >= 0) & part.weight.isfinite()).all():
            raise refuse(
                "the weights of the rows", part.weight[~fits][0].item(), "finite numbers of at least 0", "fix them"
            )
        with threads_for(engine, len(part)):
            logits = engine.predict(part.inputs(engine.dtype))
            y = criterion.match(logits, part.y)
            weight = logits.new_ones(len(part)) if part.weight is None else part.weight
            loss = criterion.rows(logits, y, Memo(training=False)) @ weight
            each[number] = loss.item(), (row_accuracies(engine, logits, y) @ weight).item(), weight.sum().item()
        if chosen:
            middle = criterion.middle
            tally.add(number, middle(predictions(engine, logits)), middle(y), weight)
    if not ranks.are_alone:
        ranks.sum_(sums := torch.tensor(each, dtype=torch.float64))  # of a pass, all ranks but one have zeros
        each = sums.tolist()
    loss_sum, right, total = (sum(column) for column in zip(*each, strict=True))
    if total == 0:
        raise refuse(
            "the weights of the rows", InWords("none"), "numbers of at least 0 that are not all 0", "fix the weights"
        )
    measured = tally.measured(ranks)
    accuracy = None if engine.criterion.target == "numbers" else right / total
    return Evaluation(loss_sum / total, measured.get("accuracy", accuracy), measured)


def evaluation_rows(engine: Engine) -> int:
    """The rows of one evaluation pass."""
    return rows_at_a_time(engine.spec, engine.device)


def predictions(engine: Engine, logits: Outputs) -> Outputs:
    """For regression, the numbers that the logits stand for (a rate is exp of its logit); for classes, the logits."""
    return engine.criterion.predicted(logits) if engine.criterion.target == "numbers" else logits


def row_accuracies(engine: Engine, logits: Outputs, y: Targets) -> RowWeights:
    """For each row, the share of correct answers: the largest logit for classes, its sign for binary targets."""
    guesses = logits.argmax(-1) == y if engine.criterion.target == "classes" else (logits > 0) == (y > 0.5)
    return guesses.reshape(len(y), -1).to(logits.dtype).mean(1)
