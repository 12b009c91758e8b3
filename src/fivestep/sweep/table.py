"""The results of a sweep, as a table and as the columns of a picture."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from .attempts import Attempt
from .space import Options, Range, Space, label

FIRST, LAST = ("rank", "network", "outcome", "value"), ("parameters", "epochs", "seconds", "engine")
"""The columns before and after the settings and the figures."""

MOST_WORDS = 12
"""The most words along an axis of the picture."""


def table_of(ranking: Sequence[Attempt], settings: Sequence[str]) -> str:
    """The ranked networks as CSV: the ranked figure ("value", lower is better), settings and figures, with all digits.

    Columns that do not apply to a network are empty.
    """
    figures = dict.fromkeys(name for one in ranking for name in one.figures if name not in (*LAST, "why"))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIRST, *settings, *figures, *LAST])
    for rank, one in enumerate(ranking, start=1):
        measured = [one.figures.get(name, "") for name in (*figures, *LAST)]
        writer.writerow([rank, one.network, one.state, one.value, *(one.drawn[name] for name in settings), *measured])
    return text.getvalue()


def picture_of(ranking: Sequence[Attempt], space: Space) -> tuple[dict[str, list[Any]], list[float], tuple[str, ...]]:
    """For `plots.parallel_coordinates`: the networks' settings, the figure of each, and the settings on a log scale.

    Networks that diverged have no figure and are left out.
    """
    shown = [one for one in ranking if one.state != "diverged"]
    columns = {name: [_entry(of, one.drawn[name]) for one in shown] for name, of in space.varied.items()}
    log = tuple(name for name, of in space.varied.items() if not isinstance(of, Options) and of.log)
    return (columns if shown else {}), [one.value for one in shown], log


def _entry(of: Range | Options, drawn: Any) -> Any:
    """A drawn value for the picture: options as words, or on a scale if they are many numbers."""
    if isinstance(of, Range):
        return drawn
    is_scale = len(of.values) > MOST_WORDS and all(isinstance(value, int | float) for value in of.values.values())
    return of.values[drawn] if is_scale else label(drawn)
