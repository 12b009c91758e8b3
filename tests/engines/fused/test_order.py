"""The compiled order of the rows is torch's, to the bit."""

import numpy as np
import pytest
import torch

from fivestep import draws
from fivestep.engines.fused import _compiled
from fivestep.engines.fused.body.order import BESIDE, MOST_ROWS, SIZE
from fivestep.engines.fused.small.orders import draw_orders

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


@pytest.mark.parametrize("divisor", [1, 2, 3, 7, 624, 999, 2**16 - 1, 2**16, 2**16 + 1, MOST_ROWS - 1, MOST_ROWS])
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
    monkeypatch.setattr("fivestep.engines.fused.small.orders.MOST_ROWS", 50)
    monkeypatch.setattr(_compiled, "drawing", lambda: pytest.fail("compiled code draws"))
    out = torch.empty(1, 50, dtype=torch.int64)
    draw_orders([3], out)
    assert torch.equal(out[0], torch.randperm(50, generator=draws.generator(3)))
    assert MOST_ROWS == 214_748_364
