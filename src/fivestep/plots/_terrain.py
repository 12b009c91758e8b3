"""A loss over a plane, as a map with lines of equal height."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.contour import ContourSet

from ._style import SMALL, Canvas

LEVELS = 18
PATH = "#ff7f2a"
"""Apart from the dark blue to yellow of the map, in both themes."""


class Terrain(NamedTuple):
    """Losses (H, W) over a plane with the coordinates `x` (W,) and `y` (H,)."""

    x: np.ndarray
    y: np.ndarray
    loss: np.ndarray


def draw_terrain(axes: Axes, terrain: Terrain) -> ContourSet:
    """The map, for `terrain_scale` to explain; heights are logarithmic where they span more than a factor of thirty."""
    loss = terrain.loss
    low, high = float(loss[np.isfinite(loss)].min()), float(loss[np.isfinite(loss)].max())
    logarithmic = low > 0 and high > 30 * low
    levels = np.geomspace(low, high, LEVELS) if logarithmic else np.linspace(low, high, LEVELS)
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    filled = axes.contourf(terrain.x, terrain.y, loss, levels=levels, norm=norm, cmap="cividis", extend="both")
    lines = axes.contour(terrain.x, terrain.y, loss, levels=levels, colors="#ffffff", linewidths=0.5)
    axes.clabel(lines, levels=levels[1::4], fontsize=SMALL, fmt=_distinct(levels))
    axes.grid(visible=False)
    axes.set_xlim(terrain.x[0], terrain.x[-1])
    axes.set_ylim(terrain.y[0], terrain.y[-1])
    return filled


def terrain_scale(canvas: Canvas, filled: ContourSet, axes: Sequence[Axes], label: str) -> None:
    """What the colors of the map, or of several that are alike, stand for."""
    canvas.colorbar(filled, axes, label, format=_distinct(np.asarray(filled.levels)))
    canvas.figure.axes[-1].minorticks_off()


def _distinct(levels: np.ndarray) -> str:
    """A format with the fewest digits, from two on, in which no two of the levels look alike."""
    formats = [f"%.{digits}g" for digits in range(2, 8)]
    return next((one for one in formats if len({one % level for level in levels}) == len(levels)), formats[-1])
