"""What is said to people about their own input has three parts: what was expected, what came, what to do."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.design.source import FILES, short, tree

MADE = "check.py"
"""The file that makes sentences of their parts, whatever these are."""

COMPLETED = "got damaged bytes."
"""The end of a sentence that another one completes: what to do depends on the checkpoint before that one."""


def text_of(node: ast.expr) -> str:
    """A text in the source, with {} for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    return "{}"


def sentences() -> Iterator[tuple[str, str]]:
    """The sentences of all `InputError`s that are written out, by file and line."""
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InputError":
                yield f"{short(path)}:{node.lineno}", text_of(node.args[0])


@pytest.mark.parametrize(("place", "sentence"), [pytest.param(*found, id=found[0]) for found in sentences()])
def test_a_refusal_says_what_was_expected_what_came_and_what_to_do(place: str, sentence: str) -> None:
    goes_on = sentence.endswith(("{}", COMPLETED)) or sentence.startswith("{}; ")  # with, or from, another sentence
    if goes_on or place.startswith(MADE):
        return
    expected, _, rest = sentence.partition(" got ")
    assert " must " in expected
    assert "; " in rest
    assert sentence.endswith((".", "?")) or re.search(r": [a-z]+ [^:]*$", sentence)  # or with a command to type
