"""Kills training processes at random moments until a number of kills is reached, and compares what they leave.

    python -m tests.killing ENGINE FOLDER KILLS

A server that has imported everything forks a child for each attempt, which takes milliseconds. A child begins the run
in a folder, or goes on with it; the server kills it at a random moment, or lets it come to its end and holds what it
left against a run that was never stopped. Checkpoints are written all the time, so that many kills fall into one.
Prints how many kills there were, how many of them left a run to go on with, and every difference.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

import fivestep.machine.due
from fivestep.run import Run
from fivestep.saved.checkpoint import checkpoints_in
from tests.runs import SCENARIOS, begun, differences, remains, trained


def attempt(name: str, scenario: str, folder: Path) -> None:
    """What a child does: the run from its beginning, or from where the last one was killed."""
    warnings.simplefilter("error")  # a damaged checkpoint would be noticed, and there must be none
    run = Run.resume(folder) if checkpoints_in(folder) else begun(name, scenario, folder)
    trained(run, scenario)


def forked(work: Callable[[], object]) -> int:
    """Does the work in a child of this process, on one thread, and returns its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            torch.set_num_threads(1)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def ended(child: int, seconds: float) -> int | None:
    """Waits that long; the child's exit code, or None if it had to be killed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


def main(name: str, folder: Path, num_kills: int) -> None:
    """Scenario after scenario, kill after kill, until most have left something: busy machines kill before, at times."""
    torch.set_num_threads(1)
    Run.draw = lambda _run: None  # type: ignore[method-assign]
    fivestep.machine.due.SECONDS, fivestep.machine.due.SHARE = 0.0, float("inf")
    chance = random.Random(name)
    expected, seconds, found = {}, {}, []
    for scenario in SCENARIOS:
        try:
            run = begun(name, scenario, folder / f"whole {scenario}")
        except pytest.skip.Exception:  # what the engine hands over to another one
            continue
        started = time.monotonic()
        expected[scenario] = remains(trained(run, scenario).path)
        seconds[scenario] = time.monotonic() - started
    kills = inside = runs = 0
    while kills < num_kills or inside <= num_kills / 2 or runs < len(expected):  # each comes to its end at least once
        scenario, path = list(expected)[runs % len(expected)], folder / str(runs)
        code, longest = None, seconds[scenario]
        while code is None:
            code = ended(forked(partial(attempt, name, scenario, path)), chance.uniform(0, longest))
            longest *= 1.1  # a child may be slower than this process was, so much that it would never come to its end
            kills += code is None
            inside += code is None and bool(checkpoints_in(path))
        found += [f"{scenario}: exit {code}"] if code else differences(remains(path), expected[scenario])
        runs += 1
    sys.stdout.write(json.dumps({"kills": kills, "inside": inside, "differences": found}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
