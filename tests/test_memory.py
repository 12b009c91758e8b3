"""A process with a limit on its memory has its allocators give back, and reads in one thread; another one does not."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from fivestep import memory
from fivestep.cli._app import run
from fivestep.datasets import _stream
from fivestep.datasets._stream import READERS
from fivestep.datasets._table import TableSource, load_table


def limit_data(monkeypatch: pytest.MonkeyPatch, limit: int) -> list[tuple[int, int]]:
    """Has the process believe in a limit on its data (-1: none); what glibc's allocator is told from then on."""
    resource = pytest.importorskip("resource")
    told: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *option: told.append(option))
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit if kind == resource.RLIMIT_DATA else -1, -1))
    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr(memory, "ctypes", SimpleNamespace(CDLL=lambda _: library))
    return told


@pytest.mark.parametrize(
    ("limit", "setting", "option"), [(-1, None, []), (2**30, memory.GIVE_BACK, [(-3, memory.MAPPED_BYTES)])]
)
def test_memory_is_given_back_where_it_is_limited(
    monkeypatch: pytest.MonkeyPatch, limit: int, setting: str | None, option: list[tuple[int, int]]
) -> None:
    monkeypatch.delenv("_RJEM_MALLOC_CONF", raising=False)
    told = limit_data(monkeypatch, limit)
    assert run(["tasks"]) == 0
    assert (os.environ.pop("_RJEM_MALLOC_CONF", None), told) == (setting, option)


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_RJEM_MALLOC_CONF", "narenas:2")
    limit_data(monkeypatch, 2**30)
    assert run(["tasks"]) == 0
    assert os.environ["_RJEM_MALLOC_CONF"] == "narenas:2"


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

    def pool(size: int, thread_name_prefix: str) -> ThreadPoolExecutor:
        sizes.append(size)
        return ThreadPoolExecutor(size, thread_name_prefix)

    monkeypatch.setattr(_stream, "ThreadPoolExecutor", pool)
    window = next(stream.windows(0, 0, 0))
    assert (len(window.order), sizes) == (stream.num_rows, [1, readers])
