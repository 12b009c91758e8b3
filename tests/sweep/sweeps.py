"""Small sweeps, and processes that work on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fivestep.sweep import Sweep, SweepPlan, sweep
from fivestep.sweep.attempts import Attempt
from tests.samples import small_plan, three_classes

SPACE: Mapping[str, Any] = {"hidden": [(3,), (5, 4)], "lr": "1e-3:1e1", "activation": ["tanh", "relu"]}
DATA = three_classes(60, valid=40)
PLAN = small_plan(epochs=9)
HOW = SweepPlan(models=24, fleet=8, num_threads=1, engine="scratch", dtype="float64", device="cpu")


def swept(out: Path, how: SweepPlan = HOW, space: Mapping[str, Any] = SPACE, storage: str | None = None) -> Sweep:
    """A small sweep, from where it stands to its end."""
    return sweep(DATA, space, PLAN, how, out=out, storage=storage)


def remains(found: Sweep) -> list[tuple[Any, ...]]:
    """All that a sweep leaves of its networks, without the times; equal if the sweeps are equal to the bit."""
    kept = []
    for one in found.ranking:
        figures = {name: value for name, value in one.figures.items() if name != "seconds"}
        kept.append((one.network, one.state, one.value, dict(one.drawn), dict(one.rungs), figures))
    return kept


def trials(found: Sweep) -> list[Attempt]:
    """Every attempt in the storage of a sweep, the lost ones too."""
    with found.open_ledger("") as ledger:
        return ledger.every_attempt()
