"""Kills sweeps at random moments until they are done, and prints what is left, as JSON.

    python -m tests.sweep.killing SCENARIO FOLDER [DATABASE]

"alone": one process after another, killed again and again, against a sweep that was never stopped. "together": three
processes at a time in one folder, the first one killed and started anew. "apart": two processes with folders of their
own and one storage, as on two machines; the first is killed.
"""

import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fivestep.run import Run
from fivestep.sweep import sweeping, workers
from fivestep.sweep.ledger import Ledger
from tests.killing import ended, forked
from tests.sweep.sweeps import HOW, remains, swept, trials

PATIENCE, KILLS = 600.0, 12


def alone(folder: Path) -> dict[str, object]:
    chance = random.Random(0)
    expected = remains(swept(folder / "whole"))  # which also imports what all need
    started = time.monotonic()
    ended(forked(lambda: swept(folder / "again")), PATIENCE)
    seconds, kills, lost, same = time.monotonic() - started, 0, 0, []
    while kills < KILLS or not lost:  # on a busy machine many may come before a network is begun
        out, code, longest = folder / str(len(same)), None, 0.9 * seconds
        while code is None:
            code = ended(forked(lambda out=out: swept(out)), chance.uniform(0.05 * seconds, longest))  # type: ignore[misc]
            kills += code is None
            longest *= 1.1  # the machine may be slower than it was, so much that it would never come to its end
        found = swept(out)
        lost += sum(one.state == "lost" for one in trials(found))
        same.append(code == 0 and remains(found) == expected)
    return {"kills": kills, "lost": lost, "same": same}


def killed_at(number: int, work: Callable[[], object]) -> None:
    """Does the work, and kills this process when it has noted that many figures of networks."""
    noted, note = iter(range(number)), Ledger.note

    def counted(*arguments: Any) -> None:
        note(*arguments)
        if next(noted, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    Ledger.note = counted  # type: ignore[method-assign,assignment]
    work()


def until_they_have_begun(journal: Path, num: int) -> None:
    """Waits until so many processes have taken networks."""
    end = time.monotonic() + PATIENCE
    while len(set(re.findall(rb'"worker": ?"(.+?)"', journal.read_bytes() if journal.exists() else b""))) < num:
        assert time.monotonic() < end, "they have not begun"
        time.sleep(0.01)


def before_its_first(call: str, do: Callable[[], object], work: Callable[[], object]) -> None:
    """Does the work, and something else before the ledger is first called so: "note" for figures, "finish" at ends."""
    called, done = getattr(Ledger, call), []

    def after_that(*arguments: Any) -> None:
        if not done:
            done.append(do())
        called(*arguments)

    setattr(Ledger, call, after_that)
    work()


def together(folder: Path) -> dict[str, object]:
    """The others begin once the first one has its first four networks, so it is killed before it has done them.

    Neither of the others gets ahead before both have networks, or the quicker one might train all.
    """
    how, journal = replace(HOW, models=36, fleet=4), folder / "one" / "journal.log"
    work = lambda: swept(folder / "one", how)  # noqa: E731
    first = forked(lambda: killed_at(2, work))
    until_they_have_begun(journal, 1)
    meet = lambda: until_they_have_begun(journal, 3)  # noqa: E731
    others = [forked(lambda: before_its_first("note", meet, work)) for _ in range(2)]
    codes = [ended(first, PATIENCE), *(ended(child, PATIENCE) for child in [forked(work), *others])]
    return {"codes": codes, **counted(folder / "one", how)}


def apart(folder: Path, database: str = "") -> dict[str, object]:
    """Neither sees the lock of the other: only the counts in the storage tell that one was killed."""
    how, storage = replace(HOW, models=8, fleet=8), database or str(folder / "shared.log")
    workers.SECONDS, workers.GRACE = 0.05, 1.0
    first = forked(lambda: killed_at(5, lambda: swept(folder / "a", how, storage=storage)))
    code = ended(first, PATIENCE)
    second = ended(forked(lambda: swept(folder / "b", how, storage=storage)), PATIENCE)
    found = swept(folder / "b", how, storage=storage)
    attempts = trials(found)
    return {
        "codes": [code, second],
        "lost": sum(one.state == "lost" for one in attempts),
        "same_settings": all_alike(attempts),
        "networks": sorted(one.network for one in attempts if one.is_over),
    }


def counted(folder: Path, how: object) -> dict[str, object]:
    found = swept(folder, how)  # type: ignore[arg-type]
    attempts = trials(found)
    return {
        "networks": sorted(one.network for one in attempts if one.is_over),
        "workers": len({one.worker for one in attempts if one.is_over}),
        "lost": sum(one.state == "lost" for one in attempts),
        "same_settings": all_alike(attempts),
    }


def all_alike(attempts: list[object]) -> bool:
    """Whether a network that was tried again was tried with the same settings, where it had been trained before."""
    drawn: dict[int, set[str]] = {}
    for one in attempts:
        if one.is_over or one.rungs:  # type: ignore[attr-defined]
            drawn.setdefault(one.network, set()).add(json.dumps(one.drawn))  # type: ignore[attr-defined]
    return all(len(several) == 1 for several in drawn.values())


if __name__ == "__main__":
    torch.set_num_threads(1)
    Run.draw = lambda _run: None  # type: ignore[method-assign]
    sweeping.Sweep._draw = lambda _sweep: None  # type: ignore[method-assign]
    scenarios: dict[str, Any] = {"alone": alone, "together": together, "apart": apart}
    report = scenarios[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
    sys.stdout.write(json.dumps(report))
