"""One look for all pictures: two themes, colors that every kind of color vision tells apart, labeled axes.

Nothing global is touched: no `pyplot`, no `rcParams`. Sizes are in inches at 100 pixels an inch, so that a width of 8
is a column of text (800 pixels), where the smallest letters are 13 pixels high.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, final

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

WIDTH = 8.0
TITLE, LABEL, SMALL = 12.5, 11.0, 9.5
"""Sizes of letters in points."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p")
"""One more than there are colors, so that the eleventh line has the first color with another marker."""


MARKED = 30
"""Points of a line up to which each has a marker: a single one has no line."""

LOG_FROM, LOG_TO = 30.0, 1e100
"""Values whose largest is so many times their smallest are drawn on a logarithmic axis, if they are below the other."""


@final
@dataclass(frozen=True)
class Theme:
    """A ground to draw on, ink for words and lines, what is faint, and colors that lie apart on that ground."""

    ground: str
    ink: str
    faint: str
    colors: tuple[str, ...]


LIGHT = Theme(
    "#ffffff",
    "#1f2328",
    "#d5d9de",
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b4e9b", "#7f7f7f", "#8c5a2b", "#b3a800"),
)
"""The first six colors are those of Okabe and Ito 2008, "Color universal design"."""

DARK = Theme(
    "#15181d",
    "#e8eaed",
    "#3b4149",
    ("#56b4e9", "#f08a3c", "#35c99a", "#e39bc4", "#f0c233", "#8ab8ff", "#b79ae0", "#a8a8a8", "#c89b6d", "#e6e05a"),
)
"""The same order of hues, lighter."""


FILLED = 0.9
"""Of a picture, or of a field of its grid: the share that words may fill from end to end."""

LONGEST_NAME = 24
"""Letters of a class's name; of a longer one the middle is left out, for names that differ may begin alike."""


MOST_LINES = 2
"""Of words above or beside axes that are longer than there is room; of still longer ones the middle is left out."""


