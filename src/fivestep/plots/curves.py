"""Loss, accuracy and whatever else was measured, over the epochs."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._style import LOG_FROM, MARKED, Canvas, counted, spans_magnitudes

History = Mapping[str, Sequence[float | None]]

PARTS = ("train", "valid")
ALONE = {"lr": "learning rate (per step)", "gradient_norm": "norm of the gradient"}
"""Columns without parts that get a panel where there is something to see, and their labels."""

SMALL_SHARE = 0.25
"""Of the rates: a cosine has an eighth of them below a thirtieth of its largest, a parabola a fifth."""


def curves(
    history: History,
    title: str = "",
    *,
    loss_unit: str = "",
    monitor: str = "loss",
    best: int | None = None,
    dark: bool = False,
) -> Figure:
    """The losses, the accuracies and metrics where there are any, the rate where it moves, against the epoch.

    `history` maps "epoch" and "train_loss", "valid_loss", "train_accuracy", "train_f1", ..., "lr", "gradient_norm" to
    one value per shown epoch; a series of None is left out. What is monitored is marked on the validation part where it
    is best: after epoch `best`, by default where it is least.
    """
    measured = [name.removeprefix("train_") for name in history if name.startswith("train_")]
    panels = [panel for panel in measured if _known(history[f"train_{panel}"])]
    panels += [name for name in ALONE if _moves(history.get(name, []))]
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    canvas = Canvas(title, dark=dark, height=0.5 + 3.2 * rows, width=8.0 if columns == 2 else 5.5)
    for number, panel in enumerate(panels, start=1):
        label = f"loss ({loss_unit})" if panel == "loss" and loss_unit else ALONE.get(panel, panel)
        axes = canvas.axes(rows, columns, number, x="epoch", y=label)
        _draw(canvas, axes, history, panel)
        if panel == monitor and _known(history.get(f"valid_{panel}", [])):
            _mark_best(canvas, axes, history["epoch"], history[f"valid_{panel}"], best)
        if panel not in ALONE:
            canvas.legend_above(axes, columns=2)
        axes.xaxis.set_major_locator(counted())
    return canvas.figure


def _draw(canvas: Canvas, axes: Axes, history: History, panel: str) -> None:
    """Training and validation of one figure, or the one series that has no parts."""
    names = [panel] if panel in ALONE else [f"{part}_{panel}" for part in PARTS]
    known = [value for name in names for value in history.get(name, []) if value is not None]
    if spans_magnitudes(known) and (panel != "lr" or _stays_small(known)):
        axes.set_yscale("log")
    for k, name in enumerate(names):
        values = history.get(name, [])
        if _known(values):
            _line(canvas, axes, history["epoch"], values, k, name.removesuffix(f"_{panel}"))


def _stays_small(rates: Sequence[float]) -> bool:
    """Whether many rates would lie on the ground of a linear axis, as those of an exponential schedule.

    One that only ends near 0, as a cosine, would look like a cliff on a logarithmic axis.
    """
    small = sum(LOG_FROM * rate < max(rates) for rate in rates)
    return small > 1 and small >= SMALL_SHARE * len(rates)


def _line(
    canvas: Canvas, axes: Axes, epochs: Sequence[float | None], values: Sequence[float | None], place: int, label: str
) -> None:
    marker = "o" if len(epochs) <= MARKED else None
    shown = [float("nan") if value is None else value for value in values]
    axes.plot([e or 0 for e in epochs], shown, color=canvas.color(place), marker=marker, ms=3.5, lw=1.8, label=label)


def _mark_best(
    canvas: Canvas, axes: Axes, epochs: Sequence[float | None], values: Sequence[float | None], best: int | None
) -> None:
    known = [(value, epoch or 0) for value, epoch in zip(values, epochs, strict=True) if value is not None]
    value, epoch = min([pair for pair in known if pair[1] == best] or known)
    words = f"best: {value:.3g} after epoch {epoch:.0f}"
    axes.plot([epoch], [value], "o", ms=10, mfc="none", mec=canvas.theme.ink, mew=1.3, label=words)


def _known(values: Sequence[float | None]) -> bool:
    return any(value is not None for value in values)


def _moves(values: Sequence[float | None]) -> bool:
    return len({value for value in values if value is not None}) > 1
