"""Weights & Biases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, final

from ._base import Described, Outcome, Tracker


@final
@dataclass
class Wandb(Tracker):
    """A run of `project`, with its model as an artifact; `mode` "offline" keeps it in the run's folder for later.

    Without `mode`, WANDB_MODE or the login of `wandb login` decides. `entity` is the user or the team. An
    offline run is sent by `wandb sync RUN/wandb/offline-run-*`.
    """

    package: ClassVar[str] = "wandb"

    project: str = "fivestep"
    entity: str | None = None
    mode: Literal["online", "offline", "disabled"] | None = None
    _run: Any = field(default=None, init=False, repr=False)

    def begin(self, run: Described) -> dict[str, str]:
        import wandb  # imported here: it takes some seconds, and may not be installed

        self._run = wandb.init(
            project=self.project,
            entity=self.entity,
            mode=self.mode,
            id=run.known.get("id"),
            resume="allow",
            name=run.folder.name,
            dir=str(run.folder),
            config=dict(run.config),
            settings=wandb.Settings(console="off", silent=True, disable_git=True),  # keep the terminal to ourselves
        )
        return {"id": self._run.id}

    def note(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._run.log(dict(figures), step=epoch)

    def end(self, files: Sequence[Path], outcome: Outcome) -> None:
        import wandb

        artifact = wandb.Artifact(f"run-{self._run.id}", type="model")
        for file in files:
            artifact.add_file(str(file))
        self._run.log_artifact(artifact)
        self._run.summary["outcome"] = outcome
        self._run.finish(exit_code=0 if outcome == "finished" else 1)
