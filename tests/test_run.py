"""A run as a folder: written whole, read back, never half."""

import itertools
import signal
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import fivestep.machine.files
from fivestep.check import DivergenceError, InputError, StorageError
from fivestep.datasets._base import Dataset, Rows
from fivestep.machine.interrupt import Interrupt, deferred_interrupt
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.ranks import ALONE
from fivestep.run import Run, fit
from tests.samples import ENGINES, numbers, small_engine, small_net, small_plan, three_classes

FILES = ["checkpoints", "config.toml", "curves.png", "history.csv", "model.safetensors"]
DATA = three_classes(valid=20)


def written(path: Path) -> list[str]:
    return sorted(file.name for file in path.iterdir())


def test_a_run_shows_where_it_is_of_what_and_how_far_it_came(tmp_path: Path) -> None:
    run = fit(MLP(None, 6, None), DATA, small_plan(), engine="scratch", out=tmp_path / "run", device="cpu")
    assert repr(run) == f"Run({str(tmp_path / 'run')!r}: MLP {run.spec.sizes_text()}, {run.history[-1]})"
    new = Run.start(run.engine, DATA, tmp_path / "new")
    assert repr(new) == f"Run({str(tmp_path / 'new')!r}: MLP {run.spec.sizes_text()}, no epoch yet)"


@pytest.mark.parametrize("name", ENGINES)
def test_fit_trains_writes_the_folder_and_returns_the_run(name: str, tmp_path: Path) -> None:
    run = fit(MLP(None, 6, None), DATA, small_plan(), engine=name, out=tmp_path / "run", device="cpu")
    assert run.path == tmp_path / "run"
    assert [epoch.index for epoch in run.history] == [1, 2, 3]
    assert run.engine.name == name
    assert run.spec == MLP(4, 6, 3)
    assert written(run.path) == FILES


