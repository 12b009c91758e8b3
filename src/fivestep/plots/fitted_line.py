"""Points and the line, or the curve, that a network has learned through them."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ._style import Canvas

STYLES = ("--", ":", "-.")


def fitted_line(
    x: np.ndarray,
    y: np.ndarray,
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    names: tuple[str, str] = ("x", "y"),
    title: str = "",
    *,
    band: tuple[str, np.ndarray, np.ndarray] | None = None,
    dark: bool = False,
) -> Figure:
    """Rows x (N,), y (N,) as points, and each of the named curves, the learned one first; `names` are the axes'.

    `band` is a name and the two ends of what is shaded around the learned one.
    """
    canvas = Canvas(title, dark=dark, height=4.6)
    axes = canvas.axes(x=names[0], y=names[1])
    axes.scatter(x, y, s=36, color=canvas.theme.ink, zorder=3, label=f"{len(x)} rows")
    for k, (name, (at, value)) in enumerate(lines.items()):
        style = "-" if k == 0 else STYLES[(k - 1) % len(STYLES)]
        axes.plot(at, value, style, color=canvas.color(k), lw=2.4 if k == 0 else 1.8, label=name)
    if band is not None:
        (at, _), (name, low, high) = next(iter(lines.values())), band
        axes.fill_between(at, low, high, color=canvas.color(0), alpha=0.2, lw=0, label=name)
    canvas.legend(axes)
    return canvas.figure
