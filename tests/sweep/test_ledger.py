"""Who trains which network."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from fivestep.check import InputError
from fivestep.sweep.attempts import Attempt, ranked
from fivestep.sweep.ledger import Ledger, to_be_kept
from fivestep.sweep.space import Space

SPACE = Space.of({"lr": "0.01:1", "seed": [1, 2]})
ABOUT = {"lr": "0.01:1"}
DRAWN = {"lr": 0.1, "seed": "2"}


def ledger(folder: Path, worker: str, name: str = "a", **about: str) -> Ledger:
    return Ledger.open(folder / "j", name, {**ABOUT, **about}, SPACE, worker)


def test_a_network_belongs_to_the_first_who_takes_it(tmp_path: Path) -> None:
    one, two = ledger(tmp_path, "one"), ledger(tmp_path, "two")
    assert [attempt.network for attempt in one.take({0: DRAWN, 1: DRAWN})] == [0, 1]
    assert [attempt.network for attempt in two.take({1: DRAWN, 2: DRAWN})] == [2]
    assert {network: attempt.worker for network, attempt in one.attempts().items()} == {0: "one", 1: "one", 2: "two"}
    assert one.attempts()[0].drawn == DRAWN


def test_what_was_noted_is_there_for_all(tmp_path: Path) -> None:
    one, two = ledger(tmp_path, "one"), ledger(tmp_path, "two")
    (attempt,) = one.take({0: DRAWN})
    one.note(attempt, 3, 0.5)
    assert two.attempts()[0].rungs == {3: 0.5}
    one.finish(replace(attempt, state="pruned", value=0.5, figures={"epochs": 3}))
    found = two.attempts()[0]
    assert (found.state, found.value, found.figures, found.rungs) == ("pruned", 0.5, {"epochs": 3}, {3: 0.5})


def test_a_lost_network_is_free_and_its_new_attempt_counts(tmp_path: Path) -> None:
    one, two, three = (ledger(tmp_path, name) for name in ("one", "two", "three"))
    one.take({0: DRAWN})
    two.lose([two.attempts()[0]])
    three.lose([one.attempts()[0]])  # who else sees it does the same
    assert two.attempts()[0].state == "lost"
    (again,) = two.take({0: DRAWN})
    assert (again.worker, two.attempts()[0].state) == ("two", "running")


def test_what_was_taken_for_lost_is_not_finished_by_its_old_worker(tmp_path: Path) -> None:
    one, two = ledger(tmp_path, "one"), ledger(tmp_path, "two")
    (attempt,) = one.take({0: DRAWN})
    two.lose([attempt])
    one.finish(replace(attempt, state="done", value=0.1))
    assert one.attempts()[0].state == "lost"


def test_workers_who_come_at_once_have_fleets_of_one_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one looks before the first one writes, and writes after the first one has read."""
    one, two = ledger(tmp_path, "one"), ledger(tmp_path, "two")
    first_look: list[list[int]] = [[]]
    monkeypatch.setattr(two, "_fleets", lambda: first_look.pop() if first_look else Ledger._fleets(two))
    assert [one.fleet(4), two.fleet(16), one.fleet(32)] == [4, 4, 4]
    assert one.attempts() == {}


def test_a_worker_that_ends_lets_go_of_what_it_has_not_finished(tmp_path: Path) -> None:
    one = ledger(tmp_path, "one")
    first, _ = one.take({0: DRAWN, 1: DRAWN})
    one.finish(replace(first, state="done", value=0.1))
    one.end()
    assert [attempt.state for attempt in one.attempts().values()] == ["done", "lost"]


def test_workers_count(tmp_path: Path) -> None:
    one, two = ledger(tmp_path, "one"), ledger(tmp_path, "two")
    one.beat(4)
    two.beat(0)
    assert one.beats() == two.beats() == {"one": 4, "two": 0}


def test_a_storage_holds_several_sweeps_by_their_names(tmp_path: Path) -> None:
    ledger(tmp_path, "one").take({0: DRAWN})
    assert ledger(tmp_path, "one", "b", lr="2:3").attempts() == {}


def test_another_sweep_of_that_name_is_refused(tmp_path: Path) -> None:
    ledger(tmp_path, "one")
    sentence = (
        r"must hold this sweep, got another one, with lr 0.01:1 \(here 2:3\), seed none \(here 7\); keep these, or"
    )
    with pytest.raises(InputError, match=sentence):
        ledger(tmp_path, "one", lr="2:3", seed="7")


