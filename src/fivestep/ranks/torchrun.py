"""What `torchrun` tells the ranks that it starts, and what they can store with it.

When one fails, it starts new ranks in place of all of them (`--max-restarts`); meanwhile it keeps a key-value store.
https://docs.pytorch.org/docs/stable/elastic/run.html
"""

import json
import os
import secrets
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]  # torch's own, though it does not say so

from ..check import InputError, RanksError

KEY = "fivestep/run"
"""The key of the note in the store."""

SECONDS = 10.0
"""Timeout for reaching the store."""

POLL = 0.02
"""Seconds between two polls of it."""


def number_in_environment(name: str, default: int) -> int:
    """A number from this rank's environment; raises an `InputError` if it is not one."""
    given = os.environ.get(name, str(default))
    if not given.isdigit():
        raise InputError(f"{name} must be a whole number, got {given!r}; start the ranks with torchrun.")
    return int(given)


def store_for_ranks(rank: int, size: int, seconds: float) -> PrefixStore | None:
    """A store in which the ranks that have just been started find each other; None unless `torchrun` started them.

    Its store outlives them, and ranks that read the addresses of their predecessors would wait forever. torch 2.13 no
    longer separates them, and the count of restarts differs between machines; so rank 0 draws a new prefix, and tells
    it to each rank that asks with a number of its own. Raises a `RanksError` if one is not there in time.
    """
    store = _store()
    if store is None:
        return None
    name = _told_to_all(store, size, seconds) if rank == 0 else _asked_for(store, rank, seconds)
    return PrefixStore(f"{KEY}/{name}", store)


def _told_to_all(store: TCPStore, size: int, seconds: float) -> str:
    """Rank 0: a new prefix, once all others have confirmed it."""
    name, missing, end = secrets.token_hex(8), set(range(1, size)), time.monotonic() + seconds
    while missing:
        for other in sorted(missing):
            if store.check([f"{KEY}/asks/{other}"]):  # an old question is answered too, but nobody reads the answer
                store.set(f"{KEY}/answer/{store.get(f'{KEY}/asks/{other}').decode()}", name)
        missing -= {other for other in missing if store.check([f"{KEY}/{name}/knows/{other}"])}
        if time.monotonic() > end:
            one = min(missing)
            raise RanksError(
                f"all ranks must start within {seconds:g} s, got no sign of rank {one}; see what holds it up."
            )
        time.sleep(POLL)
    return name


def _asked_for(store: TCPStore, rank: int, seconds: float) -> str:
    """Other ranks: the prefix from rank 0."""
    question = secrets.token_hex(8)
    store.set(f"{KEY}/asks/{rank}", question)
    try:
        store.wait([f"{KEY}/answer/{question}"], timedelta(seconds=seconds))
    except RuntimeError as error:
        raise RanksError(
            f"all ranks must start within {seconds:g} s, got no sign of rank 0; see what holds it up."
        ) from error
    name: str = store.get(f"{KEY}/answer/{question}").decode()
    store.set(f"{KEY}/{name}/knows/{rank}", "")
    return name


def leave_note(text: str) -> None:
    """Leaves a note for the ranks that will replace these if one of them fails."""
    store = _store()
    if store is not None:
        store.set(KEY, text)


def note_left() -> str | None:
    """The note, if previous ranks have left one."""
    store = _store()
    return store.get(KEY).decode() if store is not None and store.check([KEY]) else None


def is_first_to_speak() -> bool:
    """Whether this is the first rank to report why all of them end; each that has a report asks once."""
    with suppress(RuntimeError):  # the store is gone
        store = _store()
        if store is not None:
            return int(store.add(f"{KEY}/said/{os.environ.get('TORCHELASTIC_RESTART_COUNT')}", 1)) == 1
    return os.environ.get("RANK", "0") == "0"


def tell(sentence: str) -> None:
    """Writes the sentence to the file from which `torchrun` shows why a rank has failed."""
    file = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if file:
        message = {"message": sentence, "extraInfo": {"timestamp": str(int(time.time()))}}
        with suppress(OSError):
            Path(file).write_text(json.dumps({"message": message}), encoding="utf-8")


def place_in_store(name: str) -> PrefixStore | None:
    """A prefix in the store for `stored.py`, over a connection of its own; None if there is no store."""
    with suppress(RuntimeError, KeyError, ValueError):  # a process group that the program made need not have one
        return PrefixStore(f"{KEY}/shared/{name}", _way_to_store())
    return None


def _store() -> TCPStore | None:
    """The store of torchrun; None if something else started the ranks."""
    return _way_to_store() if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" else None


def _way_to_store() -> TCPStore:
    """A connection to the store of torchrun, or to that of rank 0."""
    where = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(*where, is_master=False, timeout=timedelta(seconds=SECONDS))
