"""A training run as a folder: the configuration, the history, the model, a picture."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

import tomli_w

from .check import InputError, refuse
from .datasets._base import Dataset
from .datasets._load import load_dataset
from .datasets._split import split
from .engines._base import Engine
from .engines._make import make_engine
from .epoch import Epoch
from .files import empty_folder, next_folder, read_metadata, read_tensors, replacing, write_tensors, write_text
from .find import find
from .history import columns, history_text, read_history
from .net import NetSpec
from .plan import TrainPlan
from .preflight import check_data, check_plan
from .stopping import Best
from .train import train

if TYPE_CHECKING:
    from torch import Tensor

    from .table.encoder import Encoder

ENCODER_KEY = "encoder"
"""The metadata of a model that hold an encoder."""

VERSION = 1
"""Of the folder's layout. A run of another version is refused."""


@final
@dataclass
class Run:
    """A folder with `config.toml`, `history.csv`, `model.safetensors` and `curves.png`, and what they hold, in memory.

    `info` is plain text and numbers about the run that belong into the configuration: the task, the model, how inputs
    are scaled, the names of the classes.
    """

    path: Path
    spec: NetSpec
    plan: TrainPlan
    engine: Engine
    info: dict[str, Any] = field(default_factory=dict)
    history: list[Epoch] = field(default_factory=list)
    encoder: "Encoder | None" = None

    @classmethod
    def start(
        cls,
        engine: Engine,
        data: Dataset,
        out: str | Path | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> Self:
        """A new run in the folder `out`, which must be new or empty; by default the next free `runs/<name>-<number>`.

        Checks the data first, so that nothing is written for a run that cannot begin.
        """
        check_data(engine, data)
        check_plan(engine.plan, data)
        described = {"task": data.name, "class_names": list(data.class_names), "input_scale": data.train.scale}
        path = next_folder(Path("runs"), data.name) if out is None else empty_folder(Path(out))
        return cls(path, engine.spec, engine.plan, engine, {**described, **(info or {})}, encoder=data.encoder)

    def train(self, data: Dataset, every: int = 1) -> Iterator[Epoch]:
        """Trains as `fivestep.train` does, keeps the history, stops early if the plan says so, and writes the folder.

        The folder is written however it ends: at the last epoch, early, by Ctrl-C, or by a loss that is no longer
        finite.
        """
        best = Best(self.plan)
        try:
            for epoch in train(self.engine, data, self.plan, every):
                self.history.append(epoch)
                best.note(epoch, self.engine)
                yield epoch
                if best.is_long_ago():
                    break
            best.restore(self.engine)
        finally:
            self.save()

    def load_data(self, data_dir: Path | None = None) -> Dataset:
        """The data of the run's task again; a validation part is split off in the same way."""
        if "table" in self.info:
            from .datasets._table import TableSource, load_table  # here, because it imports polars

            source = TableSource.from_dict(self.info["table"])
            return load_table(source, seed=self.plan.seed, encoder=self.encoder).data
        data = load_dataset(self.info["task"], seed=self.plan.seed, data_dir=data_dir)
        return split(data, self.info["valid"], seed=self.plan.seed) if "valid" in self.info else data

    def save(self) -> None:
        """Writes the folder's files, each whole or not at all."""
        write_text(self.path / "config.toml", tomli_w.dumps(_without_none(self.config())))
        write_text(self.path / "history.csv", history_text(self.history))
        tensors, metadata = self.engine.params.named_with_buffers(), {"fivestep": str(VERSION)}
        if self.encoder is not None:
            tensors, metadata = {**tensors, **self.encoder.tensors()}, {**metadata, **self.encoder.metadata()}
        write_tensors(self.path / "model.safetensors", tensors, metadata)
        if self.history:
            title = f"{self.info['task']}: {self.spec.title} {self.spec.sizes_text()}"
            figure = find("plots", "curves")(columns(self.history), title=title)
            with replacing(self.path / "curves.png") as temporary:
                figure.savefig(temporary, format="png", dpi=150)

    def config(self) -> dict[str, Any]:
        """Everything needed to make the same run again, as plain values."""
        engine = {"name": str(self.engine.choice), "dtype": str(self.engine.dtype).removeprefix("torch.")}
        return {
            "version": VERSION,
            "run": dict(self.info),
            "engine": {**engine, "device": str(self.engine.device)},
            "net": self.spec.to_dict(),
            "plan": self.plan.to_dict(),
        }

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> Self:
        """The run in a folder, its engine holding the trained weights; raises an `InputError` if it cannot be read."""
        path = Path(path)
        if not (path / "config.toml").is_file():
            raise InputError(
                f"RUN must be the folder of a run, with a config.toml in it, got {str(path)!r}; see ls runs."
            )
        try:
            config = tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))
            spec, plan = NetSpec.from_dict(config["net"]), TrainPlan.from_dict(config["plan"])
            engine_name, dtype, info = config["engine"]["name"], config["engine"]["dtype"], config["run"]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise InputError(
                f"{path / 'config.toml'} must be as fivestep wrote it, got {error}; train again."
            ) from error
        if config.get("version") != VERSION:
            raise refuse("the version of the run", config.get("version"), str(VERSION), "use the fivestep that made it")
        engine = make_engine(engine_name, spec, plan, dtype=dtype, device=device)
        weights, encoder = _read_model(path / "model.safetensors")
        engine.load_weights(weights)
        return cls(path, spec, plan, engine, info, read_history(path / "history.csv", plan.metrics), encoder)


def fit(
    spec: NetSpec,
    data: Dataset,
    plan: TrainPlan,
    engine: str = "auto",
    *,
    dtype: str = "float32",
    device: str = "auto",
    out: str | Path | None = None,
) -> Run:
    """Trains the network from start to end and returns the run: `run.history`, `run.path`, `run.engine`.

    Sizes that the network leaves out are taken from the data. The run is written to the folder `out`, by default the
    next free `runs/<name>-<number>`.
    """
    sized = plan.sized(spec, data)
    run = Run.start(make_engine(engine, sized, plan, dtype=dtype, device=device), data, out)
    for _ in run.train(data):
        pass
    return run


def _read_model(path: Path) -> "tuple[dict[str, Tensor], Encoder | None]":
    """The weights by name, and the encoder where there is one."""
    tensors, metadata = read_tensors(path), read_metadata(path)
    if ENCODER_KEY not in metadata:
        return tensors, None
    from .table.encoder import PREFIX, Encoder  # here, because it imports polars

    weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}
    return weights, Encoder.from_file(tensors, metadata)


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same without the entries that are None, which TOML cannot write: an absent option is None."""
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }
