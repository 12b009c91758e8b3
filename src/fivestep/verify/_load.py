"""A module from a user's file: FILE.py:make_model."""

import importlib.util
import traceback
from pathlib import Path
from typing import Any

from torch import nn

from ..check import InputError, one_of


def is_file_and_function(text: str) -> bool:
    """Whether a text is FILE.py:FUNCTION rather than an engine with options."""
    return text.partition(":")[0].endswith(".py")


def load_module(text: str) -> nn.Module:
    """What FUNCTION of FILE.py returns: an `nn.Module`, or the class of one that needs no arguments.

    Runs the file, as `python FILE.py` would, under another name than "__main__". Raises an `InputError` if there is no
    such file or function, if one of the two raises an error, or if the result is something else.
    """
    path_text, _, name = text.partition(":")
    path = Path(path_text)
    if not path.is_file():
        raise InputError(f"FILE.py:FUNCTION must name a file that exists, got {path_text!r}; check the path.")
    if not name:
        raise InputError(f"FILE.py:FUNCTION must name a function, got {text!r}; write {path_text}:make_model.")
    found = _run(path)
    public = [key for key, value in found.items() if callable(value) and not key.startswith("_")]
    make = found[one_of(f"the function in {path_text}", name, public)]
    try:
        module = make()
    except Exception as error:
        raise InputError(f"{text} must return a module without arguments, got {_told(error, path)}; fix it.") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"{text} must return a torch.nn.Module, got {type(module).__name__}; return the model.")
    return module


def _run(path: Path) -> dict[str, Any]:
    """The namespace of the file after running it."""
    spec = importlib.util.spec_from_file_location("module_to_verify", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path} must be a file of Python that runs, got {_told(error, path)}; fix it.") from error
    return vars(module)


def _told(error: Exception, path: Path) -> str:
    """The error as text, with the last line of the file that was reached."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == path.name
    ]
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    text = str(error.msg if isinstance(error, SyntaxError) else error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {text[0].rstrip('.')}{'' if line is None else f' (line {line})'}"
