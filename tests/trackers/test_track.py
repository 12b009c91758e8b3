"""A run whose figures go to trackers: every epoch once, the same place when it goes on, and never a lost training."""

from itertools import islice
from pathlib import Path

import pytest

import fivestep as fs
from fivestep.check import InputError
from fivestep.run import Run
from fivestep.trackers._base import Outcome
from tests.trackers.kept import Kept, keep_everything


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    return keep_everything(monkeypatch)


DATA = fs.load_dataset("moons")
PLAN = fs.TrainPlan(loss="binary_cross_entropy", batch_size=None, epochs=4)


def begun(path: Path) -> Run:
    engine = fs.make_engine("scratch", PLAN.sized(fs.MLP(2, 3, 1), DATA), PLAN)
    return Run.start(engine, DATA, path / "run")


def train_tracked(run: Run, *, num_epochs: int | None = None) -> list[fs.Epoch]:
    """Trains to the end, or for that many epochs, and notes each."""
    with fs.track(run, "any") as note:
        return [note(epoch) or epoch for epoch in islice(run.train(DATA), num_epochs)]


def test_every_epoch_is_noted_with_its_figures(tmp_path: Path, kept: Kept) -> None:
    run = begun(tmp_path)
    epochs = train_tracked(run)
    notes = [value for what, value in kept.told if what == "note"]
    assert [number for number, _ in notes] == [1, 2, 3, 4]
    assert [figures["train_loss"] for _, figures in notes] == [epoch.train_loss for epoch in epochs]
    assert notes[0][1].keys() >= {"train_accuracy", "valid_loss", "lr", "seconds"}
    assert kept.told[-1] == ("end", (["config.toml", "history.csv", "model.safetensors", "curves.png"], "finished"))


def test_the_configuration_is_told_under_names_with_dots(tmp_path: Path, kept: Kept) -> None:
    with fs.track(begun(tmp_path), "any"):
        pass
    config = kept.told[0][1].config
    assert (config["plan.epochs"], config["engine.name"], config["run.task"]) == (4, "scratch", "moons")


def test_a_run_that_goes_on_is_noted_in_the_same_place_and_no_epoch_twice(tmp_path: Path, kept: Kept) -> None:
    run = begun(tmp_path)
    train_tracked(run, num_epochs=2)
    train_tracked(Run.resume(run.path))
    assert kept.epochs == [1, 2, 3, 4]
    described = [value for what, value in kept.told if what == "begin"]
    assert [(one.known, one.num_epochs) for one in described] == [({}, 0), ({"id": "7"}, 2)]


@pytest.mark.parametrize(("error", "outcome"), [(KeyboardInterrupt, "interrupted"), (ValueError, "failed")])
def test_the_tracker_hears_how_it_ended(
    tmp_path: Path, kept: Kept, error: type[BaseException], outcome: Outcome
) -> None:
    with pytest.raises(error), fs.track(begun(tmp_path), "any"):
        raise error
    assert kept.told[-1][1][1] == outcome


@pytest.mark.parametrize("method", ["note", "end"])
def test_a_tracker_that_fails_is_left_and_the_run_goes_on(tmp_path: Path, kept: Kept, method: str) -> None:
    kept.fails = method
    run = begun(tmp_path)
    with pytest.warns(UserWarning, match=r"tracker 'any' is left, the run goes on: no route to host$"):
        train_tracked(run)
    assert len(run.history) == 4
    assert len(kept.epochs) == (1 if method == "note" else 4)


def test_a_tracker_that_cannot_begin_is_said_before_the_first_step(tmp_path: Path, kept: Kept) -> None:
    kept.fails = "begin"
    with (
        pytest.raises(InputError, match=r"tracker 'any' must be able to begin, got ConnectionError: no route to host;"),
        fs.track(begun(tmp_path), "any"),
    ):
        pass


@pytest.mark.usefixtures("kept")
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kept, "package", "no_such_package")
    sentence = r"run pip install 'fivestep\[no_such_package\]'"
    with pytest.raises(InputError, match=sentence), fs.track(begun(tmp_path), "any"):
        pass


def test_a_damaged_memory_begins_anew(tmp_path: Path, kept: Kept) -> None:
    run = begun(tmp_path)
    (run.path / "tracking.json").write_text("[1, 2")
    with fs.track(run, "any"):
        pass
    assert kept.told[0][1].known == {}


def test_without_trackers_nothing_is_written(tmp_path: Path) -> None:
    run = begun(tmp_path)
    with fs.track(run) as note:
        for epoch in run.train(DATA):
            note(epoch)
    assert not (run.path / "tracking.json").exists()
