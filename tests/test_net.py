"""What is trained, as plain data."""

import tomllib
from typing import Any

import numpy as np
import pytest
import tomli_w

from fivestep.check import InputError
from fivestep.find import Choice
from fivestep.layers.linear import Linear
from fivestep.net import MLP, FeedForward, LinearRegression, NetSpec, SoftmaxRegression

REFERENCE = MLP(784, 256, 10)
EMBEDDED = (Choice("embedding", num_embeddings=9, embedding_dim=2), Choice("flatten"), Choice("linear"))


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


def test_sizes_may_be_whole_numbers_of_numpy() -> None:
    spec = MLP(np.int64(2), np.int32(8), np.int64(1))
    assert spec == MLP(2, 8, 1)
    assert NetSpec.from_dict(tomllib.loads(tomli_w.dumps(spec.to_dict()))) == spec


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
        ({"activation": "leaky_relu:sloope=1"}, "option of activation 'leaky_relu' must be .* did you mean 'slope'?"),
        ({"norm": "layer_norm:epz=1"}, "option of layer 'layer_norm' must be .* did you mean 'eps'?"),
        ({"init": "normal:stdd=1"}, "option of init 'normal' must be one of std, got 'stdd'; did you mean 'std'?"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        MLP(2, 8, 1, **options)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ("linear", "layers must be a list or tuple of layers, got 'linear'"),
        (None, "layers must be a list or tuple of layers, got None"),
        ((None,), "a choice must be a name .* got None"),
        (("linear", "rleu"), "layer must be one of .* did you mean 'relu'?"),
        (("linear:out_feature=3", "linear"), "option of layer 'linear' .* did you mean 'out_features'?"),
        (("linear:out_features=3", "dropout:p=2", "linear"), r"dropout must be a number in \[0, 1\), got 2"),
        (("linear:out_features=-3", "linear"), "out_features must be a whole number of at least 1, got -3"),
        (("elu:alpha=-1", "linear"), "alpha must be a finite number greater than 0, got -1"),
        (("embedding", "linear"), "layer 'embedding' must be given num_embeddings, embedding_dim, got 'embedding'"),
        (("residual:layers=['dropout:p=3']", "linear"), r"dropout must be a number in \[0, 1\), got 3"),
    ],
)
@pytest.mark.parametrize("sizes", [(2, 1), (None, None)], ids=["sizes", "no sizes yet"])
def test_layers_that_cannot_work_are_refused(layers: Any, sentence: str, sizes: tuple[int | None, ...]) -> None:
    with pytest.raises(InputError, match=sentence):
        NetSpec(layers, *sizes)


def test_initial_weights_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(InputError, match="std must be a finite number greater than 0, got -1"):
        MLP(None, 8, None, init="normal:std=-1")


def test_layers_may_be_written_as_text() -> None:
    assert NetSpec(["linear:out_features=8", "relu", "linear"], 2, 1, title="MLP") == MLP(2, 8, 1)  # type: ignore[arg-type]


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


@pytest.mark.parametrize(
    ("norm", "kinds"),
    [
        (None, ["linear", "tanh", "dropout", "linear"]),
        ("layer_norm", ["linear", "layer_norm", "tanh", "dropout", "linear"]),
        ("rms_norm", ["linear", "rms_norm", "tanh", "dropout", "linear"]),
        ("batch_norm:momentum=0.2", ["linear", "batch_norm", "tanh", "dropout", "linear"]),
    ],
)
def test_a_hidden_layer_is_linear_norm_activation_dropout(norm: str | None, kinds: list[str]) -> None:
    assert [choice.name for choice in MLP(4, 8, 3, activation="tanh", dropout=0.1, norm=norm).layers] == kinds


@pytest.mark.parametrize(("norm", "num_biases"), [(None, 3), ("layer_norm", 3), ("rms_norm", 3), ("batch_norm", 1)])
def test_only_a_linear_layer_before_batch_norm_has_no_bias(norm: str | None, num_biases: int) -> None:
    linear = [layer for layer in MLP(4, 8, 8, 3, norm=norm).build() if isinstance(layer, Linear)]
    assert [layer.bias for layer in linear].count(True) == num_biases
    assert linear[-1].bias


