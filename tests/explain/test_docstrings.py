"""What is read from a docstring is what a person would read there."""

from dataclasses import dataclass

from fivestep.explain import _docstrings as docstrings


@dataclass(frozen=True)
class Example:
    """a = max(z, 0) with k = f(1, 2), the sum (a, b), with derivative 1 where z > 0. `slope` bends it. Never said.

        m <- beta m
        w <- w - m

    Nobody et al. 1999, "A title". The gradient is 1.
    """

    slope: float = 1.0


class Classes:
    """l = -log p[y] with y in 0 .. C-1. More."""


class Plain:
    """Gives back what it gets, whatever it is."""


def test_formula_ends_at_the_first_with_or_comma_outside_brackets() -> None:
    assert docstrings.formula(Example()) == "max(z, 0)"


def test_docstring_without_a_formula_gives_none() -> None:
    assert (docstrings.formula(Plain()), docstrings.symbol(Plain())) == ("", "y")


def test_symbol_is_the_left_side_of_the_formula() -> None:
    assert docstrings.symbol(Example()) == "a"


def test_derivative_ends_with_its_sentence() -> None:
    assert docstrings.derivative(Example()) == "1 where z > 0"


def test_rule_tells_of_options_that_are_set() -> None:
    first = "a = max(z, 0) with k = f(1, 2), the sum (a, b), with derivative 1 where z > 0."
    assert docstrings.rule(Example()) == first
    assert docstrings.rule(Example(slope=0.5)) == f"{first} `slope` bends it."


def test_two_dots_do_not_end_a_sentence() -> None:
    assert docstrings.rule(Classes()) == "l = -log p[y] with y in 0 .. C-1."


def test_indented_lines_are_kept_as_they_stand() -> None:
    assert docstrings.indented(Example()) == ["    m <- beta m", "    w <- w - m"]


def test_sentences_about_a_word() -> None:
    assert docstrings.about(Example(), "gradient") == "The gradient is 1."
