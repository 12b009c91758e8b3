"""TensorBoard's files, read back by TensorBoard itself."""

from pathlib import Path

import pytest

from fivestep.trackers._base import Described
from fivestep.trackers.tensorboard import Tensorboard

pytest.importorskip("tensorboard")


def events(folder: Path) -> object:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder)).Reload()


def noted(described: Described, values: dict[int, float], folder: str | None = None) -> Path:
    tracker = Tensorboard(folder)
    place = tracker.begin(described)
    for epoch, value in values.items():
        tracker.note(epoch, {"train_loss": value, "valid_loss": 2 * value, "lr": 0.1})
    tracker.end([], "finished")
    return Path(place["folder"])


def test_figures_are_curves_by_epoch_with_both_parts_in_one_chart(tmp_path: Path) -> None:
    found = events(noted(Described(tmp_path, {"plan.lr": 0.1}, {}, 0), {1: 0.5, 2: 0.25}))
    assert [(scalar.step, scalar.value) for scalar in found.Scalars("loss/train")] == [(1, 0.5), (2, 0.25)]
    assert [scalar.value for scalar in found.Scalars("loss/valid")] == [1.0, 0.5]
    assert {"loss/train", "loss/valid", "lr", "last/train_loss"} <= set(found.Tags()["scalars"])


def test_the_configuration_stands_under_text(tmp_path: Path) -> None:
    found = events(noted(Described(tmp_path, {"plan.lr": 0.1}, {}, 0), {1: 0.5}))
    (text,) = found.Tensors("configuration/text_summary")
    assert b"plan.lr = 0.1" in text.tensor_proto.string_val[0]


def test_a_run_that_goes_on_continues_its_curves(tmp_path: Path) -> None:
    noted(Described(tmp_path, {}, {}, 0), {1: 0.5, 2: 0.25})
    folder = noted(Described(tmp_path, {}, {}, 2), {3: 0.125})
    assert [scalar.step for scalar in events(folder).Scalars("loss/train")] == [1, 2, 3]


def test_another_folder_holds_one_folder_for_each_run(tmp_path: Path) -> None:
    assert noted(Described(tmp_path / "moons-1", {}, {}, 0), {1: 0.5}, str(tmp_path / "all")) == (
        tmp_path / "all" / "moons-1"
    )
