"""The ways that batch, mini-batch and stochastic descent take on one landscape."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ._style import Canvas
from ._terrain import PATH, Terrain, draw_terrain, terrain_scale


def paths(
    terrain: Terrain,
    ways: Mapping[str, np.ndarray],
    axis_names: tuple[str, str],
    title: str = "",
    *,
    loss_unit: str = "",
    best: tuple[float, float] | None = None,
    dark: bool = False,
) -> Figure:
    """The loss over two parameters, and for each name the parameters (T, 2) after each update; `best` is the lowest."""
    canvas = Canvas(title, dark=dark, height=4.0)
    panels = []
    for k, (name, way) in enumerate(ways.items()):
        words = f"{name}\n{len(way) - 1:,} updates"
        axes = canvas.axes(1, len(ways), k + 1, title=words, x=axis_names[0], y=axis_names[1] if k == 0 else "")
        filled = draw_terrain(axes, terrain)
        axes.plot(way[:, 0], way[:, 1], "-", color=PATH, lw=1.3, marker="o", ms=2.4)
        axes.plot(*way[0], "s", color="#ffffff", mec="#000000", ms=8, ls="none", label="start")
        if best is not None:
            axes.plot(*best, "*", color="#ffffff", mec="#000000", ms=14, ls="none", label="minimum")
        panels.append(axes)
    canvas.legend(panels[0], loc="lower left")
    terrain_scale(canvas, filled, panels, f"loss ({loss_unit})" if loss_unit else "loss")
    return canvas.figure
