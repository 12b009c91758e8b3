"""One line for each layer over the steps, on a logarithmic axis."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from ._style import MARKERS, Canvas, counted


def lines_by_layer(canvas: Canvas, axes: Axes, steps: Sequence[int], series: Mapping[str, np.ndarray]) -> None:
    """The lines, and a legend beside them; zeros, which have no logarithm, are gaps."""
    for k, (name, values) in enumerate(series.items()):
        shown = np.where(values > 0, values, np.nan)
        every = max(1, len(steps) // 8)
        axes.plot(
            steps,
            shown,
            color=canvas.color(k),
            marker=MARKERS[k % len(MARKERS)],
            markevery=every,
            ms=5,
            lw=1.7,
            label=name,
        )
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(counted())  # there is no step 1.5
    canvas.legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
