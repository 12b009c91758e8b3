"""Which columns a network needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..check import at_least
from ..datasets._base import Rows
from ..evaluation import evaluate
from ..plots.importance import importance
from ..table.words import in_line
from ._base import Lacking, Numbers, PictureOfNumbers, Subject, image_side, spread

MOST_ROWS = 2000
MOST_COLUMNS = 1000
MOST_SHUFFLES = 500
"""Shuffles of all columns together; of many columns, each is shuffled less often."""


@final
@dataclass(frozen=True)
class Importance(PictureOfNumbers):
    """By how much the loss on held-out rows grows where one column is shuffled, as a mean over `repeats` of it.

    A category or a date counts as the one column that it was. Of two columns that say the same, each may look as if it
    were not needed, for the other one is still there. Shown are the first `most`. Breiman 2001, "Random forests",
    section 10.
    """

    description: ClassVar[str] = (
        "which columns the network needs: by how much the loss on held-out rows grows with one of them shuffled"
    )
    needs_run: ClassVar[bool] = True
    repeats: int = 5
    most: int = 20

    def __post_init__(self) -> None:
        at_least("repeats", self.repeats, 1)
        at_least("most", self.most, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        if image_side(subject.data) is not None:
            return Lacking("columns that are not pixels", "images")
        number = len(_columns_of(subject))
        if not 1 < number <= MOST_COLUMNS:
            return Lacking(f"2 to {MOST_COLUMNS:,} columns", f"{number:,}")
        return None

    def numbers(self, subject: Subject) -> Numbers:
        _, rows = subject.held_out()
        columns = _columns_of(subject)
        repeats = max(1, min(self.repeats, MOST_SHUFFLES // len(columns)))
        growth = _growths(subject, spread(MOST_ROWS, rows), columns, repeats)
        means, deviations = growth.mean(1), growth.std(1, correction=0)
        first = means.argsort(descending=True)[: self.most].tolist()
        return {list(columns)[k]: {"mean": means[k].item(), "deviation": deviations[k].item()} for k in first}

    def draw_numbers(self, subject: Subject, numbers: Numbers, *, title: str, dark: bool) -> Figure:
        means, deviations = (np.array([of[name] for of in numbers.values()]) for name in ("mean", "deviation"))
        words = title or f"{subject.title}: {subject.held_out()[0]} rows"
        return importance([in_line(name) for name in numbers], means, deviations, subject.loss_unit, words, dark=dark)


def _columns_of(subject: Subject) -> Mapping[str, list[int]]:
    """The columns of a table, or the features of anything else, and their places in x."""
    encoder = subject.data.encoder
    if encoder is None:
        return {f"feature {k}": [k] for k in range(subject.data.in_features)}
    return encoder.places


def _growths(subject: Subject, rows: Rows, columns: Mapping[str, list[int]], repeats: int) -> Tensor:
    """The loss with each of K columns shuffled, less that without, (K, repeats)."""
    generator, plain = torch.Generator().manual_seed(0), evaluate(subject.engine, rows, ()).loss
    x = rows.x
    found = torch.zeros(len(columns), repeats, dtype=torch.float64)
    for k, places in enumerate(columns.values()):
        for repeat in range(repeats):
            order = torch.randperm(len(rows), generator=generator)
            shuffled = x.clone()
            shuffled[:, places] = x[order][:, places]
            found[k, repeat] = evaluate(subject.engine, Rows(shuffled, rows.y, rows.weight), ()).loss - plain
    return found
