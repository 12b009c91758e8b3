"""The first layer's weights as images."""

from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure
from torch import Tensor

from ..check import at_least
from ..plots.weight_images import weight_images
from ._base import Lacking, Picture, Subject, image_side
from ._images import needs_images


@final
@dataclass(frozen=True)
class WeightImages(Picture):
    """The `count` units of the first layer with the largest weights, each with its weight for every pixel."""

    description: ClassVar[str] = "the weights of the first layer's units as images"
    count: int = 32

    def __post_init__(self) -> None:
        at_least("count", self.count, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        if "0.weight" not in subject.engine.named_parameters():
            return Lacking("a network whose first layer is linear", "another one")
        return needs_images(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        weight: Tensor = subject.engine.named_parameters()["0.weight"].detach().cpu()  # (O, I)
        chosen = weight.norm(dim=1).argsort(descending=True)[: self.count]
        if len(weight) <= self.count:
            chosen = chosen.sort().values
        side = image_side(subject.data) or 0
        last = len(weight) == subject.num_classes
        names = [subject.class_names[k] if last else f"unit {k}" for k in chosen.tolist()]
        images = weight[chosen].reshape(-1, side, side).numpy()
        return weight_images(images, names, title or f"{subject.title}: first layer", dark=dark)
