"""Equal rows merged into one weighted row: the same loss, the same gradient."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

import fivestep as fs
from fivestep.batches import Batches
from fivestep.layers._composite import with_inner
from fivestep.preflight import check_merged
from tests.contracts.cases import Item, items
from tests.contracts.combinations import Combination, reference
from tests.samples import FIVE_STEP_ENGINES, do_steps, small_engine, small_plan, three_classes, weights_of
from tests.tolerances import ENGINES_FLOAT64, FORMULA, worst

COPIES = torch.tensor([0, 1, 2, 0, 3, 1, 0, 4, 2, 0])
"""Which of the different rows each row is: 4, 2, 2, 1 and 1 copies."""

LAYERS = [replace(reference(), layer=item) for item in items("layers")]
ROW_BY_ROW = [one for one in LAYERS if all(layer.is_row_by_row for layer in with_inner(one.spec().build()))]
OTHERS = [one for one in LAYERS if one not in ROW_BY_ROW]
LOSSES = [replace(reference(), loss=item) for item in items("losses")]

every_engine = pytest.mark.parametrize("name", FIVE_STEP_ENGINES)


def of(combinations: list[Combination]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("combination", [pytest.param(one, id=str(one)) for one in combinations])


def with_copies(combination: Combination, weight: Tensor | None = None) -> fs.Dataset:
    """Rows that suit the network and the loss, some of them several times."""
    batch = combination.batch(1, torch.float64)
    return fs.Dataset(fs.Rows(batch.x[COPIES], batch.y[COPIES], weight))


def full_gradient(name: str, combination: Combination, data: fs.Dataset) -> dict[str, Tensor]:
    """The loss and the gradient of the full batch, as the loop hands it to an engine."""
    plan = replace(combination.plan(), batch_size=None)
    engine = small_engine(name, plan, combination.spec())
    batch = next(Batches(data, None, plan.seed, engine.dtype, engine.device).epoch(0))
    loss = engine.loss(engine.forward(batch.x), batch.y, batch.weight)
    engine.zero_grad()
    engine.backward()
    return {"loss": loss.detach(), **engine.named_gradients()}


@every_engine
@of([*ROW_BY_ROW, *LOSSES])
def test_full_batch_gradient_is_that_of_all_copies(name: str, combination: Combination) -> None:
    data = with_copies(combination)
    merged = full_gradient(name, combination, data.unique())
    assert worst(merged, full_gradient(name, combination, data)).distance < FORMULA


@every_engine
@of(LOSSES)
def test_full_batch_gradient_is_that_of_all_copies_with_weights_of_their_own(
    name: str, combination: Combination
) -> None:
    data = with_copies(combination, weight=torch.arange(10.0))
    merged = full_gradient(name, combination, data.unique())
    assert worst(merged, full_gradient(name, combination, data)).distance < FORMULA


@of(OTHERS)
def test_layers_that_draw_or_look_at_the_batch_are_refused(combination: Combination) -> None:
    engine = small_engine("scratch", combination.plan(), combination.spec())
    with pytest.raises(fs.InputError, match=r"^merge_duplicates must be used with layers that take each row by itself"):
        check_merged(engine)


@pytest.mark.parametrize("name", ["dropout", "batch_norm"])
def test_dropout_and_batch_norm_are_not_row_by_row(name: str) -> None:
    assert name in {one.layer.name for one in OTHERS if isinstance(one.layer, Item)}


def test_rows_come_once_in_the_order_of_their_first_appearance_with_their_counts() -> None:
    x = torch.tensor([[2.0, 1.0], [1.0, 2.0], [2.0, 1.0], [0.0, 0.0], [1.0, 2.0], [2.0, 1.0]])
    y = torch.tensor([1, 0, 1, 0, 5, 1])  # the two rows (1, 2) have different targets
    rows = fs.Rows(x, y).unique()
    assert rows.x.tolist() == [[2, 1], [1, 2], [0, 0], [1, 2]]
    assert rows.y.tolist() == [1, 0, 0, 5]
    assert rows.weight.tolist() == [3, 1, 1, 1]


def test_weights_of_copies_add_up() -> None:
    rows = fs.Rows([[1.0], [2.0], [1.0]], [0.0, 0.0, 0.0], [0.5, 2.0, 0.25]).unique()
    assert rows.weight.tolist() == [0.75, 2.0]


def test_rows_that_are_all_different_stay_what_they_are() -> None:
    rows = fs.Rows(torch.arange(4.0)[:, None], torch.zeros(4))
    assert rows.unique() is rows


def test_images_stored_as_bytes_stay_bytes() -> None:
    image = torch.randint(0, 256, (2, 3, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    rows = fs.Rows(image[[0, 1, 1]], torch.tensor([0, 1, 1]), scale=1 / 255).unique()
    assert (rows.stored.dtype, rows.scale) == (torch.uint8, 1 / 255)
    assert torch.equal(rows.stored, image)


def test_targets_of_several_numbers_are_compared_as_a_whole() -> None:
    rows = fs.Rows(torch.ones(3, 1), torch.tensor([[1.0, 2.0], [1.0, 3.0], [1.0, 2.0]])).unique()
    assert rows.weight.tolist() == [2, 1]


def copied_classes() -> fs.Dataset:
    """Fifty rows, each of them twice."""
    rows = three_classes().train
    return fs.Dataset(rows.take(torch.arange(100) % 50), num_outputs=3)


def test_loss_and_accuracy_are_those_of_all_copies() -> None:
    engine, data = small_engine("scratch"), copied_classes()
    merged, all_rows = fs.evaluate(engine, data.unique().train), fs.evaluate(engine, data.train)
    assert (merged.loss, merged.accuracy) == pytest.approx((all_rows.loss, all_rows.accuracy), rel=FORMULA)


def test_full_batch_training_takes_the_same_way() -> None:
    data, plan = copied_classes(), small_plan(batch_size=None, epochs=7, optimizer="adam")
    all_rows, merged = small_engine("scratch", plan), small_engine("scratch", plan)
    do_steps(all_rows, data, plan, 1, 7)
    do_steps(merged, data.unique(), plan, 1, 7)
    assert worst(weights_of(merged), weights_of(all_rows)).distance < ENGINES_FLOAT64


def test_mini_batches_hold_different_rows_so_there_are_fewer() -> None:
    plan = small_plan(batch_size=5)
    assert plan.steps_per_epoch(len(copied_classes().train)) == 20
    assert plan.steps_per_epoch(len(copied_classes().unique().train)) == 10


def test_only_the_training_part_is_merged() -> None:
    rows = fs.Rows(torch.ones(3, 1), torch.zeros(3))
    data = fs.Dataset(rows, rows, rows).unique()
    assert (len(data.train), len(data.valid), len(data.test)) == (1, 3, 3)


def test_rows_that_are_drawn_fresh_are_refused() -> None:
    with pytest.raises(fs.InputError, match=r"^rows must be the same in every epoch to be merged, got task 'sum'"):
        fs.load_dataset("sum").unique()
