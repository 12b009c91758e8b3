"""Where the values of a divided network's levels are, and their gradients."""

from collections.abc import Sequence

import numpy as np

from .._tables import Array


def level_places(sizes: Sequence[int], *, overwrites: bool) -> tuple[Array, Array]:
    """Where the values and the gradients of each level begin, and at the end of both how much memory there must be.

    `sizes` are those of levels 1 to L; level 0, the inputs, lies elsewhere. If gradients may `overwrite` values, both
    are in the same memory: the gradients of level l are found once nobody needs the values of level l + 1 any more, and
    take their place if they fit. Not those of the last two levels: the logits are nowhere else, and they are needed
    together with the last values.
    """
    values = np.cumsum([0, 0, *sizes])
    if not overwrites:
        return values, values
    gradients, last, end = values.copy(), len(sizes), int(values[-1])
    for level in range(1, last):
        fits = level < last - 1 and sizes[level - 1] <= sizes[level]  # this level's, and the next one's
        gradients[level] = values[level + 1] if fits else end
        end += 0 if fits else sizes[level - 1]
    gradients[-1] = end
    return values, gradients
