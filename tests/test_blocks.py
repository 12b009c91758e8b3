"""Blocks of steps: the same rows in the same order, with the same weights, as the batches one by one."""

from itertools import islice

import pytest
import torch

from fivestep.batches import Batches
from fivestep.blocks import MOST_PLACES_AWAY, MOST_ROWS, Block, Blocks, RowAccess, rows_of_steps
from fivestep.datasets._base import Dataset, Rows
from tests.samples import numbers, three_classes
from tests.windows import streamed

CPU = torch.device("cpu")
DATA = {
    "rows": three_classes(10),
    "weighted rows": three_classes(10, weighted=True),
    "bytes": Dataset(Rows(torch.arange(40, dtype=torch.uint8).view(10, 4), torch.arange(10) % 3, scale=0.1)),
    "fresh rows": Dataset(
        three_classes(10).train, fresh=lambda epoch: Rows(numbers(10, 4, seed=epoch), torch.arange(10))
    ),
    "stream": streamed(three_classes(10), 4),
    "weighted stream": streamed(three_classes(10, weighted=True), 3),
}


def rows_of(block: Block, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """The batch of one step of a block."""
    places = torch.arange(block.starts[step], block.stops[step])
    rows = places if block.order is None else block.order[places]
    return block.rows.stored[rows], block.rows.y[rows], None if block.shares is None else block.shares[places]


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize("size", [None, 1, 4, 5])
@pytest.mark.parametrize("first", [0, 1, 5])
def test_a_block_holds_the_batches_of_its_steps(data: Dataset, size: int | None, first: int) -> None:
    num_steps = 7
    batches = Batches(data, size, 3, torch.float64, CPU)
    block = Blocks(data, size, 3, torch.float64, CPU).take(first, torch.full((num_steps,), 0.1))
    stream = (batch for epoch in range(20) for batch in batches.epoch(epoch))
    for step, batch in enumerate(islice(stream, first, first + num_steps)):
        x, y, share = rows_of(block, step)
        assert torch.equal(x, batch.x)
        assert torch.equal(y, batch.y)
        assert (share is None) == (batch.weight is None)
        assert share is None or torch.equal(share, batch.weight)
        assert block.num_rows[step] == len(batch.x)


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize("lengths", [(3, 3, 3), (1, 7, 2), (8, 1, 5)], ids=str)
def test_orders_that_are_drawn_ahead_change_nothing(data: Dataset, lengths: tuple[int, ...]) -> None:
    """Whatever the next block turns out to be, longer or shorter than what was expected."""
    plain, ahead = (Blocks(data, 4, 3, torch.float64, CPU) for _ in range(2))
    first = 0
    for length in lengths:
        blocks = [each.take(first, torch.full((length,), 0.1)) for each in (plain, ahead)]
        for step in range(length):
            (x, y, _), (expected_x, expected_y, _) = (rows_of(block, step) for block in reversed(blocks))
            assert torch.equal(x, expected_x)
            assert torch.equal(y, expected_y)
        first += length
        ahead.draw_ahead(first, first + length)


@pytest.mark.parametrize("data", [DATA["rows"], DATA["weighted rows"], DATA["fresh rows"]])
@pytest.mark.parametrize("size", [None, 4])
def test_the_l2_term_is_divided_by_the_weight_of_each_batch(data: Dataset, size: int | None) -> None:
    batches = Batches(data, size, 3, torch.float64, CPU)
    totals = batches.totals(0) + batches.totals(1)
    block = Blocks(data, size, 3, torch.float64, CPU).take(1, torch.full((len(totals) - 1,), 0.1), l2=0.5)
    assert block.l2.tolist() == pytest.approx([0.5 / total for total in totals[1:]], rel=1e-15)


def test_a_block_of_a_stream_goes_on_where_the_last_one_ended() -> None:
    data = streamed(three_classes(10), 4)
    blocks, rates = Blocks(data, 3, 0, torch.float64, CPU), torch.full((5,), 0.1)
    together = Blocks(data, 3, 0, torch.float64, CPU).take(0, torch.full((10,), 0.1))
    parts = [blocks.take(0, rates), blocks.take(5, rates)]
    assert torch.equal(torch.cat([part.rows.stored for part in parts]), together.rows.stored)


@pytest.mark.parametrize(("dtype", "as_stored"), [(torch.float64, False), (torch.float64, True), (torch.float32, True)])
def test_a_block_within_a_window_copies_nothing(dtype: torch.dtype, as_stored: bool) -> None:
    blocks = Blocks(streamed(three_classes(20), 10), 3, 0, dtype, CPU, RowAccess(as_stored))
    first = blocks.take(0, torch.full((2,), 0.1))
    second = blocks.take(2, torch.full((1,), 0.1))
    assert first.order is not None
    assert second.order is not None
    assert first.rows is second.rows
    assert len(first.rows) == 10
    assert first.rows.stored.dtype == torch.float64


def test_rows_in_another_type_than_the_network_takes_are_copied() -> None:
    blocks = Blocks(streamed(three_classes(20), 10), 3, 0, torch.float32, CPU)
    block = blocks.take(0, torch.full((2,), 0.1))
    assert block.order is None
    assert (len(block.rows), block.rows.stored.dtype) == (6, torch.float32)


def test_a_block_ends_with_its_window() -> None:
    blocks = Blocks(streamed(three_classes(20), 10), 3, 0, torch.float64, CPU)
    blocks.take(0, torch.full((1,), 0.1))
    assert blocks.most_steps == 2
    blocks.take(1, torch.full((2,), 0.1))
    assert blocks.most_steps == 1  # one row is left, and the step takes two more from the next window
    block = blocks.take(3, torch.full((1,), 0.1))
    assert block.order is None
    assert blocks.most_steps == 2


def test_a_block_of_a_stream_copies_few_rows() -> None:
    assert 1 < Blocks(streamed(three_classes(10), 4), 5, 0, torch.float32, CPU).most_steps * 5 <= MOST_ROWS


def test_blocks_of_a_stream_lie_in_one_window_where_it_ends_with_a_block() -> None:
    """Windows of 10 rows, steps of 5: from the first block to the end of the second epoch nothing is copied."""
    blocks, first = Blocks(streamed(three_classes(20), 10), 5, 0, torch.float64, CPU), 0
    while first < 8:
        block = blocks.take(first, torch.full((blocks.most_steps,), 0.1))
        assert block.order is not None
        assert len(block.rows) == 10
        first += len(block.rates)
    assert first == 8


def test_orders_for_a_device_are_of_no_more_rows_than_it_has_room_for() -> None:
    data = Dataset(Rows(torch.zeros(2**18, 1), torch.zeros(2**18)))
    blocks = [Blocks(data, size, 0, torch.float32, torch.device("meta")) for size in (2**8, 2**17)]
    assert [of.most_steps for of in blocks] == [2**10, MOST_PLACES_AWAY // 2**17]


def test_inputs_stay_as_they_are_stored_where_an_engine_gathers_them_itself() -> None:
    rows, rates = Rows(torch.arange(40, dtype=torch.uint8).view(10, 4), torch.zeros(10), scale=0.1), torch.ones(2)
    kept = Blocks(Dataset(rows), 3, 0, torch.float64, CPU, RowAccess(as_stored=True)).take(0, rates).rows
    assert kept.stored.data_ptr() == rows.stored.data_ptr()
    assert (kept.scale, kept.y.dtype) == (0.1, torch.float64)
    full_batch = Blocks(Dataset(rows), None, 0, torch.float64, CPU, RowAccess(as_stored=True)).take(0, rates).rows
    assert full_batch.stored.dtype == torch.float64  # converted once for all steps


def test_blocks_that_go_on_in_an_epoch_and_go_back_have_its_order() -> None:
    data, rates = DATA["rows"], torch.ones(2)
    blocks = Blocks(data, 3, 0, torch.float64, CPU)
    for first in (0, 2, 4, 3, 0):
        got, expected = blocks.take(first, rates), Blocks(data, 3, 0, torch.float64, CPU).take(first, rates)
        assert got.order is not None
        assert torch.equal(got.order, expected.order)  # type: ignore[arg-type]  # both have one


@pytest.mark.parametrize("size", [3, 5, 10], ids=str)
@pytest.mark.parametrize("steps", [range(0), range(9), range(3, 4), range(5, 12)], ids=str)
def test_an_epochs_last_step_has_the_rows_that_are_left(steps: range, size: int) -> None:
    """Ten rows: the batches of twelve epochs one after another, as slices of each epoch's rows."""
    of_all = [len(range(10)[start : start + size]) for _ in range(12) for start in range(0, 10, size)]
    assert rows_of_steps(steps, 10, size).tolist() == of_all[steps.start : steps.stop]
