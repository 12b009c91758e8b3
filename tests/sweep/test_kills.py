"""Processes of a sweep that are killed: what was trained stays, what was being trained is tried again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def killed(scenario: str, folder: Path, *more: str) -> dict[str, Any]:
    process = subprocess.run(
        [sys.executable, "-m", "tests.sweep.killing", scenario, str(folder), *more],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parent.parent.parent,
    )
    assert process.returncode == 0, process.stderr
    report: dict[str, Any] = json.loads(process.stdout)
    return report


@pytest.mark.slow
def test_a_sweep_that_is_killed_again_and_again_ends_the_same_to_the_bit(tmp_path: Path) -> None:
    """The same settings are drawn, the same networks are cut, the same figures come out."""
    report = killed("alone", tmp_path)
    assert all(report["same"])
    assert report["kills"] >= 12
    assert report["lost"] > 0


@pytest.mark.slow
def test_processes_share_the_networks_and_take_over_those_of_one_that_was_killed(tmp_path: Path) -> None:
    report = killed("together", tmp_path)
    assert report["codes"] == [-signal.SIGKILL, 0, 0, 0]
    assert report["networks"] == [*range(36)]
    assert report["workers"] >= 2
    assert report["lost"] > 0
    assert report["same_settings"]


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["journal", "postgres"])
def test_a_machine_that_sees_no_lock_notices_by_the_count_that_another_one_is_no_more(
    storage: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Two folders and one storage: a file that both see, or a database."""
    report = killed("apart", tmp_path, *([request.getfixturevalue("postgres")] if storage == "postgres" else []))
    assert report["codes"] == [-signal.SIGKILL, 0]
    assert report["networks"] == [*range(8)]
    assert report["lost"] == 8
    assert report["same_settings"]
