"""RESULTS.md, and tables of the site, say what the files in `results/` say: no figure in them is typed by hand."""

import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"


def run(script: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(FOLDER / script), *words], capture_output=True, text=True, check=False, timeout=600
    )


def test_the_pages_are_what_the_files_say() -> None:
    """If this fails after a measurement: python benchmarks/write_results.py."""
    done = run("write_results.py", "--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_prose_has_no_figure_with_a_unit() -> None:
    """Outside of the marks: a measured figure would grow old there."""
    text = (FOLDER / "RESULTS.md").read_text(encoding="utf-8")
    prose = re.sub(r"<!-- results: (\w+) -->.*?<!-- end of \1 -->", "", text, flags=re.DOTALL)
    prose = re.sub(r"<!-- accuracy.py writes from here -->.*?<!-- to here -->", "", prose, flags=re.DOTALL)
    of_small = r"<!-- accuracy.py writes of small tables from here -->.*?<!-- small tables to here -->"
    prose = re.sub(of_small, "", prose, flags=re.DOTALL)
    assert re.findall(r"\d[\d.,]* ?(?:us|ms|s|seconds|microseconds|times|%)\b", prose) == []


def test_an_unknown_benchmark_is_one_sentence_and_exit_2() -> None:
    done = run("run_all.py", "fashion")
    assert done.returncode == 2
    said = done.stderr.splitlines()[-1]
    assert said.startswith("run_all.py: error: NAME must be one of fashion_mnist, ")
    assert said.endswith("got fashion")
