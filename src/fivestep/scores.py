"""How good a network is on rows of its table: errors are in the units of the targets, and given for each target."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import NamedTuple, final

from .datasets._base import Part
from .epoch import Evaluation
from .evaluation import evaluate
from .metrics._base import build_metrics
from .metrics._of_output import OfOutput
from .run import Run
from .table.words import in_words, readable

USUAL = {"numbers": ("rmse", "r2"), "yes_no": ("accuracy", "subset_accuracy")}
"""The default metrics for a table, beside the loss."""

IN_UNITS = ("rmse", "mae")
"""The metrics that have the unit of the target."""


@final
class Measured(NamedTuple):
    """What was measured on some rows; for a table with several targets, also the metrics of each by its name."""

    whole: Evaluation
    of_targets: Mapping[str, Mapping[str, float]] = MappingProxyType({})

    def figures(self) -> dict[str, float | None]:
        """All figures by name."""
        each = {_joined(name, of): value for of, found in self.of_targets.items() for name, value in found.items()}
        return {**self.whole.figures(), **each}

    def by_target(self) -> tuple[list[str], list[list[str]]]:
        """For several targets, a table of texts: the names of the metrics, and a row for each target."""
        names = list(next(iter(self.of_targets.values()), {}))
        return names, [[of, *(written(name, found[name]) for name in names)] for of, found in self.of_targets.items()]

    def of_means(self) -> str:
        """A sentence that says which metrics are means over several targets."""
        names, _ = self.by_target()
        what = "is the mean over the targets" if len(names) == 1 else "are means over the targets"
        return f"{in_words(names)} above {what}{', whatever their units' * any(one in IN_UNITS for one in names)}."


def written(metric: str, value: float | None) -> str:
    """A figure as text: formatted like the target where it has its units, else with four decimals."""
    if value is None:
        return ""
    return readable(value) if metric in IN_UNITS else f"{value:.4f}"


def measured(run: Run, rows: Part, metrics: Sequence[str] | None = None) -> Measured:
    """Loss, accuracy and metrics of some rows; for a table, errors are in the units of its targets, with R^2.

    For several targets, there are the metrics of each and their mean.
    """
    targets = run.encoder.targets if run.encoder is not None and "table" in run.info else None
    kind = run.engine.criterion.target
    if targets is None or not (targets.are_several or kind == "numbers"):
        return Measured(evaluate(run.engine, rows, metrics))
    usual = [name for name in USUAL[kind] if name != "r2" or len(rows) > 1]  # of one row there is no deviation
    chosen = build_metrics(metrics or dict.fromkeys([*run.plan.metrics, *usual]).keys(), kind)
    averaged = {name: metric for name, metric in chosen.items() if metric.averages_outputs}
    each = {
        _joined(name, of): OfOutput(metric, place)
        for name, metric in averaged.items()
        for place, of in enumerate(targets.names)
    }
    others = {name: metric for name, metric in chosen.items() if name not in averaged}
    found = evaluate(run.engine, rows, {**others, **each})
    of_targets = {
        of: {name: found.metrics[_joined(name, of)] * (unit if name in IN_UNITS else 1.0) for name in averaged}
        for of, unit in targets.units.items()
    }
    means = {name: fmean(of[name] for of in of_targets.values()) for name in averaged}
    together = {name: means[name] if name in means else found.metrics[name] for name in chosen}
    return Measured(found._replace(metrics=together), of_targets if targets.are_several else {})


def _joined(metric: str, target: str) -> str:
    return f"{metric}_{target}"
