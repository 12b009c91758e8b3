"""The page in a browser, opened once for the tests that only compute in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fivestep.playground import playground_html
from tests.browser import Opened, opened


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("playground") / "playground.html"
    path.write_text(playground_html(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(page_file: Path) -> Iterator[Opened]:
    with opened(page_file) as there:
        yield there
