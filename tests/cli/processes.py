"""The program in processes of its own, by itself or as ranks that `torchrun` has started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import fivestep as fs
from fivestep.saved.checkpoint import checkpoints_in
from fivestep.saved.history import read_history

PATIENCE = 600.0
"""Seconds after which a test gives up on a process: far more than a slow and busy machine takes."""

PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from fivestep.cli import main; main()"
)
"""A shell starts what runs in its background, such as these tests, with Ctrl-C ignored: here it shall count."""

AT_A_STEP = """
import os, signal, sys, time
import fivestep.machine.due
from fivestep.cli._app import run
from fivestep.ranks import Ranks
from fivestep.run import Run
fivestep.machine.due.SECONDS, fivestep.machine.due.SHARE = 0.0, float("inf")
sys.modules["fivestep.steps"].SECONDS_PER_BLOCK = 0.0  # the attribute of that name is the function
Run.draw = lambda _run: None
agreed, steps = Ranks.agreed, []

def at_a_step(ranks, requests):
    if len(steps) >= {step} and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        {what}
    steps.append(ranks)
    return agreed(ranks, requests)

Ranks.agreed = at_a_step
sys.exit(run(sys.argv[1:]))
"""
"""The program, which writes a checkpoint between any two steps, and does something to itself after some of them.

So the moment is the same on any machine. Started anew by `torchrun`, it does no more than train.
"""


def killed(step: int, rank: int = 0) -> str:
    """The program that ends like this on one rank."""
    return AT_A_STEP.format(step=step, what=f"ranks.rank == {rank} and os.kill(os.getpid(), signal.SIGKILL)")


def stopped(step: int, rank: int) -> str:
    """The program that stops like this on one rank, and says nothing any more."""
    return AT_A_STEP.format(step=step, what=f"ranks.rank == {rank} and os.kill(os.getpid(), signal.SIGSTOP)")


def slow(step: int) -> str:
    """The program that takes its time from that step on, so that whatever one does to it comes before its end."""
    return AT_A_STEP.format(step=step, what="time.sleep(0.2)")


def start(folder: Path, *arguments: str, program: str = PROGRAM) -> subprocess.Popen[str]:
    """The real program, in its own process."""
    command = [sys.executable, "-c", program, *arguments]
    env = {**os.environ, "PYTHONPATH": str(Path(fs.__file__).parent.parent)}
    return subprocess.Popen(command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def without_notes(err: str) -> str:
    """What went to standard error, apart from the note that something is compiled, once on a machine."""
    return "".join(line for line in err.splitlines(keepends=True) if not line.startswith("Compiling the fused engine"))


@contextmanager
def torchrun(
    folder: Path, arguments: list[str], *options: str, program: Sequence[str] = ("-m", "fivestep")
) -> Iterator[subprocess.Popen[str]]:
    """Two ranks of `fivestep` in that folder, or of a script; they are gone at the end, whatever happens."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", *options, *program]
    log = (folder / "errors").open("w")
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    with process, log:
        try:
            yield process
        finally:
            for pid in [*ranks_of(process), process.pid]:
                with_pid_gone(pid)


def with_pid_gone(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)


def ranks_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that `torchrun` has started, by rank."""
    found = {}
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            found[int(pid)] = _rank_of(pid)
    return sorted((pid for pid, rank in found.items() if rank), key=lambda pid: found[pid])


def _rank_of(pid: str) -> bytes:
    """What its environment says, such as RANK=1; nothing if it has ended or is none."""
    with suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return next((line for line in lines if line.startswith(b"RANK=")), b"")
    return b""


def until(what: Callable[[], object], process: "subprocess.Popen[str] | None" = None) -> None:
    """Waits until `what()` is true; not for ever, and no longer than the process runs."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert process is None or process.poll() is None or what(), "it has ended before"
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def figures(run: Path) -> list[dict[str, float | None]]:
    return [epoch.figures() for epoch in read_history(run / "history.csv", ())]


def output_of(folder: Path) -> str:
    return (folder / "errors").read_text()


def last_step(run: Path) -> int:
    """Of the newest checkpoint; -1 if there is none."""
    found = checkpoints_in(run) if run.is_dir() else []
    return int(found[0].stem.removeprefix("step-")) if found else -1
