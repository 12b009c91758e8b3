"""The loss over a plane through the weights, and the way that training took."""

import numpy as np
from matplotlib.figure import Figure

from ._style import Canvas
from ._terrain import PATH, Terrain, draw_terrain, terrain_scale


def landscape_2d(
    terrain: Terrain,
    path: np.ndarray,
    axis_names: tuple[str, str],
    title: str = "",
    *,
    loss_unit: str = "",
    dark: bool = False,
) -> Figure:
    """Lines of equal loss over the plane w + a d1 + b d2, and the trajectory (T, 2) on it, unless it is empty.

    Li et al. 2018, "Visualizing the loss landscape of neural nets".
    """
    canvas = Canvas(title, dark=dark, height=5.6)
    axes = canvas.axes(x=axis_names[0], y=axis_names[1])
    filled = draw_terrain(axes, terrain)
    terrain_scale(canvas, filled, [axes], f"loss ({loss_unit})" if loss_unit else "loss")
    if len(path):
        axes.plot(path[:, 0], path[:, 1], "-", color="#ffffff", lw=3.6)
        axes.plot(path[:, 0], path[:, 1], "-", color=PATH, lw=1.9, marker="o", ms=4.5, markevery=5, label="training")
        axes.plot(*path[0], "s", color="#ffffff", mec="#000000", ms=9, ls="none", label="start")
    axes.plot(*(path[-1] if len(path) else (0, 0)), "*", color="#ffffff", mec="#000000", ms=16, ls="none", label="end")
    canvas.legend(axes)
    return canvas.figure
