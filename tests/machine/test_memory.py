"""A process with little memory has its allocators give back, and reads in one thread; another one does not."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import torch

from fivestep.check import InputError
from fivestep.cli import _app
from fivestep.cli._app import run
from fivestep.datasets._table import TableSource, load_table, table_stream
from fivestep.datasets._table.table_stream import READERS, window_rows
from fivestep.engines import _memory
from fivestep.engines._make import make_engine
from fivestep.machine import memory
from fivestep.machine.memory import is_memory, limits_of_groups
from fivestep.net import MLP
from fivestep.plan import TrainPlan

LEFT = """
import os
os.environ.pop("_RJEM_MALLOC_CONF", None)
import polars
print(os.environ.get("_RJEM_MALLOC_CONF", ""), end="")
"""


def limit_data(monkeypatch: pytest.MonkeyPatch, limit: int) -> list[tuple[int, int]]:
    """Has the process believe in a limit on its data (-1: none); what glibc's allocator is told from then on."""
    resource = pytest.importorskip("resource")
    told: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *option: told.append(option))
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit if kind == resource.RLIMIT_DATA else -1, -1))
    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr(memory, "ctypes", SimpleNamespace(CDLL=lambda _: library))
    return told


@pytest.fixture(autouse=True)
def without_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the control groups of the machine that tests run on say."""
    monkeypatch.setattr(memory, "limits_of_groups", lambda _membership, _root: [])


@pytest.mark.parametrize(
    ("limit", "setting", "option"),
    [(-1, None, []), (2**40, None, []), (2**30, memory.GIVE_BACK, [(-3, memory.MAPPED_BYTES), (-8, 1)])],
)
def test_memory_is_given_back_where_it_is_limited(
    monkeypatch: pytest.MonkeyPatch, limit: int, setting: str | None, option: list[tuple[int, int]]
) -> None:
    monkeypatch.delenv("_RJEM_MALLOC_CONF", raising=False)
    told = limit_data(monkeypatch, limit)
    assert run(["tasks"]) == 0
    assert (os.environ.pop("_RJEM_MALLOC_CONF", None), told) == (setting, option)


@pytest.mark.parametrize(("limit", "size"), [(-1, memory.MAPPED_LARGE), (2**30, memory.MAPPED_BYTES)])
def test_a_large_network_has_its_arrays_returned_at_once(
    monkeypatch: pytest.MonkeyPatch, limit: int, size: int
) -> None:
    told = limit_data(monkeypatch, limit)
    monkeypatch.setattr(_memory, "LARGE", 3)
    make_engine("scratch", MLP(2, 1), TrainPlan(), device="cpu")
    assert not told
    make_engine("scratch", MLP(3, 1), TrainPlan(), device="cpu")
    assert told == [(-3, size)]


def test_what_polars_leaves_to_the_children_of_its_process_is_no_setting_of_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("_RJEM_MALLOC_CONF", left)
    limit_data(monkeypatch, 2**30)
    assert run(["tasks"]) == 0
    assert os.environ["_RJEM_MALLOC_CONF"] == memory.GIVE_BACK


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_RJEM_MALLOC_CONF", "narenas:2")
    limit_data(monkeypatch, 2**30)
    assert run(["tasks"]) == 0
    assert os.environ["_RJEM_MALLOC_CONF"] == "narenas:2"


def test_a_container_s_limit_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "limits_of_groups", lambda _membership, _root: [2**29])
    memory.memory_size.cache_clear()
    assert (memory.memory_size(), memory.is_limited()) == (2**29, True)
    memory.memory_size.cache_clear()


def test_two_windows_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_stream, "memory_size", lambda: 2**29)
    sentence = r"fit into the 0.5 GiB of memory .*, got 2,000,000 rows of 50 numbers .* take 0.745 GiB; write"
    with pytest.raises(InputError, match=sentence):
        window_rows(50, 2_000_000, [10**5] * 100)
    assert window_rows(50, 2_000_000, [1000]) == 2_000_000  # there are not as many rows
    assert window_rows(50, None, [10**5] * 100) == 1_048_576
    sentence = r"got 100,000 rows of 5,000 numbers .* take 3.73 GiB; a block .* write Parquet in row groups of 3,355\."
    for asked_for in (None, 10**6):  # a smaller window would not help
        with pytest.raises(InputError, match=sentence):
            window_rows(5000, asked_for, [10**5] * 100)


def none() -> None:
    raise MemoryError


def none_of_the_cpu() -> None:
    torch.empty(2**60, dtype=torch.uint8)


@pytest.mark.parametrize("taking", [none, none_of_the_cpu])
def test_no_more_memory_is_one_sentence(
    taking: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(type(_app.app), "parse_args", lambda *_, **__: taking())
    assert run(["tasks"]) == 1
    assert "the work must fit into the" in capsys.readouterr().err


def test_a_device_without_memory_is_said_to_be_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def parse_args(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr(type(_app.app), "parse_args", parse_args)
    assert run(["tasks"]) == 1
    assert "the work must fit into the device's memory" in capsys.readouterr().err


def test_another_error_of_torch_is_no_matter_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(_app.app), "parse_args", lambda *_, **__: torch.zeros(2, 3) @ torch.zeros(2, 3))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        run(["tasks"])


@pytest.mark.parametrize(("limit", "readers"), [(-1, READERS), (2**30, 1)])
def test_blocks_are_decoded_one_at_a_time_where_memory_is_limited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: int, readers: int
) -> None:
    rows = pl.DataFrame({"x": [0.5, 2.5, 1.5, 9.5] * 1000, "y": [0.25, 1.25, 0.75, 4.75] * 1000})
    rows.write_parquet(tmp_path / "t.parquet", row_group_size=500)
    stream = load_table(TableSource(str(tmp_path / "t.parquet"), "y", stream=True), seed=0).data.stream
    assert stream is not None
    limit_data(monkeypatch, limit)
    sizes: list[int] = []

    def pool(size: int, **how: Any) -> ThreadPoolExecutor:
        sizes.append(size)
        return ThreadPoolExecutor(size, **how)

    monkeypatch.setattr(table_stream, "ThreadPoolExecutor", pool)
    window = next(stream.windows(0, 0, 0))
    assert (len(window.order), sizes) == (stream.num_rows, [1, readers])


def test_limits_of_control_groups_count_up_to_the_root(tmp_path: Path) -> None:
    membership, root = tmp_path / "cgroup", tmp_path / "fs"
    (root / "a" / "b").mkdir(parents=True)
    (root / "memory" / "c").mkdir(parents=True)
    (root / "a" / "memory.max").write_text("1000\n")
    (root / "a" / "b" / "memory.max").write_text("max\n")
    (root / "memory" / "c" / "memory.limit_in_bytes").write_text("2000\n")
    membership.write_text("4:memory:/c\n3:cpu:/z\n0::/a/b\n")
    assert sorted(limits_of_groups(membership, root)) == [1000, 2000]
    assert limits_of_groups(tmp_path / "none", root) == []


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("tmp", True), ("tmp/a/b", True), ("tmp/disk/a", False), ("var/tmp", False), (r"my own\040/a", True)],
)
def test_a_folder_in_memory_is_told_from_one_on_a_disk(tmp_path: Path, folder: str, expected: bool) -> None:
    lines = ["/dev/sda / ext4 rw 0 0", f"tmpfs {tmp_path}/tmp tmpfs rw 0 0", f"/dev/sdb {tmp_path}/tmp/disk xfs rw 0 0"]
    lines.append(rf"tmpfs {tmp_path}/my\040own\134040 tmpfs rw 0 0")
    (tmp_path / "mounts").write_text("\n".join(lines) + "\n")
    assert is_memory(str(tmp_path / folder), tmp_path / "mounts") is expected


def test_without_a_list_of_mounts_no_folder_is_taken_for_memory(tmp_path: Path) -> None:
    assert not is_memory("/tmp", tmp_path / "none")
