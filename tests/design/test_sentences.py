"""What is said to people about their own input has three parts: what was expected, what came, what to do."""

import ast
import re

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


def sentences() -> dict[str, str]:
    """The sentences that are written out in full, by file and line."""
    calls = {
        f"{short(path)}:{node.lineno}": text_of(node.args[0])
        for path in FILES
        if short(path) != MADE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS
    }
    return {place: sentence for place, sentence in calls.items() if not goes_on(sentence)}


def goes_on(sentence: str) -> bool:
    """Whether it goes on with another sentence, or from one."""
    ends_with_another = sentence.endswith(("{}", COMPLETED)) and not COMMAND.search(sentence)
    return ends_with_another or sentence.startswith(("{}; ", "{} The "))


def has_three_parts(sentence: str) -> bool:
    expected, _, rest = sentence.partition(" got ")
    ends = sentence.endswith((".", "?")) or COMMAND.search(sentence) is not None
    return " must " in expected and "; " in rest and ends


def test_a_refusal_says_what_was_expected_what_came_and_what_to_do() -> None:
    """One test for all: as one for each, every worker would read all files before its first test."""
    found = sentences()
    assert {place: sentence for place, sentence in found.items() if not has_three_parts(sentence)} == {}
    assert len(found) > 200


@pytest.mark.parametrize(
    ("sentence", "is_right"),
    [
        ("'x' must be 1, got {}; write 1.", True),
        ("'x' must be 1, got {}; run fivestep train: fivestep train moons", True),
        ("'x' must be 1, got {}; write 1", False),
        ("'x' must be 1, got {}.", False),
        ("'x' is wrong, got {}; write 1.", False),
        ("'x' must be 1; write 1.", False),
    ],
)
def test_a_sentence_without_a_part_is_noticed(sentence: str, is_right: bool) -> None:
    assert has_three_parts(sentence) == is_right


def test_warnings_point_at_the_callers_line() -> None:
    """`check.warn` finds that line; `warnings.warn` would point inside the package."""
    calls = {
        f"{short(path)}:{node.lineno}"
        for path in FILES
        if short(path) != MADE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn"
    }
    assert calls == set()