def test_each_hidden_layer_can_have_settings_of_its_own() -> None:
    spec = MLP(4, 8, 9, 3, activation=["relu", "tanh"], dropout=(0, 0.5), norm=[None, "batch_norm"])
    assert [str(choice) for choice in spec.layers] == [
        *("linear:out_features=8", "relu"),
        *("linear:out_features=9,bias=false", "batch_norm", "tanh", "dropout:p=0.5"),
        "linear",
    ]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"activation": ["relu"]}, "activation must be one setting, or one for each of the 2 hidden layers, got"),
        ({"dropout": (0.1, 0.2, 0.3)}, "dropout must be one setting, or one for each of the 2 hidden layers, got"),
        ({"norm": []}, r"norm must be one setting, or one for each of the 2 hidden layers, got \[\]"),
        ({"norm": "batchnorm"}, "norm must be one of batch_norm, .*, got 'batchnorm'; did you mean 'batch_norm'?"),
        ({"norm": "dropout"}, "norm must be one of batch_norm, layer_norm, rms_norm, got 'dropout'"),
        ({"activation": ["relu", "tahn"]}, "did you mean 'tanh'?"),
        ({"dropout": [0, 1]}, r"dropout must be a number in \[0, 1\), got 1"),
    ],
    ids=str,
)
def test_settings_of_hidden_layers_that_cannot_work_are_refused(setting: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        MLP(4, 8, 8, 3, **setting)


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        (FeedForward(4096, 14336), 2 * 58_720_256 + 14336 + 4096),
        (FeedForward(4096, 14336, bias=False), 2 * 58_720_256),
        (FeedForward(4096, 14336, gated=True, activation="silu"), 3 * 58_720_256),
        (FeedForward(8), 8 * 32 + 32 + 32 * 8 + 8),
        (FeedForward(8, residual=True, dropout=0.1), 8 * 32 + 32 + 32 * 8 + 8),
        (FeedForward(8, 5, gated=True, bias=True), 2 * (8 * 5 + 5) + 5 * 8 + 8),
    ],
    ids=str,
)
def test_a_feed_forward_block_has_as_many_parameters_as_its_matrices_and_biases(spec: NetSpec, count: int) -> None:
    assert spec.num_parameters == count


def test_the_block_of_4096_and_14336_has_117458944_parameters_and_stores_its_matrix_out_by_in() -> None:
    spec = FeedForward(4096, 14336)
    assert spec.num_parameters == 117_458_944
    assert spec.build()[0].parameter_shapes()["weight"] == (14336, 4096)
    assert 14336 * 4096 == 58_720_256


@pytest.mark.parametrize(
    ("spec", "layers"),
    [
        (FeedForward(2), ["linear:out_features=8", "gelu", "linear:out_features=2"]),
        (
            FeedForward(2, 3, activation="relu", dropout=0.1, bias=False),
            ["linear:out_features=3,bias=false", "relu", "dropout:p=0.1", "linear:out_features=2,bias=false"],
        ),
        (FeedForward(2, gated=True), ["gated:out_features=8,activation=gelu", "linear:out_features=2,bias=false"]),
        (FeedForward(2, residual=True), ["residual:layers=('linear:out_features=8', 'gelu', 'linear:out_features=2')"]),
    ],
)
def test_a_feed_forward_block_is_these_layers(spec: NetSpec, layers: list[str]) -> None:
    assert [str(choice) for choice in spec.layers] == layers


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"residual": True},
        {"gated": True, "activation": "leaky_relu:slope=0.2"},
        {"gated": True, "residual": True, "dropout": 0.1},
    ],
    ids=str,
)
def test_a_feed_forward_block_survives_the_way_to_plain_values_and_back(options: dict[str, Any]) -> None:
    spec = FeedForward(6, **options)
    again = NetSpec.from_dict(spec.to_dict())
    assert again == spec
    assert again.build() == spec.build()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"d": 0}, "d must be a whole number of at least 1, got 0"),
        ({"d": 4, "hidden": 0}, "a hidden width must be a whole number of at least 1, got 0"),
        ({"d": 4, "activation": "swiglu"}, "did you mean 'silu'?|must be one of"),
        ({"d": 4, "dropout": 1}, r"dropout must be a number in \[0, 1\), got 1"),
    ],
    ids=str,
)
def test_a_feed_forward_block_that_cannot_work_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        FeedForward(**options)


def test_the_summary_shows_the_layers_inside_a_layer_below_it() -> None:
    assert FeedForward(2, 3, residual=True).summary() == [
        ("0", "Residual", "", 0, "(N, 2)"),
        ("0.body.0", "Linear", "weight (3, 2), bias (3,)", 9, ""),
        ("0.body.1", "GELU", "", 0, ""),
        ("0.body.2", "Linear", "weight (2, 3), bias (2,)", 8, ""),
    ]


@pytest.mark.parametrize(
    ("spec", "row", "output"),
    [
        (MLP(4, 8, 3), (4,), (3,)),
        (FeedForward(4, residual=True), (7, 4), (7, 4)),
        (NetSpec(EMBEDDED[:1], 5, 2), (5,), (5, 2)),
        (NetSpec(EMBEDDED, 5, 3), (5,), (3,)),
    ],
    ids=str,
)
def test_the_shape_of_a_row_of_output(spec: NetSpec, row: tuple[int, ...], output: tuple[int, ...]) -> None:
    assert spec.row_shape(row) == output


def test_tokens_that_a_layer_runs_together_are_refused() -> None:
    spec = NetSpec((Choice("flatten"), Choice("linear")), 4, 3)
    with pytest.raises(InputError, match="in_features must be the 12 numbers that a row has at this layer, got 4"):
        spec.row_shape((3, 4))


def test_a_network_must_have_parameters() -> None:
    with pytest.raises(InputError, match="a network must have a layer with parameters, got none; add a linear layer"):
        NetSpec((Choice("relu"),), 3, 3).build()


def test_sizes_of_numpy_are_taken_and_written_as_plain_ones() -> None:
    spec = MLP(np.int64(4), np.int64(8), np.uint8(3), dropout=np.float64(0.5))
    assert spec == MLP(4, 8, 3, dropout=0.5)
    assert {type(size) for size in (spec.in_features, spec.layers[0].options["out_features"])} == {int}
