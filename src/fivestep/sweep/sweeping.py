"""A sweep as a folder: its journal, the work of its processes, and its results."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, final

from filelock import FileLock

from ..check import InputError, at_least, one_of, refuse
from ..engines._make import find_device, make_engine
from ..find import find
from ..fleet.member import Member
from ..machine.files import next_folder, replacing, write_text
from ..machine.memory import memory_size
from ..machine.threads import num_processors
from ..run import Run
from ..saved.checkpoint import checkpoints_in
from ..saved.origin import Origin
from .attempts import Attempt, ranked
from .candidates import Candidates
from .fleet import SweepFleet
from .ledger import Ledger, failures_as_sentences
from .mark import check_mark, keep_mark, mark
from .proposals import SAMPLERS, proposals, sampler_for
from .space import Space, label
from .table import picture_of, table_of
from .workers import Watch, Worker

JOURNAL, TABLE, PICTURE = "journal.log", "sweep.csv", "sweep.png"
"""The files of a sweep's folder."""

USUAL_MODELS = 64
"""The default number of networks, unless every combination is tried."""

FLEETS = 4
"""The least number of fleets where results decide what is drawn: those of a first one that takes all come too late."""

PAUSE = 0.5
"""Seconds between two polls of the storage, while other processes train the rest."""


@final
@dataclass(frozen=True)
class SweepPlan:
    """How a sweep draws, trains and compares its networks.

    `models` networks are trained: by default every combination if only lists are varied, else 64. `sampler` is "tpe"
    (tree-structured Parzen estimators, which learn from the results), "random", "grid" (every combination) or "auto":
    grid if `models` suffices for it, else tpe. `halving` is the factor of successive halving: about one network in so
    many goes on from each of two rungs; None trains each to its end. `fleet` networks are taken and compared together,
    by default as many as ten seconds and the memory allow, with tpe at most a quarter of them. `every` is as in
    `fit_many`. All processes of a sweep share its `name` in its storage.
    """

    models: int | None = None
    halving: int | None = 3
    sampler: str = "auto"
    sampler_seed: int = 0
    fleet: int | None = None
    num_threads: int | None = None
    engine: str = "auto"
    dtype: str = "float32"
    device: str = "auto"
    every: int | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for argument in ("models", "fleet", "num_threads", "every"):
            value = getattr(self, argument)
            if value is not None:
                at_least(argument, value, 1, "64 is usual" if argument == "models" else "leave it out")
        if self.halving is not None:
            at_least("halving", self.halving, 2, "3 is usual; --halving off trains every network to its end")
        at_least("sampler_seed", self.sampler_seed, 0, "0 is usual")
        object.__setattr__(self, "device", str(self.device))  # a `torch.device` too
        one_of("sampler", self.sampler, SAMPLERS)


class Status(NamedTuple):
    """The status of a sweep: networks that have ended, here and elsewhere, and those being trained elsewhere."""

    num_over: int
    num_models: int
    num_elsewhere: int


