"""From a checkpoint back to a run; nothing in the file is trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor

from ..check import InputError, at_least, not_negative, refuse, warn
from ..datasets._base import Dataset
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..find import Choice
from ..optim._moving_average import AVERAGE
from ..progress import Progress
from ..ranks import ALONE, Ranks
from ..typing import Tensors
from .checkpoint import checkpoints_in, read_checkpoint
from .config import Config
from .history import history_from
from .origin import Origin

MOST_RATES = 1000
"""The most steps at which two schedules are compared."""

LONGEST_LIST = 10**6
"""The most entries of a list in an update rule's memory."""


@final
@dataclass(frozen=True)
class Restored:
    """A run as of when the checkpoint `source` was written."""

    source: Path
    config: Config
    origin: Origin
    engine: Engine
    progress: Progress
    tensors: Tensors
    texts: Mapping[str, str]
    """Texts that belong to the model besides its weights, such as those of a table's encoder."""

    planned: int
    """The number of epochs planned before resumption."""

    files: tuple[tuple[str, int], ...]
    """The checkpoints in its folder, with the times they were written."""

    def check(self, data: Dataset) -> None:
        """Raises an `InputError` if the data do not fit or it has trained on since; warns if its schedule changes."""
        plan, step = self.config.plan, self.engine.num_updates
        per_epoch = plan.steps_per_epoch(data.num_rows)
        first, last = self.progress.epochs * per_epoch, plan.epochs * per_epoch
        if not first <= step <= last or len(self.progress.losses) != step - first:
            raise refuse(f"the step in {self.source}", step, f"one of {first} to {last}", "train again")
        if self.files != _files_in(self.source.parent.parent):
            raise InputError(
                f"{self.source.parent.parent} must be as it was when the run was read, got newer checkpoints: it went "
                f"on elsewhere; read it again."
            )
        schedule, before = plan.build_schedule(), self.planned * per_epoch
        steps = range(0, step, max(1, step // MOST_RATES))
        if any(schedule.factor(number, before) != schedule.factor(number, last) for number in steps):
            warn(
                f"a run that is made longer must have a schedule that does not count on the end to be the run it would "
                f"have been from the start, got {plan.schedule}; from step {step:,} on it follows the new length."
            )


def restored(folder: Path, epochs: int | None = None, ranks: Ranks = ALONE) -> Restored:
    """The run from the newest intact checkpoint in its folder; warns if a newer one is damaged.

    There must be a checkpoint. `epochs` is the new length, at least the old one. Raises an `InputError` if none is
    whole.
    """
    refusals: list[InputError] = []
    files = _files_in(folder)
    for source in checkpoints_in(folder):
        try:
            run = _read(source, files, ranks)
        except InputError as error:
            refusals.append(error)
            continue
        for refusal in refusals:
            warn(f"{refusal} The one before it is used, {source.name}.")
        return run if epochs in (None, run.planned) else _read(source, files, ranks, epochs)
    sentence = str(refusals[0])
    raise refusals[0] if ";" in sentence else InputError(f"{sentence.removesuffix('.')}; train again.")


def _read(source: Path, files: tuple[tuple[str, int], ...], ranks: Ranks, epochs: int | None = None) -> Restored:
    """The run in a checkpoint, with a new length if one is given; raises an `InputError` if it is not valid."""
    about, tensors = read_checkpoint(source)
    try:
        config = Config.from_dict(about["config"], source)
        planned = config.plan.epochs
        if epochs is not None:
            at_least("epochs", epochs, planned, "a run can be made longer, not shorter")
            config = replace(config, plan=replace(config.plan, epochs=epochs))
        origin = Origin.from_dict(about["origin"])
        engine = config.make_engine(ranks=ranks)
        if engine.name == Choice.parse(config.engine).name:  # without Numba another engine, which says why
            engine.reason = "the run began with it"
        progress = Progress(engine, config.plan)
        fill(engine, progress, tensors, about["position"])
    except InputError:
        raise
    except Exception as error:  # whatever error a value of the wrong type or size causes
        raise InputError(f"{source} must be a checkpoint as fivestep wrote it, got {error!r}; train again.") from error
    return Restored(source, config, origin, engine, progress, tensors, dict(about.get("texts", {})), planned, files)


def _files_in(folder: Path) -> tuple[tuple[str, int], ...]:
    return tuple((path.name, path.lstat().st_mtime_ns) for path in checkpoints_in(folder))


def fill(engine: Engine, progress: Progress, tensors: Tensors, position: Mapping[str, Any]) -> None:
    """Restores engine and progress; raises an error for anything that does not fit."""
    for name in ("step", "epochs", "num_rows"):
        at_least(name, position[name], 0)
    for name in ("lr", "seconds"):
        not_negative(name, position[name])
    state, best, device = _part(tensors, "engine"), _part(tensors, "best"), engine.device
    check_state(engine, state)
    _check_alike(best, engine.params.named_with_buffers() if best else {})
    losses = tensors["since.losses"].to(device)
    _check_alike({"losses": losses}, {"losses": engine.params.flat.new_empty(len(losses))})
    moved = {name: value.to(device) if name in position["on_device"] else value for name, value in state.items()}
    engine.load_state(moved, position["step"])
    engine.averaged()  # would adopt the given memory of the update rule
    engine.lr = position["lr"]
    history = history_from(_part(tensors, "history"), engine.plan.metrics)
    progress.recall(history, {name: value.to(device) for name, value in best.items()}, losses)
    if progress.epochs != position["epochs"]:
        raise ValueError(f"a history up to epoch {progress.epochs} at epoch {position['epochs']}")
    progress.num_rows, progress.seconds = position["num_rows"], position["seconds"]


def _part(tensors: Tensors, part: str) -> dict[str, Tensor]:
    """The tensors of one part of a checkpoint."""
    start = f"{part}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def check_state(engine: Engine, state: Tensors) -> None:
    """Raises an error unless a state has the names, types and shapes of this engine's own.

    The engine may do a step: a torch optimizer makes its memory at its first step, so it does one with a gradient of
    zero. L-BFGS does nothing then, but its memory is known by name.
    """
    expected = engine.state(copied=False)
    if set(state) != set(expected) and isinstance(engine, FiveStepEngine):
        if engine.optimizer.repeats:
            expected |= {name: _of_lbfgs(name, value, engine) for name, value in state.items() if name not in expected}
        else:
            engine.update()
            expected = engine.state(copied=False)
    _check_alike(state, expected)


def _of_lbfgs(name: str, value: Tensor, engine: Engine) -> Tensor:
    """An example of what torch's L-BFGS remembers under a name: the length of a list, a number or a vector."""
    key = name.rpartition(".")[2].partition("[")[0]
    if key.endswith(":list"):
        at_least(key, int(value), 0)
        if value > LONGEST_LIST:
            raise ValueError(f"a list of {int(value)} entries")
        return torch.tensor(0)
    if key.endswith((":int", ":float")):
        return torch.tensor(0.0, dtype=torch.float64)
    if key == AVERAGE:
        return value.new_empty(value.shape, dtype=engine.dtype)
    return engine.params.flat if key in ("d", "prev_flat_grad", "old_dirs", "old_stps") else engine.params.flat[0]


def _check_alike(tensors: Tensors, expected: Tensors) -> None:
    """Raises a `ValueError` unless both have the same names, types and shapes."""
    for name in {**expected, **tensors}:
        kinds = [f"{of[name].dtype} {tuple(of[name].shape)}" if name in of else "nothing" for of in (tensors, expected)]
        if kinds[0] != kinds[1]:
            raise ValueError(f"{kinds[0]} for {name!r:.60} instead of {kinds[1]}")
