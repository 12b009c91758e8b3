"""The journal: whole lines, whatever was left behind by a kill or a full disk."""

import multiprocessing
import os
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from fivestep.check import InputError, StorageError
from fivestep.sweep.journal import Journal


def lines(journal: Journal, first: int = 0) -> list[int]:
    return [line["op_code"] for line in journal.read_logs(first)]


def test_what_is_appended_is_read_from_any_line_on(tmp_path: Path) -> None:
    one, other = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    one.append_logs([{"op_code": 1}, {"op_code": 2}])
    assert lines(other) == [1, 2]
    one.append_logs([{"op_code": 3}])
    assert (lines(other, 2), lines(one, 1), lines(Journal(tmp_path / "j"), 2)) == ([3], [2, 3], [3])


@pytest.mark.parametrize("torn", [b'{"op_code":', b"x" * 10000, b"\xff\x00"])
def test_half_a_line_is_not_read_and_cut_off_before_the_next_one(tmp_path: Path, torn: bytes) -> None:
    journal = Journal(tmp_path / "j")
    journal.append_logs([{"op_code": 1}])
    with (tmp_path / "j").open("ab") as file:
        file.write(torn)
    assert lines(journal) == [1]
    journal.append_logs([{"op_code": 2}])
    assert lines(journal) == lines(Journal(tmp_path / "j")) == [1, 2]


def test_half_a_first_line_is_cut_off_too(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b'{"op_')
    journal = Journal(tmp_path / "j")
    journal.append_logs([{"op_code": 2}])
    assert (tmp_path / "j").read_bytes() == b'{"op_code":2}\n'


@pytest.mark.parametrize("content", [b"SQLite format 3\0", b"my letters", b'{"a": 1}\n'])
def test_a_file_of_something_else_is_refused_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(InputError, match="must be the journal of a sweep, or a new file, got one that begins with"):
        Journal(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == content


@pytest.mark.parametrize("line", ["nonsense", "[1, 2]", "{}", "7", "[" * 100000])
def test_a_line_that_says_nothing_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "j").write_text(f'{{"op_code":1}}\n{line}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"must be the journal of a sweep, got .* in line 2; begin a new sweep"):
        lines(Journal(tmp_path / "j"))


def append(path: Path, number: int) -> None:
    journal = Journal(path)
    for _ in range(50):
        journal.append_logs([{"op_code": number}, {"op_code": number}])


def test_several_processes_append_whole_lines_and_lose_none(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=append, args=(tmp_path / "j", number)) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    found = lines(Journal(tmp_path / "j"))
    assert [found.count(number) for number in range(3)] == [100, 100, 100]
    assert found[::2] == found[1::2]


def test_optunas_own_programs_read_it(tmp_path: Path) -> None:
    study = optuna.create_study(storage=JournalStorage(Journal(tmp_path / "j")), study_name="a")
    study.tell(study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), 0.5)
    found = optuna.load_study(study_name="a", storage=JournalStorage(JournalFileBackend(str(tmp_path / "j"))))
    assert [trial.value for trial in found.trials] == [0.5]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full disk is played by /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    (tmp_path / "j").unlink()
    (tmp_path / "j").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="must be a file that can be written, got No space left on device"):
        journal.append_logs([{"op_code": 1}])
