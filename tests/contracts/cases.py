"""The items of every family as test cases, read from the folders: nothing here names an item.

An item is tested as `Choice(name)` in the usual surroundings. One that needs options, other inputs or other partners
says so in its own test file, `tests/<family>/test_<name>.py`:

    CASES = [Case(), Case({"momentum": 0.9}), Case({"momentum": 0.9, "nesterov": True})]

Each case is an item of the contracts. A field of `Case` that one new item needs is added here, with a default that
suits all others.
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from fivestep.find import Choice, build, names
from tests.tolerances import ENGINES_FLOAT64

if TYPE_CHECKING:
    from tests.contracts.combinations import Combination

TESTS = Path(__file__).parent.parent


def normal(shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
    """Standard normal numbers in float64: the usual inputs of a layer."""
    return torch.randn(shape, generator=stream, dtype=torch.float64)


def always(_combination: "Combination") -> bool:
    """An item that works with every partner."""
    return True


@dataclass(frozen=True)
class Case:
    """One way to make an item, and what the contracts must know where the usual does not suit it."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Constructor options."""

    batches: tuple[tuple[int, ...], ...] = ((6, 5), (1, 5), (6, 3, 5))
    """Layers and activations: the shapes of x to try, a table, a single row, and tokens (N, T, d)."""

    draw: Callable[[tuple[int, ...], torch.Generator], Tensor] = normal
    """Layers and activations: draws an x of a given shape, for an item that does not take every number."""

    targets: Callable[[tuple[int, ...], torch.Generator], Tensor] | None = None
    """Losses: draws targets for logits of a given shape, where the usual ones of its `target` do not suit it."""

    extremes: tuple[float, ...] = (200.0, -200.0, 1e4)
    """Losses: logits as large as these must give finite numbers, in float32 too."""

    suits: "Callable[[Combination], bool]" = always
    """Whether the item can work in a combination; one that cannot is replaced by another with the same pairs."""

    layers: tuple[Choice, ...] | None = None
    """Layers: the whole network, for an item that cannot stand between two linear layers."""

    pairs: bool = True
    """Whether it enters the cover of all pairs; another set of options of the same item seldom needs to."""

    tolerance: float = ENGINES_FLOAT64
    """Between engines after seven steps in float64, for an item whose arithmetic amplifies rounding."""

    float32: bool = True
    """Whether engines agree in float32 too; an item that branches on differences of rounding does not."""


@dataclass(frozen=True, eq=False)
class Item:
    """One case of one item of a family."""

    family: str
    name: str
    case: Case

    @property
    def choice(self) -> Choice:
        return Choice(self.name, **self.case.options)

    def build(self) -> Any:
        return build(self.family, self.choice)

    def __str__(self) -> str:
        return str(self.choice)


@functools.cache
def items(family: str) -> tuple[Item, ...]:
    """Every case of every item of a family."""
    return tuple(Item(family, name, case) for name in names(family) for case in cases_of(family, name))


def cases_of(family: str, name: str) -> list[Case]:
    """The `CASES` of the item's test file, or the item without options."""
    if not (TESTS / family / f"test_{name}.py").exists():
        return [Case()]
    return getattr(importlib.import_module(f"tests.{family}.test_{name}"), "CASES", [Case()])


def over(*families: str) -> pytest.MarkDecorator:
    """Runs a test once for each item of the families."""
    return pytest.mark.parametrize("item", [pytest.param(item, id=str(item)) for f in families for item in items(f)])


def targets_of(item: Item, shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
    """Targets that suit a loss, for logits of that shape."""
    if item.case.targets is not None:
        return item.case.targets(shape, stream)
    usual = {
        "classes": lambda: torch.randint(0, shape[-1], shape[:-1], generator=stream),
        "yes_no": lambda: torch.randint(0, 2, shape, generator=stream).double(),
        "numbers": lambda: normal(shape, stream),
    }
    return usual[item.build().target]()
