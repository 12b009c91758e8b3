"""What a network takes is said before it is taken, with the estimate; and what training in memory takes is bounded."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from fivestep import averages, products
from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines import _memory, _update
from fivestep.engines._make import make_engine
from fivestep.engines._memory import Several, check_memory, check_memory_together, memory_needed
from fivestep.fleet import fit_many
from fivestep.machine.memory import held
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.run import Run
from fivestep.train import train
from tests.live import Live
from tests.samples import numbers

TRAIN = """
import sys
from pathlib import Path
import torch
import fivestep as fs

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def run(num_rows, hidden, out):
    engine, optimizer, num_in, batch = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    rows = fs.Rows(torch.empty(num_rows, num_in).normal_(), torch.empty(num_rows).normal_())
    plan = fs.TrainPlan(loss="mse", optimizer=optimizer, lr=1e-4, batch_size=batch, epochs=1)
    fs.fit(fs.MLP(num_in, *hidden, 1), fs.Dataset(rows), plan, engine, device="cpu", out=out)

hidden = [int(width) for width in sys.argv[7:]]
run(5_000, [min(width, 300) for width in hidden], sys.argv[1] + "/warm")  # libraries loaded, code compiled
Path("/proc/self/clear_refs").write_text("5")  # the largest size so far begins anew
before = status("VmRSS")
run(int(sys.argv[6]), hidden, sys.argv[1] + "/run")
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


@pytest.mark.parametrize(("optimizer", "copies"), [("sgd", 3), ("adam", 7)])
def test_the_estimate_counts_parameters_gradients_memory_and_a_copy_of_all(optimizer: str, copies: int) -> None:
    spec, plan = MLP(10, 100, 1), TrainPlan(optimizer=optimizer)
    assert memory_needed(spec, plan) == 4 * copies * spec.num_parameters
    assert memory_needed(spec, plan, "float64") == 8 * copies * spec.num_parameters


