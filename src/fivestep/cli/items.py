"""`fivestep items`."""

import dataclasses
import inspect
import json as json_text
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from textwrap import wrap
from typing import Annotated, Any, NamedTuple

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from ..check import InputError, nearest
from ..find import SINGULAR, Choice, find, option_names, required_options, shown_names

USES = {
    "activations": "--activation {it}",
    "datasets": "fivestep train {it}",
    "engines": "--engine {it}",
    "inits": "--init {it}",
    "layers": "a layer of fs.NetSpec: Choice.parse({it!r})",
    "losses": "--loss {it}",
    "metrics": "--metric {it}",
    "optim": "--optimizer {it}",
    "recipes": "--recipe {it}",
    "schedules": "--schedule {it}",
    "trackers": "--track {it}",
}
"""How an item of each family is selected. Pictures are drawn by their own commands."""

HINT = "Options are written behind a colon, as in adam:eps=1e-6. fivestep items NAME says more of one."
WIDEST = 100

UNBROKEN = "\N{NO-BREAK SPACE}"
"""A character at which a line must not break."""


class Item(NamedTuple):
    """One file of a folder: its name, a one-line description, its options with their defaults, its docstring."""

    family: str
    name: str
    summary: str
    options: Mapping[str, Any]
    text: str

    @property
    def written(self) -> str:
        """Its options as typed, "betas=(0.9, 0.999),eps=1e-08"; dots for a required value."""
        return ", ".join(_written(name, value) for name, value in self.options.items())


def items(name: str | None = None, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List every activation, layer, loss, update rule, ... with its options; or show one, with its formula and source.

    Parameters
    ----------
    name
        A family, such as losses or optimizer, or one of its items, such as huber; without it, everything is listed.
    json
        Print one JSON object.
    """
    families = {word: family for family in USES for word in (family, SINGULAR[family])}
    if name is None or name in families:
        chosen = list(USES) if name is None else [families[name]]
        listed = {family: list(items_of(family)) for family in chosen}
        _print_json(listed) if json else _print_lists(listed)
        return
    same = name.replace("-", "_")
    found = {family: [it for it in items_of(family) if it.name.replace("-", "_") == same] for family in USES}
    found = {family: several for family, several in found.items() if several}
    if not found:
        raise InputError(_unknown(name, families))
    _print_json(found) if json else _print_pages(found)


def items_of(family: str) -> Iterator[Item]:
    """The items of a folder, as described in their files."""
    for name in shown_names(family):
        item = find(family, name)
        summary = (sys.modules[item.__module__].__doc__ or "").strip().partition("\n")[0]
        yield Item(family, name, summary, _options(family, name), inspect.cleandoc(item.__doc__ or ""))


def _options(family: str, name: str) -> dict[str, Any]:
    """The options with their defaults, `...` for a required one; for an engine, its keyword arguments."""
    item = find(family, name)
    if family == "engines":
        parameters = inspect.signature(item).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
    if not dataclasses.is_dataclass(item):
        return {}
    required, fields = required_options(family, name), {field.name: field for field in dataclasses.fields(item)}
    return {key: ... if key in required else _default(fields[key]) for key in option_names(family, name)}


def _default(field: "dataclasses.Field[Any]") -> Any:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


def _written(name: str, value: Any) -> str:
    """One option as in a `Choice`."""
    return f"{name}=..." if value is ... else str(Choice("it", **{name: value})).partition(":")[2]


def _print_lists(listed: Mapping[str, list[Item]]) -> None:
    console = Console(highlight=False)
    for family, several in listed.items():
        console.print(f"{family}, {USES[family].format(it='NAME')}", style="bold green", soft_wrap=True, markup=False)
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column()
        for item in several:
            table.add_row(f"  {item.name}", item.summary)
            if item.options:
                table.add_row("", f"[dim]{_escaped(item.written)}[/dim]")
        console.print(table)
        console.print()
    console.print(HINT, soft_wrap=True)


def _print_pages(found: Mapping[str, list[Item]]) -> None:
    """Prints the full docstring of each item, with its options and how it is selected."""
    console = Console(highlight=False)
    for item in (item for several in found.values() for item in several):
        title = f"{SINGULAR[item.family]} {item.name}: {item.summary}"
        for line in wrap(title, min(console.width, WIDEST), subsequent_indent="  "):
            console.print(line, style="bold green", markup=False, soft_wrap=True)
        for line in _wrapped(item.text, min(console.width, WIDEST)):
            console.print(line, soft_wrap=True, markup=False)
        console.print()
        for line in _option_lines(item, console.width):
            console.print(line, soft_wrap=True, markup=False)
        console.print(f"Use: {USES[item.family].format(it=item.name)}\n", soft_wrap=True, markup=False)


def _option_lines(item: Item, width: int) -> list[str]:
    """The options in lines as wide as the screen, each option in one piece."""
    whole = [_written(name, value).replace(" ", UNBROKEN) for name, value in item.options.items()]
    lines = wrap("Options: " + (", ".join(whole) or "none"), width, subsequent_indent="  ", break_long_words=False)
    return [line.replace(UNBROKEN, " ") for line in lines]


def _wrapped(text: str, width: int) -> Iterator[str]:
    """The lines of a docstring: paragraphs wrapped to the screen, indented formulas verbatim."""
    for is_running, group in groupby(text.splitlines(), lambda line: bool(line) and not line.startswith(" ")):
        lines = list(group)
        running = wrap(" ".join(lines), width, break_on_hyphens=False, break_long_words=False)
        yield from running if is_running else lines


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def _print_json(listed: Mapping[str, list[Item]]) -> None:
    plain = {
        family: {item.name: {"summary": item.summary, "options": item.written, "text": item.text} for item in several}
        for family, several in listed.items()
    }
    print(json_text.dumps(plain))  # noqa: T201


def _unknown(name: str, families: Mapping[str, str]) -> str:
    known = [*families, *(shown for family in USES for shown in shown_names(family))]
    guess = nearest(name, known)
    advice = f"did you mean {guess!r}?" if guess else "fivestep items lists them."
    return f"NAME must be a family ({', '.join(USES)}) or an item of one, got {name!r}; {advice}"
