"""Whether a probability of 0.8 is right four times out of five."""

import numpy as np
from matplotlib.figure import Figure

from ._style import Canvas

SMALLEST, LARGEST = 8.0, 90.0
"""The areas of dots, in square points: the smallest one, and what the fullest bin has more."""


def calibration(
    edges: np.ndarray,
    counts: np.ndarray,
    confidence: np.ndarray,
    accuracy: np.ndarray,
    title: str = "",
    *,
    dark: bool = False,
) -> Figure:
    """Answers in bins of their probability: how many were right, against how many should be; and how many there are.

    `edges` (B + 1,) of the bins, and for each bin the number of answers, their mean probability, the share that is
    right, (B,) each. The expected calibration error is sum_b n_b / n |accuracy_b - confidence_b|.
    Guo et al. 2017, "On calibration of modern neural networks".
    """
    canvas = Canvas(title, dark=dark, height=4.2)
    axes = canvas.axes(1, 2, 1, x="probability of the answer", y="share of right answers")
    filled = counts > 0
    low = float(edges[0])
    axes.plot([low, 1], [low, 1], "--", color=canvas.theme.ink, lw=1, label="perfectly calibrated")
    axes.plot(confidence[filled], accuracy[filled], "-", color=canvas.color(0), lw=1.5)
    areas = LARGEST * counts[filled] / counts.max() + SMALLEST  # a bin of one answer says little
    dots = axes.scatter(
        confidence[filled], accuracy[filled], areas, color=canvas.color(0), zorder=3, label="the network"
    )
    dots.set_clip_on(False)  # whole, where all answers are right
    error = float(np.abs(accuracy - confidence)[filled] @ counts[filled] / counts.sum())
    axes.plot([], [], " ", label=f"expected calibration error {error:.3f}")  # a line of words in the legend
    axes.set_xlim(low, 1.01)
    axes.set_ylim(0, 1.02)
    canvas.legend_above(axes)
    bars = canvas.axes(1, 2, 2, x="probability of the answer", y="answers")
    bars.bar(
        edges[:-1], counts, width=np.diff(edges), align="edge", color=canvas.color(0), edgecolor=canvas.theme.ground
    )
    bars.set_xlim(low, 1.01)
    return canvas.figure
