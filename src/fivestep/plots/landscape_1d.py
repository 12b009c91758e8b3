"""The loss along straight lines through the weights."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ._style import Canvas


def landscape_1d(
    alpha: np.ndarray,
    losses: Mapping[str, np.ndarray],
    title: str = "",
    *,
    x: str = "distance along the direction",
    loss_unit: str = "",
    dark: bool = False,
) -> Figure:
    """The loss at w + alpha d against alpha, for each named direction d; alpha = 0 is the network itself."""
    canvas = Canvas(title, dark=dark)
    axes = canvas.axes(x=x, y=f"loss ({loss_unit})" if loss_unit else "loss")
    for k, (name, values) in enumerate(losses.items()):
        axes.plot(alpha, values, color=canvas.color(k), lw=2, label=name)
    here = next(iter(losses.values()))[int(np.abs(alpha).argmin())]
    axes.plot([0], [here], "o", color=canvas.theme.ink, ms=7, label="the trained weights")
    canvas.legend(axes)
    return canvas.figure
