"""The output of `fivestep explain`: five sections, readable at 80 columns, in color in a terminal only."""

from collections.abc import Sequence
from textwrap import wrap
from typing import final

from rich.console import Console
from rich.text import Text

from ..explain import Block, Entry, Place, Section
from ..explain._html import shape_text
from ..explain._tensors import decimals, is_constant, lines, number, table

WIDEST = 100
"""The most characters in a line: longer ones are hard to read."""

NARROWEST = 40
ENTRY = 4
"""The indentation of a tensor's name."""


@final
class Page:
    """Prints paragraphs, sections and tensors to a console, and the code of each step for the engines `with_code`."""

    def __init__(self, console: Console, with_code: Sequence[str] = ()) -> None:
        self._console, self._with_code = console, with_code
        self._width = max(NARROWEST, min(console.width, WIDEST))

    def paragraph(self, text: str) -> None:
        """A paragraph, followed by an empty line."""
        self._wrapped(text, 0)
        self._line()

    def section(self, section: Section) -> None:
        """One of the five steps."""
        self._line((f"{section.number}  {section.name}", "bold green"))
        self._wrapped(section.text, 3)
        self._places(section.places)
        for block in section.blocks:
            self._line()
            self._block(block)
        self._line()

    def _places(self, places: Sequence[Place]) -> None:
        """The source locations of the step, one line for each engine and item; and the requested engines' code."""
        self._line()
        widest = max((len(place.name) for place in places), default=0)
        rows = [f"   {place.name.ljust(widest)}  {place.file}:{place.line}" for place in places]
        if max(map(len, rows), default=0) > self._width:  # then the file is below the name
            rows = [f"   {place.name}\n     {place.file}:{place.line}" for place in places]
        for line in rows:
            self._line((line, "dim"))
        for place in places:
            if place.name in self._with_code:
                self._line()
                self._line((f"   {place.name}", "bold magenta"))
                for line in place.code.splitlines():
                    self._line((f"   {line}", "magenta"))

    def _block(self, block: Block) -> None:
        self._wrapped(block.title, 2, "bold")
        for text in block.text.splitlines():
            if text.startswith(" ") and "<-" in text:  # a formula, quoted verbatim
                self._line((f"    {text.strip()}", ""))
            elif text.startswith(" "):  # a worked-out sum
                for line in wrap(text.strip(), self._width - ENTRY, subsequent_indent="  "):
                    self._line((f"{' ' * ENTRY}{line}", ""))
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
        """The name with its formula, the shape on the right, and the values below, or a single value beside it."""
        tensor = entry.tensor
        words = (f" = {entry.formula}" if entry.formula else "") + (f", {entry.note}" if entry.note else "")
        if tensor.numel() == 1:
            side = number(tensor.item(), decimals(tensor))
        elif is_constant(tensor):
            side = f"{shape_text(entry)}  all {number(tensor.flatten()[0].item(), decimals(tensor))}"
        else:
            side = shape_text(entry)
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
            self._line((" " * indent + line.replace("\N{NO-BREAK SPACE}", " "), style))

    def _line(self, *parts: tuple[str, str]) -> None:
        self._console.print(Text.assemble(*parts), soft_wrap=True)
