"""The source of fivestep as the design tests read it: files, trees and classes."""

import ast
import functools
import importlib
import importlib.util
from pathlib import Path

import fivestep

ROOT = Path(fivestep.__file__).parent
REPOSITORY = Path(__file__).parent.parent.parent
FILES = tuple(sorted(ROOT.rglob("*.py")))
MODULES = tuple(
    ".".join(("fivestep", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in FILES
    if path.name != "__main__.py" and (importlib.util.find_spec("triton") or "import triton" not in path.read_text())
)
"""All that can be imported here: kernels need Triton, which comes with torch for CUDA alone."""

assert len(FILES) > 500, "where the design tests look, the package is"
assert len(MODULES) > 500, "and most of it can be imported"


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> list[ast.FunctionDef]:
    """Every function of the file, methods and functions inside functions included."""
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]


@functools.cache
def classes() -> dict[str, type]:
    """Every class of the package by its full name."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(name)
        own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == name]
        found |= {f"{name}.{cls.__qualname__}": cls for cls in own}
    return found