def test_a_study_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    storage = optuna.storages.RDBStorage(url)
    theirs = optuna.create_study(storage=storage, study_name="a", direction="maximize")
    theirs.add_trial(optuna.trial.create_trial(value=0.5))
    with pytest.raises(InputError, match="the storage must be without a study 'a' of others, got 'sqlite:"):
        Ledger.open(url, "a", ABOUT, SPACE, "one")
    assert theirs.user_attrs == {}
    with Ledger.open(url, "b", ABOUT, SPACE, "one") as own:
        assert own.attempts() == {}
    storage.engine.dispose()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks for open files in /proc")
def test_a_database_is_closed_at_the_end_and_where_it_is_refused(tmp_path: Path) -> None:
    """Connections that nobody closes are warned of from Python 3.13 on."""
    where = f"sqlite:///{tmp_path}/x.db"

    def is_open() -> bool:
        return str(tmp_path / "x.db") in {os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()}

    with Ledger.open(where, "a", ABOUT, SPACE, "one") as one:
        one.take({0: DRAWN})
        assert is_open()
    assert not is_open()
    with pytest.raises(InputError, match="must hold this sweep, got another one"):
        Ledger.open(where, "a", {"lr": "2:3"}, SPACE, "one")
    assert not is_open()


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("mysql+nosuch://me:secret@127.0.0.1:1/x", r"can be reached, got 'mysql\+nosuch://me:\.\.\.@127.0.0.1:1/x' \("),
        (
            "nosuch://host/x",
            "the storage must be a file or the URL of a database that can be reached, got 'nosuch://host/x'",
        ),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_sentence_without_the_password(where: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        Ledger.open(where, "a", ABOUT, SPACE, "one")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("error", [IntegrityError, OperationalError])
def test_tables_that_another_process_makes_at_the_same_time_are_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[DBAPIError]
) -> None:
    opened = []

    class Late(optuna.storages.RDBStorage):
        def __init__(self, url: str) -> None:
            opened.append(url)
            if len(opened) < 3:
                raise error("create table", {}, Exception("table studies already exists"))
            super().__init__(url)

    monkeypatch.setattr(optuna.storages, "RDBStorage", Late)
    monkeypatch.setattr(sys.modules[Ledger.__module__], "PAUSES", (0.0, 0.0))
    with Ledger.open(f"sqlite:///{tmp_path}/x.db", "a", ABOUT, SPACE, "one") as found:
        assert found.attempts() == {}
    assert len(opened) == 3


def test_a_file_of_sqlite_is_kept_with_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert make_url(to_be_kept("sqlite:///mine ü.db")).database == str(tmp_path / "mine ü.db")
    assert to_be_kept("postgresql://me:secret@host/x") == "postgresql://me:...@host/x"


def test_a_database_serves_like_a_journal(tmp_path: Path) -> None:
    """SQLite stands for the databases: the same code of Optuna's serves them all."""
    where = f"sqlite:///{tmp_path}/x.db"
    with Ledger.open(where, "a", ABOUT, SPACE, "one") as one, Ledger.open(where, "a", ABOUT, SPACE, "two") as two:
        assert [attempt.network for attempt in one.take({0: DRAWN, 1: DRAWN})] == [0, 1]
        assert two.take({1: DRAWN}) == []
        one.note(one.attempts()[0], 1, 0.5)
        one.finish(replace(one.attempts()[0], state="diverged", value=float("inf"), figures={"epochs": 3}))
        two.lose([two.attempts()[1]])
        assert [(attempt.state, attempt.rungs) for attempt in two.attempts().values()] == [
            ("diverged", {1: 0.5}),
            ("lost", {}),
        ]
        (again,) = two.take({1: DRAWN})
        assert again.worker == "two"


def test_networks_are_ranked_by_how_they_ended_how_far_they_came_and_their_value() -> None:
    rows = [("diverged", 9, 0.0), ("pruned", 1, 0.1), ("pruned", 3, 0.3), ("done", 9, 0.5), ("done", 4, 0.2)]
    attempts = [
        Attempt(k, k, "a", state, {}, value=value, figures={"epochs": epochs})  # type: ignore[arg-type]
        for k, (state, epochs, value) in enumerate(rows)
    ]
    assert [attempt.network for attempt in ranked(attempts)] == [4, 3, 2, 1, 0]
