"""From the start of a process to the trained network: 2-8-1 on moons, a thousand steps, by everyone in `rivals/`.

    python benchmarks/cold.py [PROCESSES]

Each process imports the library of one contestant and no other's, makes the network from the same weights, trains a
thousand steps of Adam on all 200 rows, and prints the loss, which must be the same for all. What they have compiled and
kept on the disk is there: a first process, which is not measured, makes it. Beside them stands the command line with
all that a run writes. Lightning is left out, because the contestant lives in a process of its own.
"""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from _asked import number_asked
from rivals import Job, families, of_family

STEPS = 1000
ENGINES = ("fused", "scratch")
"""Those of ours that anyone would take for it."""
SAME_LOSS = 1.001
COMMAND = ("-m", "fivestep", "train", "moons", "--epochs", str(STEPS))


def one(family: str, title: str, folder: Path) -> None:
    """What a process does."""
    job = Job.load(folder)
    rival = next(cls for cls in of_family(family) if cls.title == title)(job)
    rival.train(STEPS)
    print(job.loss_of(rival.weights()))


def loss_of_process(family: str, title: str, folder: Path) -> float:
    """The whole process, and the loss that it prints."""
    from _measure import as_installed  # here, because it imports torch, which those processes must not

    command = [sys.executable, __file__, "--one", family, title, str(folder)]
    done = subprocess.run(command, env=as_installed(), check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def command_line() -> None:
    """The command, in a folder of its own."""
    from _measure import as_installed

    command = [sys.executable, *COMMAND]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command, cwd=folder, env=as_installed(), check=True, capture_output=True)


def contestants(job: Job) -> list[tuple[str, str]]:
    """Family and title of everyone who trains the job."""
    found = []
    for family in families():
        if family == "lightning_trainer":
            continue
        try:
            classes = of_family(family)
        except ImportError as error:
            print(f"left out: {family}, {error}; pip install '.[bench]'")
            continue
        found += [(family, cls.title) for cls in classes if cls.refusal(job) is None]
    return [(family, title) for family, title in found if family != "fivestep_engines" or title in ENGINES]


def main(processes: int) -> None:
    """Measures, prints the table, and keeps it."""
    from _measure import Contestant, interleaved, save, spread
    from _sections import show
    from small_networks import jobs

    job = jobs()["2-8-1"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job.save(folder)
        losses, windows = {}, dict[str, Contestant]()
        for family, title in contestants(job):
            losses[title] = loss_of_process(family, title, folder)
            windows[title] = partial(_silent, family, title, folder)
        if max(losses.values()) > SAME_LOSS * min(losses.values()):
            raise AssertionError(f"the contestants do not come to the same loss: {losses}")
        windows["fivestep train moons, whole run folder"] = command_line
        command_line()
        seconds = interleaved(windows, processes, warm=False)
    found = {title: spread(values) for title, values in seconds.items()}
    save("cold", {"processes": processes, "losses": losses, "seconds": found})
    show("cold")


def _silent(family: str, title: str, folder: Path) -> None:
    loss_of_process(family, title, folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        main(number_asked(__doc__, "PROCESSES", 3))
