"""Sums through shared memory: the same as gloo's."""

import pytest
import torch
import torch.distributed as dist

from fivestep.ranks import Ranks, shared_memory
from tests.samples import numbers
from tests.together import together
from tests.tolerances import FLOAT32, PARTS, distance

pytestmark = pytest.mark.skipif(not shared_memory.is_possible(), reason="needs x86 and /dev/shm, else gloo does it")

SIZES = (1, 2, 1000, 203_534, 2 * shared_memory.PIECE // 8 + 3)


def sums(ranks: Ranks, direct: bool) -> list[tuple[float, bool]]:
    """For each type and size: the distance between our sum and gloo's, and whether all ranks have the same bits."""
    assert ranks._memory is not None
    found = []
    for dtype in (torch.float32, torch.float64):
        for size in SIZES:
            ours = lies_there(ranks, size, dtype) if direct else torch.empty(size, dtype=dtype)
            ours.copy_(theirs := numbers(size, seed=ranks.rank, dtype=dtype))
            ranks.sum_(ours)
            dist.all_reduce(theirs)
            copies = [torch.empty_like(ours) for _ in range(ranks.size)]
            dist.all_gather(copies, ours)
            scale = PARTS if dtype == torch.float64 else FLOAT32
            found.append((distance(ours, theirs) / scale, all(torch.equal(copy, ours) for copy in copies)))
    return found


def lies_there(ranks: Ranks, size: int, dtype: torch.dtype) -> torch.Tensor:
    """A vector in the shared memory, unless it is larger than that."""
    assert ranks._memory is not None
    found = ranks._memory.zeros(size, dtype)
    return torch.zeros(size, dtype=dtype) if found is None else found


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("size", [2, 3])
def test_sums_through_memory_are_those_of_gloo_and_the_same_on_all_ranks(size: int, direct: bool) -> None:
    for of_rank in together(sums, size, direct):
        assert max(error for error, _ in of_rank) < 1
        assert all(equal for _, equal in of_rank)


def one_after_another(ranks: Ranks) -> float:
    """A thousand sums without a pause, each of which shows a number that was read too early or too late."""
    worst = 0.0
    lying = ranks.zeros(50_000, torch.float32, torch.device("cpu"))
    for step in range(1000):
        x = lying if step % 2 else torch.empty(50_000)
        ranks.sum_(x.fill_(step + ranks.rank))
        worst = max(worst, (x - (2 * step + 1)).abs().max().item())
    return worst


def test_nobody_reads_a_number_before_it_is_there_or_after_it_is_gone() -> None:
    assert together(one_after_another, 2) == [0.0, 0.0]


def test_the_file_is_gone_when_all_have_it() -> None:
    before = set(shared_memory.FOLDER.glob("fivestep-*"))
    together(nothing, 2)
    assert set(shared_memory.FOLDER.glob("fivestep-*")) <= before


def nothing(ranks: Ranks) -> None:
    """Joins, and leaves."""


def test_where_there_is_no_room_gloo_does_it() -> None:
    assert together(join_without_room, 2) == [(True, 3.0), (True, 3.0)]


def join_without_room(ranks: Ranks) -> tuple[bool, float]:
    """Joins once more where the folder in memory is missing."""
    shared_memory.FOLDER = shared_memory.FOLDER / "missing"
    again = Ranks(ranks.rank, ranks.size)
    x = torch.tensor([1.0 + ranks.rank])
    again.sum_(x)
    return again._memory is None, x.item()


def more_than_there_is(ranks: Ranks) -> list[bool]:
    assert ranks._memory is not None
    return [ranks._memory.zeros(num, torch.float32) is not None for num in (10, shared_memory.OWN // 4, 10)]


def test_what_does_not_fit_lies_elsewhere_and_what_follows_may_fit() -> None:
    assert together(more_than_there_is, 2) == [[True, False, True]] * 2
