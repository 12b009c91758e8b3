"""What a figure shows, in words and numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fivestep.plots._style import DARK, LIGHT


def labels(axes: Axes) -> tuple[str, str]:
    return axes.get_xlabel(), axes.get_ylabel()


def lines(axes: Axes) -> dict[str, np.ndarray]:
    """The lines by their labels, each as (N, 2)."""
    return {str(line.get_label()): np.column_stack(line.get_data()).astype(float) for line in axes.get_lines()}


def legend(axes: Axes) -> list[str]:
    found = axes.get_legend()
    return [] if found is None else [text.get_text() for text in found.get_texts()]


def has_free_axes(figure: Figure) -> bool:
    """Whether every legend of the figure, as it is drawn, lies outside all axes."""
    figure.draw_without_rendering()
    legends = [axes.get_legend() for axes in figure.axes if axes.get_legend() is not None]
    boxes = [found.get_window_extent() for found in legends]
    return bool(boxes) and not any(axes.bbox.count_overlaps(boxes) for axes in figure.axes)


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def ground(figure: Figure) -> str:
    return to_hex(figure.get_facecolor())


def has_two_themes(light: Figure, dark: Figure) -> bool:
    """Whether the grounds are those of the themes, and the words above are in ink."""
    grounds = (ground(light), ground(dark)) == (LIGHT.ground, DARK.ground)
    inks = [to_hex(figure.axes[0].title.get_color()) for figure in (light, dark)]
    return grounds and inks == [LIGHT.ink, DARK.ink]
