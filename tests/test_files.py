"""Files written whole or not at all."""

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from fivestep.check import InputError
from fivestep.files import empty_folder, next_folder, read_tensors, replacing, write_tensors, write_text


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


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    flat = torch.arange(6, dtype=torch.float64)
    tensors = {"0.weight": flat[:4].view(2, 2), "0.bias": flat[4:].requires_grad_()}  # views of one memory
    write_tensors(tmp_path / "model.safetensors", tensors, {"fivestep": "1"})
    again = read_tensors(tmp_path / "model.safetensors")
    assert again["0.weight"].tolist() == [[0, 1], [2, 3]]
    assert again["0.bias"].tolist() == [4, 5]
    assert again["0.bias"].dtype == torch.float64


@pytest.mark.parametrize("content", [b"", b"not tensors at all", None], ids=["empty", "text", "missing"])
def test_a_file_that_holds_no_tensors_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"model.safetensors must be a safetensors file, got .*; train again\."):
        read_tensors(path)


def test_folders_are_numbered_from_the_first_that_is_free(tmp_path: Path) -> None:
    (tmp_path / "moons-2").mkdir()
    assert [next_folder(tmp_path, "moons").name for _ in range(3)] == ["moons-1", "moons-3", "moons-4"]


def test_a_folder_may_be_new_or_empty(tmp_path: Path) -> None:
    assert empty_folder(tmp_path / "a" / "b").is_dir()
    assert list(empty_folder(tmp_path / "a" / "b").iterdir()) == []


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
