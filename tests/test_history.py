"""The history as text and back."""

from pathlib import Path

import pytest

from fivestep.check import InputError
from fivestep.history import columns, history_text, read_history
from fivestep.train import Epoch, train
from tests.samples import small_engine, small_plan, three_classes

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
