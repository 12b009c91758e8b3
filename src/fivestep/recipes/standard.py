"""Sensible settings for a table of numbers, whatever their scales."""

from collections.abc import Mapping
from typing import Any, final

from ..net import NetSpec
from ..plan import TrainPlan
from ._base import Facts, Preparation, Recipe
from .plain import Plain

ENOUGH_ROWS = 500
"""Rows from which a tenth of them tells reliably enough when to stop."""

FEW_ROWS = 2000
"""Rows up to which float64 is no slower than float32: the time goes into calls, not into numbers."""


@final
class Standard(Recipe):
    """Scaled inputs and targets, two layers of 128, AdamW on a cosine, the best epoch by validation."""

    optimizer = "adamw"
    scales = True

    def prepare(self, model: str, settings: Mapping[str, Any], facts: Facts | None = None) -> tuple[NetSpec, TrainPlan]:
        given = {"optimizer": "adamw", "lr": 3e-3, "epochs": 100, "schedule": "cosine", **settings}
        if model == "mlp":
            few = facts is not None and facts.num_rows < ENOUGH_ROWS
            given = {"hidden": (128, 128), "activation": "silu", "dropout": 0.0 if few else 0.1, **given}
        if "batch_size" not in given:
            given["batch_size"] = 64 if facts is None else min(_batch_size(facts.num_rows), facts.num_rows)
        return Plain().prepare(model, given)

    def preparation(self, facts: Facts, loss: str) -> Preparation:
        enough = facts.num_rows >= ENOUGH_ROWS
        return Preparation(
            valid_fraction=0.1 if enough else None,
            patience=20,
            doubles=facts.num_rows <= FEW_ROWS,
        )


def _batch_size(num_rows: int) -> int:
    """A power of two that grows with the rows, so that an epoch is 16 steps or more where there are enough."""
    return max(64, min(256, 1 << max(0, num_rows.bit_length() - 5)))
