"""A plane in which the right half belongs to the second class."""

import numpy as np

from fivestep.plots._surface import Surface


def surface(num_classes: int = 2, size: int = 30, num_points: int = 20) -> Surface:
    """Probabilities that depend on x alone, and points on the diagonal, class by class in turn."""
    x, y = np.linspace(-1, 1, size), np.linspace(-2, 2, size)
    centers = np.linspace(-1, 1, num_classes)
    scores = np.exp(-8 * (x[None, :, None] - centers) ** 2) * np.ones((size, 1, 1))
    place = np.linspace(-0.9, 0.9, num_points)
    points = np.column_stack([place, 2 * place])
    return Surface(x, y, scores / scores.sum(-1, keepdims=True), points, np.arange(num_points) % num_classes)
