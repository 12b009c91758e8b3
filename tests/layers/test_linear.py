"""The linear layer: worked values, sizes, and the figures of a transformer's block."""

import math

import pytest
import torch

from fivestep.check import InputError
from fivestep.layer import Memo
from fivestep.layers.linear import Linear
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case({"out_features": 4}), Case({"out_features": 4, "bias": False})]

X = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
W = {"weight": torch.tensor([[7.0, 9, 11], [8, 10, 12]]), "bias": torch.tensor([0.0, 100])}


def test_worked_values() -> None:
    """[[1,2,3],[4,5,6]] @ [[7,8],[9,10],[11,12]] = [[58,64],[139,154]], and the bias on top."""
    z = Linear(2).sized((3,)).forward(W, X, Memo(training=False))
    assert z.tolist() == [[58, 164], [139, 254]]


def test_worked_gradients() -> None:
    """With dz = [[1,0],[0,1]]: dW = dz^T x, db is the sum over the rows, dx = dz W."""
    layer, memo = Linear(2).sized((3,)), Memo(training=True)
    dw = {"weight": torch.zeros(2, 3), "bias": torch.zeros(2)}
    layer.forward(W, X, memo)
    dx = layer.backward(W, dw, torch.eye(2), memo)
    assert dw["weight"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert dw["bias"].tolist() == [1, 1]
    assert dx.tolist() == [[7, 9, 11], [8, 10, 12]]


def test_it_is_torchs_formula() -> None:
    x, w, b = numbers(5, 3), numbers(4, 3, seed=1), numbers(4, seed=2)
    z = Linear(4).sized((3,)).forward({"weight": w, "bias": b}, x, Memo(training=False))
    assert distance(z, x @ w.T + b) < FORMULA


def test_a_block_of_a_large_transformer_has_the_published_number_of_parameters() -> None:
    """d = 4096, hidden 14336: 117,458,944 with biases; one matrix of 58,720,256, stored (14336, 4096)."""
    up, down = Linear(14336).sized((4096,)).parameter_shapes(), Linear(4096).sized((14336,)).parameter_shapes()
    assert up["weight"] == (14336, 4096)
    assert math.prod(up["weight"]) == 58_720_256
    assert sum(math.prod(shape) for shape in [*up.values(), *down.values()]) == 117_458_944


def test_another_input_size_is_refused() -> None:
    with pytest.raises(InputError, match="in_features must be the 3 numbers that a row has at this layer, got 5"):
        Linear(2, in_features=5).sized((3,))


@pytest.mark.parametrize("width", [0, -1, 2.5, "4"])
def test_a_width_that_is_no_size_is_refused(width: object) -> None:
    with pytest.raises(InputError, match="out_features must be a whole number of at least 1, got"):
        Linear(width)  # type: ignore[arg-type]