OPTIONS = [
    ("scratch", {"optimizer": "sgd"}, 2),
    ("scratch", {"optimizer": "adam"}, 4),
    ("scratch", {"optimizer": "adamw", "weight_decay": 0.01, "clip_norm": 1.0}, 4),
    ("scratch", {"optimizer": "adam", "restore_best": True}, 5),
    ("scratch", {"optimizer": "adam", "ema": 0.9}, 6),
    ("scratch", {"optimizer": "momentum", "ema": 0.9, "restore_best": True}, 6),
    ("scratch", {"optimizer": "adam", "schedule": "plateau"}, 7),
    ("fused:larger=true", {"optimizer": "adam"}, 4),
    ("fused:larger=true", {"optimizer": "sgd", "ema": 0.9}, 4),
    ("autograd", {"optimizer": "adam"}, 4),
    ("nn", {"optimizer": "sgd"}, 2),
    ("nn", {"optimizer": "adam"}, 4),
]
SIZES = (300, 1000, 300, 1)


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize(("engine", "options", "copies"), OPTIONS)
def test_training_holds_as_many_numbers_for_each_parameter_as_is_said(
    engine: str, options: dict[str, Any], copies: int, folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a folder and without one. torch makes new tensors for a layer's gradient, and three of its size in Adam."""
    monkeypatch.setattr(_memory, "LARGE", 0)  # as for larger networks
    monkeypatch.setattr(_update, "PIECE", 2**12)
    monkeypatch.setattr(averages, "NUMBERS_AT_A_TIME", 2**12)
    monkeypatch.setattr(products, "MOST_APART", 2**12)
    plan = TrainPlan(**{"loss": "mse", "lr": 1e-4, "batch_size": 20, "epochs": 3, **options})
    spec = MLP(*SIZES)
    rows = Rows(numbers(60, 300).float(), numbers(60).float())
    data = Dataset(rows, rows)
    with Live() as live:
        made = make_engine(engine, spec, plan, device="cpu")
        list(Run.start(made, data, tmp_path / "run").train(data) if folder else train(made, data, plan))
    size = 4 * spec.num_parameters
    assert memory_needed(spec, plan, copied="schedule" in options) == copies * size
    of_torch = 4 * 1000 * 300 * {"autograd": 1, "nn": 3}.get(engine, 0)
    assert (copies - 0.5) * size < live.peak < (copies + 0.1) * size + of_torch


@pytest.mark.parametrize(("engine", "optimizer"), [("scratch", "sgd"), ("scratch", "adam"), ("fused", "adam")])
def test_networks_that_are_held_together_are_refused_by_their_sum(
    engine: str, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a tenth less than what a fleet was seen to hold; not with a tenth more."""
    spec, rows = MLP(*SIZES), Rows(numbers(60, 300).float(), numbers(60).float())
    plans = [TrainPlan(loss="mse", lr=1e-4, batch_size=20, optimizer=optimizer, seed=seed) for seed in range(5)]

    def fit() -> None:
        fit_many(spec, Dataset(rows), plans, engine, device="cpu", num_threads=1)

    with Live() as live:
        fit()
    monkeypatch.setattr(_memory, "held", lambda: 0)
    monkeypatch.setattr(_memory, "memory_size", lambda: int(1.1 * live.peak))
    fit()
    monkeypatch.setattr(_memory, "memory_size", lambda: int(0.9 * live.peak))
    with pytest.raises(
        InputError, match=r"all networks together must fit into the 0.* GiB .*, got 5, the largest 300-"
    ):
        fit()


def test_all_processes_of_a_machine_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million networks of 4 GB in all, in each of two processes."""
    monkeypatch.setattr(_memory, "memory_size", lambda: 6 * 10**9)
    monkeypatch.setattr(_memory, "held", lambda: 0)
    networks = [Several(1_000_000, MLP(8, 50, 1), TrainPlan(loss="mse"), 100)]
    check_memory_together(networks, "float32", torch.device("cpu"), 2)
    with pytest.raises(InputError, match=r"need about 7.* GiB in each of 2 processes; train fewer at a time"):
        check_memory_together(networks, "float32", torch.device("cpu"), 2, processes=2)


def test_what_the_process_holds_is_not_left_for_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows among it. 4 GiB of parameters, gradients and Adam's memory fit into 12 GiB, not beside 9."""
    monkeypatch.setattr(_memory, "memory_size", lambda: 12 * 2**30)
    monkeypatch.setattr(_memory, "held", lambda: 0)
    spec, plan = MLP(4, 16_000, 16_000, 1), TrainPlan(optimizer="adam", batch_size=10)
    check_memory(spec, plan, "float32", torch.device("cpu"))
    monkeypatch.setattr(_memory, "held", lambda: 9 * 2**30)
    with pytest.raises(InputError, match=r"into the 3 GiB of memory that are left beside the rows, got 4-16000-"):
        check_memory(spec, plan, "float32", torch.device("cpu"))


def test_a_process_holds_what_it_has_just_filled() -> None:
    before = held()
    if not before:
        pytest.skip("the system does not say")
    filled = torch.ones(25_000_000)  # meanwhile the system may take back pages of libraries that nobody needs
    assert 0.5 * filled.nbytes < held() - before < 1.5 * filled.nbytes


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system says no largest size")
@pytest.mark.parametrize(
    ("engine", "optimizer", "sizes", "batch", "num_rows"),
    [
        ("scratch", "sgd", (50, 64, 1), 512, 600_000),
        ("fused:larger=true", "sgd", (50, 64, 1), 512, 600_000),
        ("fused:larger=false", "sgd", (50, 64, 1), 512, 600_000),
        ("scratch", "adam", (3000, 1000, 700, 1), 256, 10_000),
        ("fused", "adam", (3000, 1000, 700, 1), 256, 10_000),
        ("scratch", "adam", (50, 2000, 2000, 2000, 1), 2048, 8192),
        ("fused", "adam", (50, 2000, 2000, 2000, 1), 2048, 8192),
    ],
)
def test_training_in_memory_takes_little_more_than_its_rows(
    engine: str, optimizer: str, sizes: tuple[int, ...], batch: int, num_rows: int, tmp_path: Path
) -> None:
    """Memory, unlike time, is the same on a busy machine: 1.3 times the rows, four times the parameters, one batch.

    Adam's four are weights, gradients and two means, so there is no room for a copy of any of them: one of all would
    take 44 MB, a third of the rows are 36.
    """
    num_in, *hidden, _ = sizes
    words = [str(tmp_path), engine, optimizer, *map(str, (num_in, batch, num_rows, *hidden))]
    one_thread = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-c", TRAIN, *words]
    done = subprocess.run(command, env=os.environ | one_thread, capture_output=True, text=True, check=True)
    rows, parameters, outputs = num_rows * (num_in + 1) * 4, MLP(*sizes).num_parameters * 4, 2 * sum(sizes[1:])
    assert int(done.stdout) < 1.3 * rows + 4 * parameters + batch * (num_in + outputs) * 4
