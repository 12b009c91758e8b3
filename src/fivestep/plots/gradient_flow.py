"""The size of the gradient in each layer, as training goes on."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ._by_layer import lines_by_layer
from ._style import Canvas


def gradient_flow(
    steps: Sequence[int], norms: Mapping[str, np.ndarray], title: str = "", *, dark: bool = False
) -> Figure:
    """For each parameter the root mean square of its gradient's elements at each of the `steps`, (T,).

    The mean makes layers of different sizes comparable. A line far below the others is a layer that hardly learns.
    """
    canvas = Canvas(title, dark=dark, height=4.0)
    axes = canvas.axes(x="step", y="gradient, root mean square")
    lines_by_layer(canvas, axes, steps, norms)
    return canvas.figure
