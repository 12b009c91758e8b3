"""A sweep of 256 networks on moons from the command line, a thousand steps each, from the start of the process.

    python benchmarks/sweep.py [PROCESSES]

Beside the sweep that cuts its networks down stands one that trains each to its end. The compiled
code is there already (a first run makes it). Each process has a new folder.
"""

import subprocess
import sys
import tempfile

from _asked import number_asked
from _measure import Contestant, as_installed, interleaved, save, spread
from _sections import show

COMMAND = ("-m", "fivestep", "sweep", "moons", "--hidden", "8", "16,8", "--lr", "1e-4:1e-1", "--models", "256")


def process(*options: str) -> Contestant:
    """The command from start to end, in a folder of its own."""

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, *COMMAND, *options]
            subprocess.run(command, cwd=folder, env=as_installed(), check=True, capture_output=True)

    return run


def main(processes: int) -> None:
    """Measures, prints the table, and keeps it."""
    contestants = {
        "halving by 3": process(),
        "all to the end": process("--halving", "off"),
    }
    seconds = interleaved(contestants, processes)
    found = {name: spread(values) for name, values in seconds.items()}
    save("sweep", {"processes": processes, "seconds": found})
    show("sweep")


if __name__ == "__main__":
    main(number_asked(__doc__, "PROCESSES", 5))
