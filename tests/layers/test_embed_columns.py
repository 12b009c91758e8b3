"""Columns of numbers beside columns of codes: the codes become rows of tables."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fivestep.check import InputError
from fivestep.engines._engine import initial_weights
from fivestep.find import Choice, build
from fivestep.net import NetSpec
from tests.contracts.cases import Case, normal
from tests.layers.alone import Alone, rows
from tests.samples import ENGINES, small_engine
from tests.tolerances import FORMULA, distance

OPTIONS: dict[str, Any] = {"num_embeddings": (5, 3), "embedding_dim": 2}
NETWORK = (*(Choice("embed_columns", **OPTIONS), Choice("linear", out_features=5), Choice("tanh"), Choice("linear")),)
TEXT = "embed_columns:num_embeddings=(5,3),embedding_dim=2"


def numbers_and_codes(shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
    x = normal(shape, stream)
    x[..., -2] = torch.randint(0, 5, shape[:-1], generator=stream).double()
    x[..., -1] = torch.randint(0, 3, shape[:-1], generator=stream).double()
    return x


CASES = [Case(OPTIONS, draw=numbers_and_codes, layers=NETWORK)]

every_engine = pytest.mark.parametrize("name", ENGINES)


def test_numbers_stay_and_codes_are_looked_up_each_in_its_own_table() -> None:
    one = Alone.of(TEXT, 4)
    y = one.train(rows([0.5, -7, 4, 2], [0.25, 8, 0, 0]))
    table = one.w["weight"]  # five rows of the first category, then three of the second
    assert y.shape == (2, 2 + 2 * 2)
    assert torch.equal(y[:, :2], rows([0.5, -7], [0.25, 8]))
    assert torch.equal(y[0, 2:], torch.cat([table[4], table[7]]))
    assert torch.equal(y[1, 2:], torch.cat([table[0], table[5]]))


def test_it_is_numbers_beside_one_hot_columns_times_the_tables() -> None:
    one, x = Alone.of(TEXT, 6), numbers_and_codes((9, 6), torch.Generator().manual_seed(1))
    first = nn.functional.one_hot(x[:, 4].long(), 5).double() @ one.w["weight"][:5]
    second = nn.functional.one_hot(x[:, 5].long(), 3).double() @ one.w["weight"][5:]
    assert distance(one.train(x), torch.cat([x[:, :4], first, second], dim=1)) < FORMULA


def test_the_gradient_goes_to_the_rows_that_were_looked_up() -> None:
    one = Alone.of(TEXT, 3)
    one.train(rows([0.5, 4, 2], [0.5, 4, 0]))
    dx = one.back(rows([9, 1, 2, 10, 20], [7, 3, 4, 30, 40]))
    expected = torch.zeros(8, 2, dtype=torch.float64)
    expected[4], expected[7], expected[5] = torch.tensor([4.0, 6]), torch.tensor([10.0, 20]), torch.tensor([30.0, 40])
    assert torch.equal(one.dw["weight"], expected)
    assert torch.equal(dx, rows([9, 0, 0], [7, 0, 0]))


def test_what_was_never_seen_begins_as_the_mean_of_the_others() -> None:
    weights = initial_weights(NetSpec(NETWORK, 6, 4), seed=4)["0.weight"]
    assert weights[[0, 5]].abs().max() == 0
    assert (weights[[1, 2, 3, 4, 6, 7]].abs().sum(1) > 0).all()


@pytest.mark.parametrize(("wrong", "shown"), [(3.0, "got 3.0"), (-1.0, "got -1.0"), (0.5, "got 0.5")])
@every_engine
def test_a_code_that_no_table_has_is_refused_at_prediction(name: str, wrong: float, shown: str) -> None:
    engine = small_engine(name, spec=NetSpec(NETWORK, 3, 3))
    with pytest.raises(InputError, match=rf"with 3 must be whole numbers from 0 to 2, {shown} at index \[1, 1\]; enc"):
        engine.predict(rows([0.5, 0, 0], [0.5, 0, wrong]))


@pytest.mark.parametrize(
    "options", [{"num_embeddings": ()}, {"num_embeddings": 7}, {"num_embeddings": (3, 0)}, {"num_embeddings": (3, 2.5)}]
)
def test_tables_without_a_size_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="num_embeddings must be"):
        build("layers", Choice("embed_columns", **options))


def test_a_row_without_room_for_the_codes_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most the 1 numbers of a row, .*, got \(5, 3\); drop some"):
        Alone.of(TEXT, 1)
