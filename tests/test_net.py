"""What is trained, as plain data."""

from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.find import Choice
from fivestep.net import MLP, LinearRegression, NetSpec, SoftmaxRegression

REFERENCE = MLP(784, 256, 10)


def test_the_reference_network_has_203530_parameters() -> None:
    assert REFERENCE.num_parameters == 784 * 256 + 256 + 256 * 10 + 10 == 203_530


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        (LinearRegression(1), 2),
        (LinearRegression(5, 3), 18),
        (SoftmaxRegression(784, 10), 7850),
        (MLP(2, 8, 1), 33),
        (MLP(3, 4), 16),
        (MLP(1, 1, 1, 1, 1), 8),
        (MLP(2, 8, 8, 1, dropout=0.5, activation="gelu"), 105),
    ],
    ids=str,
)
def test_a_network_has_as_many_parameters_as_its_matrices_and_biases(spec: NetSpec, count: int) -> None:
    assert spec.num_parameters == count


def test_the_summary_has_name_shape_number_and_output_of_each_layer() -> None:
    assert REFERENCE.summary() == [
        ("0", "Linear", "weight (256, 784), bias (256,)", 200_960, "(N, 256)"),
        ("1", "ReLU", "", 0, "(N, 256)"),
        ("2", "Linear", "weight (10, 256), bias (10,)", 2_570, "(N, 10)"),
    ]


def test_the_printed_network_says_sizes_and_parameters() -> None:
    lines = str(REFERENCE).splitlines()
    assert lines[0] == "MLP 784-256-10: 203,530 parameters"
    assert lines[2].split() == ["0", "Linear", "weight", "(256,", "784),", "bias", "(256,)", "200,960", "(N,", "256)"]
    assert len(lines) == 5


def test_layers_are_numbered_as_in_a_torch_sequential() -> None:
    layers = [choice.name for choice in MLP(2, 3, 4, 1, activation="tanh", dropout=0.1).layers]
    assert layers == ["linear", "tanh", "dropout", "linear", "tanh", "dropout", "linear"]


@pytest.mark.parametrize("depth", [0, 1, 2, 10])
def test_an_mlp_has_any_depth(depth: int) -> None:
    spec = MLP(3, *[5] * depth, 2)
    assert [layer.output_shape((9,))[-1] for layer in spec.build() if layer.parameter_shapes()] == [5] * depth + [2]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (MLP(None, 256, None), "?-256-?"),
        (MLP(2, 8, None), "2-8-?"),
        (SoftmaxRegression(), "?-?"),
        (LinearRegression(), "?-1"),
    ],
)
def test_sizes_left_out_are_shown_as_such(spec: NetSpec, text: str) -> None:
    assert spec.sizes_text() == text
    assert text in str(spec)


def test_sizes_left_out_are_filled_in() -> None:
    assert MLP(None, 256, None).sized(784, 10) == REFERENCE


def test_sizes_that_agree_change_nothing() -> None:
    assert REFERENCE.sized(784, 10) == REFERENCE


@pytest.mark.parametrize(("sizes", "argument"), [((783, 10), "in_features"), ((784, 9), "out_features")])
def test_sizes_that_do_not_fit_the_data_are_refused(sizes: tuple[int, int], argument: str) -> None:
    with pytest.raises(InputError, match=f"{argument} of the network must be .* to fit the data, got"):
        REFERENCE.sized(*sizes)


def test_a_network_without_sizes_cannot_be_built() -> None:
    with pytest.raises(InputError, match=r"must know its sizes, got \?-256-\?; call spec.sized"):
        MLP(None, 256, None).build()


@pytest.mark.parametrize("width", [0, -1, 2.5, "8", None, True])
def test_a_hidden_width_that_is_no_size_is_refused(width: Any) -> None:
    with pytest.raises(InputError, match="a hidden width must be a whole number of at least 1, got"):
        MLP(2, width, 1)


@pytest.mark.parametrize(("sizes", "argument"), [((0, 3, 1), "in_features"), ((2, 3, 0), "out_features")])
def test_an_end_of_no_width_is_refused(sizes: tuple[int, ...], argument: str) -> None:
    with pytest.raises(InputError, match=f"{argument} must be a whole number of at least 1, got 0"):
        MLP(*sizes)


def test_an_mlp_needs_two_ends() -> None:
    with pytest.raises(InputError, match="at least an input and an output size, got"):
        MLP(3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"activation": "rleu"}, "did you mean 'relu'?"),
        ({"init": "xaver"}, "did you mean 'xavier'?"),
        ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\), got 1.0"),
        ({"dropout": -0.1}, r"dropout must be a number in \[0, 1\), got -0.1"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        MLP(2, 8, 1, **options)


def test_a_layer_of_another_width_in_the_middle_is_refused() -> None:
    layers = (Choice("linear", out_features=4), Choice("linear", out_features=3, in_features=5), Choice("linear"))
    with pytest.raises(InputError, match="in_features must be the 4 numbers that a row has at this layer, got 5"):
        NetSpec(layers, 2, 1).build()


@pytest.mark.parametrize(
    "spec",
    [
        REFERENCE,
        MLP(None, 8, 8, None, activation="gelu", dropout=0.25, init="normal:std=0.1"),
        LinearRegression(),
        SoftmaxRegression(4, 3, init=Choice("xavier")),
    ],
    ids=str,
)
def test_a_network_survives_the_way_to_plain_values_and_back(spec: NetSpec) -> None:
    assert NetSpec.from_dict(spec.to_dict()) == spec


def test_a_network_is_frozen_data() -> None:
    with pytest.raises(AttributeError):
        REFERENCE.in_features = 3  # type: ignore[misc]
