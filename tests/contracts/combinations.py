"""Which items are tried together: each with the reference partners, and a seeded cover of all pairs.

All combinations would be tens of thousands of cases. Almost every fault of a combination shows with one pair, so the
cover holds every pair of levels of every two factors that suit each other, in some sixty combinations.
"""

import functools
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

from fivestep.batches import Batch
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from tests.contracts.cases import Item, items, normal, targets_of

NUM_STEPS = 7
NUM_ROWS = 7
NUM_OUTPUTS = 4
"""Neither rows nor tokens divide evenly among classes, or yes and no: at small weights balanced gradients would cancel
to rounding noise, which Adam divides by its size."""
CLIPS: dict[str, dict[str, float]] = {
    "none": {},
    "norm": {"clip_norm": 0.1},
    "value": {"clip_value": 0.01},
    "both": {"clip_norm": 0.1, "clip_value": 0.05},
}
GROUPS: dict[str, dict[str, Any]] = {
    "one": {},
    "factors": {"lr_factors": {"bias": 2.0, "linear": 0.5}},
    "no decay": {"no_decay": ("bias",)},
}
ROWS = {"table": (6,), "images": (2, 3), "tokens": (3, 6)}
"""The shape of one row; every network here has six inputs."""


@dataclass(frozen=True)
class Combination:
    """One level of every factor. The network is linear(5), activation, layer, linear(5), activation, linear(4)."""

    activation: Item
    layer: Item | None
    loss: Item
    optimizer: Item
    schedule: Item
    init: Item
    clip: str = "none"
    groups: str = "one"
    micro_batch_size: int | None = None
    weighted: bool = False
    rows: str = "table"

    def __str__(self) -> str:
        return "-".join(str(getattr(self, factor.name)) for factor in fields(self))

    @property
    def items(self) -> list[Item]:
        return [level for level in (getattr(self, factor.name) for factor in fields(self)) if isinstance(level, Item)]

    @property
    def suits_its_items(self) -> bool:
        return all(item.case.suits(self) for item in self.items)

    @property
    def tolerance(self) -> float:
        return max(item.case.tolerance for item in self.items)

    def spec(self) -> NetSpec:
        hidden, activation = Choice("linear", out_features=5), self.activation.choice
        middle = () if self.layer is None else (self.layer.choice,)
        layers = (hidden, activation, *middle, hidden, activation, Choice("linear"))
        if self.layer is not None and self.layer.case.layers is not None:
            layers = self.layer.case.layers
        return NetSpec(layers, 6, NUM_OUTPUTS * self.loss.build().outputs_per_target, self.init.choice)

    def plan(self) -> TrainPlan:
        return TrainPlan(
            loss=self.loss.choice,
            optimizer=self.optimizer.choice,
            schedule=self.schedule.choice,
            lr=0.05,
            micro_batch_size=self.micro_batch_size,
            seed=3,
            **CLIPS[self.clip],
            **GROUPS[self.groups],
        )

    def batch(self, step: int, dtype: torch.dtype) -> Batch:
        """The batch of a step, a function of its number; the last one is smaller, as at the end of an epoch."""
        stream = torch.Generator().manual_seed(step)
        num_rows = NUM_ROWS - 2 if step == NUM_STEPS else NUM_ROWS
        draw = normal if self.layer is None or self.layer.case.layers is None else self.layer.case.draw
        x = draw((num_rows, *ROWS[self.rows]), stream)
        y = targets_of(
            self.loss, (num_rows, 3, NUM_OUTPUTS) if self.rows == "tokens" else (num_rows, NUM_OUTPUTS), stream
        )
        weight = torch.rand(num_rows, generator=stream, dtype=torch.float64)
        weight[0] = 0  # a row that does not count
        y = y.to(dtype) if y.is_floating_point() else y
        return Batch(x.to(dtype), y, (weight / weight.sum()).to(dtype) if self.weighted else None)


def reference() -> Combination:
    """The partners beside which each item is tried: smooth, plain, and without anything optional."""
    usual = {"activations": "tanh", "losses": "mse", "optim": "sgd", "schedules": "constant", "inits": "torch"}
    first = {family: next(item for item in items(family) if item.name == name) for family, name in usual.items()}
    return Combination(first["activations"], None, first["losses"], first["optim"], first["schedules"], first["inits"])


def levels() -> dict[str, tuple[Any, ...]]:
    """The levels of every factor, read from the folders."""
    return {
        "activation": items("activations"),
        "layer": (None, *items("layers")),
        "loss": items("losses"),
        "optimizer": items("optim"),
        "schedule": items("schedules"),
        "init": items("inits"),
        "clip": tuple(CLIPS),
        "groups": tuple(GROUPS),
        "micro_batch_size": (None, 2, 4),
        "weighted": (False, True),
        "rows": tuple(ROWS),
    }


def levels_in_pairs() -> dict[str, tuple[Any, ...]]:
    """The levels of every factor that the cover of all pairs takes."""
    return {
        factor: tuple(level for level in choices if not isinstance(level, Item) or level.case.pairs)
        for factor, choices in levels().items()
    }


def one_at_a_time() -> Iterator[Combination]:
    """The reference combination with one factor changed: each level of each factor once."""
    yield reference()
    for factor, choices in levels().items():
        for level in choices:
            changed = replace(reference(), **{factor: level})
            if changed != reference():
                yield changed if changed.suits_its_items else suited(factor, level)


@functools.cache
def pairwise_cover(seed: int = 0) -> tuple[Combination, ...]:
    """Combinations that hold every pair of levels of two factors, found greedily among random candidates."""
    chance, factors = random.Random(seed), levels_in_pairs()
    missing = {
        ((one, i), (other, j))
        for (one, those), (other, these) in itertools.combinations(factors.items(), 2)
        for i in range(len(those))
        for j in range(len(these))
    }
    cover: list[Combination] = []
    while missing:
        pair = min(missing)
        candidates = [candidate for _ in range(40) if (candidate := _candidate(chance, factors, dict(pair)))]
        best = max(candidates, key=lambda numbers: len(missing & _pairs(numbers)), default=None)
        missing -= {pair} if best is None else _pairs(best)  # None: the two do not suit each other
        cover += [] if best is None else [_combination(factors, best)]
    return tuple(cover)


def suited(factor: str, level: Any, seed: int = 0) -> Combination:
    """The first random combination with that level in which every item can work."""
    chance, factors = random.Random(seed), levels()
    numbers = None
    while numbers is None:
        numbers = _candidate(chance, factors, {factor: factors[factor].index(level)})
    return _combination(factors, numbers)


def suit_each_other(**pair: Any) -> bool:
    """Whether two levels, by their factors, can work together beside the reference partners."""
    return replace(reference(), **pair).suits_its_items


def _candidate(
    chance: random.Random, factors: dict[str, tuple[Any, ...]], fixed: dict[str, int]
) -> dict[str, int] | None:
    """A random level for every factor, as numbers, with some fixed; None if the items do not suit each other."""
    numbers = {factor: fixed.get(factor, chance.randrange(len(choices))) for factor, choices in factors.items()}
    return numbers if _combination(factors, numbers).suits_its_items else None


def _combination(factors: dict[str, tuple[Any, ...]], numbers: dict[str, int]) -> Combination:
    return Combination(**{factor: factors[factor][number] for factor, number in numbers.items()})


def _pairs(numbers: dict[str, int]) -> set[tuple[tuple[str, int], tuple[str, int]]]:
    return set(itertools.combinations(numbers.items(), 2))
