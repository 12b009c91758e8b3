"""One flat vector, and views of it."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.params import Params

SHAPES = [{"weight": (3, 2), "bias": (3,)}, {}, {"weight": (1, 3), "bias": (1,)}]


def params() -> Params:
    return Params(SHAPES, torch.float64, torch.device("cpu"))


def test_names_and_shapes_are_torchs_in_the_order_of_the_layers() -> None:
    shapes = {name: tuple(view.shape) for name, view in params().named().items()}
    assert list(shapes.items()) == [("0.weight", (3, 2)), ("0.bias", (3,)), ("2.weight", (1, 3)), ("2.bias", (1,))]


def test_gradients_have_the_same_names_and_shapes() -> None:
    one = params()
    assert {name: view.shape for name, view in one.named_gradients().items()} == {
        name: view.shape for name, view in one.named().items()
    }


def test_matrices_come_first_in_the_flat_vector() -> None:
    one = params()
    one.flat.copy_(torch.arange(13))
    assert one.weights[0]["weight"].flatten().tolist() == [0, 1, 2, 3, 4, 5]
    assert one.weights[2]["weight"].flatten().tolist() == [6, 7, 8]
    assert one.weights[0]["bias"].tolist() == [9, 10, 11]
    assert one.weights[2]["bias"].tolist() == [12]


def test_every_view_shares_the_memory_of_its_flat_vector() -> None:
    one = params()
    one.flat.fill_(1)
    one.grad.fill_(2)
    assert all((view == 1).all() for view in one.named().values())
    assert all((view == 2).all() for view in one.named_gradients().values())


def test_a_network_without_parameters_has_an_empty_vector() -> None:
    assert Params([{}, {}], torch.float32, torch.device("cpu")).flat.shape == (0,)


def test_load_copies_the_values() -> None:
    one, values = params(), {name: torch.randn(view.shape) for name, view in params().named().items()}
    one.load(values)
    values["0.weight"].zero_()
    assert one.weights[0]["weight"].abs().min() > 0


def test_a_missing_weight_is_refused_by_name() -> None:
    weights = params().named()
    del weights["2.bias"]
    with pytest.raises(InputError, match=r"must hold all of 0.weight, .* got none for '2.bias'; add it"):
        params().load(weights)


def test_an_extra_weight_is_refused_with_the_nearest_name() -> None:
    weights = params().named() | {"2.weigth": torch.zeros(1, 3)}
    with pytest.raises(InputError, match=r"got '2.weigth'; did you mean '2.weight'\?"):
        params().load(weights)


def test_a_transposed_weight_is_refused() -> None:
    weights = params().named() | {"0.weight": torch.zeros(2, 3)}
    with pytest.raises(
        InputError, match=r"0.weight must have the shape \(3, 2\), got \(2, 3\); weights are \(out, in\)"
    ):
        params().load(weights)


def test_nothing_is_loaded_when_one_weight_does_not_fit() -> None:
    one = params()
    weights = {name: torch.ones_like(view) for name, view in one.named().items()} | {"2.bias": torch.ones(5)}
    with pytest.raises(InputError):
        one.load(weights)
    assert one.flat.abs().max() == 0
