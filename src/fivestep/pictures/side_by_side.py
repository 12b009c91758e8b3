"""Several runs beside each other."""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..plots.side_by_side import side_by_side
from ..saved.history import columns
from ._base import Lacking, Picture, Subject, needs_history
from ._features import is_code
from ._surfaces import surface_of


@final
@dataclass(frozen=True)
class SideBySide(Picture):
    """The curves of the run and of the `others`, and where all are classifiers of two features, their boundaries."""

    description: ClassVar[str] = "runs beside each other: curves, and boundaries where there are any"
    needs_run: ClassVar[bool] = True
    others: tuple[Subject, ...] = field(default=())

    def lacks(self, subject: Subject) -> Lacking | None:
        tasks = {one.data.name for one in (subject, *self.others)}
        if len(tasks) > 1:
            return Lacking("runs on one task", f"runs on {', '.join(sorted(tasks))}")
        if not subject.is_trained:  # a run is what it needs first
            return None
        return next((lacking for one in (subject, *self.others) if (lacking := needs_history(one))), None)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        named = _named([subject, *self.others])
        histories = {name: columns(one.history) for name, one in named.items()}
        flat = all(
            one.data.in_features == 2 and one.num_classes and not is_code(1, one.data.encoder) for one in named.values()
        )
        surfaces = {name: surface_of(one, one.engine) for name, one in named.items()} if flat else {}
        return side_by_side(
            histories,
            surfaces,
            subject.class_names,
            title or (subject.title if len({one.model for one in named.values()}) == 1 else subject.data.name),
            loss_unit=subject.loss_unit,
            dark=dark,
        )


def _named(subjects: list[Subject]) -> dict[str, Subject]:
    """The subjects by their labels, or by their models; of one model, by the last part of their names, or places."""
    models, own = [one.model for one in subjects], [PurePath(one.name).name for one in subjects]
    if all(one.label for one in subjects):
        named = [one.label for one in subjects]
    elif len(set(models)) == 1:
        named = own
    else:
        named = [m if models.count(m) == 1 else f"{name} ({m})" for name, m in zip(own, models, strict=True)]
    shown = [name if named.count(name) == 1 else f"{k}: {name}" for k, name in enumerate(named, start=1)]
    return dict(zip(shown, subjects, strict=True))
