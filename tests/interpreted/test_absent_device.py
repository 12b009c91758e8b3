"""`tests/gpu` on a device that is not there: what is recorded can be recorded, and is repeated to the same numbers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interpreter import needs_interpreter

ROOT = Path(__file__).parents[2]
LEFT_OUT = ("autograd", "nn-", "tf32", "kernel", "diverges", "fleet_have")
"""The engines that ask for a device themselves, digits that the CPU does not have, and fleets that take long."""


@needs_interpreter
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
def test_on_an_absent_device() -> None:
    """In a process of its own: torch then says that it has one."""
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    chosen = ["-k", " and ".join(f"not {name}" for name in LEFT_OUT)]
    options = ["-q", "-p", "tests.absent_device", "-p", "no:cacheprovider", *chosen]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/gpu", "tests/interpreted/on_absent_device.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    assert "passed" in found.stdout
