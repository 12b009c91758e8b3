"""What `torchrun` knows of the ranks that it starts, and what they can leave with it.

It starts new ranks in place of all of them when one has ended badly (`--max-restarts`), and keeps a store of short
texts meanwhile. https://docs.pytorch.org/docs/stable/elastic/run.html
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
"""Under which the note lies in the store."""

SECONDS = 10.0
"""How long one tries to reach the store."""

POLL = 0.02
"""Seconds between two looks into it."""


def number_in_environment(name: str, default: int) -> int:
    """What whoever starts the ranks says of this one; raises an `InputError` for what is no number."""
    given = os.environ.get(name, str(default))
    if not given.isdigit():
        raise InputError(f"{name} must be a whole number, got {given!r}; start the ranks with torchrun.")
    return int(given)


def store_for_ranks(rank: int, size: int, seconds: float) -> PrefixStore | None:
    """Where the ranks that have just been started find each other; None where `torchrun` has not started them.

    Its store outlives them, and ranks that read the addresses of those before them would wait for the dead. torch 2.13
    keeps them apart no more, and the count of restarts differs from machine to machine; so rank 0 draws a new name, and
    tells it to whoever asks with a number that only it has. Raises a `RanksError` if one does not come in time.
    """
    store = _store()
    if store is None:
        return None
    name = _told_to_all(store, size, seconds) if rank == 0 else _asked_for(store, rank, seconds)
    return PrefixStore(f"{KEY}/{name}", store)


def _told_to_all(store: TCPStore, size: int, seconds: float) -> str:
    """Rank 0: a new name, when all others have confirmed that they know it."""
    name, missing, end = secrets.token_hex(8), set(range(1, size)), time.monotonic() + seconds
    while missing:
        for other in sorted(missing):
            if store.check([f"{KEY}/asks/{other}"]):  # an old question is answered too, and nobody reads that
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
    """Another rank: the name that rank 0 gives it."""
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
    """Leaves a note for the ranks that will be started in place of these if one of them ends."""
    store = _store()
    if store is not None:
        store.set(KEY, text)


def note_left() -> str | None:
    """The note, if ranks before these have left one."""
    store = _store()
    return store.get(KEY).decode() if store is not None and store.check([KEY]) else None


def is_first_to_speak() -> bool:
    """Whether no other rank has yet said why all of them end. Asked once, by each that has something to say."""
    with suppress(RuntimeError):  # whoever kept the store has gone
        store = _store()
        if store is not None:
            return int(store.add(f"{KEY}/said/{os.environ.get('TORCHELASTIC_RESTART_COUNT')}", 1)) == 1
    return os.environ.get("RANK", "0") == "0"


def tell(sentence: str) -> None:
    """Leaves the sentence where `torchrun` looks for what to show about a rank that has ended."""
    file = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if file:
        message = {"message": sentence, "extraInfo": {"timestamp": str(int(time.time()))}}
        with suppress(OSError):
            Path(file).write_text(json.dumps({"message": message}), encoding="utf-8")


def place_in_store(name: str) -> PrefixStore | None:
    """Where ranks leave what others read (`stored.py`), by a way of its own to the store; None if there is none."""
    with suppress(RuntimeError, KeyError, ValueError):  # a program's own process group need not have one
        return PrefixStore(f"{KEY}/shared/{name}", _way_to_store())
    return None


def _store() -> TCPStore | None:
    """The store of torchrun; None where something else has started the ranks."""
    return _way_to_store() if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" else None


def _way_to_store() -> TCPStore:
    """The store of torchrun, or that of rank 0."""
    where = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(*where, is_master=False, timeout=timedelta(seconds=SECONDS))
