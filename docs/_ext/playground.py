"""The playground of the site: the page that `fivestep playground` writes, beside the style."""

from pathlib import Path

from sphinx.application import Sphinx

from fivestep.playground import playground_html


def write_playground(app: Sphinx, error: Exception | None) -> None:
    """Called at the end of a build, before its links are checked."""
    if error is None and app.builder.format == "html":
        (Path(app.outdir) / "_static" / "playground.html").write_text(playground_html(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("build-finished", write_playground, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