def test_seconds_are_those_of_training_also_where_a_run_ends_between_two_shown_epochs(tmp_path: Path) -> None:
    left = [signal.SIGINT]

    def fresh(index: int) -> Rows:
        if index == 3 and left:  # the fourth epoch, once
            signal.raise_signal(left.pop())
        return DATA.train

    data = replace(DATA, fresh=fresh)
    run = Run.start(small_engine("scratch", small_plan(epochs=6)), data, tmp_path / "run")
    assert run.seconds == 0
    with pytest.raises(KeyboardInterrupt):
        list(run.train(data, every=3))
    assert [epoch.index for epoch in run.history] == [3]
    assert run.seconds > run.history[0].seconds
    again = Run.resume(tmp_path / "run")
    list(again.train(data))
    assert again.seconds == sum(epoch.seconds for epoch in again.history)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_signal_after_an_epoch_and_before_it_is_shown_loses_no_step(
    stop: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look for a signal that waits and the caller's own code, one raises wherever it comes."""
    epochs = [1, 2, 3]

    @contextmanager
    def too_late(interrupt: Interrupt) -> Iterator[Interrupt]:
        with deferred_interrupt(interrupt):
            yield interrupt
        if epochs.pop() == 1:
            raise stop

    monkeypatch.setattr(sys.modules["fivestep.train"], "deferred_interrupt", too_late)
    run = Run.start(small_engine("scratch", small_plan(epochs=6)), DATA, tmp_path / "run")
    with pytest.raises(stop):
        list(run.train(DATA))
    assert [epoch.index for epoch in Run.resume(run.path).history] == [1, 2, 3]


def test_ranks_that_are_given_are_not_joined_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So their timeout is the one that the script has asked for."""
    monkeypatch.setattr("fivestep.run.join_ranks", None)
    run = fit(small_net(), DATA, small_plan(), out=tmp_path / "run", device="cpu", ranks=ALONE)
    assert run.engine.ranks is ALONE


def test_a_run_without_a_folder_gets_the_next_free_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [fit(small_net(), DATA, small_plan(), device="cpu").path for _ in range(2)]
    assert paths == [Path("runs/data-1"), Path("runs/data-2")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_reads_back_the_same(dtype: str, tmp_path: Path) -> None:
    plan = small_plan(optimizer="adam:betas=(0.8, 0.9)", schedule="cosine:final=0.1", clip_norm=1.0)
    run = fit(small_net(dropout=0.2), DATA, plan, dtype=dtype, device="cpu", out=tmp_path / "run")
    again = Run.load(run.path, device="cpu")
    assert (again.spec, again.plan, again.history) == (run.spec, run.plan, run.history)
    assert torch.equal(again.engine.params.flat, run.engine.params.flat)
    assert torch.equal(again.engine.predict(DATA.train.x), run.engine.predict(DATA.train.x))


def test_the_full_batch_reads_back_as_the_full_batch(tmp_path: Path) -> None:
    """TOML has no None: what is not written is None, and not the default of 256."""
    run = fit(small_net(), DATA, small_plan(batch_size=None), device="cpu", out=tmp_path / "run")
    assert Run.load(run.path, device="cpu").plan.batch_size is None


def test_the_model_is_a_file_that_torch_people_can_use(tmp_path: Path) -> None:
    run = fit(small_net(), DATA, small_plan(), device="cpu", dtype="float64", out=tmp_path / "run")
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)).double()
    model.load_state_dict(load_file(run.path / "model.safetensors"))
    assert torch.allclose(model(DATA.train.x), run.engine.predict(DATA.train.x))


def test_the_configuration_is_plain_text(tmp_path: Path) -> None:
    run = fit(small_net(), DATA, small_plan(), device="cpu", out=tmp_path / "run")
    config = tomllib.loads((run.path / "config.toml").read_text(encoding="utf-8"))
    assert config["version"] == 1
    assert config["net"]["layers"] == ["linear:out_features=6", "tanh", "linear"]
    assert config["plan"]["optimizer"] == "sgd"
    assert config["engine"]["dtype"] == "float32"


def test_training_stops_early_with_the_best_weights(tmp_path: Path) -> None:
    plan = small_plan(lr=10.0, epochs=50, patience=3, restore_best=True)
    run = fit(small_net(), DATA, plan, dtype="float64", device="cpu", out=tmp_path / "run")
    losses = [epoch.valid_loss for epoch in run.history if epoch.valid_loss is not None]
    assert len(losses) < 50
    assert len(losses) - 1 - losses.index(min(losses)) == 3
    assert Run.load(run.path, device="cpu").history == run.history


def test_a_diverging_run_keeps_its_folder_with_finite_weights(tmp_path: Path) -> None:
    data = Dataset(Rows(numbers(20, 4), numbers(20, 1, seed=1)))
    plan = TrainPlan(loss="mse", lr=1e4, batch_size=5, epochs=400)
    with pytest.raises(DivergenceError):
        fit(MLP(4, 1), data, plan, device="cpu", dtype="float64", out=tmp_path / "run")
    assert set(written(tmp_path / "run")) >= {"config.toml", "history.csv", "model.safetensors"}
    assert Run.load(tmp_path / "run", device="cpu").engine.params.flat.isfinite().all()


def test_a_run_that_is_left_early_is_written_as_far_as_it_got(tmp_path: Path) -> None:
    run = Run.start(small_engine("scratch"), DATA, tmp_path / "run")
    assert [epoch.index for epoch in itertools.islice(run.train(DATA), 2)] == [1, 2]
    run.save()
    assert [epoch.index for epoch in Run.load(run.path, device="cpu").history] == [1, 2]


@pytest.mark.parametrize(
    ("spec", "plan", "data"),
    [
        (MLP(5, 3), small_plan(), DATA),
        (MLP(4, 3), small_plan(batch_size=1000), DATA),
        (MLP(4, 3), small_plan(patience=2), three_classes()),
        (MLP(4, 3), small_plan(), Dataset(Rows(DATA.train.x, DATA.train.y + 5), num_outputs=3)),
    ],
    ids=["width", "batch", "patience", "labels"],
)
def test_a_run_that_cannot_begin_writes_nothing(tmp_path: Path, spec: Any, plan: TrainPlan, data: Dataset) -> None:
    with pytest.raises(InputError):
        fit(spec, data, plan, device="cpu", out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="out must be a folder that is new or empty"):
        fit(small_net(), DATA, small_plan(), device="cpu", out=tmp_path)


def test_a_file_that_breaks_leaves_the_files_of_the_last_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fit(small_net(), DATA, small_plan(), device="cpu", out=tmp_path / "run")
    before = (run.path / "model.safetensors").read_bytes()

    def full_disk(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fivestep.machine.files.os, "fsync", full_disk)
    run.engine.params.flat.zero_()
    with pytest.raises(StorageError, match="must be a folder that can be written, got No space left on device"):
        run.save()
    assert (run.path / "model.safetensors").read_bytes() == before
    assert written(run.path) == FILES


def spoil(path: Path, file: str, old: str, new: str) -> None:
    text = (path / file).read_text(encoding="utf-8")
    assert old in text
    (path / file).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("config.toml", "version = 1", "version = 99", "the version of the run must be 1, got 99"),
        (
            "config.toml",
            "[plan]",
            "[plan",
            "config.toml must be as fivestep wrote it, got .*; fivestep train --resume .* writes it anew",
        ),
        ("config.toml", 'name = "scratch"', 'name = "scrath"', "did you mean 'scratch'"),
        ("config.toml", "lr = 0.1", "lr = -1.0", "lr must be a finite number greater than 0"),
        ("config.toml", "epochs = 3", "epoch = 3", r"in .*config.toml, a setting of \[plan\] .*epoch"),
        ("history.csv", "train_loss", "loss", "history.csv must be the history of a run"),
    ],
)
def test_a_spoilt_run_is_refused_in_one_sentence(tmp_path: Path, file: str, old: str, new: str, sentence: str) -> None:
    run = fit(small_net(), DATA, small_plan(), engine="scratch", device="cpu", out=tmp_path / "run")
    spoil(run.path, file, old, new)
    with pytest.raises(InputError, match=sentence):
        Run.load(run.path, device="cpu")


def test_a_model_of_another_network_is_refused(tmp_path: Path) -> None:
    run = fit(small_net(), DATA, small_plan(), device="cpu", out=tmp_path / "run")
    other = fit(MLP(4, 7, 3), DATA, small_plan(), device="cpu", out=tmp_path / "other")
    (other.path / "model.safetensors").replace(run.path / "model.safetensors")
    with pytest.raises(InputError, match=r"with linear:out_features=7 as its layer 0, got linear:out_features=6; "):
        Run.load(run.path, device="cpu")


def test_a_model_with_one_other_bit_is_refused(tmp_path: Path) -> None:
    run = fit(small_net(), DATA, small_plan(), device="cpu", out=tmp_path / "run")
    content = bytearray((run.path / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (run.path / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"model.safetensors must be as fivestep wrote it, got other bytes; "):
        Run.load(run.path, device="cpu")


@pytest.mark.parametrize("name", ["runs/moons1", "moons-1", "elsewhere/runs/moons-1"])
def test_a_run_that_does_not_exist_is_refused_with_the_nearest_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for run in ("moons-1", "iris-1"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "config.toml").touch()
    with pytest.raises(InputError, match=rf"got '{name}'; did you mean 'runs/moons-1'\?$"):
        Run.load(name)


def test_a_run_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"RUN must be the folder of a run, with a config.toml in it, got .*nowhere'; see ls runs\."
    ):
        Run.load(tmp_path / "nowhere")
