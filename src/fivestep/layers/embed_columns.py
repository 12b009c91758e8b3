"""The columns of a table: numbers pass through, the codes of categories become learned vectors."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from ..check import InputError, at_least, refuse
from ..layer import Initializer, Layer, Memo
from ..typing import Elements, Features, Shape, Tensors


@final
@dataclass(frozen=True)
class EmbedColumns(Layer):
    """y = [x_1 ... x_D, W[c_1], ..., W[c_J + o_J]]: the last J numbers of a row are codes, each looked up in a table.

    A row is (D + J,), y is (D + J d,). Category j has the codes 0 to V_j - 1 (`num_embeddings`), d is `embedding_dim`,
    and the J tables lie below each other in one matrix W (V_1 + ... + V_J, d), so that one look-up serves them all:
    table j begins at row o_j = V_1 + ... + V_{j-1}. Codes ride as floating-point numbers beside the others (every whole
    number below 2^24 is exact in float32). Backward,

        dx_i = dy_i for the numbers, 0 for the codes;    dW[c_nj + o_j] += dy_nj, the d numbers that it gave

    W begins as N(0, 1), as in torch, but for code 0 of each category: it stands for what training may never have seen,
    and begins as 0, the mean of the others. `check_input` and the evaluation pass raise an `InputError` for a code that
    no table has. Guo and Berkhahn 2016, "Entity embeddings of categorical variables".
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "ids": "the last columns of {x} as whole numbers, each plus where its table begins",
        "y": "the other columns of {x}, then the rows {ids} of {weight}",
        "dweight": "each vector in {dy}, added to the row of {weight} it came from",
        "dx": "the first columns of {dy}; 0 for the codes",
    }

    num_embeddings: tuple[int, ...]
    embedding_dim: int = 8

    def __post_init__(self) -> None:
        sizes = self.num_embeddings
        if not isinstance(sizes, list | tuple) or not sizes:
            raise refuse("num_embeddings", sizes, "one size or more, one for each column of codes", "write (12, 40)")
        for size in sizes:
            at_least("num_embeddings", size, 1)
        at_least("embedding_dim", self.embedding_dim, 1)
        object.__setattr__(self, "num_embeddings", tuple(sizes))

    def sized(self, input_shape: Shape) -> Self:
        if input_shape[-1] < len(self.num_embeddings):
            raise InputError(
                f"num_embeddings must be at most the {input_shape[-1]} numbers of a row, each a size for one of the "
                f"last, got {self.num_embeddings}; drop some."
            )
        return self

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"weight": (sum(self.num_embeddings), self.embedding_dim)}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def check_input(self, x: Features) -> None:
        codes = x[..., -len(self.num_embeddings) :]
        bad = (codes < 0) | (codes >= codes.new_tensor(self.num_embeddings)) | (codes != codes.round())
        if bad.any():
            where = bad.nonzero()[0].tolist()
            raise InputError(
                f"codes of a category with {self.num_embeddings[where[-1]]} must be whole numbers from 0 to "
                f"{self.num_embeddings[where[-1]] - 1}, got {codes[tuple(where)].item()} at index {where}; encode the "
                f"table with the encoder of the network."
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        num_codes = len(self.num_embeddings)
        return (*input_shape[:-1], input_shape[-1] - num_codes + num_codes * self.embedding_dim)

    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        w["weight"].normal_(generator=generator)
        w["weight"][self.offsets] = 0

    @property
    def offsets(self) -> list[int]:
        """Where each category's table begins, o_j."""
        return list(itertools.accumulate((0, *self.num_embeddings[:-1])))

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        if not memo.training:
            self.check_input(x)
        ids = self.ids(x, memo)
        memo["x"], memo["ids"] = x, ids
        vectors = w["weight"].index_select(0, ids).view(*x.shape[:-1], -1)  # (*N, J d)
        parts = (x[..., : -len(self.num_embeddings)], vectors)
        out = memo.buffer("y", self.output_shape(x.shape), x)
        return torch.cat(parts, dim=-1) if out is None else torch.cat(parts, dim=-1, out=out)

    def ids(self, x: Elements, memo: Memo) -> Tensor:
        """The row of W for each code, all in one vector: (N J,)."""
        codes = x[..., -len(self.num_embeddings) :].round().long()
        return (codes + memo.constants("offsets", self.offsets, codes)).flatten()

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        num_numbers = memo["x"].shape[-1] - len(self.num_embeddings)
        dw["weight"].index_add_(0, memo["ids"], dy[..., num_numbers:].reshape(-1, self.embedding_dim))
        if not need_dx:
            return dy
        dx = torch.zeros_like(memo["x"])
        dx[..., :num_numbers] = dy[..., :num_numbers]
        return dx

    def module(self, memo: Memo) -> nn.Module:
        return _Twin(self)


@final
class _Twin(nn.Embedding):
    """`nn.Embedding` for the codes in the last columns, beside the numbers in the others."""

    def __init__(self, layer: EmbedColumns) -> None:
        super().__init__(sum(layer.num_embeddings), layer.embedding_dim)
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            self.layer.check_input(x)
        num_numbers = x.shape[-1] - len(self.layer.num_embeddings)
        codes = x[..., num_numbers:].round().long() + torch.tensor(self.layer.offsets, device=x.device)
        return torch.cat([x[..., :num_numbers], super().forward(codes).flatten(-2)], dim=-1)
