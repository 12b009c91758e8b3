"""A loss over a plane, as a map with lines of equal height."""

from collections.abc import Sequence
from typing import Any, NamedTuple

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
    _draw_lines(axes, terrain, loss, levels)
    axes.grid(visible=False)
    axes.set_xlim(terrain.x[0], terrain.x[-1])
    axes.set_ylim(terrain.y[0], terrain.y[-1])
    return filled


def _draw_lines(axes: Axes, terrain: Terrain, loss: np.ndarray, levels: np.ndarray) -> None:
    """Lines of equal loss; some with their height, where their inner part has it: so the edge of the map cuts none."""
    box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    rows, columns = map(_inner, terrain.loss.shape, (box.height, box.width))
    inner = terrain.loss[rows, columns]
    heights = inner[np.isfinite(inner)]
    labeled = [level for level in levels[1::4] if len(heights) and heights.min() < level < heights.max()]
    plain = [level for level in levels if level not in labeled]
    how: dict[str, Any] = {"colors": "#ffffff", "linewidths": 0.5}
    axes.contour(terrain.x, terrain.y, loss, levels=plain, **how)
    if labeled:
        guide = axes.contour(terrain.x[columns], terrain.y[rows], inner, levels=labeled, linewidths=0)
        text: dict[str, Any] = {"fontsize": SMALL, "fmt": _distinct(levels)}
        places = [one.get_position() for one in guide.clabel(**text)]
        guide.remove()
        axes.contour(terrain.x, terrain.y, loss, levels=labeled, **how).clabel(**text, manual=places)


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
