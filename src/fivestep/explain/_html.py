"""The five sections as HTML: the same tensors, formulas and texts, and the sources side by side."""

from collections.abc import Sequence

from ..markup import around, element, prose
from ._data import Block, Entry, Place, Section
from ._tensors import decimals, is_constant, lines, number, table

WIDTH = 100
"""Characters in a line of numbers; a narrow window scrolls."""

NAMES = (
    "W0, b0 and z0 belong to layer 0, a1 to layer 1, and so on. A\xa0B is the matrix product: each row of A times each "
    "column of B, added up. W0^T is W0 with rows and columns exchanged. A\xa0*\xa0B multiplies number by number."
)
"""How to read the names."""


def sections_html(sections: Sequence[Section]) -> str:
    """The sections, each with a heading of the third level."""
    return "\n".join(_section(section) for section in sections)


def _section(section: Section) -> str:
    parts = [element("h3", f"{section.number}  {section.name}", id=f"step-{section.number}")]
    parts.append(prose("p", section.text))
    parts += [_block(block) for block in section.blocks]
    if section.places:
        sources = around("div", "\n".join(_place(place) for place in section.places), css="sources")
        parts.append(around("details", f"<summary>Where this is written</summary>\n{sources}"))
    return "\n".join(parts)


def _place(place: Place) -> str:
    head = element("b", place.name) + " " + element("code", f"{place.file}:{place.line}", css="soft")
    return f"<div>{head}{element('pre', place.code)}</div>"


def _block(block: Block) -> str:
    parts = [element("h4", block.title), *_texts(block.text)]
    if block.side_by_side:
        columns = {entry.name: entry.tensor for entry in block.entries}
        parts.append(element("pre", _dedented(table(columns, WIDTH))))
    else:
        parts += [_entry(entry) for entry in block.entries]
    return "\n".join(parts)


def _texts(text: str) -> list[str]:
    """Text as paragraphs, indented lines verbatim."""
    parts: list[str] = []
    kept: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith(" "):
            kept.append(line.strip())
            continue
        if kept:
            parts.append(element("pre", "\n".join(kept)))
            kept = []
        if line:
            parts.append(prose("p", line, css="soft"))
    return parts


def _entry(entry: Entry) -> str:
    tensor = entry.tensor
    words = (f" = {entry.formula}" if entry.formula else "") + (f", {entry.note}" if entry.note else "")
    side = number(tensor.item(), decimals(tensor)) if tensor.numel() == 1 else shape_text(entry)
    name = element("b", entry.name)
    head = around("div", f"<span>{name}{prose('span', words)}</span>{element('code', side, css='soft')}", css="entry")
    if tensor.numel() == 1:
        return head
    if is_constant(tensor):
        return head + element("pre", f"all {number(tensor.flatten()[0].item(), decimals(tensor))}")
    return head + element("pre", _dedented(lines(tensor, WIDTH)))


def shape_text(entry: Entry) -> str:
    """The shape of a tensor, "(4, 2)"."""
    return f"({', '.join(map(str, entry.shape))}{',' if len(entry.shape) == 1 else ''})"


def _dedented(rows: list[str]) -> str:
    """The lines without their common indentation."""
    indent = min((len(row) - len(row.lstrip()) for row in rows if row.strip()), default=0)
    return "\n".join(row[indent:] for row in rows)
