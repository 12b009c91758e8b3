"""What a classifier answers at every place of a plane."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ._style import Canvas
from ._surface import Surface, class_legend, draw_surface


def boundary(
    surface: Surface,
    class_names: Sequence[str],
    feature_names: Sequence[str],
    title: str = "",
    *,
    held: str = "",
    dark: bool = False,
) -> Figure:
    """The probabilities as mixed colors on a fine grid, the border between the classes, the rows on top.

    `feature_names` are those of the two axes, `held` says what the other features are there.
    """
    canvas = Canvas(title, dark=dark, height=5.6)
    x, y = feature_names
    axes = canvas.axes(x=x, y=y, title=held)
    clouds = draw_surface(canvas, axes, surface, class_names)
    class_legend(canvas, axes, clouds, class_names)
    return canvas.figure
