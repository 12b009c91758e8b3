"""What `fivestep explain` prints: five sections, readable at 80 columns, with colours in a terminal only."""

from textwrap import wrap
from typing import final

from rich.console import Console
from rich.text import Text

from ..explain import Block, Entry, Section
from ..explain._tensors import decimals, is_constant, lines, number, table

WIDEST = 100
"""Characters in a line at most: longer ones are hard to read."""

NARROWEST = 40
ENTRY = 4
"""Characters before the name of a tensor."""


@final
class Page:
    """Prints paragraphs, sections and tensors to a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = max(NARROWEST, min(console.width, WIDEST))

    def paragraph(self, text: str) -> None:
        """Running text, and an empty line after it."""
        self._wrapped(text, 0)
        self._line()

    def section(self, section: Section) -> None:
        """One of the five steps."""
        self._line((f"{section.number}  {section.name}", "bold green"))
        self._wrapped(section.text, 3)
        for block in section.blocks:
            self._line()
            self._block(block)
        self._line()

    def _block(self, block: Block) -> None:
        self._wrapped(block.title, 2, "bold")
        for text in block.text.splitlines():
            if text.startswith(" "):
                self._line((f"    {text.strip()}", ""))
            else:
                self._wrapped(text, 4, "dim")
        if block.side_by_side:
            columns = {entry.name: entry.tensor for entry in block.entries}
            for line in table(columns, self._width):
                self._line((line, ""))
        else:
            for entry in block.entries:
                self._entry(entry)

    def _entry(self, entry: Entry) -> None:
        """The name with its formula, the shape at the right, and the values below, or beside where there is one."""
        tensor = entry.tensor
        words = (f" = {entry.formula}" if entry.formula else "") + (f", {entry.note}" if entry.note else "")
        if tensor.numel() == 1:
            side = number(tensor.item(), decimals(tensor))
        elif is_constant(tensor):
            side = f"{_shape(entry)}  all {number(tensor.flatten()[0].item(), decimals(tensor))}"
        else:
            side = _shape(entry)
        head = wrap(entry.name + words, self._width - ENTRY - len(side) - 2, subsequent_indent="  ")
        for k, text in enumerate(head):
            name, rest = (entry.name, text.removeprefix(entry.name)) if k == 0 else ("", text)
            padding = " " * (self._width - ENTRY - len(text) - len(side))
            self._line((" " * ENTRY, ""), (name, "cyan"), (rest, ""), *([(padding + side, "dim")] if k == 0 else []))
        if tensor.numel() > 1 and not is_constant(tensor):
            for line in lines(tensor, self._width):
                self._line((line, ""))

    def _wrapped(self, text: str, indent: int, style: str = "") -> None:
        for line in wrap(text, self._width - indent):
            self._line((" " * indent + line, style))

    def _line(self, *parts: tuple[str, str]) -> None:
        self._console.print(Text.assemble(*parts), soft_wrap=True)


def _shape(entry: Entry) -> str:
    return f"({', '.join(map(str, entry.shape))}{',' if len(entry.shape) == 1 else ''})"
