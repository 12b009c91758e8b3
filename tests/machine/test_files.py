"""Files written whole or not at all."""

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from fivestep.check import InputError
from fivestep.machine.files import (
    DTYPES,
    check_writable,
    contents,
    empty_folder,
    has_checksum,
    is_intact,
    next_folder,
    read_bytes,
    replacing,
    tensors_in,
    write_sealed,
    write_tensors,
    write_text,
)


def test_text_is_written_and_nothing_is_left_behind(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "one")
    write_text(tmp_path / "a.txt", "zwei ü")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "zwei ü"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_that_breaks_while_it_is_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")

    def breaks() -> None:
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        breaks()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_whether_a_file_can_be_written_is_seen_without_touching_it(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    check_writable("--out", tmp_path / "a.txt")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]
    with pytest.raises(InputError, match=r"--out must be a file that can be written, got .*\(No such file"):
        check_writable("--out", tmp_path / "nowhere" / "a.txt")


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    flat = torch.arange(6, dtype=torch.float64)
    tensors = {"0.weight": flat[:4].view(2, 2), "0.bias": flat[4:].requires_grad_()}  # views of one memory
    write_tensors(tmp_path / "model.safetensors", tensors, {"fivestep": "1"})
    again = safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert again["0.weight"].tolist() == [[0, 1], [2, 3]]
    assert again["0.bias"].tolist() == [4, 5]
    assert again["0.bias"].dtype == torch.float64


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "Expecting value"),
        (b"not tensors at all", "a header of 8317697111234998126 bytes"),
        (b"PK\x03\x04\x00\x00\x00\x00", "a header of 67324752 bytes"),
        ((1000).to_bytes(8, "little") + b"{}", "invalid header length"),
    ],
    ids=["empty", "text", "zip", "short"],
)
def test_a_file_that_holds_no_tensors_is_refused_by_name(tmp_path: Path, content: bytes, got: str) -> None:
    with pytest.raises(
        InputError, match=rf"model.safetensors must be a safetensors file, got .*({got}).*; train again\."
    ):
        tensors_in(content, tmp_path / "model.safetensors")


def test_a_file_that_is_missing_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model.safetensors must be a file that can be read, got No such file"):
        read_bytes(tmp_path / "model.safetensors", 100)


def test_a_link_is_not_followed_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "config.toml").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=r"config.toml must be an ordinary file, got a symbolic link; put the file"):
        read_bytes(tmp_path / "config.toml", 100)


def test_a_link_is_not_followed_when_it_is_written(tmp_path: Path) -> None:
    """Neither one in the place of the file nor one in the place of the temporary file."""
    (tmp_path / "precious").write_text("mine")
    for name in ("a.txt", "a.txt.part"):
        (tmp_path / name).symlink_to(tmp_path / "precious")
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_pipe_a_folder_and_a_device_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="must be an ordinary file, got a pipe"):
        read_bytes(tmp_path / "pipe", 100)
    with pytest.raises(InputError, match="must be a file that can be read, got Is a directory"):
        read_bytes(tmp_path, 100)
    with pytest.raises(InputError, match="must be an ordinary file, got a device"):
        read_bytes(Path("/dev/zero"), 100)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "config.toml").open("wb") as file:
        file.truncate(2**40)  # a terabyte of nothing
    with pytest.raises(InputError, match=r"config.toml must be a file of at most 100 bytes, got 1099511627776; train"):
        read_bytes(tmp_path / "config.toml", 100)


def test_what_is_written_is_on_the_disk_before_it_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file, then the move, then the folder in which the move is noted."""
    done: list[str] = []
    names = {}

    def opened(path: Path, *rest: Any, **more: Any) -> int:
        descriptor = os_open(path, *rest, **more)
        names[descriptor] = Path(path).name
        return descriptor

    os_open, os_replace = os.open, os.replace
    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "fsync", lambda descriptor: done.append(f"sync {names[descriptor]}"))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("move"), os_replace(a, b)))
    write_text(tmp_path / "a.txt", "new")
    assert done == ["sync a.txt.part", "move", f"sync {tmp_path.name}"]


def test_a_file_system_that_cannot_sync_a_folder_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some network file systems cannot; the file itself must be on the disk."""

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", sync)
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_folders_are_numbered_from_the_first_that_is_free(tmp_path: Path) -> None:
    (tmp_path / "moons-2").mkdir()
    assert [next_folder(tmp_path, "moons").name for _ in range(3)] == ["moons-1", "moons-3", "moons-4"]


def test_a_folder_may_be_new_or_empty(tmp_path: Path) -> None:
    assert empty_folder(tmp_path / "a" / "b").is_dir()
    assert list(empty_folder(tmp_path / "a" / "b").iterdir()) == []


def test_what_a_run_leaves_that_was_killed_at_its_beginning_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in ("lock", "step-000000000000.safetensors.part"):
        (tmp_path / "checkpoints" / name).write_text("half")
    (tmp_path / "config.toml").touch()
    assert empty_folder(tmp_path) == tmp_path
    (tmp_path / "checkpoints" / "step-000000000000.safetensors").write_text("whole")
    with pytest.raises(InputError, match="out must be a folder that is new or empty"):
        empty_folder(tmp_path)


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"out must be a folder that is new or empty, got .*; choose another name"):
        empty_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("make", [empty_folder, partial(next_folder, name="moons")], ids=["empty", "next"])
def test_a_folder_inside_a_file_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"out must be a folder that can be written, got .* \(Not a directory\)"):
        make(tmp_path / "file" / "run")


def test_a_sealed_file_tells_of_every_byte_that_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_sealed(path, {"0.weight": torch.arange(4.0)}, {"fivestep": "1"})
    assert torch.equal(safetensors.torch.load_file(path)["0.weight"], torch.arange(4.0))
    content = path.read_bytes()
    assert is_intact(content)
    assert not any(is_intact(_flipped(content, place)) for place in range(len(content)))


def test_the_library_reads_what_was_written_without_it(tmp_path: Path) -> None:
    """Of every type, of one number and of none, views that lie across their memory, two names for one memory."""
    whole = torch.arange(24.0).view(4, 6)
    tensors = {
        "turned": whole.T,
        "part": whole[1:3],
        "same": whole[1:3],
        "one": torch.tensor(3),
        "one of many": torch.arange(8.0, dtype=torch.float64)[2:4:2],
        "none": torch.zeros(0, 5),
        **{str(dtype): torch.ones(3).to(dtype) for dtype in DTYPES},
    }
    write_tensors(tmp_path / "t", tensors, {"text": 'with "quotes" and \u00e4'})
    read = safetensors.torch.load_file(tmp_path / "t")
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], value) and read[name].dtype == value.dtype for name, value in tensors.items())
    with safetensors.safe_open(tmp_path / "t", "pt") as file:
        assert file.metadata() == {"format": "pt", "text": 'with "quotes" and \u00e4'}


def test_tensors_are_written_from_their_own_memory() -> None:
    _, *parts = contents({"w": (w := torch.zeros(4))}, {})
    w += 1
    assert [np.frombuffer(part, np.float32).tolist() for part in parts] == [[1.0] * 4]


def test_a_file_without_a_checksum_has_none(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_tensors(path, {"0.weight": torch.arange(4.0)}, {"fivestep": "1"})
    assert not has_checksum(path.read_bytes())
    assert not is_intact(path.read_bytes())


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
