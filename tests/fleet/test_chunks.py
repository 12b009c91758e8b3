"""Chunks of a fleet: each network is in one, and each chunk is trained by one thread of one rank."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fivestep.fleet.chunks import FEW, Chunk, Waiting, chunks_of, pack_sizes
from fivestep.fleet.member import Member
from fivestep.ranks import ALONE, Ranks
from tests.samples import small_engine, small_plan, three_classes
from tests.together import as_between_machines, together


@given(some.integers(0, 2000), some.integers(1, 40), some.sampled_from([8, 16]), some.integers(1, 64))
def test_packs_hold_all_networks_and_become_smaller(count: int, most: int, lanes: int, num_threads: int) -> None:
    sizes = [*pack_sizes(count, most, lanes, num_threads)]
    assert sum(sizes) == count
    assert sizes == sorted(sizes, reverse=True)
    assert all(1 <= size <= most for size in sizes)


@pytest.mark.parametrize("num_threads", [1, 2, 4])
def test_packs_fill_their_lanes_at_first_and_are_few_at_the_end(num_threads: int) -> None:
    sizes = [*pack_sizes(512, 32, 16, num_threads)]
    assert all(size % 16 == 0 for size in sizes[: -5 * num_threads])
    assert sizes[-1] <= FEW


def test_packs_of_long_networks_fill_their_lanes_too() -> None:
    assert [*pack_sizes(256, 20, 16, 2)][:13] == [16] * 13


def numbered(num: int) -> list[Member]:
    return [Member(three_classes(), small_plan(seed=seed), small_engine("scratch")) for seed in range(num)]


def test_networks_that_are_not_alike_are_chunks_of_their_own() -> None:
    members = numbered(3)
    assert chunks_of(members, None, None, 2) == [Chunk([member]) for member in members]


def test_a_process_by_itself_takes_each_lot_once() -> None:
    chunks = chunks_of(numbered(5), None, None, 1)
    waiting = Waiting(chunks, ALONE, lambda _rank: ())
    assert [*waiting] == chunks == waiting.taken
    assert [*waiting] == []


def takes(ranks: Ranks, num: int, through: str = "memory", slow: Path | None = None) -> list[tuple[int, int]]:
    """Takes chunks until there are none: whose they were, and which.

    With a folder, in which each says that it is through, rank 0 is slow: its first chunk takes until the others are.
    They begin when it has that one, or they might take all.
    """
    if through == "store":
        ranks = as_between_machines(ranks)
    assert ranks.chunks is not None
    chunks = {rank: [Chunk([], None) for _ in range(num)] for rank in range(ranks.size)}
    ranks.chunks.offers(num, 1 + ranks.rank)
    ranks.gathered(None)
    waiting = Waiting(chunks[ranks.rank], ranks, chunks.__getitem__)
    while slow and ranks.rank > 0 and not (slow / "0 has begun").exists():
        time.sleep(0.001)
    for _ in waiting:
        if slow and ranks.rank == 0:
            (slow / "0 has begun").touch()
            while len(list(slow.iterdir())) < ranks.size:
                time.sleep(0.001)
    if slow:
        (slow / str(ranks.rank)).touch()
    ranks.gathered(None)
    assert [ranks.chunks.threads_of(rank) for rank in range(ranks.size)] == [*range(1, ranks.size + 1)]
    places = {id(chunk): (rank, k) for rank, of_rank in chunks.items() for k, chunk in enumerate(of_rank)}
    return [places[id(chunk)] for chunk in waiting.taken]


@pytest.mark.parametrize("through", ["memory", "store"])
def test_ranks_take_every_lot_once_and_the_quick_ones_take_those_of_the_slow_one(through: str, tmp_path: Path) -> None:
    slow, quick, also = together(takes, 3, 20, through, tmp_path)
    assert sorted([*slow, *quick, *also]) == [(rank, k) for rank in range(3) for k in range(20)]
    assert len(slow) == 1
    assert [rank for rank, _ in slow] == [0]
    assert quick == sorted(quick, key=lambda chunk: ((chunk[0] - 1) % 3, chunk[1]))  # own ones first, in order
    assert also == sorted(also, key=lambda chunk: ((chunk[0] - 2) % 3, chunk[1]))


def takes_twice(ranks: Ranks, through: str) -> list[int]:
    if through == "store":
        ranks = as_between_machines(ranks)
    return [len(takes(ranks, num)) for num in (5, 0, 300)]


@pytest.mark.parametrize("through", ["memory", "store"])
def test_chunks_of_one_fleet_are_gone_when_the_next_one_begins(through: str) -> None:
    first, second = together(takes_twice, 2, through)
    assert [one + other for one, other in zip(first, second, strict=True)] == [10, 0, 600]
