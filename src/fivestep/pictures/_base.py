"""The subject of a picture, and the interface of the kinds of pictures."""

import math
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self, final

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..check import InputError, one_of, refuse
from ..datasets._base import Dataset, Rows
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..engines._make import make_engine
from ..epoch import Epoch
from ..find import Choice, build, names
from ..table.words import in_line


@final
@dataclass(frozen=True)
class Subject:
    """A network and its data: trained, with the history of its training, or as it starts.

    `name` is its origin: the folder of the run, or the task; `label` is the user's name for it, if any.
    """

    engine: Engine
    data: Dataset
    history: tuple[Epoch, ...] = ()
    name: str = ""
    label: str = ""
    place: int | None = None
    """The index of the one target to show; None for all."""

    def of_target(self, name: str) -> Self:
        """The same, of the target of that name alone; without a name as it is."""
        if not name:
            return self
        names = () if self.data.encoder is None else self.data.encoder.targets.names
        if not names:
            raise refuse("target", name, "left out where columns have no names", "leave it out")
        return replace(self, place=names.index(one_of("target", name, names)))

    @property
    def is_trained(self) -> bool:
        """Whether there is a training to show, of a run or of an engine by itself."""
        return self.num_updates > 0

    @property
    def num_updates(self) -> int:
        """The steps of its training."""
        return self.history[-1].step if self.history else self.engine.num_updates

    @property
    def title(self) -> str:
        """The data and the model, as in "moons: MLP 2-8-1, relu"."""
        return f"{self.about}: {self.model}"

    @property
    def about(self) -> str:
        """The data, and the one of several targets that is looked at."""
        encoder = self.data.encoder
        if self.place is None or encoder is None or not encoder.targets.are_several:
            return self.data.name
        return f"{self.data.name}, {in_line(encoder.targets.names[self.place])}"

    @property
    def model(self) -> str:
        """The network in a few words."""
        spec = self.engine.spec
        kinds = dict.fromkeys(str(one) for one in spec.layers if one.name in names("activations"))
        return ", ".join([f"{spec.title} {spec.sizes_text()}", *kinds])

    @property
    def num_classes(self) -> int:
        """The classes, two for a yes or no; 0 where the targets are numbers, or several questions are looked at."""
        target, outputs = self.engine.criterion.target, self.engine.spec.out_features or 0
        is_one = outputs == 1 or self.place is not None
        return {"classes": outputs, "yes_no": 2 if is_one else 0, "numbers": 0}[target]

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, or their numbers."""
        known: Sequence[str] = self.data.class_names
        if self.place is not None and self.data.encoder is not None:
            known = self.data.encoder.targets.classes.get(self.data.encoder.targets.names[self.place], ())
        return list(known) if len(known) == self.num_classes else [str(k) for k in range(self.num_classes)]

    @property
    def loss_unit(self) -> str:
        """What the loss is measured in: nats for a cross-entropy, else nothing in particular."""
        return "nats" if self.engine.criterion.inverse_link in ("softmax", "sigmoid") else ""

    def held_out(self) -> tuple[str, Rows]:
        """Rows that the network did not learn from, where there are some, and the name of their part."""
        parts = (("test", self.data.test), ("validation", self.data.valid), ("training", self.data.train))
        return next((name, rows) for name, rows in parts if rows is not None)

    def starting_engine(self, kind: str = "scratch") -> FiveStepEngine:
        """An engine of that kind at the start of the training."""
        own = self.engine
        engine = make_engine(kind, own.spec, own.plan, dtype=own.dtype, device=own.device)
        assert isinstance(engine, FiveStepEngine)
        return engine

    def copied_engine(self, kind: str = "scratch") -> FiveStepEngine:
        """An engine of that kind with the weights of this one."""
        engine = self.starting_engine(kind)
        engine.load_weights(self.engine.params.named_with_buffers())
        return engine

    @torch.no_grad()
    def probabilities(self, x: Tensor, engine: Engine | None = None) -> Tensor:
        """The probability of each class, (N, C), C = 2 for a yes or no; 0 and 1 for a loss that knows margins only."""
        engine = engine or self.engine
        z = engine.predict(x.to(engine.device, engine.dtype)).flatten(1)
        if self.place is not None and engine.criterion.target == "yes_no":
            z = z[:, [self.place]]
        if engine.criterion.inverse_link != "identity":
            p = engine.criterion.predicted(z)
        else:
            p = (z > 0).to(z.dtype) if z.shape[1] == 1 else torch.nn.functional.one_hot(z.argmax(1), z.shape[1])
        return (torch.cat([1 - p, p], dim=1) if p.shape[1] == 1 else p).double().cpu()

    def labels(self, rows: Rows) -> Tensor:
        """The class of each row, (N,)."""
        y = rows.y if self.place is None else rows.y.reshape(len(rows), -1)[:, self.place]
        return y.reshape(len(rows)).round().long().cpu()


class Lacking(NamedTuple):
    """Why a picture cannot be drawn: what it must be used with, and what there is."""

    expected: str
    got: str


class Picture(ABC):
    """One kind of picture, with its options as the fields of a frozen dataclass."""

    description: ClassVar[str]
    """A short description."""

    needs_run: ClassVar[bool] = False
    """Whether it needs a training to show."""

    @abstractmethod
    def lacks(self, subject: Subject) -> Lacking | None:
        """Why this subject cannot be drawn so, or None if it can. That a run is needed is asked afterwards."""

    @abstractmethod
    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        """The picture."""


Numbers = Mapping[str, Mapping[str, float]]


class PictureOfNumbers(Picture):
    """A picture whose numbers are few enough to be read."""

    @abstractmethod
    def numbers(self, subject: Subject) -> Numbers:
        """What is drawn, by the name of each place and by the name of the figure."""

    @abstractmethod
    def draw_numbers(self, subject: Subject, numbers: Numbers, *, title: str, dark: bool) -> Figure:
        """The picture of them."""

    @final
    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        return self.draw_numbers(subject, self.numbers(subject), title=title, dark=dark)


class MovingPicture(Picture):
    """A picture that has a form in time, too."""

    @abstractmethod
    def frames(self, subject: Subject, *, title: str, dark: bool) -> Iterator[Figure]:
        """The pictures of the animation."""


def kinds() -> tuple[str, ...]:
    """The kinds of pictures, as people type them."""
    return tuple(name.replace("_", "-") for name in names("pictures"))


def picture_for(subject: Subject, kind: str | Choice) -> Picture:
    """The picture of that kind, if the subject has all that it needs; else an `InputError` that says which ones do."""
    picture: Picture = build("pictures", kind)
    name = Choice.parse(kind).name.replace("_", "-")
    lacking = picture.lacks(subject)
    if lacking is not None:
        suited = ", ".join(suited_kinds(subject))
        raise InputError(
            f"{name} must be used with {lacking.expected}, got {lacking.got}; for this one there are {suited}."
        )
    if picture.needs_run and not subject.is_trained:  # asked last: no training is recommended that would be in vain
        came, advice = _untrained(subject, name)
        raise InputError(f"{name} must be drawn from a run, got {came}; {advice}.")
    return picture


def _untrained(subject: Subject, kind: str) -> tuple[str, str]:
    """What came instead of a run with a history: one that broke before its first evaluation, or a task; what to do."""
    task = subject.data.name
    if subject.name not in ("", task) and subject.name.replace("-", "_") not in names("datasets"):
        return (
            f"{subject.name!r}, which ended before its first evaluation",
            f"fivestep diagnose {subject.name} says why",
        )
    return f"the untrained task {task!r}", f"run fivestep train {task} first, then fivestep plot runs/{task}-1 {kind}"


def suited_kinds(subject: Subject) -> list[str]:
    """The kinds that can be drawn of this subject without an option."""
    found = []
    for name in names("pictures"):
        picture: Picture = build("pictures", name)
        if not (picture.needs_run and not subject.is_trained) and picture.lacks(subject) is None:
            found.append(name.replace("_", "-"))
    return found


def needs_classes(subject: Subject, kind: str = "") -> Lacking | None:
    """For a picture of a classifier, which may be of that `kind` of one of several targets."""
    if subject.num_classes:
        return None
    if subject.engine.criterion.target == "numbers":
        return Lacking("targets that are classes", "numbers")
    return Lacking(f"targets that are classes{one_of_several(subject, kind)}", "several questions of yes or no")


def one_of_several(subject: Subject, kind: str) -> str:
    """What else can be asked for where the targets have names: a picture of that kind of the first of them."""
    names = () if subject.data.encoder is None else subject.data.encoder.targets.names
    return f", or one of several as in {of_target_in_shell(kind, names[0])}" if names and kind else ""


def of_target_in_shell(kind: str, target: str) -> str:
    """The picture of that kind of one of several targets, as a word of the command line."""
    return shlex.quote(str(Choice(kind, target=target)))


def needs_history(subject: Subject) -> Lacking | None:
    """For a picture of what was measured in the course of a training."""
    return (
        None if subject.history else Lacking("a run, or a network of fit_many, which keep their history", "an engine")
    )


def image_side(data: Dataset) -> int | None:
    """The side of the square images that the rows are, or None: a square number of 64 values or more, none negative."""
    width: int = data.in_features
    side = round(math.sqrt(width))
    if side * side != width or width < 64 or bool((data.train.stored[:100] < 0).any()):
        return None
    return side


def spread(count: int, rows: Rows) -> Rows:
    """That many rows, from the first to the last."""
    return rows.take(torch.linspace(0, len(rows) - 1, min(count, len(rows))).long())


def as_pair(values: Sequence[int]) -> tuple[int, int]:
    """Two numbers."""
    first, second = values
    return first, second
