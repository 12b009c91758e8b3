"""The compiled order of the rows is torch's, to the bit."""

import numpy as np
import pytest
import torch

from fivestep import draws
from fivestep.blocks import Blocks, RowAccess
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines.fused import _compiled
from fivestep.engines.fused.body.order import BESIDE, SIZE
from fivestep.engines.fused.small.orders import draw_orders
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from tests.samples import numbers, small_engine

AROUND = [-1, 0, 1, 2]
SIZES = [1, 2, 3, 15, 16, 17, 50, 1000, 1023, 1024, 1025, 5000, 10_000, *[n * SIZE + k for n in (1, 2) for k in AROUND]]
SEEDS = [0, 1, 2, 5489, 2**31, 2**32 - 1, 2**32, 2**63 - 1, *draws.order_seeds(42, range(20))]


@pytest.mark.parametrize("num_rows", SIZES)
def test_an_order_is_that_of_torch_randperm(num_rows: int) -> None:
    got, expected = (torch.empty(len(SEEDS), num_rows, dtype=torch.int64) for _ in range(2))
    draw_orders(SEEDS, got)
    draws.draw_orders(SEEDS, expected)
    assert torch.equal(got, expected)


@pytest.mark.parametrize("num_seeds", [0, 1, BESIDE - 1, BESIDE, BESIDE + 1, 3 * BESIDE])
def test_any_number_of_seeds_has_an_order_each(num_seeds: int) -> None:
    seeds = draws.order_seeds(3, range(num_seeds))
    got, expected = (torch.empty(num_seeds, 700, dtype=torch.int64) for _ in range(2))
    draw_orders(seeds, got)
    draws.draw_orders(seeds, expected)
    assert torch.equal(got, expected)


@pytest.mark.parametrize(
    "divisor", [1, 2, 3, 7, 624, 999, 2**16 - 1, 2**16, 2**16 + 1, draws.MOST_ROWS - 1, draws.MOST_ROWS]
)
def test_a_remainder_without_a_division_is_exact(divisor: int) -> None:
    random = np.random.default_rng(divisor).integers(0, 2**32, 100).tolist()
    last = (2**32 - 1) // divisor * divisor
    multiples = [q * divisor for q in np.random.default_rng(divisor).integers(0, 2**32 // divisor, 100).tolist()]
    numbers = [0, 2**31, 2**32 - 2, 2**32 - 1, last, *random, *[max(m + k, 0) for m in multiples for k in (-1, 0)]]
    inverse = np.uint32((2**32 - 1) // divisor)
    got = [_compiled.one_pass("remainder")(np.uint32(y), np.uint32(divisor), inverse) for y in numbers]
    assert got == [y % divisor for y in numbers]


def test_orders_of_any_size_are_permutations_and_torchs() -> None:
    sizes = np.random.default_rng(0).integers(1, 3000, 200).tolist()
    got = [torch.empty(1, size, dtype=torch.int64) for size in sizes]
    _ = [draw_orders([seed], out) for seed, out in enumerate(got)]
    expected = [torch.randperm(size, generator=draws.generator(seed)) for seed, size in enumerate(sizes)]
    assert all(torch.equal(one[0], other) for one, other in zip(got, expected, strict=True))


def test_the_orders_of_epochs_are_those_that_every_engine_takes() -> None:
    out = torch.empty(3, 50, dtype=torch.int64)
    draw_orders(draws.order_seeds(7, range(4, 7)), out)
    assert torch.equal(out, torch.stack([draws.order(7, epoch, 50) for epoch in range(4, 7)]))


def test_from_where_torch_draws_in_another_way_torch_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    assert draws.MOST_ROWS == 214_748_364
    monkeypatch.setattr(draws, "MOST_ROWS", 50)
    monkeypatch.setattr(_compiled, "drawing", lambda: pytest.fail("compiled code draws"))
    out = torch.empty(1, 50, dtype=torch.int64)
    draw_orders([3], out)
    assert torch.equal(out[0], torch.randperm(50, generator=draws.generator(3)))


@pytest.mark.parametrize("cuts", [[1, 2, 3, 9, 40], [20], [7, 7, 21, 1, 90]], ids=str)
def test_orders_drawn_within_the_steps_are_those_written_down_for_them(cuts: list[int]) -> None:
    """Blocks of any number of steps, of seven to an epoch, and more epochs than seeds begin side by side."""
    data = Dataset(Rows(numbers(41, 3), numbers(41, 1, seed=1)))
    plan = TrainPlan("mse", "adam", lr=0.01, batch_size=6, epochs=30)
    losses = []
    for only_seeds in (False, True):
        engine = small_engine("fused", plan, MLP(3, 16, 1), "float32")
        blocks = Blocks(
            data, 6, plan.seed, engine.dtype, engine.device, engine.row_access._replace(only_seeds=only_seeds)
        )
        firsts = [sum(cuts[:k]) for k in range(len(cuts))]
        taken = (blocks.take(first, torch.full((n,), 0.01)) for first, n in zip(firsts, cuts, strict=True))
        losses.append(torch.cat([engine.train_block(block) for block in taken]))
    assert torch.equal(*losses)


def test_where_rows_have_weights_their_orders_are_written_down() -> None:
    rows = Rows(numbers(9, 2), numbers(9, 1), numbers(9, seed=2).abs())
    block = Blocks(Dataset(rows), 2, 0, torch.float64, torch.device("cpu"), RowAccess(only_seeds=True)).take(
        0, torch.ones(3)
    )
    assert (block.order is None, block.seeds) == (False, [])
