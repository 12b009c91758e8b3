"""Runs beside each other: what each answers, and how its loss fell."""

from collections.abc import Mapping, Sequence
from math import lcm

from matplotlib.figure import Figure

from ._style import MARKED, Canvas, counted, spans_magnitudes
from ._surface import Surface, draw_surface
from .curves import History

MOST_IN_A_ROW = 3


def side_by_side(
    histories: Mapping[str, History],
    surfaces: Mapping[str, Surface],
    class_names: Sequence[str] = (),
    title: str = "",
    *,
    loss_unit: str = "",
    dark: bool = False,
) -> Figure:
    """The loss curves of all runs in one panel, in another their accuracies, and below one boundary for each run.

    `surfaces` may be empty, for runs that have no plane to draw.
    """
    panels = [
        panel for panel in ("loss", "accuracy") if all(_last(one, panel) is not None for one in histories.values())
    ]
    columns = max(len(panels), min(len(surfaces), MOST_IN_A_ROW)) if surfaces else len(panels)
    rows, fine = (
        1 + -(-len(surfaces) // columns),
        lcm(len(panels), columns),
    )  # one grid: the layout of two would overlap
    canvas = Canvas(title, dark=dark, height=0.5 + 2.9 * rows)
    for k, panel in enumerate(panels):
        label = f"loss ({loss_unit})" if panel == "loss" and loss_unit else panel
        _curves(canvas, (rows, fine, _span(k, fine // len(panels))), histories, panel, label)
    for k, (name, surface) in enumerate(surfaces.items(), start=columns):
        loss, accuracy = _last(histories[name], "loss"), _last(histories[name], "accuracy")
        comma = "\n" if columns == MOST_IN_A_ROW else ", "  # a third of the width is too little for one line
        words = f"{name}\nloss {loss:.3f}" + ("" if accuracy is None else f"{comma}accuracy {accuracy:.3f}")
        axes = canvas.axes(rows, fine, _span(k, fine // columns), title=words)
        draw_surface(canvas, axes, surface, class_names, labels=False)
    return canvas.figure


def _span(k: int, width: int) -> tuple[int, int]:
    """The first and the last field, counted from 1, of panel k where each is so many fields wide."""
    return k * width + 1, (k + 1) * width


def _curves(
    canvas: Canvas, place: tuple[int, int, tuple[int, int]], histories: Mapping[str, History], panel: str, label: str
) -> None:
    part = "valid" if all(_last(one, panel, "valid") is not None for one in histories.values()) else "train"
    axes = canvas.axes(*place, x="epoch", y=f"{'validation' if part == 'valid' else 'training'} {label}")
    known: list[float] = []
    for k, (name, history) in enumerate(histories.items()):
        values = [float("nan") if value is None else value for value in history[f"{part}_{panel}"]]
        marker = "o" if len(values) <= MARKED else None
        epochs = [epoch or 0 for epoch in history["epoch"]]
        axes.plot(epochs, values, color=canvas.color(k), marker=marker, ms=3.5, lw=1.8, label=name)
        known += [value for value in values if value == value]  # noqa: PLR0124  (leaves out what is not a number)
    if panel == "loss" and spans_magnitudes(known):
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(counted())
    canvas.legend(axes)


def _last(history: History, panel: str, part: str = "train") -> float | None:
    values = history.get(f"{part}_{panel}", [])
    return values[-1] if values else None
