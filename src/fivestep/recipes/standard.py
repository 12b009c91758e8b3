"""Sensible settings for a table of numbers, whatever their scales."""

from collections.abc import Mapping
from typing import Any, final

from ..find import Choice
from ..net import NetSpec
from ..plan import TrainPlan
from ._base import Facts, Preparation, Recipe
from .plain import Plain

ENOUGH_ROWS = 500
"""Rows from which a tenth of them tells reliably enough when to stop."""

TOO_FEW_TO_DROP = 100
"""Rows below which nothing is dropped: every draw would show, and a row of weight 2 is then exactly two rows."""

RATES = {"sgd": 0.05, "lion": 3e-4}
"""Learning rates of the update rules that need another one than Adam's relatives."""

FEW_ROWS = 2000
"""Rows up to which float64 is no slower than float32: the time goes into calls, not into numbers."""


@final
class Standard(Recipe):
    """Scaled inputs and targets, two layers of 128, dropout, AdamW on a cosine, the best epoch by validation."""

    optimizer = "adamw"
    scales = True

    def prepare(self, model: str, settings: Mapping[str, Any], facts: Facts | None = None) -> tuple[NetSpec, TrainPlan]:
        rule = Choice.parse(settings.get("optimizer", self.optimizer))
        given = {"optimizer": rule, "lr": RATES.get(rule.name, 3e-3), "epochs": 100, "schedule": "cosine", **settings}
        if rule.name == "adamw" and "weight_decay" not in rule.options:
            given = {"weight_decay": 0.1, **given}
        if rule.name == "sgd" and "momentum" not in rule.options:
            given = {"momentum": 0.9, **given}
        if model == "mlp":
            dropout = 0.0 if facts is not None and facts.num_rows < TOO_FEW_TO_DROP else 0.2
            given = {"hidden": (128, 128), "activation": "silu", "dropout": dropout, **given}
        if "batch_size" not in given:
            given["batch_size"] = 64 if facts is None else min(_batch_size(facts.num_rows), facts.num_rows)
        return Plain().prepare(model, given)

    def preparation(self, model: str, settings: Mapping[str, Any], facts: Facts) -> Preparation:
        enough = facts.num_rows >= ENOUGH_ROWS
        return Preparation(
            valid_fraction=0.1 if enough else None,
            patience=20,
            doubles=facts.num_rows <= FEW_ROWS,
        )


def _batch_size(num_rows: int) -> int:
    """A power of two that grows with the rows, so that an epoch is 16 steps or more where there are enough."""
    return max(64, min(256, 1 << max(0, num_rows.bit_length() - 5)))
