"""Every benchmark answers `--help` with what it says of itself, and measures nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("[!_]*.py"))

ALL_OF_THEM = """
import contextlib, io, json, runpy, sys
answers = {}
sys.path.insert(0, sys.argv[1])
for script in sys.argv[2:]:
    sys.argv = [script, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            runpy.run_path(f"{sys.path[0]}/{script}", run_name="__main__")
        except SystemExit as end:
            answers[script] = end.code, said.getvalue()
print(json.dumps(answers))
"""
"""In one process: each of its own would import torch once more."""


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[int, str]]:
    command = [sys.executable, "-c", ALL_OF_THEM, str(FOLDER), *SCRIPTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    found: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_what_the_benchmark_says_of_itself(script: str, answers: dict[str, tuple[int, str]]) -> None:
    doc = ast.get_docstring(ast.parse((FOLDER / script).read_text(encoding="utf-8")))
    assert doc is not None
    code, said = answers[script]
    assert code == 0
    assert said.startswith(f"usage: {script}")
    assert doc in said
