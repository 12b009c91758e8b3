"""What the pages of the course need of the site: their pictures, titles that are links, tables that stay whole."""

import re
import weakref
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple, final

from docutils import nodes
from matplotlib.figure import Figure
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective
from sphinx_gallery.scrapers import figure_rst

ROOT = Path(__file__).parents[2]
DPI = 150
LINE = "| `"
GAP = re.compile(r"\S {2,}\S")
"""What lies between two columns of a printed table."""

WIDEST = 100

_shown: "weakref.WeakSet[Figure]" = weakref.WeakSet()


def shown_figure(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """The picture of a block that ends with a `Figure` as a bare expression."""
    figure = block_vars["example_globals"].get("___")  # where sphinx-gallery keeps the last expression
    if not isinstance(figure, Figure) or figure in _shown:
        return ""
    _shown.add(figure)
    path = next(block_vars["image_path_iterator"])
    figure.savefig(path, format="png", dpi=DPI)
    return figure_rst([PurePosixPath(path)], gallery_conf["src_dir"], described(figure))


def described(figure: Figure) -> str:
    """The words for those who do not see it: its titles, and what its axes say."""
    title = [figure.get_suptitle()]
    for axes in figure.axes:
        sides = [text for text in (axes.get_ylabel(), axes.get_xlabel()) if text]
        title += [axes.get_title(), " against ".join(sides)]
    return "; ".join(dict.fromkeys(text.replace("\n", " ") for text in title if text)) or "a picture"


def forget_old_outputs(app: Sphinx, config: Config) -> None:
    """A page that ran before the program was changed runs again: sphinx-gallery looks at the page alone."""
    changed = max(path.stat().st_mtime for path in (ROOT / "src").rglob("*.py"))
    for mark in (ROOT / "docs" / "lessons").glob("*.md5"):
        if mark.stat().st_mtime < changed:
            mark.unlink()


class Page(NamedTuple):
    """A row of the table of the course."""

    name: str
    title: str
    question: str


def course() -> list[Page]:
    """The pages in their order, from the table of the course."""
    text = (ROOT / "lessons" / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith(LINE)]
    return [Page(row[1].strip(" `"), row[2].strip(), row[3].strip()) for row in rows]


@final
class Questions(SphinxDirective):
    """`.. questions:: 34` lists the pages whose names begin with 3 or 4, each with its question."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        pages = [page for page in course() if page.name[0] in self.arguments[0]]
        items = [
            nodes.list_item("", nodes.paragraph("", "", link_to(page), nodes.Text(f": {page.question}")))
            for page in pages
        ]
        return [nodes.bullet_list("", *items)]


def link_to(page: Page) -> pending_xref:
    """The title of a page as a link to it."""
    where = {"refdomain": "std", "reftype": "doc", "reftarget": f"/lessons/{page.name}", "refexplicit": True}
    return pending_xref("", nodes.inline("", page.title), refwarn=True, **where)


def link_titles(app: Sphinx, doctree: nodes.document) -> None:
    """Makes an emphasized title of a page a link to it, if the page is there."""
    known = {page.title: page for page in course()}
    for node in list(doctree.findall(nodes.emphasis)):
        page = known.get(node.astext())
        here = app.env.docname.removeprefix("lessons/")
        if page is not None and f"lessons/{page.name}" in app.env.found_docs and page.name != here:
            node.replace_self(link_to(page))


def mark_tables(app: Sphinx, doctree: nodes.document) -> None:
    """Gives printed tables a class of their own: in a narrow window they scroll instead of losing their columns."""
    for node in doctree.findall(nodes.literal_block):
        if "sphx-glr-script-out" in node["classes"] and is_table(node.astext()):
            node["classes"].append("sphx-glr-table")


def is_table(text: str) -> bool:
    """Whether two lines or more have columns, and none is a sentence that has to be broken."""
    lines = text.splitlines()
    return sum(bool(GAP.search(line)) for line in lines) > 1 and max(map(len, lines)) <= WIDEST


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.add_directive("questions", Questions)
    app.connect("config-inited", forget_old_outputs)
    app.connect("doctree-read", link_titles)
    app.connect("doctree-read", mark_tables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
