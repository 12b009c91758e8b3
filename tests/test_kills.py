"""SIGKILL at random moments: in a step, between two, in an evaluation, while a checkpoint is written or read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples import ENGINES

KILLS = 50


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_a_run_that_is_killed_again_and_again_ends_the_same_to_the_bit(name: str, tmp_path: Path) -> None:
    """A run may be killed several times before it comes to its end; most kills leave something to go on with."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.killing", name, str(tmp_path), str(KILLS)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parent.parent,
    )
    assert process.returncode == 0, process.stderr
    report = json.loads(process.stdout)
    assert report["differences"] == []
    assert report["kills"] >= KILLS
    assert report["inside"] > KILLS / 2
