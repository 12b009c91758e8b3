"""MLflow, with a database in a file as its store, read back by MLflow itself."""

from pathlib import Path
from typing import Any

import pytest

from fivestep.trackers._base import Described, Outcome
from fivestep.trackers.mlflow import Mlflow

pytest.importorskip("mlflow")
pytest.importorskip("alembic")
pytestmark = [
    pytest.mark.slow,  # making the database takes some seconds
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),  # MLflow 3.17 with SQLAlchemy 2.1
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)  # artifacts go to ./mlruns
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return f"sqlite:///{tmp_path}/mlflow.db"


def client(store: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(store)


def noted(store: str, described: Described, values: dict[int, float], outcome: Outcome = "finished") -> str:
    (described.folder / "history.csv").write_text("epoch\n1\n")
    tracker = Mlflow("moons", store)
    known = tracker.begin(described)
    for epoch, value in values.items():
        tracker.note(epoch, {"train_loss": value})
    tracker.end([described.folder / "history.csv"], outcome)
    return known["id"]


def test_a_run_has_its_figures_its_configuration_and_its_files(tmp_path: Path, store: str) -> None:
    name = noted(store, Described(tmp_path, {"plan.lr": 0.1, "net.layers": "x" * 7000}, {}, 0), {1: 0.5, 2: 0.25})
    found, history = client(store).get_run(name), client(store).get_metric_history(name, "train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (2, 0.25)]
    assert found.data.params["plan.lr"] == "0.1"
    assert found.info.run_name == tmp_path.name
    assert found.info.status == "FINISHED"
    assert [file.path for file in client(store).list_artifacts(name)] == ["history.csv"]


def test_a_run_that_goes_on_is_the_same_run(tmp_path: Path, store: str) -> None:
    name = noted(store, Described(tmp_path, {"plan.lr": 0.1}, {}, 0), {1: 0.5}, "interrupted")
    assert client(store).get_run(name).info.status == "KILLED"
    assert noted(store, Described(tmp_path, {"plan.lr": 0.1}, {"id": name}, 1), {2: 0.25}) == name
    assert [metric.step for metric in client(store).get_metric_history(name, "train_loss")] == [1, 2]
    assert client(store).get_run(name).info.status == "FINISHED"
