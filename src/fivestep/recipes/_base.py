"""What a recipe provides: the network and the plan for some data, and how the data are prepared."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, NamedTuple, final

from ..check import InputError
from ..find import Choice
from ..net import NetSpec
from ..plan import TrainPlan


@final
@dataclass(frozen=True)
class Facts:
    """What a recipe may know about its rows: their number, their width and their target."""

    num_rows: int
    num_features: int
    num_outputs: int
    """Of the network: the classes, the yes or no questions, or the numbers of one target."""
    target: Literal["classes", "yes_no", "numbers"]


def with_numbers(spec: NetSpec, plan: TrainPlan, numbers: Sequence[int]) -> tuple[NetSpec, TrainPlan]:
    """Both with the layers for numbers, where there are some, set to the columns at these places; else without them.

    A recipe does not know which columns of a row are numbers; the encoder that was fitted to the rows does. The layer
    `percentiles` puts as many new ones before a row, and `periodic` after it embeds these too.
    """
    layers: list[Choice] = []
    places = tuple(numbers)
    for layer in spec.layers:
        if layer.name not in FOR_NUMBERS or "columns" in layer.options:
            layers.append(layer)
        elif numbers:
            layers.append(Choice(layer.name, **layer.options, columns=places))
            if layer.name == "percentiles":
                places = (*range(len(places)), *(len(places) + place for place in places))
    kept = {layer.name for layer in layers}
    factors = {name: factor for name, factor in plan.lr_factors.items() if name not in FOR_NUMBERS or name in kept}
    return replace(spec, layers=tuple(layers)), replace(plan, lr_factors=factors)


FOR_NUMBERS = ("percentiles", "periodic")
"""Layers for the columns that lie on a scale."""


def with_moments(spec: NetSpec, moments: Callable[[], tuple[float, float]]) -> NetSpec:
    """The network with the mean and the deviation of all numbers of its rows in `standardize`, if one waits for them.

    As with the columns of `periodic`, a recipe says that they are wanted, and the rows what they are.
    """
    if Choice("standardize") not in spec.layers:
        return spec
    mean, std = moments()
    known = Choice("standardize", mean=mean, std=std or 1.0)
    return replace(spec, layers=tuple(known if c == Choice("standardize") else c for c in spec.layers))


def parted(
    recipe: str, settings: Mapping[str, Any], of_network: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of the network and those of the plan; raises an `InputError` for one that neither has."""
    names = {field.name for field in fields(TrainPlan)}
    network = {key: value for key, value in settings.items() if key not in names}
    for key in network:
        if key not in of_network:
            raise InputError(
                f"recipe {recipe!r} must be used with {', '.join(of_network)} for its network, got {key!r}; "
                f"leave it out, or use recipe 'standard'."
            )
    return network, {key: value for key, value in settings.items() if key in names}


class Preparation(NamedTuple):
    """How the estimators decide when to stop, in which type they compute, and where their draws come from."""

    valid_fraction: float | None = None
    """The share of the rows that is set aside to stop by, or None for none."""

    tol: float | None = None
    """What an epoch must gain to count as one, or None: any gain counts, and training that ends late is no failure."""

    patience: float = 10
    """Epochs without a gain after which training stops."""

    doubles: bool | None = None
    """Whether to compute in float64 (True), in float32 (False), or in the type that the rows come in (None)."""

    numpy_draws: bool = False
    """Whether initial weights and batches are scikit-learn's, from NumPy's generator, for the same `random_state`."""

    gradient_factor: float = 1.0
    """The scale of the loss that is reported, over that of our loss."""

    folds: int | None = None
    """The number of folds by default: each fold is held out for early stopping of one network, and the mean answer of
    all networks counts. None for a single network."""


class Recipe(ABC):
    """Turns a model's name and settings into a network and a plan."""

    optimizer: ClassVar[str]
    """The default update rule."""

    scales: ClassVar[bool]
    """Whether estimators put an encoder in front of the network, which takes missing values and categories, and train a
    regression on targets of mean 0 and deviation 1."""

    takes_pixels: ClassVar[bool] = False
    """Whether all columns of a table are pixels, on one scale, however many of them never change."""

    from_task: ClassVar[bool] = False
    """Whether a named task is trained with its own reference settings, where nothing else is asked for."""

    @abstractmethod
    def prepare(self, model: str, settings: Mapping[str, Any], facts: Facts | None = None) -> tuple[NetSpec, TrainPlan]:
        """The network "linear", "softmax", "mlp" or "feed-forward", its ends still open, and the plan to train it.

        `settings` has the keys of `MLP`, `FeedForward` and `TrainPlan`, and `hidden`, the widths between the ends. With
        `num_embeddings` (and `embedding_dim`), inputs are ids, and the network begins with their embedding. With
        `num_codes`, the last columns are codes of as many categories, and it begins with their embedding. `facts` are
        those of the rows, where they are known. Raises an `InputError` for a setting that the model does not have.
        """

    @abstractmethod
    def preparation(self, model: str, settings: Mapping[str, Any], facts: Facts) -> Preparation:
        """What goes with that network and that plan: when to stop, in which type to compute."""
