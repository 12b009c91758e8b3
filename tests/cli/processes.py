"""The program in processes of its own, by itself or as ranks that `torchrun` has started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import fivestep as fs
from fivestep.saved.checkpoint import checkpoints_in
from fivestep.saved.history import read_history

PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from fivestep.cli import main; main()"
)
"""A shell starts what runs in its background, such as these tests, with Ctrl-C ignored: here it shall count."""

WITH_CHECKPOINTS_ALL_THE_TIME = """
import sys
import fivestep.machine.due, fivestep.steps
from fivestep.cli._app import run
from fivestep.run import Run
fivestep.machine.due.SECONDS, fivestep.machine.due.SHARE, fivestep.steps.SECONDS_PER_BLOCK = 0.0, float("inf"), 0.0
Run.draw = lambda _run: None
sys.exit(run(sys.argv[1:]))
"""
"""The program, which writes a checkpoint between any two steps."""


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
    try:
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def ranks_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that `torchrun` has started, by rank."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    found = [int(pid) for pid in children.read_text().split()] if children.exists() else []
    numbers = {pid: Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in found}
    by_rank = {pid: next((line for line in lines if line.startswith(b"RANK=")), b"") for pid, lines in numbers.items()}
    return sorted((pid for pid, rank in by_rank.items() if rank), key=lambda pid: by_rank[pid])


def until(what: object, seconds: float = 120.0) -> None:
    """Waits until `what()` is true."""
    assert callable(what)
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def is_under_way(run: Path) -> bool:
    """Whether a checkpoint in the middle of the run is there."""
    found = checkpoints_in(run) if run.is_dir() else []
    return bool(found) and not found[0].name.endswith("000000.safetensors")


def figures(run: Path) -> list[dict[str, float | None]]:
    return [epoch.figures() for epoch in read_history(run / "history.csv", ())]


def output_of(folder: Path) -> str:
    return (folder / "errors").read_text()


def last_step(run: Path) -> int:
    """Of the newest checkpoint; -1 if there is none."""
    found = checkpoints_in(run) if run.is_dir() else []
    return int(found[0].stem.removeprefix("step-")) if found else -1
