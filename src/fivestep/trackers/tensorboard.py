"""TensorBoard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, final

from ._base import Described, Outcome, Tracker


@final
@dataclass
class Tensorboard(Tracker):
    """Event files in `folder`, by default in the run's folder, where `tensorboard --logdir runs` finds all runs.

    The configuration is under TEXT, and with the last figures under HPARAMS.
    """

    package: ClassVar[str] = "tensorboard"

    folder: str | None = None
    _writer: Any = field(default=None, init=False, repr=False)
    _config: Mapping[str, Any] = field(default_factory=dict, init=False, repr=False)
    _last: Mapping[str, float] = field(default_factory=dict, init=False, repr=False)

    def begin(self, run: Described) -> dict[str, str]:
        from torch.utils.tensorboard import SummaryWriter  # imported here: it takes a second, and may not be installed

        place = Path(self.folder) / run.folder.name if self.folder else run.folder / "tensorboard"
        self._writer = SummaryWriter(str(place), purge_step=run.num_epochs + 1 if run.num_epochs else None)
        self._config = run.config
        lines = [f"    {name} = {value}" for name, value in run.config.items()]  # indented: shown verbatim
        self._writer.add_text("configuration", "\n".join(lines))
        return {"folder": str(place)}

    def note(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._last = figures
        for name, value in figures.items():
            part, _, kind = name.partition("_")
            tag = f"{kind}/{part}" if part in ("train", "valid") else name  # loss/train and loss/valid share a chart
            self._writer.add_scalar(tag, value, epoch)

    def end(self, files: Sequence[Path], outcome: Outcome) -> None:
        numbers = {f"last/{name}": value for name, value in self._last.items()}
        plain = {k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in self._config.items()}
        self._writer.add_hparams({**plain, "outcome": outcome}, numbers, run_name=".")
        self._writer.close()
