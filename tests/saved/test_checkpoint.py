"""A checkpoint: written whole, read back the same, refused if one bit of it is not as it was written."""

import errno
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import fivestep.saved.checkpoint
from fivestep.check import InputError, StorageError
from fivestep.machine.files import bytes_of
from fivestep.progress import Progress
from fivestep.saved.checkpoint import Checkpoints, alone_in, checkpoints_in, read_checkpoint, write_checkpoint
from tests.samples import do_steps, numbers, small_engine, small_plan, three_classes

ABOUT = {"position": {"step": 3, "seconds": 0.1 + 0.2}, "text": 'a "checksum":"' + "0" * 64}
TENSORS = {
    "engine.flat": numbers(5),
    "engine.count": torch.tensor(7),
    "engine.none": torch.empty(0),
    "half": numbers(2, 3).float(),
}


def written(folder: Path) -> Path:
    write_checkpoint(folder / "step-000000000003.safetensors", ABOUT, TENSORS)
    return folder / "step-000000000003.safetensors"


def test_what_was_written_reads_back_the_same(tmp_path: Path) -> None:
    about, tensors = read_checkpoint(written(tmp_path))
    assert about == ABOUT
    assert set(tensors) == set(TENSORS)
    assert all(
        torch.equal(tensors[name], value) and tensors[name].dtype == value.dtype for name, value in TENSORS.items()
    )


def test_it_is_an_ordinary_file_of_tensors(tmp_path: Path) -> None:
    assert set(load_file(written(tmp_path))) == set(TENSORS)


def test_each_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """Of the length, the header, the checksum and the tensors: five hundred of them, and each byte of the checksum."""
    path = written(tmp_path)
    content = path.read_bytes()
    chance, start = random.Random(0), content.index(b'"checksum":"') + 12
    places = [*chance.sample(range(len(content)), 500), *range(start, start + 64)]
    accepted = []
    for place in places:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :])
        accepted += [place for _ in [0] if not is_refused(path)]
    assert accepted == []


def test_each_truncation_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path)
    content = path.read_bytes()
    lengths = [*range(0, len(content), 7), len(content) - 1]
    accepted = []
    for length in lengths:
        path.write_bytes(content[:length])
        accepted += [length for _ in [0] if not is_refused(path)]
    assert accepted == []


def is_refused(path: Path) -> bool:
    try:
        read_checkpoint(path)
    except InputError as error:
        return str(path) in str(error) and "\n" not in str(error)
    return False


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fivestep.saved.checkpoint, "VERSION", 99)
    path = written(tmp_path)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"the version of .*safetensors must be 1, got '99'; use the same fivestep"):
        read_checkpoint(path)


def test_a_file_of_tensors_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes_of(TENSORS, {}))
    with pytest.raises(InputError, match=r"model.safetensors must be a checkpoint as fivestep wrote it, got damaged"):
        read_checkpoint(tmp_path / "model.safetensors")


def checkpoints(folder: Path) -> tuple[Checkpoints, Any, Progress]:
    engine = small_engine("scratch")
    return Checkpoints(folder, {"config": {}}), engine, Progress(engine, small_plan())


def test_the_last_two_are_kept_and_what_a_kill_left_is_cleared_away(tmp_path: Path) -> None:
    kept, engine, progress = checkpoints(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    for leftover in ("step-000000000009.safetensors.part", "step-000000000099.safetensors"):
        (tmp_path / "checkpoints" / leftover).write_text("half")
    (tmp_path / "checkpoints" / "notes.txt").write_text("mine")
    for number in range(1, 5):
        do_steps(engine, three_classes(), small_plan(), number, number)
        kept.write(engine, progress)
    names = ["notes.txt", "step-000000000003.safetensors", "step-000000000004.safetensors"]
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == names
    assert [path.name for path in checkpoints_in(tmp_path)] == names[:0:-1]


def test_one_at_the_same_step_takes_the_place_of_the_last(tmp_path: Path) -> None:
    kept, engine, progress = checkpoints(tmp_path)
    for number in (1, 2):
        do_steps(engine, three_classes(), small_plan(), number, number)
        kept.write(engine, progress)
    kept.write(engine, progress)
    assert [int(path.stem[5:]) for path in checkpoints_in(tmp_path)] == [2, 1]


@pytest.mark.parametrize(("cost", "expected"), [(0.001, 3.0), (0.5, 50.0)])
def test_they_are_written_every_few_seconds_and_more_rarely_if_they_are_expensive(
    cost: float, expected: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second of writing is one percent of fifty."""
    kept, engine, progress = checkpoints(tmp_path)
    clock, write = [100.0], fivestep.saved.checkpoint.write_checkpoint

    def slow(*arguments: Any) -> None:
        clock[0] += cost
        write(*arguments)

    monkeypatch.setattr(fivestep.saved.checkpoint, "write_checkpoint", slow)
    monkeypatch.setattr(fivestep.saved.checkpoint.time, "monotonic", lambda: clock[0])
    assert kept.are_due()
    assert kept.write(engine, progress) == pytest.approx(cost)
    clock[0] += expected - 0.01
    assert not kept.are_due()
    clock[0] += 0.02
    assert kept.are_due()


def test_the_last_state_is_checked_as_a_whole_when_it_is_first_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, engine, progress = checkpoints(tmp_path)
    taken, real = [], fivestep.saved.checkpoint.is_intact
    monkeypatch.setattr(fivestep.saved.checkpoint, "is_intact", lambda content: taken.append(1) or real(content))
    states = []
    for number in (1, 2):
        do_steps(engine, three_classes(), small_plan(), number, number)
        kept.write(engine, progress)
        states += [kept.last_state(), kept.last_state()]
    assert [step for _, step in states] == [1, 1, 2, 2]
    assert torch.equal(states[3][0]["flat"], engine.params.flat)
    assert len(taken) == 2  # once for each of them


def test_one_that_is_written_anew_is_checked_anew(tmp_path: Path) -> None:
    kept, engine, progress = checkpoints(tmp_path)
    kept.write(engine, progress)
    kept.last_state()
    kept.write(engine, progress)
    (path,) = checkpoints_in(tmp_path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged bytes"):
        kept.last_state()


def full_disk(*_arguments: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_one_that_cannot_be_written_leaves_the_ones_before_it(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, engine, progress = checkpoints(tmp_path)
    for number in (1, 2):
        do_steps(engine, three_classes(), small_plan(), number, number)
        kept.write(engine, progress)
    before = {path.name: path.read_bytes() for path in checkpoints_in(tmp_path)}
    do_steps(engine, three_classes(), small_plan(), 3, 3)
    monkeypatch.setattr(os, call, full_disk)
    with pytest.raises(StorageError, match="a folder that can be written, got No space left on device at step 3"):
        kept.write(engine, progress)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()} == before


HOLD = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"


def test_a_second_process_is_refused_and_the_lock_ends_with_the_first(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    command = [sys.executable, "-c", HOLD, str(tmp_path / "checkpoints" / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with (
            pytest.raises(InputError, match="must be the run of one process at a time, got a second"),
            alone_in(tmp_path),
        ):
            pass
        first.kill()
    with alone_in(tmp_path):
        pass


def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "checkpoints").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="must be a folder of its own, got a symbolic link"), alone_in(tmp_path):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []
