"""Formulas as MathML, which browsers draw themselves: no script, and nothing fetched."""

from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def mathml(latex: str, display: str) -> str:
    """The formula as an element; raises a `ValueError` if it holds something that the converter does not know."""
    if latex.count("{") - latex.count(r"\{") != latex.count("}") - latex.count(r"\}"):
        raise ValueError("its braces do not match")
    latex = latex.replace("{aligned}", "{split}")
    latex = rf"\begin{{split}}{latex}\end{{split}}" if r"\\" in latex and r"\begin" not in latex else latex
    text = convert(latex, display=display)
    unknown = [word for word in ElementTree.fromstring(text).itertext() if word.startswith("\\")]
    if unknown:
        raise ValueError(f"{unknown[0]} is not known")
    return text


def written(visitor: Any, node: nodes.Element, display: str) -> None:
    """Puts the formula into the page, or warns."""
    try:
        text = mathml(node.astext(), display)
    except Exception as error:  # whatever it is, the formula is at fault
        logger.warning("a formula must be LaTeX that becomes MathML, got %r (%s)", node.astext(), error, location=node)
        text = f"<code>{visitor.encode(node.astext())}</code>"
    tag = "div" if display == "block" else "span"
    visitor.body.append(f'<{tag} class="math notranslate">{text}</{tag}>')
    raise nodes.SkipNode


def visit_inline(visitor: Any, node: nodes.math) -> None:
    """A formula in a line."""
    written(visitor, node, "inline")


def visit_block(visitor: Any, node: nodes.math_block) -> None:
    """A formula of its own line."""
    written(visitor, node, "block")


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))

    return {"parallel_read_safe": True, "parallel_write_safe": True}
