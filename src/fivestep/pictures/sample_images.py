"""Some images of each class."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from matplotlib.figure import Figure

from ..check import at_least
from ..plots.sample_images import sample_images
from ._base import Lacking, Picture, Subject, image_side
from ._images import needs_images

IN_A_ROW = 10


@final
@dataclass(frozen=True)
class SampleImages(Picture):
    """The first `each` training images of each class, below the class's name."""

    description: ClassVar[str] = "training images of each class"
    each: int = 3

    def __post_init__(self) -> None:
        at_least("each", self.each, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        return needs_images(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        rows, side = subject.data.train, image_side(subject.data) or 0
        labels = subject.labels(rows)
        found = [(labels == k).nonzero()[: self.each, 0] for k in range(subject.num_classes)]
        chosen = torch.cat([torch.stack(row) for row in zip(*found, strict=False)])  # one of each class, then the next
        images = rows.take(chosen).x.reshape(-1, side, side).cpu().numpy()
        return sample_images(
            images, labels[chosen].tolist(), subject.class_names, title or subject.data.name, dark=dark
        )
