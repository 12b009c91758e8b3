"""The program, and two ranks of it as `torchrun` starts them, forked by the server of `tests/together.py`.

What they are told is what `torchrun` tells, but neither an agent nor the ranks import torch first, which is nearly all
of the time of a short run. What it does itself, starting ranks again and saying how they ended, is in test_torchrun.py;
elsewhere ranks that are started again are two more.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # torch's own, though it does not say so

from fivestep.ranks import leave_ranks
from tests.together import environment, forked

SECONDS = 600.0
"""In which they come to their end."""

PROGRAM = "from fivestep.cli import main; main()"


class Ended(NamedTuple):
    """The exit codes of the ranks that ended first and later, and what both of them printed."""

    first: int
    later: int
    out: str
    err: str


@dataclass(frozen=True)
class Two:
    """Ranks that have been started: rank 0 and rank 1, and the files to which both print."""

    processes: Sequence[ForkServerProcess]
    outputs: Sequence[Path]

    def ended(self) -> Ended:
        """Waits for both; when one ends badly, the other is told to end, as always."""
        assert wait([process.sentinel for process in self.processes], SECONDS), "none has ended"
        first, later = sorted(self.processes, key=lambda process: process.exitcode is None)
        if first.exitcode and later.exitcode is None:
            later.terminate()
            with suppress(ProcessLookupError):
                os.kill(later.pid or 0, signal.SIGCONT)  # one that is stopped does not listen
        later.join(SECONDS)
        assert first.exitcode is not None
        assert later.exitcode is not None, "it hangs"
        return Ended(first.exitcode, later.exitcode, *(path.read_text() for path in self.outputs))


@dataclass
class Agent:
    """What outlives the ranks: the store in which they leave notes, and how often they were started."""

    store: TCPStore = field(default_factory=lambda: TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False))
    starts: int = 0


@contextmanager
def started(
    arguments: Sequence[str], *folders: Path, program: str = PROGRAM, agent: Agent | None = None
) -> Iterator[Two]:
    """Two ranks of a program, in one folder or in one for each; they are gone at the end, whatever happens.

    With an agent who has already started two, in place of those.
    """
    agent = agent or Agent()
    elastic = {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": str(agent.starts)}
    agent.starts += 1
    with TemporaryDirectory() as place:
        outputs = [Path(place) / name for name in ("out", "err")]
        settings = [environment(rank, 2, agent.store.port) | elastic for rank in range(2)]
        processes = [
            forked(_run, program, folder, outputs, setting, list(arguments))
            for folder, setting in zip(folders * (2 // len(folders)), settings, strict=True)
        ]
        for process in processes:
            process.start()
        try:
            yield Two(processes, outputs)
        finally:
            for process in processes:
                process.kill()
                process.join()


def two_ranks(arguments: Sequence[str], *folders: Path, program: str = PROGRAM, agent: Agent | None = None) -> Ended:
    """What becomes of them."""
    with started(arguments, *folders, program=program, agent=agent) as two:
        return two.ended()


def alone(arguments: Sequence[str], folder: Path, program: str = PROGRAM) -> int | None:
    """A program in a process of its own; its exit code, -9 if it was killed."""
    nothing = [Path(os.devnull)] * 2
    process = forked(_run, program, folder, nothing, {}, list(arguments))
    process.start()
    process.join(SECONDS)
    return process.exitcode


def _run(
    program: str, folder: Path, outputs: Sequence[Path], setting: dict[str, str], arguments: Sequence[str]
) -> None:
    os.environ.update(setting)
    torch.set_num_threads(1)
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.chdir(folder)
    sys.argv = ["fivestep", *arguments]
    try:
        exec(program, {"__name__": "__main__"})
    finally:
        leave_ranks()
