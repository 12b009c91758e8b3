"""All axes of a row as one."""

import torch

from fivestep.find import Choice
from fivestep.net import NetSpec
from tests.contracts.cases import Case
from tests.contracts.combinations import Combination
from tests.layers.alone import Alone
from tests.samples import numbers


def rows_are_flat(combination: Combination) -> bool:
    return combination.rows != "tokens"  # which the linear layer above would meet as longer rows


CASES = [Case(suits=rows_are_flat)]


def test_numbers_keep_their_order() -> None:
    x = torch.arange(12.0).view(2, 2, 3)
    assert Alone.of("flatten", 2, 3).train(x).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_the_gradient_gets_the_shape_of_the_input() -> None:
    one, dy = Alone.of("flatten", 2, 3), numbers(4, 6)
    one.train(numbers(4, 2, 3))
    assert torch.equal(one.back(dy), dy.view(4, 2, 3))


def test_the_layer_above_is_sized_for_all_numbers_of_a_row() -> None:
    embedding = Choice("embedding", num_embeddings=9, embedding_dim=4)
    spec = NetSpec((embedding, Choice("flatten"), Choice("linear")), in_features=5, out_features=2)
    assert spec.summary()[-1] == ("2", "Linear", "weight (2, 20), bias (2,)", 42, "(N, 2)")
