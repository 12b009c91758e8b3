"""What `torchrun` knows of the ranks that it starts, and what they can leave with it.

It starts new ranks in place of all of them when one has ended badly (`--max-restarts`), and keeps a store of short
texts meanwhile. https://docs.pytorch.org/docs/stable/elastic/run.html
"""

import json
import os
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]  # torch's own, though it does not say so

KEY = "fivestep/run"
"""Under which the note lies in the store."""

SECONDS = 10.0
"""How long one tries to reach the store."""


def store_of_attempt() -> PrefixStore | None:
    """Where the ranks of this attempt find each other; None where something else has started them.

    The store outlives an attempt, and ranks that read the addresses of those before them would wait for the dead, so
    each attempt, and each number of ranks, has keys of its own. torch 2.13 keeps them apart no more; earlier ones did.
    """
    store = _store()
    attempt = f"{os.environ.get('TORCHELASTIC_RESTART_COUNT')}/{os.environ.get('WORLD_SIZE')}"
    return None if store is None else PrefixStore(f"{KEY}/attempt/{attempt}", store)


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


def _store() -> TCPStore | None:
    """The store of torchrun; None where something else has started the ranks."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    where = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(*where, is_master=False, timeout=timedelta(seconds=SECONDS))
