"""Reasons for step 2: the loss of the same logits with one error."""

from collections.abc import Iterator
from functools import partial

from torch import Tensor

from ..find import build, names
from ..layer import Memo
from ._moments import Key
from ._replay import Suspicion
from ._scene import Scene


def suspected_losses(scene: Scene) -> Iterator[Suspicion]:
    """Sums for means, means for sums, omitted weights, another loss, a penalty."""
    engine, (_, y, weight) = scene.engine, scene.upcoming.batch
    logits = scene.now(1, 1)[Key("logits")]
    y = engine.criterion.match(logits, y)
    rows = engine.criterion.rows(logits, y, Memo(training=True))
    loss, num_rows, num_outputs = _weighed(rows, weight), len(rows), logits[0].numel()
    batch_size = engine.plan.batch_size or num_rows
    candidates = {
        f"the losses of the {num_rows} rows are added up, where their mean is due": rows.sum(),
        "the weights of the rows are left out": rows.mean(),
        f"the losses of the {num_outputs} outputs are added up, where their mean is due": loss * num_outputs,
        f"the loss is divided by the {num_outputs} outputs twice": loss / num_outputs,
        f"the loss is divided by the {num_rows} rows twice": loss / num_rows,
        f"the loss is divided by one less than the {num_rows} rows": loss * num_rows / max(1, num_rows - 1),
        f"the losses of {num_rows} rows are divided by the batch size, {batch_size}": loss * num_rows / batch_size,
        "the loss is halved": loss / 2,
        "the loss is doubled": loss * 2,
        "the sign is wrong": -loss,
        "the penalty of weight decay is part of the loss": loss + engine.optimizer.weight_decay / 2 * _squares(scene),
    }
    for sentence, candidate in candidates.items():
        yield Suspicion(sentence, candidate.clone)
    for name in names("losses"):
        if name != engine.plan.loss.name:  # type: ignore[union-attr]  # parsed by the plan
            yield Suspicion(
                f"this is {name}, where {engine.plan.loss} is due", partial(_other, name, logits, y, weight)
            )


def _other(name: str, logits: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
    """Another loss of the same logits and targets."""
    loss: Tensor = build("losses", name).value(logits, y, weight, Memo(training=True))
    return loss


def _weighed(rows: Tensor, weight: Tensor | None) -> Tensor:
    return rows.mean() if weight is None else rows @ weight


def _squares(scene: Scene) -> Tensor:
    squares = [value.square().sum() for key, value in scene.lock.before.items() if key.kind == "parameter"]
    return sum(squares[1:], squares[0])
