"""Ranks: N of them give the numbers of one."""

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from fivestep.check import InputError, RanksError
from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset
from fivestep.engines._make import make_engine
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.progress import Progress
from fivestep.ranks import ALONE, NUM_EXTRA, Ranks, Requests, join_ranks, leave_ranks
from fivestep.train import train
from tests.runs import DATA, EVERY, SCENARIOS
from tests.samples import FIVE_STEP_ENGINES, numbers, small_net, small_plan, three_classes
from tests.together import TIMEOUT, as_between_machines, together
from tests.tolerances import EXACT, RANKS, RANKS_FLOAT32, RANKS_LBFGS, distance

over_engines = pytest.mark.parametrize(
    "name", [name if name == "scratch" else pytest.param(name, marks=pytest.mark.slow) for name in FIVE_STEP_ENGINES]
)


class Trained(NamedTuple):
    """What a rank has at the end: its weights and buffers, and all figures of all epochs it was shown."""

    weights: np.ndarray
    figures: list[dict[str, float | None]]


class Told(NamedTuple):
    """What ranks are told to train."""

    engine: str
    spec: NetSpec
    plan: TrainPlan
    data: Dataset
    every: int = 1
    dtype: str = "float64"


def trained(ranks: Ranks, told: Told) -> Trained:
    """Trains to the end, or until the best epoch is too long ago."""
    engine = make_engine(told.engine, told.spec, told.plan, dtype=told.dtype, device="cpu", ranks=ranks)
    progress = Progress(engine, told.plan)
    for _ in train(engine, told.data, told.plan, told.every, progress):
        if progress.is_over():
            break
    progress.best.restore(engine)
    weights = torch.cat([engine.params.flat, engine.params.buffers]).numpy().copy()
    shown = [{"running": epoch.running_loss, "lr": epoch.lr, **epoch.figures()} for epoch in progress.history]
    return Trained(weights, shown)


def of_scenario(name: str, scenario: str) -> Told:
    spec, plan = SCENARIOS[scenario]
    return Told(name, spec, plan, DATA, EVERY.get(scenario, 1))


def assert_alike(found: Trained, expected: Trained, tolerance: float) -> None:
    assert distance(torch.from_numpy(found.weights), torch.from_numpy(expected.weights)) <= tolerance
    assert len(found.figures) == len(expected.figures)
    assert table(found).shape == table(expected).shape
    assert distance(table(found), table(expected)) <= tolerance


def table(of: Trained) -> Tensor:
    return torch.tensor([[value for value in row.values() if value is not None] for row in of.figures])


@over_engines
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_two_ranks_give_the_numbers_of_one(name: str, scenario: str) -> None:
    """Weights, running statistics and all that is shown of each epoch; early stopping and the best epoch with them."""
    told = of_scenario(name, scenario)
    found, expected = together(trained, 2, told), trained(ALONE, told)
    tolerance = RANKS_LBFGS if "lbfgs" in scenario else RANKS
    for of_rank in found:
        assert_alike(of_rank, expected, tolerance)


@over_engines
def test_all_ranks_hold_the_same_bits(name: str) -> None:
    told = of_scenario(name, "adam, dropout, average, plateau, best epoch")
    first, *others = together(trained, 3, told)
    for other in others:
        assert np.array_equal(first.weights, other.weights)
        assert first.figures == other.figures


@over_engines
def test_three_ranks_with_shares_that_differ_and_weighted_rows_give_the_numbers_of_one(name: str) -> None:
    """Batches of 16 and a last one of 2 rows for three ranks: shares of 5, 5, 6 and of 0, 1, 1."""
    told = Told(name, small_net(dropout=0.2), small_plan(l2=0.1), three_classes(valid=20, weighted=True))
    for of_rank in together(trained, 3, told):
        assert_alike(of_rank, trained(ALONE, told), RANKS)


@over_engines
def test_two_ranks_in_float32_are_close_to_one(name: str) -> None:
    told = of_scenario(name, "momentum, parts, batch norm, cosine, clipped")._replace(dtype="float32")
    for of_rank in together(trained, 2, told):
        assert_alike(of_rank, trained(ALONE, told), RANKS_FLOAT32)


