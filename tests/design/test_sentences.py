"""What is said to people about their own input has three parts: what was expected, what came, what to do."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.design.source import FILES, short, tree

MADE = "check.py"
"""The file that makes sentences of their parts, whatever these are."""

KINDS = ("InputError", "StorageError", "DivergenceError")
"""Errors that are one sentence of three parts."""

COMMAND = re.compile(r": [a-z]+ [^:]*$")
"""The end of a sentence that ends with a command to type."""

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
    """The sentences that are written out in full, by file and line."""
    for path in FILES:
        if short(path) == MADE:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
                sentence = text_of(node.args[0])
                if not goes_on(sentence):
                    yield f"{short(path)}:{node.lineno}", sentence


def goes_on(sentence: str) -> bool:
    """Whether it goes on with another sentence, or from one."""
    ends_with_another = sentence.endswith(("{}", COMPLETED)) and not COMMAND.search(sentence)
    return ends_with_another or sentence.startswith(("{}; ", "{} The "))


@pytest.mark.parametrize(("place", "sentence"), [pytest.param(*found, id=found[0]) for found in sentences()])
def test_a_refusal_says_what_was_expected_what_came_and_what_to_do(place: str, sentence: str) -> None:
    expected, _, rest = sentence.partition(" got ")
    assert " must " in expected, place
    assert "; " in rest
    assert sentence.endswith((".", "?")) or COMMAND.search(sentence)
