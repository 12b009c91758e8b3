"""Two ranks of the program as `torchrun` starts them, forked by the server of `tests/together.py`.

What they are told is what `torchrun` tells, but neither an agent nor the ranks import torch first, which is nearly all
of the time of a short run. What it does itself, starting ranks again and saying how they ended, is in test_torchrun.py.
"""

import os
import sys
from collections.abc import Sequence
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # torch's own, though it does not say so

from fivestep.cli import main
from fivestep.ranks import leave_ranks
from tests.together import CONTEXT, environment

SECONDS = 600.0
"""In which they come to their end."""


class Ended(NamedTuple):
    """The exit codes of the ranks that ended first and later, and what both of them printed."""

    first: int
    later: int
    out: str
    err: str


def two_ranks(arguments: Sequence[str], *folders: Path) -> Ended:
    """Of `fivestep`, in one folder or in one for each; when one ends badly, the other is told to end, as always."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    elastic = {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}
    with TemporaryDirectory() as place:
        outputs = [Path(place) / name for name in ("out", "err")]
        started = []
        for rank, folder in enumerate(folders * (2 // len(folders))):
            setting = environment(rank, 2, store.port) | elastic
            started.append(CONTEXT.Process(target=_rank, args=(folder, outputs, setting, list(arguments))))
            started[-1].start()
        assert wait([process.sentinel for process in started], SECONDS), "none has ended"
        first, later = sorted(started, key=lambda process: process.exitcode is None)
        if first.exitcode:
            later.terminate()
        later.join(SECONDS)
        assert first.exitcode is not None
        assert later.exitcode is not None, "it hangs"
        return Ended(first.exitcode, later.exitcode, *(path.read_text() for path in outputs))


def _rank(folder: Path, outputs: Sequence[Path], setting: dict[str, str], arguments: list[str]) -> None:
    os.environ.update(setting)
    torch.set_num_threads(1)
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.chdir(folder)
    sys.argv = ["fivestep", *arguments]
    try:
        main()
    finally:
        leave_ranks()
