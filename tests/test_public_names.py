import importlib
import subprocess
import sys
from types import ModuleType

import pytest

import fivestep as fs


@pytest.mark.parametrize("name", fs.__all__)
def test_a_public_name_is_the_item_and_not_its_file(name: str) -> None:
    assert not isinstance(getattr(fs, name), ModuleType)


@pytest.mark.parametrize("name", ["train", "steps"])
def test_importing_a_file_leaves_the_function_of_the_same_name_in_place(name: str) -> None:
    code = f"import fivestep.{name}, fivestep as fs; print(type(fs.{name}).__name__)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "function"


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = importlib.import_module("fivestep").trian
