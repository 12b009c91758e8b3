"""The embedding: rows of a table, looked up by number."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._engine import initial_weights
from fivestep.find import Choice, build
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.contracts.cases import Case
from tests.contracts.combinations import Combination
from tests.layers.alone import Alone, rows
from tests.samples import ENGINES, numbers, small_engine
from tests.tolerances import FORMULA, distance

NETWORK = (Choice("embedding", num_embeddings=7, embedding_dim=3), Choice("flatten"), Choice("linear"))


def ids(shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
    return torch.randint(0, 7, shape, generator=stream).double()


def rows_are_flat(combination: Combination) -> bool:
    return combination.rows != "tokens"


CASES = [Case({"num_embeddings": 7, "embedding_dim": 3}, draw=ids, layers=NETWORK, suits=rows_are_flat)]

every_engine = pytest.mark.parametrize("name", ENGINES)
PLAN = TrainPlan(lr=0.1, batch_size=2, epochs=2)


def test_ids_one_by_four_into_a_table_ten_by_three_give_one_by_four_by_three() -> None:
    one, x = Alone.of("embedding:num_embeddings=10,embedding_dim=3", 4), rows([7, 0, 7, 9])
    y = one.train(x)
    assert y.shape == (1, 4, 3)
    assert torch.equal(y[0], one.w["weight"][[7, 0, 7, 9]])


def test_the_gradient_of_an_id_is_the_sum_over_its_places() -> None:
    # id 2 stands in two places, with the gradients (1, 2) and (10, 20); id 0 in one, with (100, 200)
    one = Alone.of("embedding:num_embeddings=4,embedding_dim=2", 3)
    one.train(rows([2, 0, 2]))
    one.back(torch.tensor([[[1.0, 2.0], [100.0, 200.0], [10.0, 20.0]]], dtype=torch.float64))
    assert one.dw["weight"].tolist() == [[100, 200], [0, 0], [11, 22], [0, 0]]


def test_it_is_a_linear_layer_on_one_hot_rows() -> None:
    one, x = Alone.of("embedding:num_embeddings=7,embedding_dim=3", 5), ids((4, 5), torch.Generator().manual_seed(1))
    onehot = nn.functional.one_hot(x.long(), 7).double()  # (4, 5, 7)
    assert distance(one.train(x), onehot @ one.w["weight"]) < FORMULA


@pytest.mark.parametrize("init", ["torch", "normal", "kaiming"])
def test_initial_vectors_are_those_of_torch_whatever_the_init(init: str) -> None:
    weights = initial_weights(NetSpec(NETWORK, 5, 2, init), seed=4)
    torch.manual_seed(4)
    assert torch.equal(weights["0.weight"], nn.Embedding(7, 3).weight)


def test_ids_are_exact_up_to_two_to_the_24() -> None:
    assert torch.arange(2**24 - 4, 2**24).float().long().tolist() == list(range(2**24 - 4, 2**24))


@pytest.mark.parametrize(
    ("wrong", "shown"), [(7.0, "got 7.0"), (-1.0, "got -1.0"), (2.5, "got 2.5"), (torch.nan, "got nan")]
)
@every_engine
def test_an_id_that_the_table_does_not_have_is_refused_at_prediction(name: str, wrong: float, shown: str) -> None:
    engine = small_engine(name, PLAN, NetSpec(NETWORK, 2, 3))
    with pytest.raises(InputError, match=rf"must be whole numbers from 0 to 6, {shown} at index \[1, 0\]; renumber"):
        engine.predict(rows([0, 6], [wrong, 1]))


@pytest.mark.parametrize(
    "x", [torch.tensor([[0, 1], [7, 2]]), rows([0, 1], [7, 2]), torch.tensor([[0, 1], [7, 2]], dtype=torch.uint8)]
)
def test_an_id_that_the_table_does_not_have_is_refused_before_the_first_step(x: Tensor) -> None:
    engine = small_engine("scratch", PLAN, NetSpec(NETWORK, 2, 3))
    data = Dataset(Rows(x, torch.tensor([0, 1]), scale=1.0 if x.dtype == torch.uint8 else None), num_outputs=3)
    with pytest.raises(InputError, match=r"ids of an embedding of 7 must be .*, got 7.* at index \[1, 0\]"):
        next(train(engine, data, PLAN))


@every_engine
@pytest.mark.parametrize("wrong", [7.0, -1.0])
def test_an_id_that_the_table_does_not_have_is_refused_in_a_step_by_hand(name: str, wrong: float) -> None:
    engine = small_engine(name, PLAN, NetSpec(NETWORK, 2, 3))
    with pytest.raises(InputError, match=rf"must be whole numbers from 0 to 6, got {wrong} at index \[1, 0\]"):
        engine.train_step(rows([0, 6], [wrong, 1]), torch.tensor([0, 1]))


def test_a_table_behind_another_layer_is_refused() -> None:
    """There its ids would be whatever that layer puts out, which nobody has checked."""
    with pytest.raises(InputError, match=r"embedding must be the first layer, .*, got it as layer 1; put it first"):
        NetSpec((Choice("linear", out_features=4), *NETWORK), 2, 3).build()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64, torch.float32])
def test_ids_of_any_type_train(dtype: torch.dtype) -> None:
    x = ids((6, 2), torch.Generator().manual_seed(0)).to(dtype)
    data = Dataset(Rows(x, torch.arange(6) % 3, scale=1.0 if dtype == torch.uint8 else None), num_outputs=3)
    engine = small_engine("scratch", PLAN, NetSpec(NETWORK, 2, 3))
    assert [epoch.index for epoch in train(engine, data, PLAN)] == [1, 2]


@every_engine
def test_targets_for_each_token_are_taken(name: str) -> None:
    """Without a flatten, every token has its own output: (N, T) ids to (N, T, C) logits."""
    spec = NetSpec((NETWORK[0], Choice("linear")), 2, 3)
    data = Dataset(Rows(ids((6, 2), torch.Generator().manual_seed(0)), torch.arange(12).view(6, 2) % 3), num_outputs=3)
    engine = small_engine(name, PLAN, spec)
    assert [epoch.index for epoch in train(engine, data, PLAN)] == [1, 2]


@pytest.mark.parametrize(
    "options", [{"num_embeddings": 0, "embedding_dim": 3}, {"num_embeddings": 3, "embedding_dim": 2.5}]
)
def test_a_table_without_a_size_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="must be a whole number of at least 1, got"):
        build("layers", Choice("embedding", **options))


def test_a_table_that_says_nothing_of_its_size_is_refused() -> None:
    with pytest.raises(InputError, match="must be given num_embeddings, embedding_dim, got 'embedding'; write"):
        build("layers", "embedding")


def test_ids_do_not_pass_a_gradient_on() -> None:
    one = Alone.of("embedding:num_embeddings=4,embedding_dim=2", 3)
    one.train(rows([2, 0, 2]))
    assert one.back(numbers(1, 3, 2)).tolist() == [[0, 0, 0]]
