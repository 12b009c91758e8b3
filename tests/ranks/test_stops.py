"""Ranks that stop, are killed or take long, anywhere in a training: what the other one says, or that it waits."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fivestep import evaluation
from fivestep.check import RanksError
from fivestep.datasets._load import load_dataset
from fivestep.engines._make import make_engine
from fivestep.fleet import fit_many, pool
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.ranks import ALONE, Ranks
from fivestep.ranks.shared_memory import SharedMemory
from fivestep.run import Run
from fivestep.saved import checkpoint
from tests.together import together

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="stops processes as Linux does")]

PLACES = {
    "save": (checkpoint, "write_checkpoint"),
    "evaluation": (evaluation, "evaluation_rows"),
    "fleet": (pool, "train"),
}


def fleet(ranks: Ranks, num: int = 4) -> list[float | None]:
    """Networks that are not alike, one chunk each."""
    plans = [TrainPlan(epochs=3, seed=seed, lr=0.1 / (1 + seed)) for seed in range(num)]
    members = fit_many(
        MLP(64, 8, 10), load_dataset("digits"), plans, "scratch", every=1, num_threads=1, ranks=ranks, device="cpu"
    )
    return [member.history[-1].train_loss for member in members]


def stops(ranks: Ranks, what: str, of: int, folder: Path) -> None:
    """One rank stops itself; the other one, when it has given up, lets it go on to its end."""
    module, name = PLACES[what]
    work, stopped = getattr(module, name), folder / "stopped"

    def stop_first(*arguments: Any, **named: Any) -> Any:
        if ranks.rank == of:
            stopped.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
        while not stopped.exists():
            time.sleep(0.01)  # or the other might have trained all before this one begins
        return work(*arguments, **named)

    setattr(module, name, stop_first if what == "fleet" or ranks.rank == of else work)
    try:
        if what == "fleet":
            fleet(ranks)
        else:
            engine = make_engine("scratch", MLP(64, 8, 10), TrainPlan(epochs=2), ranks=ranks, device="cpu")
            data = load_dataset("digits")
            list(Run.start(engine, data, folder / "run").train(data))
    finally:
        if ranks.rank != of:
            os.kill(int(stopped.read_text()), signal.SIGCONT)


@pytest.mark.parametrize(("what", "rank"), [("save", 0), ("evaluation", 1), ("fleet", 1)])
def test_a_rank_that_stops_anywhere_is_named_by_the_other(what: str, rank: int, tmp_path: Path) -> None:
    """In a save, while one evaluates its rows, and in a share of a fleet, where the ranks meet at the end only."""
    said = together(stops, 2, what, rank, tmp_path, timeout=2)[1 - rank]
    assert isinstance(said, RanksError)
    assert str(said).startswith(f"all ranks must send a heartbeat every 2 s, got none from rank {rank}; see what")


def slowly(ranks: Ranks) -> list[float | None]:
    """Rank 1 computes for longer than the timeout before each network."""
    train = pool.train

    def slow(*arguments: Any, **named: Any) -> Any:
        end = time.monotonic() + 2.5 * ranks.rank
        while time.monotonic() < end:
            sum(range(1000))
        return train(*arguments, **named)

    pool.train = slow
    return fleet(ranks)


def test_a_rank_that_is_slow_in_its_share_of_a_fleet_is_waited_for_longer_than_the_timeout() -> None:
    first, second = together(slowly, 2, timeout=2)
    assert first == second == fleet(ALONE)


def dies(ranks: Ranks, folder: Path) -> None:
    """Rank 1 is killed while it trains a network of rank 0, which waits until then with its own."""
    train, take_from, killed = pool.train, SharedMemory.take_from, folder / "killed"
    taken = []

    def noted(memory: SharedMemory, other: int) -> int | None:
        taken.append(other)
        return take_from(memory, other)

    def dying(*arguments: Any, **named: Any) -> Any:
        while ranks.rank == 0 and not killed.exists():
            time.sleep(0.01)
        if ranks.rank == 1 and taken[-1] == 0:
            next(train(*arguments, **named))
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return train(*arguments, **named)

    pool.train, SharedMemory.take_from = dying, noted  # type: ignore[method-assign]
    fleet(ranks, 6)


def test_a_rank_that_is_killed_while_it_trains_what_another_one_left_is_named_where_they_meet(tmp_path: Path) -> None:
    """The other one may be at its own networks for long."""
    error, nothing = together(dies, 2, tmp_path)
    assert isinstance(error, RanksError)
    assert "rank 1, which has ended" in str(error)
    assert nothing is None
