"""A bowl with its lowest place at (1, 0)."""

import numpy as np

from fivestep.plots._terrain import Terrain


def terrain(height: float = 0.5) -> Terrain:
    x, y = np.linspace(-2, 3, 21), np.linspace(-1, 1, 11)
    return Terrain(x, y, height + (x[None, :] - 1) ** 2 + y[:, None] ** 2)
