"""Loss against learning rate, from a range test."""

from collections.abc import Sequence

from matplotlib.figure import Figure


def lr_range(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float | None = None,
    title: str = "",
) -> Figure:
    """The losses of the steps and their moving average against the rate, on a logarithmic axis, and the suggestion."""
    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(rates, losses, color="#999999", lw=0.8, label="loss of the step")
    axes.plot(rates, smoothed, color="#0072b2", label="smoothed")
    if suggestion is not None:
        axes.axvline(suggestion, color="#d55e00", ls="--", label=f"suggested: {suggestion:.2g}")
    if smoothed and min(smoothed) < smoothed[0]:
        axes.set_ylim(top=2 * smoothed[0] - min(smoothed))  # as far up as down: a loss that bursts would hide the fall
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure
