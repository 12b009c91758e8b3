"""Findings in the network: identical units, units without gradient, gradients that vanish or explode with depth."""

from collections.abc import Iterator

from ._evidence import Evidence, num_different
from ._finding import Finding, figure

HALF = 0.5
"""The share of a layer's units from which dead units are reported."""

MOSTLY = 0.9
"""The share of flat values from which a layer counts as saturated; for ReLU, half are flat."""

FAR = 1e3
"""The factor between the gradients of the first and the last matrix from which depth is the problem."""

WILD = 10.0
"""The largest usual ratio of the first loss to that of a constant answer."""


def in_network(evidence: Evidence) -> Iterator[Finding]:
    """Findings in the network, at the start or the end of its training."""
    yield from _alike(evidence)
    yield from _lost_units(evidence)
    yield from _with_depth(evidence)
    if evidence.constant > 0 and evidence.first_loss > WILD * evidence.constant:
        yield Finding(
            "wild start",
            f"The loss before the first step is {figure(evidence.first_loss)}; the best constant answer has "
            f"{figure(evidence.constant)}.",
            "The outputs begin too large: look at the sizes of x and y, and at the initialization.",
        )


def _alike(evidence: Evidence) -> Iterator[Finding]:
    matrices = [(name, w) for name, w in evidence.subject.engine.named_parameters().items() if w.dim() == 2]
    for name, w in matrices[:-1]:
        if len(w) > 1 and (number := num_different(w)) <= HALF * len(w):
            yield Finding(
                "units alike",
                f"The {len(w)} units of {name} have {number} different {'row' if number == 1 else 'rows'} of weights: "
                f"units that are alike get the same gradient, and stay so.",
                "Units must begin different from each other: choose another --init, such as kaiming.",
            )


def _lost_units(evidence: Evidence) -> Iterator[Finding]:
    for before, after in zip(evidence.looks_at_start, evidence.looks_at_end, strict=True):
        layer = f"layer {after.number} ({after.name})"
        if after.num_dead >= HALF * after.num_units:
            began = before.num_dead >= HALF * before.num_units
            yield Finding(
                "dead units",
                f"In {layer}, {after.num_dead} of {after.num_units} units are flat for every row that was looked at: "
                f"no gradient passes them. At the start there were {before.num_dead}.",
                "The initialization or the size of x puts them there."
                if began
                else "Steps were too large: lower the learning rate. leaky_relu, silu and gelu cannot die so.",
            )
        elif before.flat_share >= MOSTLY:
            yield Finding(
                "saturated start",
                f"Before the first step, {before.flat_share:.0%} of the numbers of {layer} lie where it is flat, and "
                f"its gradient is near 0.",
                "Standardize x, or take smaller initial weights, such as --init xavier.",
            )


def _with_depth(evidence: Evidence) -> Iterator[Finding]:
    sizes = list(evidence.gradients_at_start.items())
    if len(sizes) < 3 or not all(size > 0 for _, size in sizes):
        return
    (first, low), (last, high) = sizes[0], sizes[-1]
    seen = f"Before the first step, the gradient of {first} is {figure(low)} per weight, that of {last} {figure(high)}"
    if low * FAR < high:
        yield Finding(
            "vanishing gradient",
            f"{seen}: it fades on its way down, and the first layers hardly learn.",
            "relu or gelu with --init kaiming, layer normalization, residual blocks, or fewer layers keep its size.",
        )
    elif max(size for _, size in sizes) > FAR * max(1.0, evidence.constant):
        yield Finding(
            "exploding gradient",
            f"{seen}: it grows from layer to layer, and any step is too large for some of them.",
            "Smaller initial weights, such as --init kaiming, or layer normalization keep its size.",
        )