def test_rows_that_are_drawn_fresh_are_shared_too() -> None:
    told = Told("scratch", MLP(10, 8, 1), TrainPlan(loss="mse", lr=0.01, epochs=3, batch_size=30), load_dataset("sum"))
    for of_rank in together(trained, 2, told):
        assert_alike(of_rank, trained(ALONE, told), RANKS)


@given(num_rows=some.integers(1, 200), size=some.integers(1, 9), part=some.none() | some.integers(1, 50))
def test_every_row_of_a_batch_is_one_rank_s(num_rows: int, size: int, part: int | None) -> None:
    places = [Ranks.__new__(Ranks) for _ in range(size)]
    for rank, of_rank in enumerate(places):
        of_rank.rank, of_rank.size = rank, size
    pieces = [of_rank.places(num_rows, part) for of_rank in places]
    rows = sorted(row for of_rank in pieces for piece in of_rank for row in range(num_rows)[piece])
    assert rows == list(range(num_rows))
    assert len({len(of_rank) for of_rank in pieces}) == 1  # all have as many parts
    sizes = [[piece.stop - piece.start for piece in of_rank] for of_rank in pieces]
    assert all(max(of_part) - min(of_part) <= 1 for of_part in zip(*sizes, strict=True))


def asked(ranks: Ranks) -> list[Requests]:
    """Rank 1 wants to stop before the second of three steps."""
    granted = []
    for step in range(3):
        granted.append(ranks.agreed(Requests(interrupt=ranks.rank == 1 and step == 1)))
        ranks.add_up_(torch.zeros(5 + NUM_EXTRA), torch.tensor(1.0))
    return [*granted, ranks.agreed(Requests())]


def test_ranks_show_which_one_this_is_of_how_many() -> None:
    assert repr(ALONE) == "Ranks(rank=0, size=1)"


def test_what_one_rank_wishes_comes_true_on_all_after_the_next_step() -> None:
    assert together(asked, 2) == 2 * [[Requests(), Requests(), Requests(interrupt=True), Requests()]]


def refused(ranks: Ranks) -> Any:
    def work() -> str:
        if ranks.rank == 1:
            raise InputError("x must be y, got z.")
        return "done"

    return ranks.all_or_none(work)


def test_what_one_rank_refuses_all_refuse() -> None:
    assert [str(error) for error in together(refused, 2)] == 2 * ["on rank 1, x must be y, got z."]


def killed(ranks: Ranks) -> None:
    if ranks.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    ranks.sum_(torch.zeros(10))


def test_a_rank_that_ends_is_named_before_the_timeout() -> None:
    """Which is longer than `together` waits."""
    error, nothing = together(killed, 2, timeout=10 * TIMEOUT)
    assert isinstance(error, RanksError)
    said = "all ranks must stay to the end, got no more from rank 1, which has ended; see what it said last."
    assert str(error) == said
    assert nothing is None


def heartbeat_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fivestep-heartbeats"]


def open_files() -> Iterator[str]:
    """Where this process's descriptors lead; gloo's threads close some meanwhile."""
    for one in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            yield os.readlink(f"/proc/self/fd/{one}")


def joined_often(ranks: Ranks, through: str) -> list[tuple[int, int, int]]:
    """What a program holds that has joined once, four times, once, and has left.

    Threads that give heartbeats, shared files, and groups of gloo's.
    """

    def found() -> tuple[int, int, int]:
        shared = sum("/fivestep-" in file for file in open_files())
        return len(heartbeat_threads()), shared, len(dist.distributed_c10d._world.pg_map)

    if through == "gloo":
        before = heartbeat_threads()
        ranks = as_between_machines(ranks)
        await_ends(before)
    first = heartbeat_threads()
    counts = [found()]
    again = [join_ranks() for _ in range(3)]
    counts.append(found())
    others = [thread for thread in heartbeat_threads() if thread not in first]
    del again
    gc.collect()
    await_ends(others)
    counts.append(found())
    leave_ranks()
    await_ends(first)
    return [*counts, found()]


def await_ends(threads: Sequence[threading.Thread]) -> None:
    """Of threads that have been told to end, and of all that they hold: on a busy machine nobody waits so long."""
    for thread in threads:
        thread.join(TIMEOUT)
    gc.collect()


