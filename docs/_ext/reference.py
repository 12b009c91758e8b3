"""The reference: the public names, the commands, and every item of every folder, from their docstrings.

A docstring of this project is text with formulas, in which `*` and `|` stand for themselves; here it becomes markup.
"""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import fivestep
from fivestep.cli._app import app as command_line
from fivestep.cli.items import USES, Item, items_of

FOLDER = Path(__file__).parents[1] / "reference"

GROUPS = {
    "Networks and plans": (
        *("NetSpec", "MLP", "LinearRegression", "SoftmaxRegression", "FeedForward", "TrainPlan", "Choice"),
    ),
    "Data": ("Dataset", "Rows", "load_dataset", "folds"),
    "Engines": ("make_engine", "Engine", "to_torch"),
    "The loop": ("train", "steps", "evaluate", "Epoch", "Evaluation", "Step", "lr_range_test"),
    "Runs and fleets": ("fit", "Run", "fit_many", "Member", "sweep", "Sweep", "SweepPlan", "Range"),
    "Estimators": ("MLPClassifier", "MLPRegressor"),
    "Checks": ("diagnose", "Diagnosis", "verify", "verify_all", "Verification", "explain"),
    "Pictures and reports": ("plot", "write_report", "Canvas"),
    "Errors": ("InputError", "DivergenceError"),
}
"""The public names by what they are for; those that stand in no group come last."""

FAMILIES = {**USES, "pictures": "fivestep plot RUN {it}"}

TITLES = {"datasets": "Tasks", "inits": "Initial values", "optim": "Update rules"}
"""Where the word is not that of the folder."""


def as_markup(text: str) -> list[str]:
    """A docstring as lines of reStructuredText: indented formulas as they stand, code between backticks as code."""
    lines: list[str] = []
    for is_indented, several in groupby(text.splitlines(), lambda line: not line or line.startswith(" ")):
        group = list(several)
        if not is_indented:
            lines += marked("\n".join(group)).split("\n")
        elif any(group):
            lines += ["", "::", "", *(f"    {line}" for line in group), ""]
        else:
            lines += group
    return lines


def marked(text: str) -> str:
    """Running text in which nothing is markup but what stands between backticks."""
    parts = re.split(r"`+([^`]+)`+", text)
    escaped = [re.sub(r"([\\*|_<>])", r"\\\1", part) for part in parts[::2]]
    literal = [f"``{' '.join(part.split())}``" for part in parts[1::2]]
    joined = [escaped[0]]
    for code, after in zip(literal, escaped[1:], strict=True):
        joined += [code, rf"\ {after}" if re.match(r"\w", after) else after]
    return "".join(joined)


def convert_docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Called by autodoc for each docstring."""
    lines[:] = as_markup("\n".join(lines).strip("\n"))


def of_public_names() -> str:
    """The page of the names in `fivestep` itself."""
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {**GROUPS, "More": tuple(name for name in fivestep.__all__ if name not in grouped)}
    lines = [*heading("Public names", "="), "What ``import fivestep as fs`` gives.", ""]
    for title, names in groups.items():
        lines += heading(title, "-") if names else []
        for name in names:
            is_class = isinstance(getattr(fivestep, name), type)
            lines += [f".. {'autoclass' if is_class else 'autofunction'}:: fivestep.{name}"]
            lines += ["   :members:"] if is_class else []
            lines += [""]
    return "\n".join(lines)


def of_commands() -> str:
    """The page of the command line, from the help of each command."""
    text = command_line.generate_docs(output_format="rst", include_hidden=False)
    text = re.sub(r"\.\. contents::.*\n(?: +:.*\n)*", "", text)
    text = re.sub(r"^=+\nfivestep\n=+$", "\n".join(heading("Commands", "=")), text, flags=re.MULTILINE)
    return re.sub(r"(?<!`)`([^`\n]+)`(?!`)", r"``\1``", text)


def of_family(family: str) -> str:
    """The page of one folder: each item with its options and its docstring."""
    title = TITLES.get(family, family.capitalize())
    written = marked(f"Asked for by `{FAMILIES[family].format(it='NAME')}`.")
    lines = [*heading(title, "="), f"Each is one file of ``src/fivestep/{family}/``. {written}", ""]
    for item in items_of(family):
        lines += [*heading(item.name, "-"), marked(item.summary), "", *as_markup(item.text), "", *options_of(item), ""]
    return "\n".join(lines)


def options_of(item: Item) -> list[str]:
    """One line that says what can be set."""
    return [f"Options: ``{item.written}``."] if item.options else []


def heading(title: str, underline: str) -> list[str]:
    """A title and the line below it."""
    return [marked(title), underline * (len(title) + 2 * title.count("_")), ""]


def write_pages(app: Sphinx) -> None:
    """Writes the pages of the reference, those that have changed."""
    FOLDER.mkdir(exist_ok=True)
    pages = {"names": of_public_names(), "commands": of_commands()}
    pages |= {family: of_family(family) for family in FAMILIES}
    for name, text in pages.items():
        path = FOLDER / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", convert_docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
