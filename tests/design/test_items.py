"""One file for each item, one test for each item, and nothing else to do."""

import dataclasses
import inspect
from pathlib import Path
from typing import ClassVar, get_origin

from fivestep.find import SINGULAR, find, names
from tests.design.source import FILES, REPOSITORY, ROOT, functions

TESTS = REPOSITORY / "tests"
ITEMS = [(family, name) for family in SINGULAR for name in names(family)]
DATA = {"activations", "inits", "layers", "losses", "optim", "schedules"}


def test_every_item_has_a_test_file_of_its_own() -> None:
    due = [TESTS / family / f"test_{name}.py" for family, name in ITEMS]
    missing = [str(path.relative_to(REPOSITORY)) for path in due if not path.exists()]
    assert not missing, f"write what is only true of these items, or worked by hand, into {', '.join(missing)}"


def test_every_item_is_named_after_its_file() -> None:
    found = {item: find(*item).__name__ for item in ITEMS if item[0] != "engines"}
    other = [f"{own} in {'/'.join(item)}.py" for item, own in found.items() if squeezed(own) != squeezed(item[1])]
    assert not other, f"name a class like its file, as RMSNorm in rms_norm.py, which {', '.join(other)} is not"


def squeezed(name: str) -> str:
    return name.replace("_", "").lower()


def is_frozen_data(item: type) -> bool:
    return dataclasses.is_dataclass(item) and item.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_the_items_of_a_network_and_a_plan_are_frozen_data() -> None:
    others = ["/".join(item) + ".py" for item in ITEMS if item[0] in DATA and not is_frozen_data(find(*item))]
    assert not others, f"write @dataclass(frozen=True) above the class in {', '.join(others)}"


def declared(item: type) -> set[str]:
    """The class variables that a class of ours above it declares and leaves to the item."""
    ours = [base for base in item.__mro__[1:] if base.__module__.startswith("fivestep.")]
    return {name for base in ours for name, kind in vars(base).get("__annotations__", {}).items() if is_for_class(kind)}


def is_for_class(kind: object) -> bool:
    return get_origin(kind) is ClassVar


def test_every_item_sets_what_its_base_leaves_to_it() -> None:
    classes = {"/".join(item): found for item in ITEMS if isinstance(found := find(*item), type)}
    unset = [
        f"{name} in {place}.py"
        for place, item in classes.items()
        for name in sorted(declared(item))
        if inspect.getattr_static(item, name, None) is None
    ]
    assert not unset, f"set {', '.join(unset)}: _base.py says what it means"


def has_its_test(path: Path) -> bool:
    """The package's own file has the tests of its public names."""
    return (TESTS / f"test_{'public_names' if path.stem.startswith('__') else path.stem}.py").exists()


def test_every_file_at_the_top_has_a_test_file_of_its_own() -> None:
    assert [path.name for path in FILES if path.parent == ROOT and functions(path) and not has_its_test(path)] == []
