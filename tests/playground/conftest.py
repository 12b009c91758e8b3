"""One browser for all tests of the playground, and the page in it, opened once for each file of tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fivestep.playground import playground_html
from tests.browser import Opened, launched, tab


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("playground") / "playground.html"
    path.write_text(playground_html(), encoding="utf-8")
    return path


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    with launched() as there:
        yield there


@pytest.fixture(scope="module")
def browser(chromium: Any, page_file: Path) -> Iterator[Opened]:
    with tab(chromium, page_file) as there:
        yield there
