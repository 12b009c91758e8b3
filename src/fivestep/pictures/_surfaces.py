"""What a classifier answers over two of its features."""

import numpy as np

from ..check import refuse
from ..engines._engine import Engine
from ..plots._surface import Surface
from ._base import Subject, spread
from ._features import as_inputs, check_features, in_own_units, is_code

MOST_ROWS = 1500
EDGE = 0.12
"""Of the range of the rows, beyond them."""


def surface_of(
    subject: Subject, engine: Engine, features: tuple[int, int] = (0, 1), row: int = 0, grid: int = 120
) -> Surface:
    """The probabilities of an engine over two features of the subject's data, and the training rows that have both.

    All is in the units of the columns, where the data come from a table.
    """
    check_features(features, subject)
    train, encoder = subject.data.train, subject.data.encoder
    if any(is_code(feature, encoder) for feature in features):
        assert encoder is not None, "only a table has codes"
        expected = f"two of the {len(encoder.center)} that are numbers, which come before the codes of categories"
        raise refuse("features", features, expected, "choose others, or draw the points")
    if not 0 <= row < len(train):
        raise refuse("row", row, f"the number of a training row, 0 to {len(train) - 1}", "choose one of these")
    shown = spread(MOST_ROWS, train)
    points = in_own_units(shown.x, encoder)[:, list(features)].numpy()
    points[np.isinf(points)] = np.nan
    low, high = np.nanmin(points, 0), np.nanmax(points, 0)
    edge = EDGE * (high - low)
    x, y = (np.linspace(low[k] - edge[k], high[k] + edge[k], grid) for k in range(2))
    places = train.take(slice(row, row + 1)).x.flatten(1).double().cpu().repeat(grid * grid, 1)  # (G G, I)
    across, up = np.meshgrid(x, y)
    for feature, values in zip(features, (across, up), strict=True):
        places[:, feature] = as_inputs(values.reshape(-1), feature, encoder)
    p = subject.probabilities(places, engine).numpy().reshape(grid, grid, -1)
    there = ~np.isnan(points).any(1)
    return Surface(x, y, p, points[there], subject.labels(shown).numpy()[there])
