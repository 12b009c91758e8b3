"""Loss and accuracy over the epochs."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLORS = {"train": "#0072b2", "valid": "#d55e00"}  # Okabe and Ito 2008: apart for every kind of colour vision


def curves(history: Mapping[str, Sequence[float | None]], title: str = "") -> Figure:
    """The losses (in the loss's own unit), the accuracies and metrics where there are any, against the epoch.

    `history` maps "epoch" and "train_loss", "valid_loss", "train_accuracy", "train_f1", ... to one value per shown
    epoch; a series of None is left out.
    """
    trained = [name.removeprefix("train_") for name in history if name.startswith("train_")]
    panels = [panel for panel in trained if _known(history[f"train_{panel}"])]
    figure = Figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
    for number, panel in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), number)
        _draw(axes, history, panel)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _draw(axes: Axes, history: Mapping[str, Sequence[float | None]], panel: str) -> None:
    epochs = [epoch for epoch in history["epoch"] if epoch is not None]
    marker = "o" if len(epochs) <= 30 else None
    for part, color in COLORS.items():
        values = history.get(f"{part}_{panel}", [])
        if _known(values):
            axes.plot(
                epochs, [float("nan") if v is None else v for v in values], color=color, marker=marker, ms=3, label=part
            )
    axes.set_xlabel("epoch")
    axes.set_ylabel(panel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def _known(values: Sequence[float | None]) -> bool:
    return any(value is not None for value in values)
