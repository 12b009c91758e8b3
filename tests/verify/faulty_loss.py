"""What goes wrong in steps 2 and 3."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from fivestep.engines._base import FiveStepEngine
from tests.verify.planting import (
    NUMBERS,
    Fault,
    in_engine,
    in_loss,
)


def summed(loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: loss.rows(logits, y, memo).sum()


def summed_over_outputs(loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: (logits - y).square().sum(1).mean()


def rows_unweighted(loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: loss.rows(logits, y, memo).mean()


def with_penalty(engine: FiveStepEngine) -> Callable[..., Tensor]:
    own = engine.loss
    return lambda logits, y, weight=None: (
        own(logits, y, weight) + 0.05 * sum(w.square().sum() for w in engine.named_parameters().values())
    )


def absolute_errors(_loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: (logits - y).abs().mean()


def divided_by(number: Callable[[int], int]) -> Callable[[Any], Callable[..., Tensor]]:
    """The losses of all rows over another number than how many they are."""
    return lambda loss: lambda logits, y, weight, memo: loss.rows(logits, y, memo).sum() / number(len(logits))


def matrices_only(engine: FiveStepEngine) -> Callable[..., None]:
    def zero_grad() -> None:
        for gradient in engine.named_gradients().values():
            if gradient.dim() > 1:
                gradient.zero_()

    return zero_grad


FAULTS = [
    Fault("a loss that is a sum", in_loss(value=summed), (1, 2, "loss"), "losses of the 10 rows are added up"),
    Fault(
        "a mean over one row less",
        in_loss(value=divided_by(lambda rows: rows - 1)),
        (1, 2, "loss"),
        "divided by one less than the 10 rows",
    ),
    Fault(
        "a last batch divided by the batch size",
        in_loss(value=divided_by(lambda _rows: 12)),
        (2, 2, "loss"),
        "losses of 8 rows are divided by the batch size, 12",
        plan={"batch_size": 12},
    ),
    Fault(
        "a mean over the wrong axis",
        in_loss(value=summed_over_outputs),
        (1, 2, "loss"),
        "losses of the 3 outputs are added up",
        plan=NUMBERS,
    ),
    Fault(
        "row weights left out of the loss",
        in_loss(value=rows_unweighted),
        (1, 2, "loss"),
        "weights of the rows are left out",
        weighted=True,
    ),
    Fault(
        "a penalty in the loss",
        in_engine("loss", with_penalty),
        (1, 2, "loss"),
        "penalty of weight decay is part of the loss",
        plan={"weight_decay": 0.1},
    ),
    Fault(
        "another loss", in_loss(value=absolute_errors), (1, 2, "loss"), "this is mae, where mse is due", plan=NUMBERS
    ),
    Fault(
        "zero_grad forgotten",
        in_engine("zero_grad", lambda _engine: lambda: None),
        (2, 3, "gradient of 0.weight"),
        "not cleared: what the last step left",
    ),
    Fault(
        "zero_grad for matrices only",
        in_engine("zero_grad", matrices_only),
        (2, 3, "gradient of 0.bias"),
        "not cleared: what the last step left",
    ),
]