@final
@dataclass
class Sweep:
    """A sweep in a folder, and its results: `ranking`, and `best`, an ordinary run of the best network.

    `members` are the networks that are being trained by this process, by number.
    """

    path: Path
    candidates: Candidates
    space: Space
    how: SweepPlan
    storage: str | Path
    num_models: int = 0
    attempts: dict[int, Attempt] = field(default_factory=dict, repr=False)
    members: dict[int, Member] = field(default_factory=dict, repr=False)
    best: Run | None = None

    ranked_by: str = field(default="loss", init=False)
    """The loss, or the name of a metric, of the validation part."""

    _is_higher_better: bool = field(default=False, init=False, repr=False)
    _at_a_time: int = 1
    _at_once: int = 1
    _fleet: int = 1
    _sampler: str = "tpe"
    _first: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Fills in what was left open, and refuses what is impossible."""
        device = find_device(self.how.device, self.how.dtype)
        at_once = max(1, memory_size() // max(self.candidates.check(self.space, self.how.dtype, device), 1))
        processors = num_processors() if device.type == "cpu" else 1
        self._at_a_time, self._at_once = min(self.how.num_threads or processors, at_once), at_once
        self.num_models = self.how.models or (USUAL_MODELS if self.space.size is None else self.space.size)
        self._sampler = sampler_for(self.how.sampler, self.space, self.num_models)
        if self._sampler == "grid":
            self._check_grid()
        self._first = {name: one.extremes[0] for name, one in self.space.varied.items()}
        plan = self.candidates.make(self.space.settings(self._first))[1]
        self.ranked_by = plan.monitor
        self._is_higher_better = self.ranked_by != "loss" and plan.build_metrics()[self.ranked_by].higher_is_better
        if (self.how.fleet or 0) > at_once:
            expected = f"at most the {at_once} networks that fit into this machine's memory together"
            raise refuse("fleet", self.how.fleet, expected, "leave it out")
        self._fleet = self.how.fleet or self._usual_fleet()
        self.candidates.check_engine(self.space.settings(self._first), self.how.engine, self.how.dtype, device)

    def _usual_fleet(self) -> int:
        """As many networks as take about ten seconds; with a sampler that learns, a quarter of all at most."""
        size = self.candidates.fleet_size(self.space, self._at_a_time)
        return max(self._at_a_time, min(size, self.num_models // FLEETS)) if self._sampler == "tpe" else size

    def figure(self, attempt: Attempt) -> float:
        """The figure that a network is ranked by, as it was measured: `value` is 1 minus it if higher is better."""
        return 1 - attempt.value if self._is_higher_better and math.isfinite(attempt.value) else attempt.value

    @property
    def _together(self) -> int:
        """The size of a fleet, limited by the number of networks and the memory."""
        return min(self._fleet, self.num_models, self._at_once)

    @property
    def described(self) -> str:
        """How it draws and trains the networks, as a phrase."""
        how = {"tpe": "drawn by what came out (TPE)", "random": "drawn at random", "grid": "every combination"}
        halving = f"halving by {self.how.halving}" if self.how.halving else "all to the end"
        return f"{how[self._sampler]}, {halving}, {self._together} together, {self._at_a_time} at a time"

    @property
    def ranking(self) -> list[Attempt]:
        """The networks that have ended, the best first."""
        return ranked(one for one in self.attempts.values() if one.is_over)

    @property
    def standing(self) -> list[Attempt]:
        """The ranking as it would be if the networks in training ended now, of those that have come to a rung."""
        measured = (one for one in self.attempts.values() if one.is_over or (one.state == "running" and one.rungs))
        return ranked(one.so_far for one in measured)

    @property
    def status(self) -> Status:
        """The status of the sweep, as far as this process knows."""
        num_over = sum(attempt.is_over for attempt in self.attempts.values())
        running = [network for network, attempt in self.attempts.items() if attempt.state == "running"]
        return Status(num_over, self.num_models, len(set(running) - set(self.members)))

    def train(self) -> Iterator[Status]:
        """Trains networks until all have ended, here or in other processes; yields at each rung and after each fleet.

        A network whose process was killed is tried again. Stopping is `break`. The ranked table is written after each
        fleet. Raises an `InputError` for the storage of another sweep, a `StorageError` if the storage fails.
        """
        with (
            Worker(self.path) as worker,
            failures_as_sentences(self.path),
            self.open_ledger(worker.name) as ledger,
            worker.counting(ledger.beat),
        ):
            watch = Watch(self.path, worker.name)
            try:
                while self._look(ledger, watch):
                    for _ in self._train_fleet(ledger):
                        self.attempts = ledger.attempts()
                        yield self.status
                    self.write_table()
            finally:
                self.members = {}
                ledger.end()
                self.attempts = ledger.attempts()
                self.write_table()

    def watch(self) -> Status:
        """The status of the sweep from its storage, for a process that trains none of its networks."""
        with failures_as_sentences(self.path), self._ledger("") as ledger:
            self.attempts = ledger.attempts()
        return self.status

    def finish(self) -> Run | None:
        """Draws the picture and trains the best network once more, as a run in the folder; None if there is none.

        The run has the best network's seed and rows, so it ends with the same weights; only it sees the test part.
        """
        winner = next((attempt for attempt in self.ranking if attempt.state == "done"), None)
        with self.alone():
            self._draw()
            if winner is not None:
                self.best = self._refitted(winner)
        return self.best

    def open_ledger(self, worker: str) -> Ledger:
        """The storage, for a worker of that name; the default size of fleets is that at the sweep's beginning."""
        ledger = self._ledger(worker)
        if self.how.fleet is None:
            self._fleet = max(ledger.fleet(self._fleet), self._at_a_time)
        return ledger

    def _ledger(self, worker: str) -> Ledger:
        """The storage, to be read only: the size of fleets is settled by those who train."""
        return Ledger.open(self.storage, self.how.name, self._about(), self.space, worker)

    def check_storage(self) -> None:
        """Raises an `InputError` if the storage cannot be reached, or is that of another sweep."""
        with failures_as_sentences(self.path), self.open_ledger(""):
            pass

    @property
    def about(self) -> dict[str, str]:
        """What identifies this sweep in a folder, as texts."""
        return {**self._about(), "name": self.how.name}

    def _about(self) -> dict[str, str]:
        """What identifies it among sweeps of one name, as in a storage."""
        how = self.how
        return {
            **{name: label(value) for name, value in self.candidates.settings.items()},
            **self.space.to_dict(),
            "rows": " ".join(Origin.here(1, self.candidates.data).data.values()),
            **{name: str(value) for name, value in self.candidates.info.items() if name in ("model", "recipe")},
            "halving": str(how.halving),
            "sampler": self._sampler,
            "sampler_seed": str(how.sampler_seed),
            "dtype": how.dtype,
            "every": str(how.every),
        }

    def _look(self, ledger: Ledger, watch: Watch) -> bool:
        """Reads the storage and releases the networks of killed workers; returns whether some are left to train."""
        self.attempts = ledger.attempts()
        running = [attempt for attempt in self.attempts.values() if attempt.state == "running"]
        if running:
            counts = ledger.beats()
            lost = [attempt for attempt in running if watch.is_lost(attempt.worker, counts)]
            if lost:
                ledger.lose(lost)
                self.attempts = ledger.attempts()
        return any(not self._is_over(network) for network in range(self.num_models))

    def _is_over(self, network: int) -> bool:
        return network in self.attempts and self.attempts[network].is_over

    def _train_fleet(self, ledger: Ledger) -> Iterator[None]:
        """Takes a fleet and trains it to its end, or waits for other processes; yields at each rung and at the end."""
        networks = self._next_fleet()
        free = [network for network in networks if self._is_free(network)]
        attempts = ledger.take(self._drawn(networks, free)) if free else []
        if attempts:
            self.members = {attempt.network: self._member(attempt) for attempt in attempts}
            earlier = [one for network, one in ledger.attempts().items() if network not in self.members]
            fleet = SweepFleet(self.members, attempts, earlier, ledger)
            yield from fleet.train(self.how.halving, self.how.every, self._at_a_time)
        elif not free:
            time.sleep(PAUSE)
        yield

    def _is_free(self, network: int) -> bool:
        return network not in self.attempts or self.attempts[network].state == "lost"

    def _next_fleet(self) -> range:
        """The first fleet with a free network that no other worker trains; else the first with a free network."""
        found = range(0)
        for start in range(0, self.num_models, self._together):
            fleet = range(start, min(start + self._together, self.num_models))
            if any(map(self._is_free, fleet)):
                if all(self._is_free(k) or self._is_over(k) for k in fleet):
                    return fleet
                found = found or fleet
        return found

    def _drawn(self, fleet: range, free: list[int]) -> dict[int, Mapping[str, Any]]:
        """The settings for the free networks of a fleet: those of the attempt before where one was lost."""
        known = {network: self.attempts[network].drawn for network in free if network in self.attempts}
        if len(known) == len(free):
            return known
        history = [one for one in self.attempts.values() if one.network not in fleet and one.state != "lost"]
        proposed = proposals(self.space, fleet, history, self._sampler, self.how.sampler_seed)
        return {network: known.get(network, proposed[network - fleet.start]) for network in free}

    def _member(self, attempt: Attempt) -> Member:
        how, data = self.how, self.candidates.data
        spec, plan = self.candidates.make(self.space.settings(attempt.drawn))
        made = make_engine(how.engine, spec, plan, dtype=how.dtype, device=how.device, num_rows=len(data.train))
        return Member(data, plan, made)

    def _refitted(self, winner: Attempt) -> Run:
        path, member = self.path / f"best-{winner.network}", self._member(winner)
        if checkpoints_in(path):
            run = Run.resume(path)
        else:
            info = {**self.candidates.info, "sweep": str(self.path.resolve()), "network": winner.network}
            run = Run.start(member.engine, self.candidates.data, path, info)
        every = self.how.every or (1 if member.evaluates_each else max(1, member.plan.epochs // 20))
        for _ in run.train(self.candidates.data, run.every or every):
            pass
        return run

    def write_table(self) -> None:
        """Writes the ranked table of the networks that this process knows."""
        with self.alone():
            write_text(self.path / TABLE, table_of(self.ranking, list(self.space.varied)))

    def alone(self) -> FileLock:
        """A context in which only this process writes the folder's files."""
        return FileLock(self.path / "lock")

    def _draw(self) -> None:
        columns, values, log = picture_of(self.ranking, self.space)
        if not columns:
            return
        title = f"{self.candidates.data.name}: {len(values)} networks"
        value = f"{'1 - ' if self._is_higher_better else ''}validation {self.ranked_by}"
        draw = find("plots", "parallel_coordinates")
        figure = draw(columns, values, log=log, value=value, best=0, title=title)
        with replacing(self.path / PICTURE) as temporary:
            figure.savefig(temporary, format="png", dpi=150)

    def _check_grid(self) -> None:
        if self.space.size is None:
            ranges = [name for name, one in self.space.varied.items() if not one.is_finite]
            raise InputError(
                f"sampler 'grid' must be used with lists of values only, got a range for {', '.join(ranges)}; list "
                f"some, or leave the sampler out."
            )
        if self.num_models > self.space.size:
            raise InputError(
                f"models must be at most the {self.space.size} combinations of the listed values, got "
                f"{self.num_models}; leave it out for all of them, or add values."
            )


def start(
    candidates: Candidates, space: Space, how: SweepPlan, out: str | Path | None = None, storage: str | None = None
) -> Sweep:
    """A sweep in a folder that is new, empty, or this sweep's; by default the next free `runs/sweep-<name>-<number>`.

    `storage` is a journal file, or the URL of a database that several machines can use; by default a journal in the
    folder. Raises an `InputError` for a storage or a folder of another sweep, which is left unchanged.
    """
    name = candidates.data.name
    how = replace(how, name=how.name or name)
    found = Sweep(Path(out or "."), candidates, space, how, "")  # refused before a folder is made
    check_mark(found.path, found.about)
    if storage is not None:
        found.storage = storage if "://" in storage else Path(storage)
        found.check_storage()
    if out is None:
        found.path = next_folder(Path("runs"), f"sweep-{name}")
    mark(found.path)
    with found.alone():
        keep_mark(found.path, found.about)
    if storage is None:
        found.storage = found.path / JOURNAL
        found.check_storage()
    return found
