"""The interface of a layer, and what it remembers between forward and backward pass."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NoReturn, Protocol, Self, final

import torch
from torch import Tensor, nn

from .check import InputError
from .typing import Elements, Features, Inputs, RowWeights, Shape, Tensors

MAX_CHILDREN = 1000
"""Layers inside one layer, at most, so that each has draws of its own."""


class BitSource(Protocol):
    """The source of a layer's random bits: `draws.Draws`, or its counterpart for many networks."""

    def bits(self, layer: int, like: Tensor) -> Tensor:
        """One 15-bit integer for each element of `like`, for the current step."""


@final
class Memo(dict[str, Tensor]):
    """What one layer keeps from forward to backward (`memo["x"] = x`), and the buffers it works in from step to step.

    `training` tells the training pass from the evaluation pass. With `reuse`, `buffer` returns the same memory at every
    step; without, it returns None, for which torch's `out=` makes a new tensor, so that one formula serves autograd as
    well. Where several ranks share a batch, `over_ranks` sums a tensor over all of them. `x_is_free` says that nobody
    else looks at the layer's input again, so that the output may be written over it.
    """

    def __init__(
        self,
        *,
        training: bool,
        reuse: bool = False,
        draws: "BitSource | None" = None,
        layer: int = 0,
        over_ranks: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.training, self.x_is_free = training, False
        self._draws, self._layer, self._over_ranks = draws, layer, over_ranks
        self._buffers: dict[str, Tensor] | None = {} if reuse else None
        self._constants: dict[str, Tensor] = {}
        self._children: dict[int, Memo] = {}

    def __missing__(self, name: str) -> NoReturn:
        raise InputError(
            f"backward must come after forward, which keeps {name!r} for it, got it first; call forward(x) first."
        )

    def buffer(self, name: str, shape: Shape, like: Tensor) -> Tensor | None:
        """Memory of that shape, with `like`'s dtype and device: the first rows of a buffer that grows when it must."""
        if self._buffers is None:
            return None
        kept = self._buffers.get(name)
        if kept is None or kept.shape[1:] != shape[1:] or kept.shape[0] < shape[0] or kept.dtype != like.dtype:
            kept = self._buffers[name] = like.new_empty(shape)
        return kept if kept.shape[0] == shape[0] else kept[: shape[0]]

    def forget(self) -> None:
        """Lets go of what was kept for `backward`, so that its memory is free; buffers and constants stay."""
        self.clear()
        for child in self._children.values():
            child.forget()

    def constants(self, name: str, values: Sequence[float], like: Tensor) -> Tensor:
        """Constants on the device of `like`, moved there once, by the first pass.

        Integers stay integers, so that they can be indices; others have the dtype of `like`.
        """
        if name not in self._constants:
            are_whole = all(isinstance(value, int) for value in values)
            self._constants[name] = like.new_tensor(values, dtype=torch.int64 if are_whole else like.dtype)
        return self._constants[name]

    def child(self, number: int) -> "Memo":
        """The memo of a layer inside this layer, made once; its draws are its own."""
        if number not in self._children:
            inner = (self._layer + 1) * MAX_CHILDREN + number  # from 1000 on: no layer of a network has such a number
            reuse = self._buffers is not None
            self._children[number] = Memo(
                training=self.training, reuse=reuse, draws=self._draws, layer=inner, over_ranks=self._over_ranks
            )
        return self._children[number]

    @property
    def is_shared(self) -> bool:
        """Whether other ranks have rows of the same batch."""
        return self._over_ranks is not None

    def num_rows(self, x: Inputs) -> Tensor | int:
        """N, the rows of the whole batch, of which x (N, I) may be one rank's share."""
        return len(x) if self._over_ranks is None else self._over_ranks(x.new_tensor(len(x)))

    def means(self, *each: Inputs) -> list[Tensor]:
        """The mean (I,) of each x (N, I) over the rows of the whole batch."""
        if self._over_ranks is None:
            return [x.mean(0) for x in each]
        sums = [x.sum(0) for x in each]
        *sums, num_rows = self._over_ranks(torch.stack([*sums, torch.full_like(sums[0], len(each[0]))]))
        return [one / num_rows for one in sums]

    def bits(self, like: Tensor) -> Tensor:
        """This step's random bits for this layer, one 15-bit integer for each element of `like`."""
        assert self._draws is not None, "only a training pass draws"
        return self._draws.bits(self._layer, like)


class Initializer(Protocol):
    """What a layer needs of an initialization scheme; every item in `inits/` provides it."""

    def weight_(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fills a matrix (O, I) in place."""

    def bias_(self, bias: Tensor, fan_in: int, generator: torch.Generator) -> None:
        """Fills the bias of a layer with `fan_in` inputs, in place."""


class Layer(ABC):
    """A differentiable function y = f(x; w), as frozen data: it has the sizes, `Params` has the weights `w`.

    Shapes are per row, without the batch axis. `forward` is written so that autograd can follow it; `backward` is
    derived by hand.
    """

    is_row_by_row: ClassVar[bool] = True
    """Whether, in training, each output depends on nothing but its row. Not so for a layer that draws for each row, or
    looks at the whole batch."""

    augments: ClassVar[bool] = False
    """Whether it augments data: changes rows at random in training."""

    looks_at_batch: ClassVar[bool] = False
    """Whether, in training, its output for a row depends on the other rows of the batch, on all ranks."""

    remembers_y: ClassVar[bool] = True
    """Whether its backward pass may look at its output, which so has to stay as it is."""

    must_be_first: ClassVar[bool] = False
    """Whether it takes the raw rows, such as category codes, and so must be the first layer."""

    formulas: ClassVar[Mapping[str, str]] = {}
    """For `fivestep explain`: how "y", "dx", each parameter's "dNAME" and what `memo` keeps come about, in which {x},
    {y}, {dx}, {dy}, {weight}, ... stand for the tensors' names. A tensor that is left out is shown without a formula.
    In a layer of layers, {NAME} and {dx_NAME} stand for what the layer inside of that name gives and sends back
    ("body.0" is "body_0"; {first} and {last} too), and "dNAME" is how the gradient comes to it."""

    @abstractmethod
    def sized(self, input_shape: Shape) -> Self:
        """The same layer with its input size filled in; raises an `InputError` if it already has another one."""

    @abstractmethod
    def parameter_shapes(self) -> dict[str, Shape]:
        """The shapes of the parameters, by name, in names and layout those of the torch twin; empty if it has none."""

    @abstractmethod
    def buffer_shapes(self) -> dict[str, Shape]:
        """The shapes of the buffers, which are kept from batch to batch but not trained, by torch's names."""

    @abstractmethod
    def check_input(self, x: Features) -> None:
        """Raises an `InputError` if stored rows x hold something that this layer, as the first one, cannot take."""

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one row of y for the shape of one row of x."""

    @abstractmethod
    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        """Fills the parameters and the buffers with their initial values, in place."""

    @abstractmethod
    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        """The output y = f(x; w). Keeps in `memo` what `backward` will need."""

    @abstractmethod
    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        """Adds dloss/dw to `dw` and returns dloss/dx, or anything if not `need_dx`. May overwrite `dy`."""

    @abstractmethod
    def module(self, memo: Memo) -> nn.Module:
        """The twin in `torch.nn`, uninitialized; a layer that draws takes its draws from `memo`."""


def kind_of(layer: Layer) -> str:
    """The name of its file, by which it is chosen: "linear", "batch_norm"."""
    return type(layer).__module__.rpartition(".")[2]


class LearnsFromRows(Layer):
    """A layer whose buffers are learned from the training rows, once, before the first step (`steps.py` sees to it)."""

    @abstractmethod
    def has_learned(self, w: Tensors) -> bool:
        """Whether `learn_` has been called."""

    @abstractmethod
    def learn_(self, w: Tensors, x: Elements, weight: RowWeights | None) -> None:
        """Fills the buffers from the layer's inputs x for some rows, and the weights of the rows if they have any."""


class ParameterFree(Layer):
    """A layer without parameters, buffers or a size of its own."""

    @final
    def sized(self, input_shape: Shape) -> Self:
        return self

    @final
    def parameter_shapes(self) -> dict[str, Shape]:
        return {}

    @final
    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    @final
    def check_input(self, x: Features) -> None:
        """Takes anything."""

    @final
    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        """Nothing to fill."""
