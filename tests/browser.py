"""A real browser without a screen, for tests of pages; where there is none, they are skipped."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PATIENCE = 300_000
"""Milliseconds after which a test gives up on the browser: far more than a slow and busy machine takes."""

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Opened(NamedTuple):
    """A page in the browser, what its console said, and the addresses that it asked for."""

    page: Any
    complaints: list[str]
    asked_for: list[str]


@contextmanager
def launched() -> Iterator[Any]:
    """The browser, without a page."""
    program = next((found for found in map(shutil.which, NAMES) if found), None)
    if program is None:
        pytest.skip("no chromium on this machine: make browser installs it")
    api = pytest.importorskip("playwright.sync_api", reason="no playwright here: pip install playwright")
    with api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=program, args=options, timeout=PATIENCE)
        yield browser
        browser.close()


@contextmanager
def tab(browser: Any, path: Path, width: int = 1200, color_scheme: str = "light") -> Iterator[Opened]:
    """The page of a file, in a window of that width; the color scheme "null" is the system's."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=color_scheme)
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    asked_for: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked_for.append(request.url))
    page.goto(path.resolve().as_uri())
    yield Opened(page, complaints, asked_for)
    page.close()
