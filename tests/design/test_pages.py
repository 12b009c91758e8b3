"""What the pages for contributors say is there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fivestep.find import SINGULAR, names
from tests.design.source import FILES, REPOSITORY, ROOT

PAGES = {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "docs/architecture.md")}
TO_WRITE = {"snake.py", "test_snake.py"}
"""The files of the example, which a reader is to write."""


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    folders = [REPOSITORY / name for name in ("src", "tests", "benchmarks", "docs", "lessons", "examples")]
    there = {path.name for folder in folders for path in folder.rglob("*.*")}
    there |= {path.name for path in REPOSITORY.iterdir()}
    named = {Path(name).name for name in re.findall(r"`([\w/.]+\.(?:py|js|md|toml))`", PAGES[page])}
    assert len(named) > 10
    assert named - there - TO_WRITE == set()


def test_the_page_of_the_architecture_names_every_folder() -> None:
    named = {folder for path in re.findall(r"`([\w/]+/)", PAGES["docs/architecture.md"]) for folder in path.split("/")}
    assert {path.parent.name for path in FILES if path.parent != ROOT} - named == set()


@pytest.mark.parametrize("family", [family for family in SINGULAR if family != "engines"])
def test_contributing_says_how_to_add_an_item_of_every_folder(family: str) -> None:
    assert f"{family}/" in PAGES["CONTRIBUTING.md"]


@pytest.mark.parametrize("page", [*PAGES, "README.md"])
def test_every_target_of_make_that_a_page_names_is_there(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    named = {
        name for pair in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", text, re.MULTILINE) for name in pair if name
    }
    assert named
    assert named - targets() == set()


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize("target", ["setup", "test", "test-quick", "format"])
def test_what_contributors_call_installs_what_the_tests_need(target: str) -> None:
    command = ["make", "--dry-run", "--always-make", target]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "--editable '.[dev]'" in done.stdout


def test_every_command_is_registered() -> None:
    text = (ROOT / "cli" / "_app.py").read_text(encoding="utf-8")
    missing = set(names("cli")) - set(re.findall(r'app\.command\("fivestep\.cli\.(\w+):', text))
    assert not missing, f"write app.command(...) into cli/_app.py for {', '.join(sorted(missing))}"
