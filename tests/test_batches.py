"""From rows to batches: every row once, bytes as numbers, weights as shares, parts that add up."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from fivestep.batches import Batch, Batches
from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from tests.samples import numbers
from tests.tolerances import FORMULA, distance
from tests.windows import streamed

NUM_ROWS = 10


def numbered(*, weight: Tensor | None = None) -> Dataset:
    """Rows whose x says which row it is."""
    x = torch.arange(NUM_ROWS, dtype=torch.float64)[:, None].expand(NUM_ROWS, 3)
    return Dataset(Rows(x, torch.arange(NUM_ROWS), weight))


def batches(data: Dataset, size: int | None, seed: int = 0) -> Batches:
    return Batches(data, size, seed, torch.float64, torch.device("cpu"))


def epoch(data: Dataset, size: int | None, index: int = 0, seed: int = 0) -> list[Batch]:
    """The batches of an epoch, copied, because the next one overwrites the last one's x."""
    return [Batch(b.x.clone(), b.y.clone(), b.weight) for b in batches(data, size, seed).epoch(index)]


@pytest.mark.parametrize("size", [1, 3, 5, 9, 10, None])
def test_an_epoch_visits_every_row_once(size: int | None) -> None:
    seen = Counter(int(x[0]) for batch in epoch(numbered(), size) for x in batch.x)
    assert seen == Counter(range(NUM_ROWS))


@pytest.mark.parametrize(("size", "sizes"), [(3, [3, 3, 3, 1]), (5, [5, 5]), (10, [10]), (None, [10]), (1, [1] * 10)])
def test_the_last_batch_holds_what_is_left(size: int | None, sizes: list[int]) -> None:
    assert [len(batch.x) for batch in epoch(numbered(), size)] == sizes


@pytest.mark.parametrize("size", [3, None])
def test_targets_stay_with_their_rows(size: int | None) -> None:
    assert all(torch.equal(batch.x[:, 0], batch.y.double()) for batch in epoch(numbered(), size))


def test_epochs_have_different_orders_that_repeat() -> None:
    first, second = epoch(numbered(), 3, 0), epoch(numbered(), 3, 1)
    assert [b.y.tolist() for b in first] != [b.y.tolist() for b in second]
    assert [b.y.tolist() for b in first] == [b.y.tolist() for b in epoch(numbered(), 3, 0)]


def test_another_seed_has_another_order() -> None:
    assert epoch(numbered(), 5, seed=1)[0].y.tolist() != epoch(numbered(), 5, seed=2)[0].y.tolist()


@pytest.mark.parametrize("size", [None, NUM_ROWS])
def test_the_full_batch_is_not_shuffled(size: int | None) -> None:
    assert epoch(numbered(), size)[0].y.tolist() == list(range(NUM_ROWS))


