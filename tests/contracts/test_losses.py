"""What holds for every loss: rows, weights and gradient agree with the torch twin, and shapes never broadcast."""

import pytest
import torch
from torch import Tensor

from fivestep.check import InputError
from fivestep.layer import Memo
from fivestep.losses._base import Loss
from tests.contracts.cases import Item, items, over, targets_of
from tests.differences import central_differences
from tests.tolerances import CENTRAL_DIFFERENCES, FORMULA, distance

SHAPES = [(7, 3), (1, 3), (7, 1), (4, 2, 3)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_loss = over("losses")


def wide(loss: Loss, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of logits for targets of that shape: as many as the loss takes for each."""
    return (*shape[:-1], shape[-1] * loss.outputs_per_target)


def example(item: Item, shape: tuple[int, ...], scale: float = 1.0) -> tuple[Loss, Tensor, Tensor]:
    """The loss, logits for targets of that shape, and the targets."""
    stream = torch.Generator().manual_seed(0)
    loss: Loss = item.build()
    logits = scale * torch.randn(wide(loss, shape), generator=stream, dtype=torch.float64)
    return loss, logits, loss.match(logits, targets_of(item, shape, stream))


def row_weights(num_rows: int) -> Tensor:
    weight = torch.rand(num_rows, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return weight / weight.sum()


def twin_rows(loss: Loss, logits: Tensor, y: Tensor) -> Tensor:
    """The loss of each row by the twin, which knows tokens as rows: a row's loss is the mean of its tokens'."""
    losses = loss.twin(reduction="none").double()(logits.flatten(0, -2), y.flatten(0, logits.dim() - 2))
    return losses.reshape(len(logits), -1).mean(1)


@every_loss
def test_the_kind_of_its_targets_is_known(item: Item) -> None:
    assert item.build().target in ("classes", "yes_no", "numbers")


@every_loss
@shapes
def test_rows_equal_the_twin_without_reduction(item: Item, shape: tuple[int, ...]) -> None:
    loss, logits, y = example(item, shape)
    assert distance(loss.rows(logits, y, Memo(training=True)), twin_rows(loss, logits, y)) < FORMULA


@every_loss
@shapes
def test_value_equals_the_mean_of_the_twin(item: Item, shape: tuple[int, ...]) -> None:
    loss, logits, y = example(item, shape)
    mean = loss.twin(reduction="mean").double()(logits.flatten(0, -2), y.flatten(0, logits.dim() - 2))
    assert distance(loss.value(logits, y, None, Memo(training=True)), mean) < FORMULA


@every_loss
@shapes
def test_weighted_value_equals_the_weighted_rows_of_the_twin(item: Item, shape: tuple[int, ...]) -> None:
    loss, logits, y = example(item, shape)
    weight = row_weights(len(logits))
    expected = (twin_rows(loss, logits, y) * weight).sum()
    assert distance(loss.value(logits, y, weight, Memo(training=True)), expected) < FORMULA


@every_loss
@shapes
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_equals_autograd_through_the_twin(item: Item, shape: tuple[int, ...], weighted: bool) -> None:
    loss, logits, y = example(item, shape)
    weight, memo = (row_weights(len(logits)) if weighted else None), Memo(training=True)
    leaf = logits.clone().requires_grad_()
    rows = twin_rows(loss, leaf, y)
    (rows.mean() if weight is None else rows @ weight).backward()
    loss.value(logits, y, weight, memo)
    assert distance(loss.logits_gradient(logits, y, weight, memo), leaf.grad) < FORMULA


@every_loss
@shapes
def test_gradient_equals_central_differences(item: Item, shape: tuple[int, ...]) -> None:
    loss, logits, y = example(item, shape)
    weight, memo = row_weights(len(logits)), Memo(training=True)
    loss.value(logits, y, weight, memo)
    quotient = central_differences(lambda moved: loss.value(moved, y, weight, Memo(training=True)), logits)
    assert distance(loss.logits_gradient(logits, y, weight, memo), quotient) < CENTRAL_DIFFERENCES


@pytest.mark.parametrize(
    ("item", "size"),
    [pytest.param(item, size, id=f"{item}-{size:g}") for item in items("losses") for size in item.case.extremes],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_give_finite_numbers(item: Item, size: float, dtype: torch.dtype) -> None:
    loss, logits, y = example(item, (7, 3))
    extreme, memo = torch.full_like(logits, -size).to(dtype), Memo(training=True)
    extreme[:, 0] = size
    y = loss.match(extreme, loss.middle(y))
    assert loss.value(extreme, y, None, memo).isfinite()
    assert loss.logits_gradient(extreme, y, None, memo).isfinite().all()


@every_loss
def test_gradient_is_the_callers_to_overwrite(item: Item) -> None:
    loss, logits, y = example(item, (7, 3))
    memo, untouched = Memo(training=True), logits.clone()
    value = loss.value(logits, y, None, memo)
    loss.logits_gradient(logits, y, None, memo).fill_(torch.nan)
    assert torch.equal(logits, untouched)
    assert torch.equal(loss.value(logits, y, None, memo), value)


@every_loss
@shapes
def test_a_last_axis_of_one_is_matched_explicitly(item: Item, shape: tuple[int, ...]) -> None:
    loss, logits, y = example(item, shape)
    assert torch.equal(loss.match(logits, loss.middle(y)[..., None]), y)


@every_loss
def test_one_output_takes_one_number_for_each_row(item: Item) -> None:
    loss, logits, y = example(item, (7, 1))
    assert torch.equal(loss.match(logits, loss.middle(y).reshape(7)), y)


@every_loss
@pytest.mark.parametrize(
    ("logits_shape", "target_shape"),
    [
        ((7, 1), (1, 7)),
        ((7, 1), (7, 2)),
        ((7, 2), (1,)),
        ((7, 2), (8,)),
        ((7, 2), (1, 2)),
        ((7, 1), (1,)),
        ((7, 2), ()),
    ],
    ids=str,
)
def test_a_target_that_would_broadcast_is_refused(
    item: Item, logits_shape: tuple[int, ...], target_shape: tuple[int, ...]
) -> None:
    loss, y = item.build(), torch.zeros(target_shape)
    with pytest.raises(InputError, match="a loss here never broadcasts"):
        loss.match(torch.zeros(wide(loss, logits_shape)), y.long() if loss.target == "classes" else y)


@every_loss
def test_a_target_of_the_wrong_kind_of_axis_is_refused(item: Item) -> None:
    """One number for each row beside several outputs is a class; several numbers for each row are not."""
    loss = item.build()
    y = torch.zeros(2, 2).long() if loss.target == "classes" else torch.zeros(2)
    with pytest.raises(InputError, match="never broadcasts"):
        loss.match(torch.zeros(wide(loss, (2, 2))), y)


@every_loss
def test_a_target_on_another_device_is_refused(item: Item) -> None:
    loss, logits, y = example(item, (7, 3))
    with pytest.raises(
        InputError, match=r"y must be on the predictions' device cpu, got meta; move it with y.to\('cpu'\)"
    ):
        loss.match(logits, y.to("meta"))
