"""The site: it builds without a warning, its links lead somewhere, and it needs nothing from elsewhere.

The pages of the course are not executed here: `tests/lessons/` does that, and `make docs`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from fivestep.cli.items import USES
from fivestep.find import names
from tests.browser import tab
from tests.lessons.pages import PAGES, course

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built from a copy: sphinx-gallery writes its pages beside their sources."""
    pytest.importorskip("sphinx_gallery")
    folder = tmp_path_factory.mktemp("site")
    for name in ("docs", "lessons"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("lessons", "reference", ".*", "_*__"))
    (folder / "src").symlink_to(ROOT / "src")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "--quiet", "docs", "built"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "FIVESTEP_DOCS_RUN": "0"}
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return folder / "built"


def test_site_has_every_page_of_the_course_as_page_script_and_notebook(site: Path) -> None:
    there = {path.name for path in site.rglob("*") if path.is_file()}
    wanted = {f"{path.stem}.{kind}" for path in PAGES for kind in ("html", "py", "ipynb")}
    assert wanted - there == set()


def test_a_notebook_has_the_text_and_the_code_of_its_page(site: Path) -> None:
    notebook = json.loads(next(site.rglob("00_tensors.ipynb")).read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert cells[0] == "%matplotlib inline"
    assert cells[1].strip().startswith("# Tensors")
    assert any("block = line.view(3, 4)" in cell for cell in cells)
    assert any(r"\begin{align}\text{place}(o, i) = o \cdot I + i\end{align}" in cell for cell in cells)


def test_no_markup_of_the_site_is_left_in_a_notebook(site: Path) -> None:
    left = {}
    for path in site.rglob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        left[path.name] = re.findall(r":\w+:`[^`]*`|^ *\.\. \S+|^={4,}.*|^-{4,}.*", text, re.MULTILINE)
    assert {name: found for name, found in left.items() if found} == {}


def test_a_title_in_the_text_is_a_link_to_its_page(site: Path) -> None:
    first, second = course()[0].name, course()[1].name
    html = (site / "lessons" / f"{first}.html").read_text(encoding="utf-8")
    assert (f'The next page: <a class="reference internal" href="{second}.html">' in html) == (
        second in {path.stem for path in PAGES}
    )


def test_the_course_begins_with_the_question_of_each_page(site: Path) -> None:
    page = (site / "lessons" / "index.html").read_text(encoding="utf-8")
    found = re.findall(r'<li><p><a [^>]*href="(\w+)\.html">(.*?)</a>: (.*?)</p>', page)
    asked = [tuple(row) for row in course() if not row.name.startswith("5")]  # the last page is a list of questions
    assert [(name, re.sub("<.*?>", "", title), unescape(question)) for name, title, question in found] == asked


@pytest.mark.parametrize("family", [*USES, "pictures"])
def test_reference_has_every_item_of_the_folder(site: Path, family: str) -> None:
    html = (site / "reference" / f"{family}.html").read_text(encoding="utf-8")
    assert [name for name in names(family) if f'id="{name.replace("_", "-")}"' not in html] == []


def test_reference_has_every_command_with_its_options(site: Path) -> None:
    from fivestep.cli._app import app

    html = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    commands = [name for name in app if not name.startswith("-")]
    assert "train" in commands
    assert [name for name in commands if f'id="{name}"' not in html] == []
    assert "--batch-size" in html


def test_reference_has_every_public_name(site: Path) -> None:
    import fivestep as fs

    html = (site / "reference" / "names.html").read_text(encoding="utf-8")
    assert [name for name in fs.__all__ if f'id="fivestep.{name}"' not in html] == []


def test_site_opens_in_a_browser_without_a_complaint_and_asks_nobody_at_any_width(chromium: Any, site: Path) -> None:
    with tab(chromium, site / "lessons" / "00_tensors.html") as page:
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        too_wide = []
        for width in (360, 700, 1000, 1100, 1200, 1300, 1400, 1600):
            page.page.set_viewport_size({"width": width, "height": 900})
            too_wide += [width] if page.page.evaluate(wide) else []
        assert too_wide == []
        assert page.complaints == []
        assert [address for address in page.asked_for if not address.startswith("file:")] == []


def test_search_finds_a_word_without_a_network(chromium: Any, site: Path) -> None:
    with tab(chromium, site / "search.html") as page:
        page.page.goto(f"{(site / 'search.html').resolve().as_uri()}?q=broadcasting")
        page.page.wait_for_selector("ul.search li a:has-text('Tensors')")  # the results are added one by one
