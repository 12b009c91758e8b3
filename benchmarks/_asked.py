"""The command line of a benchmark: `--help` answers with its docstring, and a word that it does not know is refused."""

import argparse
from collections.abc import Collection


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """Answers `--help` with what the benchmark says of itself, and takes nothing yet."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def number_asked(doc: str | None, name: str, default: int) -> int:
    """The only thing that the command line may say: how many rounds, processes or splits."""
    parser = parser_of(doc)
    parser.add_argument("number", metavar=name, nargs="?", type=count, default=default, help=f"{default} by default")
    number: int = parser.parse_args().number
    return number


def words_asked(doc: str | None, name: str, known: Collection[str] | None = None) -> tuple[list[int], list[str]]:
    """Numbers, and words, of those that are `known` or any, in whatever order they come."""
    parser = parser_of(doc)
    parser.add_argument("words", metavar=name, nargs="*", type=_number_or_word, help="as above")
    words: list[int | str] = parser.parse_args().words
    numbers = [word for word in words if isinstance(word, int)]
    rest = [word for word in words if isinstance(word, str)]
    if known is not None and (unknown := sorted({*rest} - {*known})):
        wanted = f"a number or one of {', '.join(known)}" if known else "a number"
        parser.error(f"{name} must be {wanted}, got {', '.join(unknown)}")
    return numbers, rest


def count(word: str) -> int:
    """A whole number of at least 1."""
    if not word.isdigit() or not int(word):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {word}")
    return int(word)


def _number_or_word(word: str) -> int | str:
    return count(word) if word.isdigit() else word
