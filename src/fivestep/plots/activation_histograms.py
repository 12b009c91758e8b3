"""How the numbers behind each layer are distributed, as training goes on."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from ._style import Canvas, counted


def activation_histograms(
    steps: Sequence[int],
    layers: Mapping[str, tuple[np.ndarray, np.ndarray]],
    title: str = "",
    *,
    dark: bool = False,
) -> Figure:
    """For each layer a map: the step across, the value upward, and the share of the values in each bin as color.

    `layers` maps a name to the bins' edges (B + 1,) and the shares (T, B), which sum to 1 at each of the T `steps`.
    Colors end where all but two in a hundred fields are.
    """
    columns = min(len(layers), 2)
    rows = -(-len(layers) // columns)
    canvas = Canvas(title, dark=dark, height=0.5 + 2.6 * rows)
    most = float(np.quantile(np.concatenate([shares.ravel() for _, shares in layers.values()]), 0.98)) or 1.0
    panels = []
    for number, (name, (edges, shares)) in enumerate(layers.items(), start=1):
        below = number > len(layers) - columns
        axes = canvas.axes(rows, columns, number, title=name, x="step" if below else "", y="value")
        places = _edges_between(np.array(steps, dtype=float))
        shown = axes.pcolormesh(places, edges, shares.T, cmap=canvas.ramp(), norm=PowerNorm(0.5, 0, most))
        axes.grid(visible=False)
        axes.xaxis.set_major_locator(counted())
        panels.append(axes)
    canvas.colorbar(shown, panels, "share of the values", extend="max")
    return canvas.figure


def _edges_between(places: np.ndarray) -> np.ndarray:
    """Borders half way between the places, and as far beyond the first and the last: (T + 1,)."""
    if len(places) == 1:
        return np.array([places[0] - 0.5, places[0] + 0.5])
    middle = (places[1:] + places[:-1]) / 2
    return np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
