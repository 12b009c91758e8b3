"""Every activation with its derivative."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ._style import Canvas

IN_A_ROW = 3


def activation_functions(
    z: np.ndarray,
    functions: Mapping[str, tuple[np.ndarray, np.ndarray]],
    title: str = "activations and their derivatives",
    *,
    dark: bool = False,
) -> Figure:
    """For each name a = f(z) and f'(z), all (N,), in a panel of its own, on the same axes."""
    rows = -(-len(functions) // IN_A_ROW)
    canvas = Canvas(title, dark=dark, height=0.5 + 2.5 * rows)
    for number, (name, (a, slope)) in enumerate(functions.items(), start=1):
        last_row = number > len(functions) - IN_A_ROW
        axes = canvas.axes(rows, IN_A_ROW, number, title=name, x="z" if last_row else "")
        axes.axhline(0, color=canvas.theme.faint, lw=1.2)
        axes.plot(z, a, color=canvas.color(0), lw=2, label="f(z)")
        axes.plot(z, slope, color=canvas.color(1), lw=1.6, ls="--", label="f'(z)")
        axes.set_ylim(-1.9, 6.9)
        if number == 1:
            canvas.legend(axes, loc="upper left")
    return canvas.figure
