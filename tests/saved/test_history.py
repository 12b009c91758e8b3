"""The history of a run as columns, as text, and back."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivestep.check import InputError
from fivestep.epoch import Epoch
from fivestep.saved.history import columns, history_text, read_history
from fivestep.train import train
from tests.samples import small_engine, small_plan, three_classes

FIRST = Epoch(1, 4, 0.1, 0.7, 0.65, 0.5, None, None, 0.01, 5000.0)

losses = st.floats(allow_nan=False)
epochs = st.builds(
    Epoch,
    *[st.integers(1, 10**6)] * 2,
    *[losses] * 3,
    *[st.none() | losses] * 3,
    *[losses] * 2,
)

METRICS = ("auc", "accuracy", "top_k:k=2")


def history(valid: int, **options: object) -> list[Epoch]:
    plan = small_plan(**options)
    return list(train(small_engine("scratch", plan), three_classes(valid=valid), plan))


def written(path: Path, epochs: list[Epoch]) -> Path:
    path.write_text(history_text(epochs), encoding="utf-8")
    return path


@pytest.mark.parametrize("valid", [0, 20])
@pytest.mark.parametrize("metrics", [(), METRICS])
def test_what_was_written_reads_back_the_same(tmp_path: Path, valid: int, metrics: tuple[str, ...]) -> None:
    epochs = history(valid, metrics=metrics)
    assert read_history(written(tmp_path / "history.csv", epochs), metrics) == epochs


def test_metrics_have_a_column_for_each_part() -> None:
    epochs = history(20, metrics=METRICS)
    table = columns(epochs)
    assert table["valid_top_k:k=2"] == [epoch.valid_metrics["top_k:k=2"] for epoch in epochs]
    assert table["train_auc"] == [epoch.train_metrics["auc"] for epoch in epochs]
    assert not [name for name in table if name.endswith("_metrics")]


def test_without_metrics_there_are_no_columns_for_them() -> None:
    assert list(columns(history(0))) == [
        *("epoch", "step", "lr", "running_loss", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy"),
        *("seconds", "rows_per_second"),
    ]


def test_a_history_without_a_metric_of_the_plan_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "history.csv", history(0))
    with pytest.raises(InputError, match=r"history.csv must be the history of a run, got KeyError: 'train_auc'; train"):
        read_history(path, ["auc"])


def test_a_line_is_an_epoch_with_what_does_not_apply_left_empty() -> None:
    lines = history_text([FIRST]).splitlines()
    assert lines[0].startswith("epoch,step,lr,running_loss,train_loss,train_accuracy,valid_loss,valid_accuracy,")
    assert lines[1] == "1,4,0.1,0.7,0.65,0.5,,,0.01,5000.0"


def test_no_epochs_are_a_head_alone() -> None:
    assert len(history_text([]).splitlines()) == 1


@given(history=st.lists(epochs, max_size=3))
def test_a_history_reads_back_digit_for_digit(tmp_path_factory: pytest.TempPathFactory, history: list[Epoch]) -> None:
    path = tmp_path_factory.mktemp("run") / "history.csv"
    path.write_text(history_text(history), encoding="utf-8")
    assert read_history(path) == history


def test_a_loss_that_is_no_number_stays_none(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(history_text([Epoch(*[1, 1], *[math.nan] * 8)]))
    assert math.isnan(read_history(tmp_path / "history.csv")[0].train_loss)


@pytest.mark.parametrize(
    "text", ["", "epoch,step\n1,2\n", history_text([FIRST]).replace("0.7", "much")], ids=["empty", "columns", "words"]
)
def test_a_file_that_is_no_history_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(InputError, match=r"history.csv must be the history of a run, got .*; train again\."):
        read_history(tmp_path / "history.csv")
