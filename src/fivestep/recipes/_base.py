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
        """The network "linear", "softmax", "mlp" or "feed-forward", its ends still open, and the plan to train it.

        `settings` has the keys of `MLP`, `FeedForward` and `TrainPlan`, and `hidden`, the widths between the ends. With
        `num_embeddings` (and `embedding_dim`), inputs are ids, and the network begins with their embedding. With
        `num_codes`, the last columns are codes of as many categories, and it begins with their embedding. Raises an
        `InputError` for a setting that the model does not have.
        """
