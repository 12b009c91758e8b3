"""After the build: every link inside the site leads somewhere, and no page fetches anything from elsewhere.

Links to other sites are not followed, so that the site can be built without a network; they are listed in
`external-links.txt` beside the pages.
"""

from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple, final
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "srcset")}
"""What a browser fetches by itself."""

LIST = "external-links.txt"


class Link(NamedTuple):
    """An address in a page, and whether the browser fetches it by itself."""

    address: str
    is_loaded: bool


@final
class _Reader(HTMLParser):
    """The links of a page and the places in it that a link can lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(Link(value, (tag, name) in LOADED))
            elif name == "id" and value is not None:
                self.places.add(value)


def read(path: Path) -> _Reader:
    """The page in a file."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def check(folder: Path) -> tuple[list[str], list[str]]:
    """What is wrong with the links of a site, one sentence each, and the addresses of other sites that it names."""
    pages = {path.resolve(): read(path) for path in sorted(folder.rglob("*.html"))}
    wrong, outside = [], set()
    for path, page in pages.items():
        shown = path.relative_to(folder.resolve())
        for address, is_loaded in page.links:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https") or parts.netloc:
                outside.add(address)
                if is_loaded:
                    wrong.append(f"{shown} must not fetch anything from elsewhere, got {address}.")
            elif not parts.scheme and address != "#":
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                if not target.exists():
                    wrong.append(f"{shown} must link to what is there, got {address}.")
                elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                    wrong.append(f"{shown} must link to a place that is in its page, got {address}.")
    return wrong, sorted(outside)


def check_site(app: Sphinx, error: Exception | None) -> None:
    """Called at the end of a build."""
    if error is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    wrong, outside = check(folder)
    (folder / LIST).write_text("\n".join(outside) + "\n", encoding="utf-8")
    for sentence in dict.fromkeys(wrong):
        logger.warning(sentence)


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("build-finished", check_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
