"""Values on the command line: strict integers, messages about invalid arguments, and JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from shlex import quote
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from cyclopts import (
    Argument,
    CoercionError,
    MissingArgumentError,
    Token,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    convert,
)

from ..check import nearest

WORDS = {int: "a whole number", float: "a number", bool: "true or false"}


def json_text(values: Mapping[str, Any]) -> str:
    """One JSON object; an infinite loss becomes null, as JSON has no infinity."""
    return json.dumps(_with_nulls(values))


def _with_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_nulls(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def whole(kind: Any, tokens: Sequence[Token]) -> Any:
    """The value of an integer option; raises a `CoercionError` for 1.5, which cyclopts would round."""
    for token in tokens:
        if "." in token.value:
            raise CoercionError(token=token, target_type=kind)
    return convert(kind, tokens)


def misfit(error: CoercionError) -> str:
    """The message about an invalid value: what the option takes, what was given."""
    token = error.token
    if token is None or error.target_type is None:
        return str(error).rstrip(".")
    takes_several = error.argument is not None and error.argument.parameter.consume_multiple
    words = " ".join(token.value.split(","))
    advice = f"; write several as {token.keyword} {words}" if takes_several and words != token.value else ""
    return f"{token.keyword or 'the argument'} must be {_words(error.target_type)}, got {token.value!r}{advice}"


def lacking(error: MissingArgumentError) -> str:
    """The message about a missing argument, or an option without its value."""
    tokens = error.argument.tokens if error.argument is not None else ()
    keyword = error.keyword or next((token.keyword for token in reversed(tokens) if token.keyword), None)
    if keyword is not None:
        return f"{keyword} must have a value behind it, got none"
    return f"{error.argument.name if error.argument is not None else 'the argument'} must be given, got nothing"


def unknown_option(error: UnknownOptionError, read_on: str) -> str:
    """The message about an option that the command does not have, with the one that was probably meant."""
    option = (error.token.keyword or error.token.value).partition("=")[0]
    if option == "-":
        return "a file must be one on a disk, got '-' for standard input; write what comes out of it to a file first."
    known = [name for argument in error.argument_collection if argument.parse for name in argument.names]
    guess = nearest(option.lstrip("-"), [name.removeprefix("--") for name in known if name.startswith("--")])
    command = " ".join(["fivestep", *(error.command_chain or ())])
    advice = f"did you mean --{guess}?" if guess else _as_value(error, option) or f"see {read_on}."
    return f"an option must be one that {command} has, got {option!r}; {advice}"


def _as_value(error: UnknownOptionError, word: str) -> str | None:
    """How to write a word with one hyphen as the value of the option before it, such as a range from below zero."""
    tokens = list(error.root_input_tokens or ())
    before = tokens[: tokens.index(word)] if word in tokens and not word.startswith("--") else []
    option = next((token for token in reversed(before) if token.startswith("--")), None)
    return option and f"as the value of {option}, write {option}={quote(word)}."


def unknown_command(error: UnknownCommandError, known: Sequence[str]) -> str:
    """The message about an unknown command, with the one that was probably meant."""
    word = next(iter(error.unused_tokens or ()), "")
    guess = nearest(word, known)
    advice = f"did you mean fivestep {guess}?" if guess else "see fivestep --help."
    return f"the first word must be a command ({', '.join(known)}), got {word!r}; {advice}"


def surplus(error: UnusedCliTokensError) -> str:
    """The message about surplus arguments."""
    words = " ".join(error.unused_tokens or ())
    option = _option_before(error.root_input_tokens or [], error.unused_tokens or [])
    after = f" after {option}, which takes one value" if option else ""
    is_file = not option and any(Path(word).is_file() for word in error.unused_tokens or ())
    advice = "leave them out" + ", or quote a pattern of several files, with --stream" * is_file
    advice = _repeated(error) or advice
    return f"the command must be written without further words, got {words!r}{after}; {advice}"


def _repeated(error: UnusedCliTokensError) -> str | None:
    """The advice if several values follow an option that must be repeated instead, none of them a file."""
    tokens, known = error.root_input_tokens or [], () if error.app is None else error.app.assemble_argument_collection()
    repeated = {name for one in known if _is_repeated(one) for name in one.names}
    for place, option in enumerate(tokens):
        behind = takewhile(lambda word: not word.startswith("-"), tokens[place + 1 :] if option in repeated else ())
        values = [word for word in behind if not Path(word).is_file()]
        if len(values) > 1:
            return f"write several as {' '.join(f'{option} {quote(value)}' for value in values)}"
    return None


def _is_repeated(argument: Argument) -> bool:
    """Whether an option takes one value each time it is given."""
    return get_origin(argument.hint) is tuple and not argument.parameter.consume_multiple


def _option_before(tokens: Sequence[str], words: Sequence[str]) -> str | None:
    """The option whose single value is directly before the surplus arguments."""
    for place in range(2, len(tokens) - len(words) + 1):
        option, value = tokens[place - 2 : place]
        if list(tokens[place : place + len(words)]) == list(words) and option.startswith("--") and "=" not in option:
            return None if value.startswith("-") else option
    return None


def _words(kind: Any) -> str:
    """A type in words: "a whole number or full" for `int | Literal["full"] | None`."""
    if kind in WORDS:
        return WORDS[kind]
    if get_origin(kind) is tuple:
        return _words(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return " or ".join(str(value) for value in get_args(kind))
    parts = [part for part in get_args(kind) if part is not NoneType]
    return " or ".join(_words(part) for part in parts) if parts else str(getattr(kind, "__name__", kind))
