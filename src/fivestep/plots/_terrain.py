"""A loss over a plane, as a map with lines of equal height."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.contour import ContourSet

from ._style import SMALL, Canvas

LEVELS = 18
EDGE = 0.25
"""Inches at each side of a map: half the length of a height."""

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
    _label(axes, terrain, lines, levels)
    axes.grid(visible=False)
    axes.set_xlim(terrain.x[0], terrain.x[-1])
    axes.set_ylim(terrain.y[0], terrain.y[-1])
    return filled


def _label(axes: Axes, terrain: Terrain, lines: ContourSet, levels: np.ndarray) -> None:
    """Heights at some of the lines, where those of the inner part have theirs: so the edge of the map cuts none."""
    box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    rows, columns = map(_inner, terrain.loss.shape, (box.height, box.width))
    inner = terrain.loss[rows, columns]
    heights = inner[np.isfinite(inner)]
    shown = [level for level in levels[1::4] if len(heights) and heights.min() < level < heights.max()]
    if not shown:
        return
    guide = axes.contour(terrain.x[columns], terrain.y[rows], inner, levels=shown, linewidths=0)
    places = [text.get_position() for text in guide.clabel(fontsize=SMALL, fmt=_distinct(levels))]
    guide.remove()
    axes.clabel(lines, levels=shown, fontsize=SMALL, fmt=_distinct(levels), manual=places)


def _inner(size: int, inches: float) -> slice:
    """Those of as many places along a side of that length that are not near its ends."""
    near = min(round(EDGE / inches * size), (size - 2) // 2)
    return slice(near, size - near)


def terrain_scale(canvas: Canvas, filled: ContourSet, axes: Sequence[Axes], label: str) -> None:
    """What the colors of the map, or of several that are alike, stand for."""
    canvas.colorbar(filled, axes, label, format=_distinct(np.asarray(filled.levels)))
    canvas.figure.axes[-1].minorticks_off()


def _distinct(levels: np.ndarray) -> str:
    """A format with the fewest digits, from two on, in which no two of the levels look alike."""
    formats = [f"%.{digits}g" for digits in range(2, 8)]
    return next((one for one in formats if len({one % level for level in levels}) == len(levels)), formats[-1])
