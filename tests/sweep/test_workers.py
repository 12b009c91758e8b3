"""Which workers of a sweep still live."""

import os
import signal
from pathlib import Path

import pytest

from fivestep.sweep import workers
from fivestep.sweep.workers import Watch, Worker
from tests.killing import forked


def test_a_worker_in_the_folder_lives_as_long_as_its_process(tmp_path: Path) -> None:
    reader, writer = os.pipe()

    def work() -> None:
        with Worker(tmp_path) as worker:
            os.write(writer, worker.name.encode())
            signal.pause()

    child = forked(work)
    name = os.read(reader, 200).decode()
    watch = Watch(tmp_path, "me")
    assert not watch.is_lost(name, {})
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert watch.is_lost(name, {})
    assert watch.is_lost(name, {})


def test_one_that_is_not_in_the_folder_lives_as_long_as_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(workers.time, "monotonic", lambda: now[0])
    watch = Watch(tmp_path, "me")
    seen = []
    for now[0], count in ((0.0, 0), (50.0, 0), (59.0, 1), (118.0, 1), (119.5, 1)):
        seen.append(watch.is_lost("other", {"other": count}))
    assert seen == [False, False, False, False, True]


def test_one_that_never_counted_is_lost_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(workers.time, "monotonic", lambda: now[0])
    watch = Watch(tmp_path, "me")
    assert not watch.is_lost("other", {})
    now[0] = 61.0
    assert watch.is_lost("other", {})
    assert not watch.is_lost("me", {})


def test_it_counts_while_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SECONDS", 0.01)
    counts: list[int] = []
    with Worker(tmp_path) as worker, worker.counting(counts.append):
        while len(counts) < 4:
            pass
    assert counts[:4] == [0, 1, 2, 3]
    assert list((tmp_path / "workers").iterdir()) == []


def test_the_name_of_a_worker_from_elsewhere_names_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    assert not Watch(tmp_path, "me").is_lost("../secret", {})
    assert (tmp_path / "secret").exists()
