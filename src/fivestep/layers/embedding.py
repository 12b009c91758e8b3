"""The embedding: a table of vectors, looked up by number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from ..check import InputError, at_least
from ..layer import Initializer, Layer, Memo
from ..typing import Elements, Features, Shape, Tensors


@final
@dataclass(frozen=True)
class Embedding(Layer):
    """y = W[x]: row x_nt of the table W (V, d) for every id x_nt, so ids (*N, T) become vectors (*N, T, d).

    V is `num_embeddings`, d is `embedding_dim`. Ids are whole numbers 0 to V - 1 that ride as floating-point columns
    (every whole number below 2^24 is exact in float32). The same as a linear layer without a bias on one-hot rows:
    y = onehot(x) W, so dW = onehot(x)^T dy, which adds each dy to the row of the table that it came from,

        dW[x_nt] += dy_nt

    and dx is 0, as for every step function. W begins as N(0, 1), whatever the network's `init`, as in torch.
    It is the first layer of its network. `check_input` and the evaluation pass raise an `InputError` for an id that the
    table does not have; in training a look would cost a synchronization at each step: the loop checks the rows before
    the first one, and by hand the sentence comes once the look-up has failed (compiled, or on an accelerator, its own).
    Bengio et al. 2003, "A neural probabilistic language model", the matrix C of section 2.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "ids": "{x} as whole numbers",
        "y": "the rows {ids} of {weight}",
        "dweight": "each row of {dy}, added to the row of {weight} it came from",
        "dx": "0",
    }

    num_embeddings: int
    embedding_dim: int
    must_be_first: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("num_embeddings", self.num_embeddings, 1)
        at_least("embedding_dim", self.embedding_dim, 1)

    def sized(self, input_shape: Shape) -> Self:
        return self

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"weight": (self.num_embeddings, self.embedding_dim)}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def check_input(self, x: Features) -> None:
        bad = (x < 0) | (x >= self.num_embeddings) | (x != x.round())
        if bad.any():
            where = bad.nonzero()[0].tolist()
            raise InputError(
                f"ids of an embedding of {self.num_embeddings} must be whole numbers from 0 to "
                f"{self.num_embeddings - 1}, got {x[tuple(where)].item()} at index {where}; renumber them, or raise "
                f"num_embeddings."
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.embedding_dim)

    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        w["weight"].normal_(generator=generator)

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        if not memo.training:
            self.check_input(x)
        ids = x.round().long().flatten()
        memo["x"], memo["ids"] = x, ids
        out = memo.buffer("y", (len(ids), self.embedding_dim), w["weight"])
        try:
            return torch.index_select(w["weight"], 0, ids, out=out).view(*x.shape, self.embedding_dim)
        except IndexError:
            self.check_input(x)
            raise

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        dw["weight"].index_add_(0, memo["ids"], dy.reshape(-1, self.embedding_dim))
        return torch.zeros_like(memo["x"]) if need_dx else dy

    def module(self, memo: Memo) -> nn.Module:
        return _FromColumns(self)


@final
class _FromColumns(nn.Embedding):
    """`nn.Embedding` for ids that come as floating-point numbers."""

    def __init__(self, layer: Embedding) -> None:
        super().__init__(layer.num_embeddings, layer.embedding_dim)
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            self.layer.check_input(x)
        try:
            return super().forward(x.round().long())
        except IndexError:
            self.layer.check_input(x)
            raise
