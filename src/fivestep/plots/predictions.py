"""Predicted numbers against the true ones, and how far apart they are."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ._style import Canvas, grouped

BINS = 30
"""Bars of the errors."""

MOST_LETTERS = 38
"""Along an axis that is half the picture wide, with two between any two labels."""


def predictions(
    true: np.ndarray, predicted: np.ndarray, name: str = "target", title: str = "", *, dark: bool = False
) -> Figure:
    """Numbers (N,) in the units of the target: each row as a point, and the errors, predicted less true, as bars.

    In the legend the root of the mean squared error, and R^2 = 1 - sum (y - p)^2 / sum (y - mean y)^2.
    """
    canvas = Canvas(title, dark=dark, height=4.2)
    axes = canvas.axes(1, 2, 1, x=f"true {name}", y=f"predicted {name}")
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, "--", color=canvas.theme.ink, lw=1, label="exactly right", zorder=3)
    size, alpha = (14, 0.6) if len(true) <= 1000 else (6, 0.35)
    axes.scatter(
        true, predicted, s=size, alpha=alpha, color=canvas.color(0), edgecolors="none", label=_fit(true, predicted)
    )
    canvas.legend_above(axes)
    errors = predicted - true
    bars = canvas.axes(1, 2, 2, x="predicted less true", y="rows")
    bars.hist(errors, bins=BINS, color=canvas.color(0), edgecolor=canvas.theme.ground)
    for shown in (axes.xaxis, axes.yaxis, bars.xaxis):
        shown.set_major_locator(MaxNLocator(5))
        shown.set_major_formatter(grouped())
    for across in (axes.xaxis, bars.xaxis):
        across.set_major_locator(_as_many_as_fit(*across.get_view_interval()))
    bars.axvline(0, color=canvas.theme.ink, lw=1, ls="--")
    return canvas.figure


def _fit(true: np.ndarray, predicted: np.ndarray) -> str:
    squares = ((true - predicted) ** 2).mean()
    variance = ((true - true.mean()) ** 2).mean()
    share = f", R² {1 - squares / variance:.3f}" if variance > 0 else ""
    return f"{len(true):,} rows: RMSE {_in_words(squares**0.5)}{share}"


def _in_words(size: float) -> str:
    """Four digits, or all before the point, in groups: 0.01633, 16.33, 59,011."""
    return f"{size:,.0f}" if 1e3 <= size < 1e12 else f"{size:.4g}"


def _as_many_as_fit(low: float, high: float) -> MaxNLocator:
    """Five steps from one label to the next, or fewer where long labels would run together."""
    locators = [MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]) for most in (5, 4, 3, 2)]
    return next((one for one in locators if _letters(one, low, high) <= MOST_LETTERS), locators[-1])


def _letters(locator: MaxNLocator, low: float, high: float) -> int:
    """How many letters its labels have between two ends, with the spaces between them."""
    return sum(len(grouped()(tick)) + 2 for tick in locator.tick_values(low, high) if low <= tick <= high)
