"""A training run as a folder: configuration, history, model, a picture, and checkpoints to resume from."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, final, overload

from .agreement import check_agreement
from .averages import to_prediction
from .check import InputError, instances, refuse
from .datasets._base import Dataset
from .datasets._load import load_dataset
from .datasets._split import split
from .engines._engine import Engine
from .engines._make import make_engine
from .engines.fused import FusedEngine
from .epoch import Epoch
from .find import find, shown_names
from .machine.files import empty_folder, next_folder, replacing
from .net import NetSpec
from .plan import TrainPlan
from .prediction.answers import Answers
from .prediction.rows import logits_of
from .prediction.trained import Trained
from .preflight import check_data, check_plan, warn_of_alike_units
from .progress import Progress
from .ranks import ALONE, Ranks, join_ranks
from .saved.checkpoint import Checkpoints, alone_in, checkpoints_in, no_longer_writable
from .saved.config import Config
from .saved.files import encoder_in, read_run, write_run
from .saved.history import columns
from .saved.origin import Origin, check_same
from .saved.resumption import Restored, restored
from .stopping import best_epoch
from .temperature import check_temperature, set_temperature, validation_rows
from .train import train

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from .table.encoder import Encoder


@final
@dataclass(repr=False)
class Run:
    """A folder with `config.toml`, `history.csv`, `model.safetensors` and `curves.png`, and what they hold, in memory.

    `info` is plain text and numbers for the configuration: the task, the model, how inputs are scaled, the names of the
    classes. A run that was stopped or killed resumes from the folder's `checkpoints` with `Run.resume`.
    """

    path: Path
    spec: NetSpec
    plan: TrainPlan
    engine: Engine
    info: dict[str, Any] = field(default_factory=dict)
    history: list[Epoch] = field(default_factory=list)
    encoder: "Encoder | None" = None

    _progress: Progress | None = field(default=None, init=False)
    _origin: Origin | None = field(default=None, init=False)
    _restored: Restored | None = field(default=None, init=False)
    _has_ended: bool = field(default=False, init=False)

    def __repr__(self) -> str:
        """Its folder, its network and its last epoch; all fields, with the whole history, would fill pages."""
        last = self.history[-1] if self.history else "no epoch yet"
        return f"Run({str(self.path)!r}: {self.spec.title} {self.spec.sizes_text()}, {last})"

    @classmethod
    def start(
        cls,
        engine: Engine,
        data: Dataset,
        out: str | Path | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> Self:
        """A new run in the folder `out`, which must be new or empty; by default the next free `runs/<name>-<number>`.

        First checks the data, and that ranks that train together agree, so that nothing is written for a run that
        cannot begin.
        """
        instances(engine=(engine, Engine), data=(data, Dataset))
        check_agreement(engine, data, engine.plan)
        check_data(engine, data)
        check_plan(engine.plan, data)
        check_temperature(engine)
        if engine.ranks.is_first:
            warn_of_alike_units(engine)
        described = {"task": data.name, "class_names": list(data.class_names), "input_scale": data.train.scale}
        path = engine.ranks.by_first(partial(_new_folder, data.name, out))
        plan = engine.plan.for_rows(data.num_rows)
        return cls(path, engine.spec, plan, engine, {**described, **(info or {})}, encoder=data.encoder)

    @classmethod
    def resume(cls, path: str | Path, epochs: int | None = None, ranks: Ranks = ALONE) -> Self:
        """The run in a folder as of its last checkpoint; `run.train(data)` then completes it.

        Weights, history (except its times) and the update rule's memory will be those of a run that was never stopped,
        to the bit, on the same machine with the same number of threads. `epochs` makes the run longer: the former last
        epoch stays in the history, and a schedule that depends on the number of steps follows the new one from here on,
        with a warning. `ranks`, each of which calls this, may be more or fewer than before. Warns if a checkpoint is
        damaged and the one before it is used; raises an `InputError` if there is none. A finished one gets its
        temperature, if the plan has one, in `run.train(data)`, which trains no more.
        """
        if not checkpoints_in(Path(path)):
            raise InputError(f"RUN must be a folder with a checkpoint in it, got {str(path)!r}; begin one with --out.")
        with alone_in(Path(path)) if ranks.is_first else nullcontext():
            found = restored(Path(path), epochs, ranks)
        config, progress = found.config, found.progress
        encoder = encoder_in(found.tensors, found.texts)
        run = cls(Path(path), config.spec, config.plan, found.engine, config.info, progress.history, encoder)
        run._progress, run._origin, run._restored = progress, found.origin, found
        if run.is_finished:
            run._end()
        return run

    @property
    def every(self) -> int | None:
        """How many epochs lie between two that are evaluated and shown; None before the run begins."""
        return None if self._origin is None else self._origin.every

    @property
    def is_finished(self) -> bool:
        """Whether the run is finished: all epochs are done, or the best one is too long ago."""
        return self._progress is not None and self._progress.is_over()

    @property
    def seconds(self) -> float:
        """Seconds of training so far, without evaluation, including those since the last shown epoch."""
        since = 0.0 if self._progress is None else self._progress.seconds
        return sum(epoch.seconds for epoch in self.history) + since

    def train(self, data: Dataset, every: int | None = None) -> Generator[Epoch, None, None]:
        """Trains as `fivestep.train` does, keeps the history, stops early if the plan says so, and writes the folder.

        The folder is written however it ends: at the last epoch, early, by Ctrl-C or SIGTERM, or by a loss that is no
        longer finite; checkpoints are written on the way. A resumed run keeps its own `every`, and a finished one
        yields no epoch. Where ranks train together, the first one writes. Raises an `InputError` if another process
        trains in the folder, or if a run is resumed with other data than it was begun with, and a `StorageError` if the
        folder can no longer be written.
        """
        with ExitStack() as stack:
            self.engine.ranks.by_first(lambda: stack.enter_context(alone_in(self.path)))
            progress, checkpoints, every = self._begin(data, every)
            try:
                if not progress.is_over():
                    with self._left_at_an_epoch(progress, checkpoints):
                        checkpoints.write(self.engine, progress)  # from here on there is something to resume from
                        for epoch in train(self.engine, data, self.plan, every, progress, checkpoints):
                            yield epoch
                            if progress.is_over():
                                break
                        checkpoints.write(self.engine, progress)
                if not self._has_ended:  # a second temperature would be that of logits which have one
                    self._end()
                    self._set_temperature(data)
                    self._has_ended = True
            finally:
                self.save()

    @contextmanager
    def _left_at_an_epoch(self, progress: Progress, checkpoints: Checkpoints) -> Iterator[None]:
        """Writes a checkpoint if the caller stops, or a signal arrives, at the end of an epoch.

        `train` takes care of a signal between two steps. One that does not wait for the end of a step leaves the
        previous checkpoint.
        """
        try:
            yield
        except (GeneratorExit, KeyboardInterrupt, SystemExit):
            if progress.is_at_epoch:
                checkpoints.write(self.engine, progress)
            raise

    def _begin(self, data: Dataset, every: int | None) -> tuple[Progress, Checkpoints, int]:
        """What a new run begins with, or what a resumed one continues with if its data are unchanged."""
        last = None
        if self._progress is None or self._origin is None:
            if self.engine.ranks.is_first and checkpoints_in(self.path):
                raise refuse("RUN", str(self.path), "a folder without checkpoints", "go on with it by Run.resume")
            self._origin = self._origin_here(1 if every is None else every, data)
            self._progress = Progress(self.engine, self.plan)
            self.history = self._progress.history
        else:
            every = self._origin.every if every is None else every
            self._origin.check(self._origin_here(every, data))
        if self._restored is not None:
            self._restored.check(data)
            last, self._restored = self._restored.source, None
            check_agreement(self.engine, data, self.plan)
        texts = {} if self.encoder is None else self.encoder.metadata()
        about = {"config": self._config.to_dict(), "origin": self._origin.to_dict(), "texts": texts}
        tensors = {} if self.encoder is None else self.encoder.tensors()
        writing = self.engine.ranks.is_first
        return self._progress, Checkpoints(self.path, about, tensors, last, writing=writing), self._origin.every

    def _check_rows(self, data: Dataset) -> None:
        """Raises an `InputError` for other rows than those that a resumed run was begun with."""
        if self._origin is not None:
            self._origin.check_rows(self._origin_here(self._origin.every, data))

    def _origin_here(self, every: int, data: Dataset) -> Origin:
        """The origin of a run that would begin now."""
        divides = isinstance(self.engine, FusedEngine) and self.engine.is_divided
        return Origin.here(every, data, self.engine.ranks.size, divides=divides)

    def _end(self) -> None:
        """Leaves the engine with the weights to predict with: those of the last epoch, or of the best one."""
        assert self._progress is not None
        to_prediction(self.engine)
        self._progress.best.restore(self.engine)

    def _set_temperature(self, data: Dataset) -> None:
        """Makes the network as sure of its classes as the validation part says, if the plan asks for that."""
        valid = validation_rows(self.engine, data) if self.plan.temperature_scaling else None
        if valid is not None:
            self.info["temperature"] = round(set_temperature([self.engine], [valid]), 4)

    def load_data(self, data_dir: Path | None = None) -> Dataset:
        """The data of the run's task or file again, split in the same way; files are looked for in `data_dir`."""
        if "table" in self.info:
            from .datasets._table import TableSource, load_table  # imported here because it needs polars

            source = TableSource.from_dict(self.info["table"])
            source = source if data_dir is None else source.in_folder(data_dir)
            return load_table(source, seed=self.plan.seed, encoder=self.encoder).data
        if self.info["task"] not in shown_names("datasets"):
            raise InputError(
                f"{self.path / 'config.toml'} must name a task, or in [run.table] the file of the run, got "
                f"{self.info['task']!r} alone; name a file to measure on, or put it back as it was."
            )
        data = load_dataset(self.info["task"], seed=self.plan.seed, data_dir=data_dir)
        return split(data, self.info["valid"], seed=self.plan.seed) if "valid" in self.info else data

    @overload
    def predict(self, X: Any, *, return_std: Literal[False] = False) -> "np.ndarray": ...

    @overload
    def predict(self, X: Any, *, return_std: bool) -> "np.ndarray | tuple[np.ndarray, np.ndarray]": ...

    def predict(self, X: Any, *, return_std: bool = False) -> "np.ndarray | tuple[np.ndarray, np.ndarray]":
        """The answers of the trained network to rows X, as `fivestep predict` writes them, to the bit.

        X has the raw columns of the table that the run was trained on, in any order: a DataFrame of polars or pandas,
        a mapping of columns, or the path of a file, or a pattern of several; of a task without named columns it is an
        array or a tensor of rows, (N, I) or images (N, 28, 28), as they are in its data. The answers are the names of
        classes, as text, or numbers in the units of the target: (N,), or (N, O) of several targets or quantiles.
        With `return_std` they are a pair, the standard deviations too, which a network with the loss "gaussian_nll"
        predicts. Raises an `InputError` for a column that is missing or a value that cannot be read, and warns of
        columns and levels that training never saw.
        """
        answers = Answers.of(self._trained)
        if return_std:
            answers.check_deviations()
        logits = logits_of(self._trained, X)
        predicted = answers.predictions(logits)
        return (predicted, answers.deviations(logits)) if return_std else predicted

    def predict_proba(self, X: Any) -> "np.ndarray":
        """The probability of each class for rows X, which are as in `predict`: (N, C), in the order of `classes`.

        Of several yes or no questions it is that of yes, the second class, to each: (N, O). Raises an `InputError` as
        `predict` does, and for numbers and the loss "hinge", which have no probabilities.
        """
        answers = Answers.of(self._trained)
        answers.check_probabilities()
        return answers.probabilities(logits_of(self._trained, X))

    def to_onnx(self) -> "onnx.ModelProto":
        """The trained network as an ONNX model, from raw columns to predictions, as `fivestep export` writes it.

        Its file is `run.to_onnx().SerializeToString()`. Raises an `InputError` where the extra "onnx" is not installed,
        and for a layer that ONNX does not know.
        """
        from .export.onnx_file import to_onnx  # imported here: it needs an extra

        return to_onnx(self.engine, self.encoder, self.info.get("class_names", ()))

    @property
    def classes(self) -> tuple[str, ...]:
        """What the columns of `predict_proba` are: names of classes, or of several questions; of numbers empty."""
        classes = Answers.of(self._trained).classes
        return tuple(classes) if len(classes) > 1 else tuple(next(iter(classes.values()), ()))

    @property
    def _trained(self) -> Trained:
        return Trained(self.engine, self.encoder, self.info)

    def save(self) -> None:
        """Writes the folder's files, each whole or not at all; raises a `StorageError` if that is not possible."""
        if not self.engine.ranks.is_first:
            return
        try:
            write_run(self.path, self._config, self.engine, self.history, self.encoder)
            if self.history:
                self.draw()
        except OSError as error:
            raise no_longer_writable(self.path, self.engine.num_updates, error) from error

    def draw(self) -> None:
        """Draws `curves.png`."""
        title = f"{self.info['task']}: {self.spec.title} {self.spec.sizes_text()}"
        best = best_epoch(self.history, self.plan)
        figure = find("plots", "curves")(columns(self.history), title, monitor=self.plan.monitor, best=best)
        with replacing(self.path / "curves.png") as temporary:
            figure.savefig(temporary, format="png", dpi=150)

    @property
    def _config(self) -> Config:
        """Everything needed to make the same run again."""
        return Config.of(self.engine, self.plan, self.info)

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> Self:
        """The run in a folder, its engine holding the trained weights; raises an `InputError` if it cannot be read."""
        read = read_run(Path(path), device)
        config = read.config
        return cls(Path(path), config.spec, config.plan, read.engine, config.info, read.history, read.encoder)


