"""What a recipe has to say: the network and the plan for some data."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from ..net import NetSpec
from ..plan import TrainPlan


class Recipe(ABC):
    """Turns a model's name and settings into a network and a plan."""

    @abstractmethod
    def prepare(self, model: str, settings: Mapping[str, Any]) -> tuple[NetSpec, TrainPlan]:
        """The network "linear", "softmax" or "mlp", its ends still open, and the plan to train it.

        `settings` has the keys of `MLP` and `TrainPlan`, and `hidden`, the widths between the ends. Raises an
        `InputError` for a setting that the model does not have.
        """
