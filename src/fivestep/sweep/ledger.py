"""Who trains which network: the storage of a sweep, as all its processes see it.

Networks are numbered from 0. An attempt at one is a trial of an Optuna study, begun by one worker. Of several attempts
at a network the first that is not lost counts, and the storage puts all trials into one order; so two workers that take
the same network agree, without a lock, on whose it is, and a network is never counted twice. A worker that ends
releases its attempts; those of a killed worker are detected (`workers.py`) and become "lost", and the network is free
for a new attempt with the same settings.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, final

from ..check import InputError, StorageError, refuse
from .attempts import Attempt, State
from .quiet import quiet
from .space import Space

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

ABOUT = "fivestep"
"""The study's attribute that identifies the sweep."""

FLEET = "fleet"
"""The attribute, of a trial without a network, with the size of fleets."""

HIDDEN = ":...@"
"""The replacement for a password in messages."""

PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each new try, where others make a database's tables at the same time."""

BEAT = "beat:"
"""Prefix of the study's attributes with the workers' counters."""


@final
class Ledger:
    """The storage of one sweep, as opened by one worker; its connections are closed at the end of `with`."""

    def __init__(self, storage: "BaseStorage", study: int, space: Space, worker: str) -> None:
        self._storage, self._study, self._space, self._worker = storage, study, space, worker

    @classmethod
    def open(cls, where: str | Path, name: str, about: Mapping[str, Any], space: Space, worker: str) -> Self:
        """The storage of the sweep `name` in a file or at a database's URL, created if needed.

        Raises an `InputError` if it cannot be reached, or has another sweep of that name.
        """
        with quiet(), ExitStack() as where_refused:
            storage = _storage(where)
            where_refused.callback(_close, storage)
            study = _study(storage, name)
            has_trials = storage.get_n_trials(study) > 0  # before the next line: a sweep is identified first
            found = storage.get_study_user_attrs(study).get(ABOUT)
            if found is None and has_trials:
                raise refuse(
                    "the storage",
                    without_password(str(where)),
                    f"without a study {name!r} of others",
                    "choose a --name",
                )
            if found is None:
                storage.set_study_user_attr(study, ABOUT, json.dumps(about))
                found = storage.get_study_user_attrs(study)[ABOUT]
            check_same(f"the storage {without_password(str(where))!r}", json.loads(found), about, "--out or --name")
            where_refused.pop_all()
        return cls(storage, study, space, worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _close(self._storage)

    def fleet(self, usual: int) -> int:
        """The size of the sweep's fleets: the `usual` one of the first worker, because what is drawn depends on it.

        It is stored as a trial, since the storage orders these: two workers that begin at once read the same size.
        """
        sizes = self._fleets()
        if not sizes:
            self._storage.create_new_trial(self._study, _ended_trial({FLEET: usual}))
            sizes = self._fleets()
        return sizes[0]

    def _fleets(self) -> list[int]:
        """The sizes that workers have written, in order."""
        trials = self._storage.get_all_trials(self._study, deepcopy=False)
        return [trial.user_attrs[FLEET] for trial in trials if FLEET in trial.user_attrs]

    def attempts(self) -> dict[int, Attempt]:
        """The attempt that counts for each network begun so far: the first one that is not lost, else the last one."""
        found: dict[int, Attempt] = {}
        for attempt in self.every_attempt():
            if attempt.network not in found or found[attempt.network].state == "lost":
                found[attempt.network] = attempt
        return found

    def every_attempt(self) -> list[Attempt]:
        """All attempts, including lost ones, in the order in which they were begun."""
        trials = self._storage.get_all_trials(self._study, deepcopy=False)
        return [attempt for attempt in map(_attempt, trials) if attempt is not None]

    def take(self, drawn: Mapping[int, Mapping[str, Any]]) -> list[Attempt]:
        """Begins attempts at these networks with the settings drawn for each; returns those that this worker got."""
        distributions = self._space.distributions()
        for network, values in drawn.items():
            self._begin(network, values, distributions)
        own, now = [], self.attempts()
        for network in drawn:
            attempt = now[network]
            if attempt.worker == self._worker and attempt.state == "running":
                own.append(attempt)
        self._let_go({attempt.trial for attempt in own})
        return own

    def note(self, attempt: Attempt, epoch: int, value: float) -> None:
        """Notes the monitored figure of an attempt after an epoch."""
        self._storage.set_trial_intermediate_value(attempt.trial, epoch, value)

    def finish(self, attempt: Attempt) -> None:
        """Notes how an attempt ended; one that was declared lost stays so."""
        from optuna.trial import TrialState

        state = TrialState.PRUNED if attempt.state == "pruned" else TrialState.COMPLETE
        with _unless_over():
            self._storage.set_trial_user_attr(
                attempt.trial, "outcome", {"state": attempt.state, "figures": dict(attempt.figures)}
            )
            self._storage.set_trial_state_values(attempt.trial, state, [attempt.value])

    def lose(self, attempts: Sequence[Attempt]) -> None:
        """Declares attempts lost whose worker has died; several workers may do so."""
        from optuna.trial import TrialState

        for attempt in attempts:
            with _unless_over():
                self._storage.set_trial_state_values(attempt.trial, TrialState.FAIL)

    def end(self) -> None:
        """Releases all attempts of this worker that have not ended."""
        self._let_go(set())

    def beat(self, number: int) -> None:
        """Writes this worker's counter, which shows that it is alive."""
        self._storage.set_study_user_attr(self._study, BEAT + self._worker, number)

    def beats(self) -> dict[str, int]:
        """The counters of all workers."""
        attributes = self._storage.get_study_user_attrs(self._study)
        return {key.removeprefix(BEAT): value for key, value in attributes.items() if key.startswith(BEAT)}

    def _begin(self, network: int, drawn: Mapping[str, Any], distributions: Mapping[str, Any]) -> None:
        from optuna.trial import TrialState, create_trial

        trial = create_trial(
            state=TrialState.RUNNING,
            params=dict(drawn),
            distributions=dict(distributions),
            user_attrs={"network": network, "worker": self._worker},
        )
        self._storage.create_new_trial(self._study, trial)

    def _let_go(self, kept: set[int]) -> None:
        """Releases all running attempts of this worker except those kept: another worker was first."""
        own = [one for one in self.every_attempt() if one.worker == self._worker and one.state == "running"]
        self.lose([one for one in own if one.trial not in kept])


def _ended_trial(attributes: Mapping[str, Any]) -> "FrozenTrial":
    """A finished trial that is not an attempt, and only carries these attributes."""
    from optuna.trial import TrialState, create_trial

    return create_trial(state=TrialState.FAIL, user_attrs=dict(attributes))


def _attempt(trial: "FrozenTrial") -> Attempt | None:
    """A trial as an attempt; None for any other trial."""
    from optuna.trial import TrialState

    attributes = trial.user_attrs
    if "network" not in attributes:
        return None
    outcome = attributes.get("outcome", {})
    state: State = outcome.get("state", "done") if trial.state.is_finished() else "running"
    return Attempt(
        network=attributes["network"],
        trial=trial._trial_id,  # an argument of every storage call
        worker=attributes["worker"],
        state="lost" if trial.state == TrialState.FAIL else state,
        drawn=trial.params,
        rungs=trial.intermediate_values,
        value=trial.value if trial.value is not None else float("inf"),
        figures=outcome.get("figures", {}),
    )


def _storage(where: str | Path) -> "BaseStorage":
    """The storage in a journal file, or at a database's URL."""
    if isinstance(where, Path):
        from optuna.storages import JournalStorage

        from .journal import Journal

        try:
            return JournalStorage(Journal(where))
        except OSError as error:
            raise InputError(
                f"storage must be a file that can be written, got {str(where)!r} ({error.strerror}); choose another."
            ) from error
    try:
        return _database(where)
    except InputError:
        raise
    except ImportError as error:
        raise InputError(
            f"the storage {without_password(where)!r} must come with the driver of its database, got none; for "
            f"postgresql+psycopg2:// pip install psycopg2-binary, for mysql+pymysql:// pip install pymysql."
        ) from error
    except Exception as error:  # each database has its own errors
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"the storage must be a file or the URL of a database that can be reached, got "
            f"{without_password(where)!r} ({reason}); fix it."
        ) from error