def _new_folder(name: str, out: str | Path | None) -> Path:
    """The folder of a new run: the next free one of that name, or a given one, which must be new or empty."""
    if out is None and set(name) & set("/\\\0"):
        raise refuse("name of the data", name, "one that can be a folder's, as out is left out", "choose another")
    return next_folder(Path("runs"), name) if out is None else empty_folder(Path(out))


def fit(  # noqa: PLR0913  (three of them are what is trained)
    spec: NetSpec,
    data: Dataset,
    plan: TrainPlan,
    engine: str = "auto",
    *,
    dtype: str = "float32",
    device: str = "auto",
    out: str | Path | None = None,
    resume: str | Path | None = None,
    ranks: Ranks | None = None,
) -> Run:
    """Trains the network from start to end and returns the run: `run.history`, `run.path`, `run.engine`.

    `run.engine.name` is the engine that did it, `run.engine.reason` why. In a script that `torchrun` has started
    several times, these ranks train it together, and the first one writes; pass `ranks` if the script has joined them
    itself, for example with its own timeout (`join_ranks`).

    Sizes that the network leaves out are taken from the data. The run is written to the folder `out`, by default the
    next free `runs/<name>-<number>`. With `resume` in place of `out`, a run that is already in that folder is resumed,
    and a new one begins if there is none: a script that was killed can simply be started again. Network, plan and
    engine must then be those of the run; only `epochs` may have grown.
    """
    if out is not None and resume is not None:
        raise refuse("out", str(out), "left out with resume", "the run stays in its folder")
    instances(spec=(spec, NetSpec), data=(data, Dataset), plan=(plan, TrainPlan))
    plan = plan.for_rows(data.num_rows)
    sized, ranks = plan.sized(spec, data), join_ranks() if ranks is None else ranks
    new = make_engine(engine, sized, plan, dtype=dtype, device=device, num_rows=data.num_rows, ranks=ranks)
    if resume is None or not checkpoints_in(Path(resume)):
        run = Run.start(new, data, out if resume is None else resume)
    else:
        run = Run.resume(resume, plan.epochs, ranks)
        try:
            check_same(Config.of(new, plan, run.info), Config.of(run.engine, run.plan, run.info))
        except InputError:
            run._check_rows(data)  # of which others would be the reason: plan and sizes follow from them
            raise
    for _ in run.train(data):
        pass
    return run
