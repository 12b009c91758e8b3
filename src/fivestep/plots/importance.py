"""How much a network needs each column."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ._style import SMALL, Canvas

LINE = 0.27
"""Inches of a bar with its name."""


def importance(
    names: Sequence[str],
    losses: np.ndarray,
    deviations: np.ndarray,
    unit: str = "",
    title: str = "",
    *,
    dark: bool = False,
) -> Figure:
    """By how much the loss grows (K,) where each of K columns is shuffled, with deviations (K,), from the top down."""
    canvas = Canvas(title, dark=dark, height=1.5 + LINE * len(names))
    axes = canvas.axes(x=f"growth of the loss with the column shuffled{f' ({unit})' if unit else ''}")
    places = np.arange(len(names))
    whiskers = {"ecolor": canvas.theme.ink, "elinewidth": 1}
    axes.barh(places, losses, xerr=deviations, height=0.7, color=canvas.color(0), error_kw=whiskers)
    axes.set_yticks(places, names, fontsize=SMALL, parse_math=False)
    axes.invert_yaxis()
    axes.axvline(0, color=canvas.theme.ink, lw=1)
    axes.grid(visible=False, axis="y")
    return canvas.figure
