"""Successive halving: of the networks at a rung, the best go on.

With the factor eta and E epochs there are two rungs, after E/eta^2 and E/eta epochs. A network goes on from a rung if
it is among the best 1/eta of all that were measured there, in its own fleet and in earlier ones. With eta = 3 a third
of a large fleet, and then a third of that, is trained to the end; a network that is trained by itself is compared with
those before it. Fewer than eta^2 tell too little, and all go on. After Jamieson and Talwalkar 2016, "Non-stochastic
best arm identification and hyperparameter optimization", and, for networks that come one after another, Li et al. 2020,
"A system for massively parallel hyperparameter tuning", algorithm 2.
"""

import math
from collections.abc import Mapping, Sequence

RUNGS = 2
"""How often the networks are pruned: losses in the first hundredth of a training say little about its end."""


def rungs(num_epochs: int, eta: int | None) -> list[int]:
    """The epochs after which networks are compared; none without a factor, or where there are too few epochs."""
    if eta is None:
        return []
    found = [round(num_epochs / eta**power) for power in range(RUNGS, 0, -1)]
    return [epoch for epoch in dict.fromkeys(found) if 1 <= epoch < num_epochs]


def survivors(values: Mapping[int, float], earlier: Sequence[float], eta: int) -> set[int]:
    """The networks that go on from a rung, given their values there (lower is better) and all `earlier` values.

    Ties with the last one go on too, so that nothing depends on the order.
    """
    everyone = sorted([*values.values(), *earlier])
    last = everyone[math.ceil(len(everyone) / eta) - 1] if len(everyone) >= eta**2 else math.inf
    return {network for network, value in values.items() if value <= last and math.isfinite(value)}
