"""How long a person waits before anything happens: help, import, the first lines of a small run.

    python benchmarks/startup.py [PROCESSES]

Each figure is the median over several processes, the contestants in turn.
"""

import subprocess
import sys
import tempfile

from _asked import number_asked
from _measure import Contestant, as_installed, interleaved, save, spread
from _sections import show


def process(*arguments: str) -> Contestant:
    """A Python process from start to end, in a folder of its own."""

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, *arguments]
            subprocess.run(command, cwd=folder, env=as_installed(), check=True, capture_output=True)

    return run


def main(processes: int) -> None:
    """Measures, prints the table, and keeps it."""
    contestants = {
        "fivestep --help": process("-m", "fivestep", "--help"),
        "import torch": process("-c", "import torch"),
        "import torch, fivestep": process("-c", "import torch, fivestep"),
        "import torch, fivestep, every name": process("-c", "import torch; from fivestep import *"),
        "fivestep train moons": process("-m", "fivestep", "train", "moons"),
    }
    seconds = interleaved(contestants, processes)
    found = {name: spread(values) for name, values in seconds.items()}
    save("startup", {"processes": processes, "seconds": found})
    show("startup")


if __name__ == "__main__":
    main(number_asked(__doc__, "PROCESSES", 7))
