"""MLflow."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, final

from ._base import Described, Outcome, Tracker

STATUS: Mapping[Outcome, str] = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
LONGEST_VALUE = 6000
"""The most characters of a parameter that MLflow stores."""


@final
@dataclass
class Mlflow(Tracker):
    """A run of `experiment`, with the files of the run's folder as artifacts.

    `uri` is the tracking server, such as http://127.0.0.1:5000, or a database, such as sqlite:///mlflow.db; without it
    MLFLOW_TRACKING_URI, or MLflow's own default, decides.
    """

    package: ClassVar[str] = "mlflow"

    experiment: str = "fivestep"
    uri: str | None = None
    _client: Any = field(default=None, init=False, repr=False)
    _id: str = field(default="", init=False, repr=False)

    def begin(self, run: Described) -> dict[str, str]:
        from mlflow import MlflowClient  # imported here: it takes a second, and may not be installed

        self._client = MlflowClient(self.uri)
        if "id" in run.known:
            self._id = run.known["id"]
            self._client.update_run(self._id, status="RUNNING")
            return {"id": self._id}
        known = self._client.get_experiment_by_name(self.experiment)
        experiment = self._client.create_experiment(self.experiment) if known is None else known.experiment_id
        self._id = self._client.create_run(experiment, run_name=run.folder.name).info.run_id
        for name, value in run.config.items():
            self._client.log_param(self._id, name, str(value)[:LONGEST_VALUE])
        return {"id": self._id}

    def note(self, epoch: int, figures: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, epoch) for name, value in figures.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def end(self, files: Sequence[Path], outcome: Outcome) -> None:
        for file in files:
            self._client.log_artifact(self._id, str(file))
        self._client.set_terminated(self._id, STATUS[outcome])
