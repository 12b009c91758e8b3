"""What each unit of the first layer looks for, as an image."""

import numpy as np
from matplotlib.figure import Figure

from ._images import image_grid
from ._style import Canvas

IN_A_ROW = 8


def weight_images(weights: np.ndarray, names: list[str], title: str = "", *, dark: bool = False) -> Figure:
    """One image for each unit, (K, H, W), on one scale for all: zero is the ground, its sign is the color."""
    largest = float(np.abs(weights).max()) or 1.0
    colors = Canvas(dark=dark).diverging()
    rows = -(-len(weights) // IN_A_ROW)
    columns = -(-len(weights) // rows)  # ten are two rows of five
    canvas = image_grid(weights, names, title, columns=columns, dark=dark, cmap=colors, vmin=-largest, vmax=largest)
    canvas.colorbar(canvas.figure.axes[0].images[0], canvas.figure.axes, "weight")
    return canvas.figure
