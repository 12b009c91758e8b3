"""Loss against learning rate, from a range test."""

from collections.abc import Sequence
from statistics import median

from matplotlib.figure import Figure

from ._style import Canvas


def lr_range(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float | None = None,
    title: str = "",
    *,
    dark: bool = False,
) -> Figure:
    """The losses of the steps and their moving average against the rate, on a logarithmic axis, and the suggestion."""
    canvas = Canvas(title, dark=dark)
    axes = canvas.axes(x="learning rate (per step)", y="loss")
    axes.plot(rates, losses, color=canvas.color(7), lw=0.9, label="loss of the step")
    axes.plot(rates, smoothed, color=canvas.color(0), lw=2, label="smoothed")
    if suggestion is not None:
        axes.axvline(suggestion, color=canvas.color(1), ls="--", label=f"suggested: {suggestion:.2g}")
    if smoothed and min(smoothed) < smoothed[0]:
        before = smoothed[: smoothed.index(min(smoothed)) + 1]
        start = max(smoothed[0], median(before))  # of noisy losses the first may happen to be a low one
        axes.set_ylim(top=2 * start - min(smoothed))  # as far up as down: a loss that bursts would hide the fall
    axes.set_xscale("log")
    canvas.legend(axes)
    return canvas.figure
