"""The public names, what it costs to import them, and that each is explained."""

import ast
import doctest
import importlib
import subprocess
import sys

import pytest

import fivestep
from tests.design.source import FILES, MODULES, ROOT, functions, short, tree

HEAVY = ("torch", "numpy", "matplotlib", "sklearn", "scipy", "numba", "polars", "pandas")


def loaded_by(statement: str, *heavy: str) -> list[str]:
    """Which of the heavy packages a fresh process has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*[name for name in {heavy} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def names_for_type_checkers() -> dict[str, str]:
    """The names in the `if TYPE_CHECKING` block, each with the module that it comes from."""
    blocks = [node for node in tree(ROOT / "__init__.py").body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: node.module or "" for node in imports for alias in node.names}


def test_every_public_name_can_be_imported() -> None:
    homes = {name: getattr(fivestep, name).__module__ for name in fivestep.__all__}
    assert {name: home for name, home in homes.items() if not home.startswith("fivestep.")} == {}


def test_type_checkers_see_the_names_that_are_there() -> None:
    assert names_for_type_checkers() == fivestep._HOME


def test_the_public_names_are_in_alphabetical_order_and_listed_by_dir() -> None:
    assert list(fivestep.__all__) == sorted(fivestep.__all__)
    assert set(fivestep.__all__) <= set(dir(fivestep))


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import fivestep", HEAVY),
        ("from fivestep import MLP, TrainPlan, Choice, InputError", HEAVY),
        ("import fivestep.net, fivestep.plan, fivestep.find, fivestep.check, fivestep.group", HEAVY),
        ("import fivestep.cli._app", HEAVY),
        ("import fivestep.engines.scratch, fivestep.train", ("matplotlib", "sklearn", "numba", "polars")),
    ],
    ids=["package", "names", "specs", "command line", "engine"],
)
def test_importing_loads_nothing_heavy(statement: str, heavy: tuple[str, ...]) -> None:
    assert loaded_by(statement, *heavy) == []


def test_every_file_says_what_it_is() -> None:
    assert [short(path) for path in FILES if not ast.get_docstring(tree(path))] == []


def test_every_public_class_and_function_is_explained() -> None:
    public = {
        (short(path), node.name): ast.get_docstring(node)
        for path in FILES
        for node in tree(path).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    }
    assert [name for name, text in public.items() if not text] == []


def test_every_abstract_method_says_what_it_promises() -> None:
    promises = {
        (short(path), method.name): ast.get_docstring(method)
        for path in FILES
        for method in functions(path)
        if "abstractmethod" in map(ast.unparse, method.decorator_list)
    }
    assert [name for name, text in promises.items() if not text] == []


def test_every_example_in_a_docstring_runs() -> None:
    found = {name: doctest.testmod(importlib.import_module(name)) for name in MODULES}
    assert [name for name, of in found.items() if of.failed] == []
    assert sum(of.attempted for of in found.values()) > 10


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "py.typed").exists()