def _close(storage: "BaseStorage") -> None:
    """Closes the connections to a database; a file has none."""
    from optuna.storages import RDBStorage

    storage.remove_session()
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


def _database(url: str) -> "BaseStorage":
    """The storage in a database, with its tables made.

    Of several processes that make them at once all but one fail, each at another table, and try again.
    """
    from optuna.storages import RDBStorage
    from sqlalchemy import make_url
    from sqlalchemy.exc import DatabaseError, IntegrityError

    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and parts.database in (None, "", ":memory:"):
        raise refuse(
            "storage", url, "a file or a database that lasts", "write a file's name, as in sqlite:///sweeps.db"
        )
    for pause in PAUSES:
        try:
            return RDBStorage(url)
        except DatabaseError as error:
            if not isinstance(error, IntegrityError) and "already exists" not in str(error):
                raise
        time.sleep(pause)
    return RDBStorage(url)


def to_be_kept(url: str) -> str:
    """A URL as it may be kept: without its password, and the same file from any folder."""
    from sqlalchemy import make_url

    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and parts.database and not parts.database.startswith("file:"):
        url = parts.set(database=str(Path(parts.database).resolve())).render_as_string(hide_password=False)
    return without_password(url)


def without_password(url: str) -> str:
    """A URL without its password, to be shown."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", rf"\1{HIDDEN}", url)


def _study(storage: "BaseStorage", name: str) -> int:
    """The study of that name, created if needed."""
    from optuna.exceptions import DuplicatedStudyError
    from optuna.study import StudyDirection

    try:
        return storage.get_study_id_from_name(name)
    except KeyError:
        try:
            return storage.create_new_study([StudyDirection.MINIMIZE], name)
        except DuplicatedStudyError:  # another worker was first
            return storage.get_study_id_from_name(name)


def check_same(what: str, own: Mapping[str, Any], given: Mapping[str, Any], options: str) -> None:
    """Raises an `InputError` that says in what an existing sweep differs from the requested one."""
    changed = {name: (own.get(name), given.get(name)) for name in {**own, **given} if own.get(name) != given.get(name)}
    if changed:
        shown = {name: [_shown(one) for one in pair] for name, pair in changed.items()}
        raise InputError(
            f"{what} must hold this sweep, got another one, with "
            f"{', '.join(f'{name} {mine} (here {other})' for name, (mine, other) in shown.items())}; keep these, or "
            f"choose another {options}."
        )


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


@contextmanager
def _unless_over() -> Iterator[None]:
    """A context that ignores updates of trials that have ended."""
    from optuna.exceptions import UpdateFinishedTrialError

    with suppress(UpdateFinishedTrialError):
        yield


@contextmanager
def failures_as_sentences(path: Path) -> Iterator[None]:
    """Turns a database's errors into a `StorageError` that says how to go on."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("optuna", "sqlalchemy"):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StorageError(
            f"the storage of the sweep must stay within reach, got {reason}; fix that, then go on with: fivestep "
            f"sweep --resume {path}"
        ) from error
