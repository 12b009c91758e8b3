"""An item's description from its docstring: the formula is written there once, and `fivestep explain` reads it.

By convention the docstring of an item begins with its formula (`a = tanh(z), in (-1, 1), with derivative 1 - a^2.`),
and longer ones are indented below. So a new item explains itself.
"""

import dataclasses
import inspect
import re

SENTENCE_END = re.compile(r"(?<=\.)(?<!al\.)(?<!\.\.)\s+(?=[A-Z`])")
OPENING, CLOSING = "([{", ")]}"


def rule(item: object) -> str:
    """The first sentence, and those about each option that is set."""
    first, *others = _sentences(item)
    return " ".join([first, *(text for text in others if any(f"`{name}`" in text for name in options_set(item)))])


def claim(item: object) -> str:
    """The first sentence."""
    return _sentences(item)[0]


def indented(item: object) -> list[str]:
    """The lines of the indented formulas."""
    return [line for line in _lines(item) if line.startswith(" ")]


def symbol(item: object, default: str = "y") -> str:
    """The symbol of the item's output: "z" if its docstring begins with "z = ..."."""
    found = re.match(r"([az]) = ", _sentences(item)[0])
    return found[1] if found else default


def formula(item: object) -> str:
    """The right-hand side of the formula at the docstring's beginning, up to the first comma, or nothing."""
    first = _sentences(item)[0]
    return _clause(first.partition(" = ")[2]) if re.match(r"\w = ", first) else ""


def derivative(item: object) -> str:
    """The derivative after "with derivative ..." or "Derivative: ..." in the docstring, or nothing."""
    text = " ".join(_sentences(item))
    found = re.search(r"(?:with derivative|Derivative:) (.*?)(?:;|\.(?:\s|$)|$)", text)
    return found[1] if found else ""


def about(item: object, word: str) -> str:
    """The sentences that contain a word."""
    return " ".join(text for text in _sentences(item) if word in text.lower())


def options_set(item: object) -> list[str]:
    """The options that differ from their defaults."""
    fields = dataclasses.fields(item) if dataclasses.is_dataclass(item) else ()
    return [field.name for field in fields if getattr(item, field.name) != field.default]


def _clause(text: str) -> str:
    """The text up to the first comma, semicolon, colon, full stop or "with" outside brackets."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in OPENING) - (letter in CLOSING)
        if depth == 0 and re.match(r"[,;:.](\s|$)| with ", text[place:]):
            return text[:place]
    return text


def _sentences(item: object) -> list[str]:
    """The sentences of the running text, without line breaks and indented formulas."""
    lines = [line for line in _lines(item) if not line.startswith(" ")]
    text = re.sub(r"\s+", " ", " ".join(lines)).strip()
    return SENTENCE_END.split(text)


def _lines(item: object) -> list[str]:
    return inspect.cleandoc(type(item).__doc__ or "").splitlines()
