"""What a network takes is said before it is taken, with the estimate; and what training in memory takes is bounded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fivestep.check import InputError
from fivestep.engines import _memory
from fivestep.engines._make import make_engine
from fivestep.engines._memory import memory_needed
from fivestep.net import MLP
from fivestep.plan import TrainPlan

TRAIN = """
import sys
from pathlib import Path
import torch
import fivestep as fs

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def run(num_rows, out):
    rows = fs.Rows(torch.empty(num_rows, 50).normal_(), torch.empty(num_rows).normal_())
    spec, plan = fs.MLP(50, 64, 1), fs.TrainPlan(loss="mse", lr=1e-3, batch_size=512, epochs=1)
    fs.fit(spec, fs.Dataset(rows), plan, sys.argv[1], device="cpu", out=out)

run(20_000, sys.argv[2] + "/warm")  # libraries loaded, code compiled, one part of an evaluation measured
Path("/proc/self/clear_refs").write_text("5")  # the largest size so far begins anew
before = status("VmRSS")
run(600_000, sys.argv[2] + "/run")
print(status("VmHWM") - before)
"""

HUGE = MLP(2, 900_000, 900_000, 1)


def test_a_network_that_does_not_fit_is_refused_before_anything_is_allocated() -> None:
    """810 billion parameters: whoever tried would be killed."""
    with pytest.raises(InputError, match=r"the network must fit .* got 2-900000-900000-1 of 810,004,500,001 "):
        make_engine("scratch", HUGE, TrainPlan(), device="cpu")


def test_a_batch_that_does_not_fit_is_refused_with_its_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten million rows through 2,000 units, twice, in float32: 149 GiB, of a network that is small itself."""
    monkeypatch.setattr(_memory, "memory_size", lambda: 2**34)
    plan, spec = TrainPlan(batch_size=None), MLP(4, 1000, 10)
    with pytest.raises(InputError, match=r"needs about 150 GiB with a batch of 10,000,000 rows; make the network or"):
        make_engine("scratch", spec, plan, device="cpu", num_rows=10_000_000)
    parts = TrainPlan(batch_size=None, micro_batch_size=1000)
    assert make_engine("scratch", spec, parts, device="cpu", num_rows=10_000_000).name == "scratch"


@pytest.mark.parametrize(("optimizer", "copies"), [("sgd", 4), ("adam", 8)])
def test_the_estimate_counts_parameters_gradients_memory_and_a_copy_of_all(optimizer: str, copies: int) -> None:
    spec, plan = MLP(10, 100, 1), TrainPlan(optimizer=optimizer)
    assert memory_needed(spec, plan) == 4 * copies * spec.num_parameters
    assert memory_needed(spec, plan, "float64") == 8 * copies * spec.num_parameters


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system says no largest size")
@pytest.mark.parametrize("engine", ["scratch", "fused:larger=true", "fused:larger=false"])
def test_training_in_memory_takes_little_more_than_its_rows(engine: str, tmp_path: Path) -> None:
    """Memory, unlike time, is the same on a busy machine: 1.3 times the rows, four times the parameters, one batch."""
    one_thread = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-c", TRAIN, engine, str(tmp_path)]
    done = subprocess.run(command, env=os.environ | one_thread, capture_output=True, text=True, check=True)
    rows, parameters, batch = 600_000 * 51 * 4, MLP(50, 64, 1).num_parameters * 4, 512 * (50 + 2 * 64 + 2) * 4
    assert int(done.stdout) < 1.3 * rows + 4 * parameters + batch