@pytest.mark.parametrize(("through", "groups"), [("memory", [1, 1, 1, 0]), ("gloo", [2, 5, 2, 0])])
def test_ranks_that_nobody_holds_any_more_leave_no_thread_no_file_and_no_group(through: str, groups: list[int]) -> None:
    """One group is what the ranks met in, and lasts as long as the program."""
    for first, four, one, none in together(joined_often, 2, through):
        assert [counts[0] for counts in (first, four, one, none)] == [1, 4, 1, 0]
        assert [counts[2] for counts in (first, four, one, none)] == groups
        assert four[1] == first[1] * (4 if through == "memory" else 1)  # those of the test's own ranks stay
        assert one == first


def meet(ranks: Ranks, what: str) -> None:
    ranks.sum_(torch.zeros(10)) if what == "sum" else ranks.gathered(None)


def hangs(ranks: Ranks, through: str, what: str, given_up: Path) -> None:
    """Rank 1 sleeps, which is as good as a disk that does not answer, until the other one has given it up."""
    if through == "gloo":
        ranks = as_between_machines(ranks)
    end = time.monotonic() + TIMEOUT
    while ranks.rank == 1 and not given_up.exists() and time.monotonic() < end:
        time.sleep(0.1)
    try:
        meet(ranks, what)
    finally:
        given_up.touch()


def late(ranks: Ranks, through: str, what: str) -> None:
    """Rank 1 computes for two timeouts."""
    if through == "gloo":
        ranks = as_between_machines(ranks)
    end = time.monotonic() + 2 * ranks._timeout
    while ranks.rank == 1 and time.monotonic() < end:
        sum(range(10_000))
    meet(ranks, what)


WAYS = [("memory", "sum"), ("gloo", "gathered")]
over_ways = pytest.mark.parametrize(
    ("through", "what"),
    [
        way if way in WAYS else pytest.param(*way, marks=pytest.mark.slow)
        for way in product(("memory", "gloo"), ("sum", "gathered"))
    ],
)


@over_ways
def test_a_rank_that_hangs_is_given_up_after_the_timeout(through: str, what: str, tmp_path: Path) -> None:
    error, _ = together(hangs, 2, through, what, tmp_path / "given up", timeout=1)
    assert isinstance(error, RanksError)
    assert str(error) == (
        "all ranks must send a heartbeat every 1 s, got none from rank 1; see what holds that process up."
    )


@over_ways
def test_a_rank_that_is_slow_is_waited_for(through: str, what: str) -> None:
    assert together(late, 2, through, what, timeout=1) == [None, None]


def at_odds(ranks: Ranks, through: str) -> None:
    """A script in which one rank leaves out a step."""
    if through == "gloo":
        ranks = as_between_machines(ranks)
    ranks.sum_(torch.zeros(10)) if ranks.rank else ranks.gathered(None)


def test_ranks_that_wait_for_each_other_in_two_places_are_told_so() -> None:
    """The first to give up says so; the other one may by then see that it has ended."""
    errors = together(at_odds, 2, "memory", timeout=1)
    assert all(isinstance(error, RanksError) for error in errors)
    said = "all ranks must make the same calls in the same order, got all of them waiting"
    assert any(str(error).startswith(said) for error in errors)


def gradient_of_a_sum(ranks: Ranks) -> tuple[float, float]:
    x = torch.tensor([1.0 + ranks.rank], dtype=torch.float64, requires_grad=True)
    total = ranks.sum(x * x)
    (total * (1.0 + ranks.rank)).sum().backward()  # each rank's loss is its own; the whole is their sum
    assert x.grad is not None
    return total.item(), x.grad.item()


def test_autograd_follows_a_sum_over_ranks() -> None:
    """L = sum_r (1 + r) (x_0^2 + x_1^2) with x = (1, 2): L is 5 (1 + 2), dL/dx_r = 2 x_r (1 + 2) = 6 x_r."""
    assert together(gradient_of_a_sum, 2) == [(5.0, 6.0), (5.0, 12.0)]


def test_a_process_by_itself_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert join_ranks() is ALONE
    assert ALONE.is_first
    x = numbers(3)
    before = x.clone()
    ALONE.sum_(x)
    assert distance(x, before) == EXACT
    assert ALONE.gathered("one") == ["one"]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE must be a whole number, got 'two'; start the ranks with torchrun."),
        ({"WORLD_SIZE": "2", "RANK": "0"}, "MASTER_ADDR must be set where WORLD_SIZE is, got nothing; start the ranks"),
    ],
)
def test_an_environment_that_cannot_be_is_refused(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=sentence):
        join_ranks()