def short_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A name of the length that fits."""
    half = (longest - 3) // 2
    return name if len(name) <= longest else f"{name[:half]}...{name[-half:]}"


def fitted(words: str, inches: float, points: float) -> str:
    """Words in letters of that size, in one line where they fit into that length, or else in two."""
    length, _, _ = text_to_path.get_text_width_height_descent(words, FontProperties(size=points), ismath=False)
    room = 72 * inches  # as the length, in points
    if length <= room:
        return words
    letters = int(len(words) * room / length)
    longest = int(0.85 * MOST_LINES * letters)  # lines end at words
    return "\n".join(wrap(short_name(words, longest), letters, max_lines=MOST_LINES, placeholder="..."))


@final
class Canvas:
    """An empty picture in one of the two themes, and the axes in it.

    Words are shown as they are, also between two `$`: names come from tables. Long ones take two lines.
    """

    def __init__(self, title: str = "", *, dark: bool = False, width: float = WIDTH, height: float = 3.6) -> None:
        self.theme = DARK if dark else LIGHT
        self.figure = Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor=self.theme.ground)
        if title:
            words = fitted(title, FILLED * width, TITLE)
            self.figure.suptitle(words, fontsize=TITLE, color=self.theme.ink, parse_math=False)

    def axes(
        self,
        rows: int = 1,
        columns: int = 1,
        number: int | tuple[int, int] = 1,
        *,
        title: str = "",
        x: str = "",
        y: str = "",
    ) -> Axes:
        """The axes at that place of a grid, counted from 1, with words on both sides and faint lines.

        Two numbers are the first and the last place of several.
        """
        axes = self._add(rows, columns, number, title)
        width, height = self._room(axes)
        axes.set_xlabel(fitted(x, width, LABEL), fontsize=LABEL, color=self.theme.ink, parse_math=False)
        axes.set_ylabel(fitted(y, height, LABEL), fontsize=LABEL, color=self.theme.ink, parse_math=False)
        axes.tick_params(which="both", labelsize=SMALL, colors=self.theme.ink, labelcolor=self.theme.ink)
        axes.ticklabel_format(useOffset=False)  # what all ticks have in common would stand in a corner, under a legend
        axes.grid(color=self.theme.faint, linewidth=0.7)
        axes.set_axisbelow(True)
        return axes

    def bare(self, rows: int = 1, columns: int = 1, number: int = 1) -> Axes:
        """Axes for an image or a drawing: without ticks and lines."""
        axes = self._add(rows, columns, number, "")
        axes.set_xticks([])
        axes.set_yticks([])
        return axes

    def _add(self, rows: int, columns: int, number: int | tuple[int, int], title: str) -> Axes:
        axes = self.figure.add_subplot(rows, columns, number, facecolor=self.theme.ground)
        words = "\n".join(fitted(line, self._room(axes)[0], LABEL) for line in title.split("\n"))
        axes.set_title(words, fontsize=LABEL, color=self.theme.ink, parse_math=False)
        for spine in axes.spines.values():
            spine.set_color(self.theme.faint)
        return axes

    def _room(self, axes: Axes) -> tuple[float, float]:
        """Inches across and upward for words beside axes: most of their fields in the grid."""
        width, height = self.figure.get_size_inches()
        place = axes.get_subplotspec()
        assert place is not None
        rows, columns = place.get_gridspec().get_geometry()
        return FILLED * width * len(place.colspan) / columns, FILLED * height * len(place.rowspan) / rows

    def color(self, place: int) -> str:
        """The color of the class, line or run at that place; the same in every picture."""
        return self.theme.colors[place % len(self.theme.colors)]

    def legend(self, axes: Axes, **options: Any) -> None:
        """The legend, in ink, on the ground where it covers something."""
        options = {"fontsize": SMALL, "framealpha": 0.85, "edgecolor": "none", **options}
        for text in axes.legend(facecolor=self.theme.ground, labelcolor=self.theme.ink, **options).get_texts():
            text.set_parse_math(False)

    def legend_above(self, axes: Axes, columns: int = 1) -> None:
        """The legend outside the axes, above their left corner, for what may have no free corner inside."""
        self.legend(axes, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=columns)

    def colorbar(self, mappable: Any, axes: Axes | Sequence[Axes], label: str, **options: Any) -> None:
        """What the colors of a map mean."""
        bar = self.figure.colorbar(mappable, ax=axes, **options)
        height = self._room(axes if isinstance(axes, Axes) else axes[0])[1]
        bar.set_label(fitted(label, height, LABEL), fontsize=LABEL, color=self.theme.ink, parse_math=False)
        bar.ax.tick_params(which="both", labelsize=SMALL, colors=self.theme.ink, labelcolor=self.theme.ink)
        bar.outline.set_edgecolor(self.theme.faint)

    def ramp(self) -> LinearSegmentedColormap:
        """From the ground to the first color: little to much."""
        return LinearSegmentedColormap.from_list("ramp", [self.theme.ground, self.theme.colors[0]])

    def diverging(self) -> LinearSegmentedColormap:
        """From the second color over the ground to the first: negative, zero, positive."""
        first, second, *_ = self.theme.colors
        return LinearSegmentedColormap.from_list("diverging", [second, self.theme.ground, first])


def counted() -> MaxNLocator:
    """Ticks at whole numbers, for epochs and steps: also where there is a single one."""
    return MaxNLocator("auto", integer=True, min_n_ticks=1)


def grouped() -> StrMethodFormatter:
    """Writes the numbers along an axis in groups of three digits: 250,000."""
    return StrMethodFormatter("{x:,.10g}")


def spans_magnitudes(values: Sequence[float]) -> bool:
    """Whether values need a logarithmic axis, and can have one: a run that diverges ends beyond what has ticks."""
    return min(values) > 0 and LOG_FROM * min(values) < max(values) < LOG_TO
