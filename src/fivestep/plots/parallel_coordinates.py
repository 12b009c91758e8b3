"""Many networks by their settings: a line for each, through an axis for each setting, to what came out."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from ._style import LABEL, SMALL, Canvas, spans_magnitudes

SPREAD = 0.03
"""How far apart, as a share of the axis, the lines through one option lie, so that they can be told apart."""

MOST_LETTERS = 18
"""Of an option's name, at most."""


class _Axis(NamedTuple):
    """An upright axis: its name, where each network is on it, in [0, 1], and its ticks with their words."""

    name: str
    places: "np.ndarray"
    ticks: dict[float, str]


def parallel_coordinates(
    settings: Mapping[str, Sequence[float | str]],
    values: Sequence[float],
    *,
    log: Sequence[str] = (),
    value: str = "validation loss",
    best: int | None = None,
    title: str = "",
    dark: bool = False,
) -> Figure:
    """One line for each network: `settings` holds a number or a word of each by setting, `values` what came out.

    Settings in `log` have logarithmic axes. Less is better: the smaller the value, the stronger the color, by rank.
    Marked is the network `best`, by default that of the least. Inselberg 1985, "The plane with parallel coordinates".
    """
    axes_of = [_axis(name, column, name in log) for name, column in settings.items()]
    axes_of.append(_axis(value, values, spans_magnitudes(values)))
    canvas = Canvas(title, dark=dark, width=max(8.0, 1.5 * len(axes_of)), height=4.4)
    axes = canvas.bare()
    axes.set_xlim(-0.25, len(axes_of) - 0.55)
    axes.set_ylim(-0.06, 1.06)
    for spine in axes.spines.values():
        spine.set_visible(False)
    order = np.argsort(np.asarray(values), kind="stable")[::-1]
    marked = int(order[-1]) if best is None else best
    order = np.append(order[order != marked], marked)  # the best one last, on top of the others
    lines = _lines(np.stack([of.places for of in axes_of], axis=1)[order])
    colors = LinearSegmentedColormap.from_list("rank", [canvas.theme.faint, canvas.color(0)])
    ranks = np.linspace(0, 1, len(lines)) ** 3
    axes.add_collection(LineCollection(list(lines[:-1]), colors=colors(ranks[:-1]), linewidths=0.5 + ranks[:-1]))
    axes.plot(*lines[-1].T, color=canvas.color(1), lw=2.4, label=f"best: {values[marked]:.4g}")
    for place, of in enumerate(axes_of):
        axes.axvline(place, color=canvas.theme.ink, lw=1.1)
        axes.text(place, 1.09, of.name, ha="center", va="bottom", fontsize=LABEL, color=canvas.theme.ink)
        for height, words in of.ticks.items():
            box = {"facecolor": canvas.theme.ground, "edgecolor": "none", "alpha": 0.8, "pad": 1.2}
            axes.text(place + 0.04, height, words, va="center", fontsize=SMALL, color=canvas.theme.ink, bbox=box)
            axes.plot([place - 0.02, place + 0.02], [height, height], color=canvas.theme.ink, lw=1.1)
    canvas.legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.02))
    return canvas.figure


def _lines(places: "np.ndarray") -> "np.ndarray":
    """Smooth curves through the axes, (N, points, 2): level where they cross one, so that they can be followed."""
    t = np.linspace(0, 1, 24)
    ease = t * t * (3 - 2 * t)
    parts = [places[:, k, None] + (places[:, k + 1] - places[:, k])[:, None] * ease for k in range(places.shape[1] - 1)]
    y = np.concatenate(parts, axis=1)
    x = np.concatenate([k + t for k in range(places.shape[1] - 1)])
    return np.stack([np.broadcast_to(x, y.shape), y], axis=2)


def _axis(name: str, column: Sequence[float | str], is_log: bool) -> _Axis:
    if any(isinstance(entry, str) for entry in column):
        return _words(name, [str(entry) for entry in column])
    numbers = np.asarray(column, dtype=float)
    scaled = np.log10(numbers) if is_log else numbers
    low, high = float(scaled.min()), float(scaled.max())
    span = high - low or 1.0
    if is_log and high - low >= 1:
        ticks = LogLocator().tick_values(10**low, 10**high)
    else:
        ticks = MaxNLocator(5).tick_values(float(numbers.min()), float(numbers.max()))
    within = {(_scaled(tick, is_log) - low) / span: f"{tick:.3g}" for tick in ticks if tick > 0 or not is_log}
    middle = 0.5 if high == low else 0.0
    shown = {place + middle: words for place, words in within.items() if -1e-9 <= place <= 1 + 1e-9}
    return _Axis(name, (scaled - low) / span + middle, shown)


def _scaled(tick: float, is_log: bool) -> float:
    return math.log10(tick) if is_log else float(tick)


def _words(name: str, column: Sequence[str]) -> _Axis:
    """One height for each word, in the order of first appearance when sorted; lines through it are fanned out."""
    known = sorted(set(column), key=lambda word: (len(word), word))
    heights = {word: 0.5 if len(known) == 1 else place / (len(known) - 1) for place, word in enumerate(known)}
    places = np.asarray([heights[word] for word in column])
    for word in known:
        where = np.flatnonzero(places == heights[word])
        places[where] += np.linspace(-SPREAD, SPREAD, len(where)) if len(where) > 1 else 0.0
    cut = {word: word if len(word) <= MOST_LETTERS else f"{word[: MOST_LETTERS - 1]}…" for word in known}
    return _Axis(name, places, {heights[word]: cut[word] for word in known})
