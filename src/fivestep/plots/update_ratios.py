"""How far each update moves the weights of each layer, against how large these are."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ._by_layer import lines_by_layer
from ._style import Canvas

USUAL = 1e-3
"""Where the ratio usually is while a network learns well."""


def update_ratios(
    steps: Sequence[int], ratios: Mapping[str, np.ndarray], title: str = "", *, dark: bool = False
) -> Figure:
    """For each parameter |update| / |weights| at each of the `steps`, (T,), and a line at the usual 0.001.

    Far above it the weights are thrown about, far below they stand still.
    """
    canvas = Canvas(title, dark=dark, height=4.0)
    axes = canvas.axes(x="step", y="|update| / |weights|")
    axes.axhline(USUAL, color=canvas.theme.ink, ls="--", lw=1, label=f"usual: {USUAL:g}")
    lines_by_layer(canvas, axes, steps, ratios)
    return canvas.figure
