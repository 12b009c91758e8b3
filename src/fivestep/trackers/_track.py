"""A run that sends its figures to trackers while it trains."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, final

from ..check import InputError, warn
from ..epoch import Epoch
from ..find import Choice, build
from ..machine.files import read_text, write_text
from ..run import Run
from ..saved.config import Config
from ._base import Described, Outcome, Tracker

FILES = ("config.toml", "history.csv", "model.safetensors", "curves.png")
REMEMBERED = "tracking.json"
LARGEST_MEMORY = 2**20


@contextmanager
def track(run: Run, *trackers: str | Choice) -> Iterator[Callable[[Epoch], None]]:
    """Sends the figures of a run to "tensorboard", "mlflow" or "wandb", as they come.

        with fs.track(run, "tensorboard", "mlflow:experiment=moons") as note:
            for epoch in run.train(data):
                note(epoch)

    Figures have the names of `history.csv` and the epoch as their step; the configuration is sent too, and the run's
    files at the end, if a tracker stores files. A resumed run (`Run.resume`) continues in the same place, and no epoch
    is noted twice. A tracker that fails while the run trains is dropped with a warning: it never stops a training.

    Raises an `InputError` before the first step for a tracker whose package is missing, with the command that installs
    it, and for one that cannot begin.
    """
    chosen = check_trackers(*trackers)
    memory = _Memory(run.path / REMEMBERED)
    for name, tracker in chosen.items():
        memory.places[name] = _begun(name, tracker, run, memory)
    open_ones = dict(chosen)

    def note(epoch: Epoch) -> None:
        if not open_ones or epoch.index <= memory.last:
            return
        figures = {name: float(value) for name, value in epoch.figures().items() if value is not None}
        figures |= {"lr": epoch.lr, "seconds": epoch.seconds}
        for name in list(open_ones):
            _left_if_it_fails(name, open_ones, lambda one: one.note(epoch.index, figures))
        memory.last = epoch.index
        memory.write()

    outcome: Outcome = "failed"
    try:
        yield note
        outcome = "finished"
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        outcome = "interrupted"
        raise
    finally:
        files = [file for file in (run.path / name for name in FILES) if file.exists()]
        for name in list(open_ones):
            _left_if_it_fails(name, open_ones, lambda one: one.end(files, outcome))


def check_trackers(*trackers: str | Choice) -> dict[str, Tracker]:
    """The trackers by name; raises an `InputError` for one that is unknown, or whose package is missing."""
    chosen = {str(choice): _built(choice) for choice in trackers}
    for tracker in chosen.values():
        tracker.check()
    return chosen


@final
class _Memory:
    """What the run's folder remembers of its trackers, for resumption."""

    def __init__(self, path: Path) -> None:
        self._path = path
        values: Any = {}
        if path.exists():
            with suppress(ValueError):  # damaged: the trackers begin anew
                values = json.loads(read_text(path, LARGEST_MEMORY))
        self.last: int = values["last"] if isinstance(values, dict) and isinstance(values.get("last"), int) else 0
        places = values.get("places") if isinstance(values, dict) else None
        self.places: dict[str, dict[str, str]] = dict(places) if isinstance(places, dict) else {}

    def write(self) -> None:
        with suppress(OSError):  # the run itself reports that its folder cannot be written
            write_text(self._path, json.dumps({"last": self.last, "places": self.places}, indent=1))


def _built(choice: str | Choice) -> Tracker:
    tracker: Tracker = build("trackers", choice)
    return tracker


def _begun(name: str, tracker: Tracker, run: Run, memory: _Memory) -> dict[str, str]:
    config = _flat(Config.of(run.engine, run.plan, run.info).to_dict())
    known = memory.places.get(name, {})
    try:
        return tracker.begin(Described(run.path, config, known, memory.last))
    except Exception as error:  # of a library or a network that is not ours
        raise InputError(
            f"tracker {name!r} must be able to begin, got {type(error).__name__}: {_first_line(error)}; "
            f"fix that, or leave it out."
        ) from error


def _left_if_it_fails(name: str, open_ones: dict[str, Tracker], work: Callable[[Tracker], None]) -> None:
    try:
        work(open_ones[name])
    except Exception as error:  # any error of a third-party library or a network: it must not stop a training
        del open_ones[name]
        warn(f"tracker {name!r} is left, the run goes on: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "no reason given").rstrip(".")


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested values under dotted names: {"plan": {"lr": 0.1}} becomes {"plan.lr": 0.1}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return flat