@pytest.mark.parametrize("size", [3, None])
def test_rows_stored_as_bytes_are_the_same_numbers_in_the_batch(size: int | None) -> None:
    stored = torch.randint(0, 256, (NUM_ROWS, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    as_bytes = Dataset(Rows(stored, torch.arange(NUM_ROWS), scale=1 / 255))
    as_numbers = Dataset(Rows(stored.double() * (1 / 255), torch.arange(NUM_ROWS)))
    pairs = list(zip(epoch(as_bytes, size), epoch(as_numbers, size), strict=True))
    assert all(torch.equal(ours.x, theirs.x) for ours, theirs in pairs)
    assert all(ours.x.dtype == torch.float64 for ours, _ in pairs)


@pytest.mark.parametrize("size", [3, None])
def test_weights_are_shares_of_their_batch(size: int | None) -> None:
    weight = torch.arange(1.0, NUM_ROWS + 1, dtype=torch.float64)
    shares = [(batch.weight, weight[batch.y]) for batch in epoch(numbered(weight=weight), size)]
    assert all(distance(share, part / part.sum()) < FORMULA for share, part in shares if share is not None)
    assert len([share for share, _ in shares if share is not None]) == len(shares)


def test_a_batch_whose_weights_are_all_zero_counts_for_nothing() -> None:
    weight = (torch.arange(NUM_ROWS) == 0).double()
    assert all(batch.weight.isfinite().all() for batch in epoch(numbered(weight=weight), 1) if batch.weight is not None)


def test_rows_without_weights_have_none_in_the_batch() -> None:
    assert epoch(numbered(), 3)[0].weight is None


def test_fresh_rows_are_drawn_for_every_epoch_and_taken_in_their_order() -> None:
    data = Dataset(
        numbered().train, fresh=lambda index: Rows(numbers(NUM_ROWS, 3, seed=index), torch.full((NUM_ROWS,), index))
    )
    second = epoch(data, 4, index=1)
    assert [batch.y.unique().tolist() for batch in second] == [[1], [1], [1]]
    assert torch.equal(torch.cat([batch.x for batch in second]), numbers(NUM_ROWS, 3, seed=1))


def test_targets_that_are_numbers_take_the_type_of_the_network_and_labels_do_not() -> None:
    real = Dataset(Rows(numbers(4, 2), torch.zeros(4, dtype=torch.float32)))
    assert epoch(real, None)[0].y.dtype == torch.float64
    assert epoch(numbered(), None)[0].y.dtype == torch.int64


@pytest.mark.parametrize("data", [numbered(), streamed(numbered(), 4)], ids=["memory", "stream"])
@pytest.mark.parametrize("size", [1, 3, 5, 10, None])
@pytest.mark.parametrize("first", [0, 1, 3])
def test_an_epoch_can_begin_at_any_batch(data: Dataset, size: int | None, first: int) -> None:
    whole = epoch(data, size, 1)
    rest = [(b.x.clone(), b.y.clone()) for b in batches(data, size).epoch(1, first)]
    assert len(rest) == len(whole[first:])
    assert all(torch.equal(x, b.x) and torch.equal(y, b.y) for (x, y), b in zip(rest, whole[first:], strict=True))


@pytest.mark.parametrize("window", [1, 2, 4, 10, 11])
@pytest.mark.parametrize("size", [1, 3, 7, None])
def test_a_stream_gives_every_row_once_with_its_target(window: int, size: int | None) -> None:
    found = epoch(streamed(numbered(), window), size)
    assert Counter(int(x[0]) for batch in found for x in batch.x) == Counter(range(NUM_ROWS))
    assert all(torch.equal(batch.x[:, 0], batch.y.double()) for batch in found)
    assert [len(batch.x) for batch in found] == [len(batch.x) for batch in epoch(numbered(), size)]


@pytest.mark.parametrize("window", [3, 10])
def test_the_epochs_of_a_stream_follow_each_other_as_each_begins_alone(window: int) -> None:
    data = streamed(numbered(), window)
    together = batches(data, 4)
    one_by_one = [[b.y.tolist() for b in epoch(data, 4, index)] for index in range(3)]
    assert [[b.y.tolist() for b in together.epoch(index)] for index in range(3)] == one_by_one
    assert one_by_one[0] != one_by_one[1]


def test_weights_of_a_stream_are_shares_of_their_batch() -> None:
    weight = torch.arange(1.0, NUM_ROWS + 1, dtype=torch.float64)
    shares = [(batch.weight, weight[batch.y]) for batch in epoch(streamed(numbered(weight=weight), 4), 3)]
    assert all(share is not None and distance(share, part / part.sum()) < FORMULA for share, part in shares)


def test_an_l2_term_for_weighted_rows_of_a_stream_is_refused() -> None:
    data = streamed(numbered(weight=torch.ones(NUM_ROWS)), 4)
    with pytest.raises(InputError, match="l2 must be 0 for weighted rows from a stream"):
        batches(data, 3).totals(0)


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(InputError, match="at most the 10 rows of the training part, got 11; make it smaller, or"):
        batches(numbered(), 11)
    with pytest.raises(InputError, match=r"got 11; make it smaller\."):  # a stream is never whole in memory
        batches(streamed(numbered(), 4), 11)


@pytest.mark.parametrize("size", [1, 3, 4, 10, 11])
def test_parts_of_a_batch_are_its_rows_with_shares_that_sum_to_one(size: int) -> None:
    batch = epoch(numbered(), None)[0]
    parts = batch.parts(size)
    assert torch.equal(torch.cat([part.x for _, part in parts]), batch.x)
    assert torch.equal(torch.cat([batch.y[rows] for (rows, _), _ in parts]), torch.cat([part.y for _, part in parts]))
    assert sum(float(part.weight.sum()) for _, part in parts if part.weight is not None) == pytest.approx(1)
    assert max(len(part.x) for _, part in parts) <= size


def test_parts_of_a_weighted_batch_keep_its_shares() -> None:
    weight = torch.arange(1.0, NUM_ROWS + 1, dtype=torch.float64)
    batch = epoch(numbered(weight=weight), None)[0]
    shares = [part.weight for _, part in batch.parts(3) if part.weight is not None]
    assert torch.equal(torch.cat(shares), batch.weight)  # type: ignore[arg-type]


def test_rows_and_targets_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="y must have one entry for each of the 3 rows of x, got 2"):
        Rows(torch.zeros(3, 2), torch.zeros(2))


def test_no_rows_are_refused() -> None:
    with pytest.raises(InputError, match="x must hold at least one row, got none"):
        Rows(torch.zeros(0, 2), torch.zeros(0))


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (np.array([["a"], ["b"]]), [0, 1], "x must hold numbers, all rows of the same length, got ndarray that torch"),
        ([[1.0], [2.0]], ["no", "yes"], "y must hold numbers, all rows of the same length, got list that torch"),
        ([[1.0], [2.0, 3.0]], [0, 1], "x must hold numbers, all rows of the same length, got list"),
        (3.0, [0], "x must have a row or number for each sample, got the single number 3.0"),
    ],
    ids=["words", "words for y", "ragged", "one number"],
)
def test_what_is_no_table_of_numbers_is_refused(x: object, y: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Rows(x, y)
