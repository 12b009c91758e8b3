"""What ranks leave with torchrun: a note, and who speaks first."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from fivestep.check import RanksError
from fivestep.ranks import torchrun


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> TCPStore:
    """The store that torchrun keeps, and the environment in which it starts a rank."""
    kept = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(kept.port), "RANK": "1"}
    for name, value in {**where, "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}.items():
        monkeypatch.setenv(name, value)
    return kept


@pytest.mark.usefixtures("store")
def test_a_note_is_there_for_those_who_come_later() -> None:
    assert torchrun.note_left() is None
    torchrun.leave_note("runs/moons-1")
    assert torchrun.note_left() == "runs/moons-1"


@pytest.mark.usefixtures("store")
def test_only_the_first_speaks_and_after_a_restart_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [torchrun.is_first_to_speak() for _ in range(3)] == [True, False, False]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert torchrun.is_first_to_speak()


@pytest.mark.parametrize(("rank", "speaks"), [("0", True), ("1", False)])
def test_without_torchrun_the_first_rank_speaks(rank: str, speaks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    monkeypatch.setenv("RANK", rank)
    assert torchrun.is_first_to_speak() == speaks
    torchrun.leave_note("nowhere")
    assert torchrun.note_left() is None


def test_a_sentence_is_left_where_torchrun_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    torchrun.tell("x must be y, got z.")
    said = json.loads((tmp_path / "error.json").read_text(encoding="utf-8"))["message"]
    assert said["message"] == "x must be y, got z."
    assert int(said["extraInfo"]["timestamp"]) > 0


def named(ranks: list[int], seconds: float = 20.0) -> list[str]:
    """The places where ranks that start together meet."""
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda rank: torchrun.store_for_ranks(rank, 3, seconds), ranks)
        return [place.get("where").decode() if place else "" for place in map(_marked, found)]


def _marked(place: PrefixStore | None) -> PrefixStore | None:
    if place is not None and not place.check(["where"]):
        place.set("where", str(time.monotonic_ns()))
    return place


@pytest.mark.usefixtures("store")
def test_ranks_that_start_together_meet_and_those_before_them_are_not_there() -> None:
    first, second = named([0, 1, 2]), named([2, 1, 0])
    assert len(set(first)) == len(set(second)) == 1
    assert first[0] != second[0]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("ranks", "missing"), [([0, 2], 1), ([1, 2], 0)])
def test_a_rank_that_does_not_start_is_named(ranks: list[int], missing: int) -> None:
    with pytest.raises(RanksError, match=f"all ranks must start within 0.5 s, got no sign of rank {missing}."):
        named(ranks, 0.5)
