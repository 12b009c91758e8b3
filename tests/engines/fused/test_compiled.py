"""Compiled code on the disk: found again by the next process, and made anew when any of its sources has changed."""

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numba
import numpy as np
import pytest
import torch
from numba.core.caching import IndexDataCacheFile

import fivestep
from fivestep.engines.fused._compiled import OPTIONS, SECONDS, WORDS, _announced, _jitted, folder, one_pass, prediction
from fivestep.engines.fused._tables import ALIGNMENT
from fivestep.engines.fused.body.order import in_lanes
from fivestep.engines.fused.body.parts import PartLibrary
from fivestep.engines.fused.body.steps import predict_rows
from fivestep.engines.fused.small.code import FURTHER
from tests.samples import small_engine, small_plan

SOURCE = Path(fivestep.__file__).parent
PROGRAM = """
import torch
from fivestep.engines.fused._compiled import prediction
from fivestep import MLP, TrainPlan, make_engine
engine = make_engine("fused", MLP(2, 2, 1, activation="relu"), TrainPlan(loss="mse"), dtype="float64", device="cpu")
engine.params.flat.fill_(1.0)
print(engine.predict(torch.tensor([[1.0, 2.0], [-3.0, 0.0]], dtype=torch.float64)).tolist())
print(prediction("predict", "float64").cache_hits)
"""


def run(source: Path, cache: Path) -> tuple[list[str], str]:
    """The lines that a process prints, and what it says beside them."""
    env = {**os.environ, "PYTHONPATH": str(source), "FIVESTEP_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines(), done.stderr


@pytest.mark.slow
def test_compiled_code_is_used_again_until_a_source_that_it_calls_changes(tmp_path: Path) -> None:
    """The changed file is not the one with the compiled function in it, which is all that numba itself looks at."""
    source, cache = tmp_path / "src", tmp_path / "cache"
    shutil.copytree(SOURCE, source / "fivestep", ignore=shutil.ignore_patterns("__pycache__"))
    first, note = run(source, cache)
    assert first == ["[[9.0], [1.0]]", "0"]
    about = f"about {SECONDS['predict']} s ...\n"
    assert note == f"Compiling the fused engine for predictions, float64, on this machine, once, {about}"
    assert run(source, cache) == (["[[9.0], [1.0]]", "1"], "")
    changed = source / "fivestep" / "engines" / "fused" / "body" / "activations.py"
    text = changed.read_text(encoding="utf-8")
    assert "where(z < 0.0, 0.0, z), is_above" in text
    os.utime(changed.with_name("at.py"))  # as by installing it again: numba compiles what lies in a newer file
    assert run(source, cache) == (first, note)
    changed.write_text(text.replace("where(z < 0.0, 0.0, z), is_above", "where(z < 0.0, 0.0, 2.0 * z), is_above"))
    assert run(source, cache)[0] == ["[[17.0], [1.0]]", "0"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/null").exists(), reason="a place that is no folder")
def test_without_a_place_to_keep_it_code_is_compiled_all_the_same() -> None:
    lines, note = run(SOURCE.parent, Path("/dev/null"))
    assert lines == ["[[9.0], [1.0]]", "0"]
    assert re.search("for this process, as /dev/null/compiled/[0-9a-f]+ cannot be written, about", note)


def test_every_form_that_is_compiled_has_words_for_its_message() -> None:
    assert {part for name in SECONDS for part in name.split("-")} <= set(WORDS)
    assert {suffix.removeprefix("-") for suffix in FURTHER.values() if suffix} <= set(WORDS)


def test_where_no_file_can_be_written_numba_keeps_nothing_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would choose a folder beside the source, and look at the time of one file when it finds code there again."""

    def refuse(**_: object) -> None:
        raise PermissionError

    monkeypatch.setenv("FIVESTEP_CACHE", str(tmp_path))
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    made = _jitted(in_lanes.py_func)
    assert not hasattr(made._cache, "_cache_file")
    assert _announced.__wrapped__("predict", "float32") == folder() / "predict-float32"
    assert f"for this process, as {folder()} cannot be written" in capsys.readouterr().err


def test_two_processes_that_compile_for_two_types_at_once_keep_the_code_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reads which files are taken before the other has taken one, where nothing keeps it from that."""
    monkeypatch.setenv("FIVESTEP_CACHE", str(tmp_path))
    both, load = threading.Barrier(2), IndexDataCacheFile._load_index

    def at_once(kept: IndexDataCacheFile) -> object:
        taken = load(kept)
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)
        return taken

    files = [one_pass.__wrapped__("draw_orders")._cache._cache_file for _ in range(2)]  # as of two processes
    monkeypatch.setattr(IndexDataCacheFile, "_load_index", at_once)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda file, dtype: file.save(dtype, f"code for {dtype}"), files, ("float32", "float64")))
    monkeypatch.undo()
    assert [files[0].load(dtype) for dtype in ("float32", "float64")] == ["code for float32", "code for float64"]


def test_on_a_full_disk_code_is_not_kept_and_runs_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **options: object) -> object:
        if options.get("cache", True):
            raise OSError(errno.ENOSPC, "No space left on device")
        return lambda function: function.__name__

    monkeypatch.setenv("FIVESTEP_CACHE", str(tmp_path))
    monkeypatch.setattr(IndexDataCacheFile, "_save_data", full)
    monkeypatch.setattr(numba, "cfunc", full)
    file = one_pass.__wrapped__("draw_orders")._cache._cache_file
    file.save("float32", "code")
    assert file.load("float32") is None
    assert prediction.__wrapped__("predict", "float32") == "predict_float32"


@pytest.mark.slow
def test_nothing_is_counted_or_allocated_inside() -> None:
    """Numba counts the references to arrays with locked instructions; they took three quarters of a step."""
    engine = small_engine("fused", small_plan())
    network, memory = engine._body._network, engine._body._memory  # type: ignore[attr-defined]  # what it works in
    made = numba.njit(predict_rows, **OPTIONS)
    x, out = np.ones((3, 4)), np.zeros((3, 3))
    memory.w[: engine.params.flat.numel()] = engine.params.flat
    made(network, memory, x, out)
    assert np.array_equal(out, engine.predict(torch.from_numpy(x)).numpy())
    (assembly,) = made.inspect_asm().values()
    assert "NRT_" not in assembly
    assert "lock" not in assembly


def test_a_part_of_the_body_is_only_there_for_compiled_code() -> None:
    """No machine code is made of it, which Python could call."""
    twice = numba.njit(lambda count: 2 * in_lanes(count))
    assert twice(17) == 2 * in_lanes.py_func(17)
    with pytest.raises(MemoryError):
        in_lanes(17)
    (made,) = in_lanes.overloads.values()
    assert isinstance(made.library, PartLibrary)
    assert not in_lanes.inspect_llvm(made.signature.args).count("cpython")


def test_buffers_begin_at_lines_of_the_cache() -> None:
    memory = small_engine("fused", small_plan())._body._memory  # type: ignore[attr-defined]  # what is compiled works in
    arrays = [array for array in memory if not isinstance(array, int) and array.size]
    assert all(array.ctypes.data % ALIGNMENT == 0 for array in arrays)
