"""The page of the playground in a browser, opened once for each file of tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fivestep.playground import playground_html
from tests.browser import Opened, tab


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("playground") / "playground.html"
    path.write_text(playground_html(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(chromium: Any, page_file: Path) -> Iterator[Opened]:
    with tab(chromium, page_file) as there:
        yield there
