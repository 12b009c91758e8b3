"""A classifier over a plane: probabilities as mixed colors, its borders, the rows on top."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from ._style import MARKERS, SMALL, Canvas, short_name

STRENGTH = 0.55
"""Of the fill: the points on top keep their full color."""

MOST_POINTS = 1500
"""Rows that are drawn; of more, this many spread over all."""

FEW_CLASSES = 10
"""Classes up to which a legend leaves room for the rows beside it."""

MOST_LISTED = 20
"""Lines of a legend that fit beside the axes."""


class Surface(NamedTuple):
    """Probabilities on a grid over two features, and rows with their classes.

    `x` (W,) and `y` (H,) are the grid's coordinates, `p` (H, W, C) the probability of each class there (for yes or
    no, C = 2), `points` (N, 2) and `labels` (N,) the rows.
    """

    x: np.ndarray
    y: np.ndarray
    p: np.ndarray
    points: np.ndarray
    labels: np.ndarray


def draw_surface(
    canvas: Canvas, axes: Axes, surface: Surface, class_names: Sequence[str], *, labels: bool = True
) -> list[Artist]:
    """The fill, the borders between the classes, with numbers if there is room, and the rows, which are returned."""
    fill(canvas, axes, surface)
    borders(canvas, axes, surface, labels=labels)
    clouds = scatter(canvas, axes, surface.points, surface.labels, class_names)
    axes.set_xlim(surface.x[0], surface.x[-1])
    axes.set_ylim(surface.y[0], surface.y[-1])
    return clouds


def fill(canvas: Canvas, axes: Axes, surface: Surface) -> None:
    """At each place the colors of the classes, mixed by their probabilities."""
    num_classes = surface.p.shape[-1]
    colors = np.array([to_rgb(canvas.color(k)) for k in range(num_classes)])
    mixed = surface.p.clip(0, 1) @ colors  # (H, W, 3)
    ground = np.array(to_rgb(canvas.theme.ground))
    half = (np.diff(surface.x[:2])[0] / 2, np.diff(surface.y[:2])[0] / 2)
    axes.imshow(
        STRENGTH * mixed + (1 - STRENGTH) * ground,
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
        extent=(surface.x[0] - half[0], surface.x[-1] + half[0], surface.y[0] - half[1], surface.y[-1] + half[1]),
    )
    axes.grid(visible=False)


def borders(canvas: Canvas, axes: Axes, surface: Surface, *, labels: bool) -> None:
    """Where the likeliest class changes; for two classes also where one has the probability 0.1 and 0.9."""
    p, ink = surface.p, canvas.theme.ink
    if p.shape[-1] == 2:
        lines = axes.contour(
            surface.x, surface.y, p[..., 1], levels=[0.1, 0.5, 0.9], colors=ink,
            linewidths=[0.8, 1.8, 0.8], linestyles=["dashed", "solid", "dashed"],
        )  # fmt: skip
        if labels:
            axes.clabel(lines, fontsize=SMALL, fmt="%.1f")
        return
    for k in range(p.shape[-1]):
        lead = p[..., k] - np.delete(p, k, axis=-1).max(axis=-1)
        if lead.min() < 0 < lead.max():
            axes.contour(surface.x, surface.y, lead, levels=[0.0], colors=ink, linewidths=1.4)


def scatter(
    canvas: Canvas, axes: Axes, points: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> list[Artist]:
    """The rows, each class in its color and with its sign; what is drawn of each class."""
    if len(points) > MOST_POINTS:
        kept = np.linspace(0, len(points) - 1, MOST_POINTS).astype(int)
        points, labels = points[kept], labels[kept]
    size = 26 if len(points) <= 500 else 12
    clouds: list[Artist] = []
    for k, name in enumerate(class_names):
        chosen = points[labels == k]
        cloud = axes.scatter(
            chosen[:, 0], chosen[:, 1], s=size, color=canvas.color(k), marker=MARKERS[k % len(MARKERS)],
            edgecolors=canvas.theme.ground, linewidths=0.6, label=name,
        )  # fmt: skip
        clouds.append(cloud)
    return clouds


def class_legend(canvas: Canvas, axes: Axes, clouds: Sequence[Artist], class_names: Sequence[str]) -> None:
    """The names of the classes of `scatter`: of few where there is room, of many beside the axes, as many as fit."""
    handles, names = list(clouds), [short_name(name) for name in class_names]
    if len(names) <= FEW_CLASSES:
        _named(canvas, axes, handles, names, loc="best")
        return
    if len(names) > MOST_LISTED:
        kept = MOST_LISTED - 1
        handles = [*handles[:kept], Line2D([], [], linestyle="none")]
        names = [*names[:kept], f"and {len(names) - kept:,} more"]
    _named(canvas, axes, handles, names, loc="center left", bbox_to_anchor=(1, 0.5))


def _named(canvas: Canvas, axes: Axes, handles: Sequence[Artist], names: Sequence[str], **options: Any) -> None:
    """The legend with these names, also those with "_" in front, which Matplotlib before 3.10 leaves out."""
    canvas.legend(axes, handles=handles, labels=["-"] * len(names), **options)
    legend = axes.get_legend()
    assert legend is not None
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
