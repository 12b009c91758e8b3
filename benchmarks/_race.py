"""A race: everyone in `rivals/` trains the same job in turns, after the check that all come to the same loss."""

import ctypes
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from _asked import words_asked
from _measure import Contestant, interleaved, machine, ratios, save, spread
from _sections import SECTIONS, show
from rivals import Job, Rival, rivals

WINDOW = 0.1
"""Seconds that a window takes, at least about: of a shorter one, the first touch of a sleeping processor and of memory
that somebody else has used since would be a good part."""


def asked(doc: str | None, rounds: int, name: str = "TITLE") -> tuple[int, list[str] | None]:
    """What the command line says: a number of rounds, and titles of those who race, all if there are none."""
    numbers, titles = words_asked(doc, f"ROUNDS or {name}")
    return (numbers or [rounds])[0], titles or None


def keep(name: str, result: Mapping[str, Any], only: Sequence[str] | None) -> None:
    """Prints the result, and keeps that of a race in which all took part."""
    if only is None:
        save(name, result)
        show(name)
    else:
        print(f"\n{SECTIONS[name]({**machine(), **result})}\n\nNot kept: not all took part.")


class Lengths(NamedTuple):
    """Steps of a call: of those who do many in one call, and of the others; of the trainings before the check.

    The check looks at the least loss after any of so many trainings: a single step can lead astray for a while.
    """

    long: int
    short: int
    check: int
    checks: int = 1


class Entrant(NamedTuple):
    """One who races: the steps of a call, the calls of a window, the seconds of the first call, the loss it came to."""

    rival: Rival
    steps: int
    calls: int
    first: float
    loss: float

    def window(self) -> float:
        """Its steps; returns how many more or less it did, as a factor."""
        before = self.rival.num_done()
        for _ in range(self.calls):
            self.rival.train(self.steps)
        after = self.rival.num_done()
        return 1.0 if before is None or after is None else (after - before) / (self.calls * self.steps)


def keep_to_cores() -> None:
    """Keeps the process to as many cores as torch has threads, so that all have the same.

    XLA takes a thread for each core that it may use, whatever OMP_NUM_THREADS says: with one thread for torch, JAX and
    Keras would have all cores beside it.
    """
    if sys.platform != "linux":
        return
    cores, here = sorted(os.sched_getaffinity(0)), ctypes.CDLL(None).sched_getcpu()
    from_here = sorted(cores, key=lambda core: core != here)  # the one it runs on is the one that was free
    os.sched_setaffinity(0, from_here[: torch.get_num_threads()])


def entrants(job: Job, lengths: Lengths, only: Sequence[str] | None = None) -> dict[str, Entrant]:
    """All who take part, trained until the check and warm."""
    keep_to_cores()
    found = {}
    for cls in rivals(job, only):
        steps = lengths.long if cls.runs_long else lengths.short
        is_part = cls.whole_epochs and steps % job.steps_per_epoch
        own = job.head(steps * job.batch) if is_part else job
        started = time.perf_counter()
        rival = cls(own)
        rival.train(lengths.check)
        first = time.perf_counter() - started
        losses = [job.loss_of(rival.weights())]
        for _ in range(lengths.checks - 1):
            rival.train(lengths.check)
            losses.append(job.loss_of(rival.weights()))
        loss = min(losses)
        found[str(cls.title)] = Entrant(rival, steps, _calls(partial(rival.train, steps)), first, loss)
        print(f"  ready: {cls.title} ({first:.1f} s, loss {loss:.4g})", flush=True)
    return found


def _calls(call: Callable[[], None]) -> int:
    """How many of them make a window of the right length."""
    call()  # another number of steps may be compiled anew
    started = time.perf_counter()
    call()
    return max(1, round(WINDOW / (time.perf_counter() - started)))


def raced(
    all_of_them: Mapping[str, Entrant], floors: Mapping[str, tuple[Contestant, int]], over: str, rounds: int
) -> dict[str, Any]:
    """Seconds of a step and the ratio to `over`, for everyone and for the floors: a window, and the steps it is."""
    windows = {name: work for name, (work, _) in floors.items()}
    steps = {name: count for name, (_, count) in floors.items()}
    for name, one in all_of_them.items():
        windows[name], steps[name] = one.window, one.calls * one.steps
    seconds = interleaved(windows, rounds)
    each = {name: [value / steps[name] for value in values] for name, values in seconds.items()}
    over_it = ratios(each, over if over in each else next(iter(each)))
    return {
        name: {
            "seconds per step": spread(each[name]),
            "over": over_it[name],
            **({} if name in floors else {"loss": all_of_them[name].loss, "first call": all_of_them[name].first}),
        }
        for name in each
    }


def check_losses(all_of_them: Mapping[str, Entrant], most: float) -> None:
    """Raises if the largest loss is more than `most` times the smallest: then they have not done the same work."""
    losses = {name: one.loss for name, one in all_of_them.items()}
    if max(losses.values()) > most * min(losses.values()):
        raise AssertionError(f"the contestants do not come to the same loss: {losses}")
