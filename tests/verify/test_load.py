"""A module from a file, and the sentences where there is none."""

from pathlib import Path

import pytest
from torch import nn

from fivestep.check import InputError
from fivestep.verify import is_file_and_function, load_module

FILE = """
from torch import nn

def make_model():
    return nn.Linear(2, 1)

class Net(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

def broken():
    nothing = {}
    return nothing["weight"]

def text():
    return "a model"

def needs(width):
    return nn.Linear(width, 1)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(FILE)
    return path


def test_a_file_is_told_from_an_engine_with_options() -> None:
    assert is_file_and_function("models/mine.py:make_model")
    assert not is_file_and_function("nn:compile=true")


@pytest.mark.parametrize("name", ["make_model", "Net"])
def test_a_function_or_a_class_makes_the_module(file: Path, name: str) -> None:
    assert isinstance(load_module(f"{file}:{name}"), nn.Linear)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("make_modle", "the function in .*model.py must be one of .*, got 'make_modle'; did you mean 'make_model'?"),
        ("broken", r"model.py:broken must return a module without arguments, got KeyError: 'weight' \(line 13\)"),
        ("needs", r"must return a module without arguments, got TypeError: needs\(\) missing 1 required positional"),
        ("text", "model.py:text must return a torch.nn.Module, got str; return the model"),
        ("", "must name a function, got .*; write .*model.py:make_model"),
    ],
)
def test_a_function_that_makes_none_is_refused(file: Path, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        load_module(f"{file}:{name}")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def make_model(:\n    pass", r"must be a file of Python that runs, got SyntaxError: .* \(line 1\)"),
        (
            "import torch\nimport no_such_package",
            r"got ModuleNotFoundError: No module named 'no_such_package' \(line 2\)",
        ),
    ],
)
def test_a_file_that_does_not_run_is_refused(tmp_path: Path, source: str, sentence: str) -> None:
    (tmp_path / "model.py").write_text(source)
    with pytest.raises(InputError, match=sentence):
        load_module(f"{tmp_path / 'model.py'}:make_model")


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"must name a file that exists, got 'nowhere\.py'; check the path"):
        load_module("nowhere.py:make_model")
