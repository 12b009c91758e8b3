"""What is trained: the layers of a network as plain data, without weights."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

from .check import InputError, at_least, in_unit_interval, one_of, plain, refuse
from .find import Choice, build, check_options, find, has_width, layer_family, names

if TYPE_CHECKING:
    from .inits._base import Init
    from .layer import Layer


@final
@dataclass(frozen=True)
class NetSpec:
    """A stack of layers. `in_features` and `out_features` may be None until the data fill them in (`sized`).

    The last layer with a width of its own, usually a linear one, has `out_features` units. Layers are numbered as in
    `torch.nn.Sequential`, activations included, so the parameters are named "0.weight", "0.bias", "2.weight", ...
    """

    layers: tuple[Choice, ...]
    in_features: int | None = None
    out_features: int | None = None
    init: str | Choice = "torch"
    title: str = "network"

    def __post_init__(self) -> None:
        for argument, size in (("in_features", self.in_features), ("out_features", self.out_features)):
            if size is not None:
                at_least(argument, size, 1, "leave it None to take it from the data")
                object.__setattr__(self, argument, plain(size))
        object.__setattr__(self, "init", Choice.parse(self.init))
        self.build_init()
        if not isinstance(self.layers, list | tuple):
            raise refuse("layers", self.layers, "a list or tuple of layers", "build a network with MLP(...)")
        object.__setattr__(self, "layers", tuple(Choice.parse(layer) for layer in self.layers))
        _unsized(self)

    def sized(self, in_features: int, out_features: int) -> "NetSpec":
        """The same network for that many inputs and outputs; raises an `InputError` if it already has other sizes."""
        for argument, own, other in (
            ("in_features", self.in_features, in_features),
            ("out_features", self.out_features, out_features),
        ):
            if own not in (None, other):
                raise InputError(
                    f"{argument} of the network must be {other} to fit the data, got {own}; make it {other}, or None."
                )
        return replace(self, in_features=in_features, out_features=out_features)

    def build(self) -> "tuple[Layer, ...]":
        """The layers with all sizes filled in, each from the output of the one before it."""
        return _build_layers(self)

    def row_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one row of output for a row of that shape, as (T, O) for tokens (T, I).

        Raises an `InputError` where a layer cannot take its input.
        """
        for layer in self.build():
            input_shape = layer.sized(input_shape).output_shape(input_shape)
        return input_shape

    def build_init(self) -> "Init":
        """The initialization scheme, made with its options."""
        init: Init = build("inits", self.init)
        return init

    @property
    def num_parameters(self) -> int:
        """The number of parameters of all layers together."""
        return sum(math.prod(shape) for layer in self.build() for shape in layer.parameter_shapes().values())

    def sizes_text(self) -> str:
        """The widths from input to output, such as "784-256-10", with "?" for one that is not known yet."""
        hidden = [choice.options["out_features"] for choice in self.layers[:-1] if "out_features" in choice.options]
        return "-".join("?" if size is None else str(size) for size in (self.in_features, *hidden, self.out_features))

    def summary(self) -> list[tuple[str, str, str, int, str]]:
        """One row per layer: number, layer, shapes of its parameters, their number, shape of its output.

        A layer made of other layers has a row for each of them below its own, and no parameters besides theirs.
        """
        rows: list[tuple[str, str, str, int, str]] = []
        shape: tuple[int, ...] = (self.in_features or 0,)
        for k, layer in enumerate(self.build()):
            shape = layer.output_shape(shape)
            first, *inner = _summary_rows(str(k), layer)
            rows += [(*first[:-1], f"(N, {', '.join(map(str, shape))})"), *inner]
        return rows

    def __str__(self) -> str:
        if self.in_features is None or self.out_features is None:
            return f"{self.title} {self.sizes_text()}"
        head = ("", "layer", "parameters", "number", "output")
        rows = [head, *((k, layer, shapes, f"{count:,}", output) for k, layer, shapes, count, output in self.summary())]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = [
            "  ".join(
                cell.rjust(width) if column == 3 else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        return "\n".join(
            [
                f"{self.title} {self.sizes_text()}: {self.num_parameters:,} parameters",
                *(line.rstrip() for line in lines),
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """The network as plain values, for a configuration file; `from_dict` reads it back."""
        return {
            "title": self.title,
            "in_features": self.in_features,
            "out_features": self.out_features,
            "init": str(self.init),
            "layers": [str(choice) for choice in self.layers],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "NetSpec":
        """The network that `to_dict` wrote."""
        return cls(**{**values, "layers": tuple(Choice.parse(text) for text in values["layers"])})


def _summary_rows(number: str, layer: "Layer") -> list[tuple[str, str, str, int, str]]:
    """The rows of the summary for a layer and the layers inside it; the output's shape is left empty."""
    from .layers._composite import Composite

    kind = type(layer).__name__
    if isinstance(layer, Composite):
        inner = [row for name, one in layer.inner().items() for row in _summary_rows(f"{number}.{name}", one)]
        return [(number, kind, "", 0, ""), *inner]
    parameters = layer.parameter_shapes()
    shapes = ", ".join(f"{name} {tuple(size)}" for name, size in parameters.items())
    return [(number, kind, shapes, sum(math.prod(size) for size in parameters.values()), "")]


@functools.lru_cache(maxsize=1000)
def _unsized(spec: "NetSpec") -> "tuple[Layer, ...]":
    """The layers with their options, before they know their inputs; raises an `InputError` for an unusable option."""
    last = max((k for k, choice in enumerate(spec.layers) if has_width(choice)), default=None)
    width = {"out_features": spec.out_features or 1}  # of the last: the data may still have to say it
    return tuple(
        build(layer_family(choice.name), choice, **(width if k == last else {})) for k, choice in enumerate(spec.layers)
    )


@functools.lru_cache(maxsize=1000)
def _build_layers(spec: "NetSpec") -> "tuple[Layer, ...]":
    """The layers of a network, cached, as they are frozen data: a fleet asks for them three times for each network."""
    if spec.in_features is None or spec.out_features is None:
        raise InputError(
            f"the network must know its sizes, got {spec.sizes_text()}; call spec.sized(in_features, out_features)."
        )
    layers: list[Layer] = []
    shape: tuple[int, ...] = (spec.in_features,)
    for k, (choice, layer) in enumerate(zip(spec.layers, _unsized(spec), strict=True)):
        layers.append(layer.sized(shape))
        if k > 0 and layers[-1].must_be_first:
            raise InputError(
                f"{choice.name} must be the first layer, which sees the rows as they are, got it as layer {k}; "
                f"put it first."
            )
        shape = layers[-1].output_shape(shape)
    if shape[-1] != spec.out_features:
        raise InputError(
            f"the network must end with out_features={spec.out_features} numbers, got {shape[-1]}; "
            f"end it with a linear layer."
        )
    if not any(layer.parameter_shapes() for layer in layers):
        raise InputError("a network must have a layer with parameters, got none; add a linear layer.")
    return tuple(layers)


def MLP(  # noqa: N802  (reads as the network it builds, as in torch.nn)
    *sizes: int | None,
    activation: str | Choice | Sequence[str | Choice] = "relu",
    dropout: float | Sequence[float] = 0.0,
    norm: str | Choice | Sequence[str | Choice | None] | None = None,
    init: str | Choice = "torch",
) -> NetSpec:
    """A multilayer perceptron: `MLP(784, 256, 10)` has 784 inputs, one hidden layer of 256 units and 10 outputs.

    Each hidden layer is a linear layer, the normalization `norm` ("batch_norm", "layer_norm", "rms_norm") if it is not
    None, the activation, and dropout with probability `dropout` if that is not 0. Each of the three is one setting for
    all hidden layers, or a sequence with one for each. A linear layer before batch normalization has no bias, as it
    would have no effect. The first and the last size may be None: they are taken from the data.
    """
    if len(sizes) < 2:
        raise InputError(
            f"MLP must have at least an input and an output size, got {sizes}; write for example MLP(784, 256, 10)."
        )
    hidden: list[Choice] = []
    activations = for_each("activation", activation, len(sizes) - 2)
    dropouts, norms = for_each("dropout", dropout, len(sizes) - 2), for_each("norm", norm, len(sizes) - 2)
    for width, *settings in zip(sizes[1:-1], activations, dropouts, norms, strict=True):
        hidden += _hidden_layer(width, *settings)
    return NetSpec((*hidden, Choice("linear")), sizes[0], sizes[-1], init, "MLP")


def for_each(argument: str, setting: Any, num_layers: int) -> list[Any]:
    """The setting of each hidden layer, given one for all of them or a sequence."""
    if not isinstance(setting, list | tuple):
        return [setting] * num_layers
    if len(setting) != num_layers:
        raise refuse(
            argument, setting, f"one setting, or one for each of the {num_layers} hidden layers", "add or drop some"
        )
    return list(setting)


def _hidden_layer(
    width: int | None, activation: str | Choice, dropout: float, norm: str | Choice | None
) -> list[Choice]:
    """Linear, norm, activation, dropout; norm and dropout only where asked for."""
    norms = [] if norm is None else [Choice.parse(norm)]
    cancels_bias = any(find("layers", one_of("norm", one.name, norm_names())).cancels_bias for one in norms)
    return [_linear(width, not cancels_bias), *norms, _activation(activation), *_dropout(dropout)]


def norm_names() -> list[str]:
    """The names of the normalization layers."""
    return [name for name in names("layers") if name.endswith("_norm")]


def _linear(width: int | None, bias: bool = True) -> Choice:
    if width is None:
        raise refuse(
            "a hidden width", width, "a whole number of at least 1", "only the first and last size may be left out"
        )
    at_least("a hidden width", width, 1, "leave the layer out if you want none")
    return Choice("linear", out_features=plain(width), **({} if bias else {"bias": False}))


def _activation(name: str | Choice) -> Choice:
    choice = Choice.parse(name)
    check_options("activations", choice.name, choice.options)
    return choice


def _dropout(p: float) -> list[Choice]:
    in_unit_interval("dropout", p, "0 switches it off")
    return [Choice("dropout", p=plain(p))] if p else []


def FeedForward(  # noqa: N802, PLR0913
    d: int,
    hidden: int | None = None,
    *,
    activation: str | Choice = "gelu",
    dropout: float = 0.0,
    residual: bool = False,
    gated: bool = False,
    bias: bool | None = None,
    init: str | Choice = "torch",
) -> NetSpec:
    """The feed-forward block of a transformer: y = W_down f(W_up x), for each row or token of d numbers by itself.

    Linear d to `hidden` (4 d by default), the activation f, dropout if it is not 0, linear back to d: (N, d) to (N, d)
    and (N, T, d) to (N, T, d). With `residual`, y = x + block(x). With `gated`, W_down (f(W_gate x) * (W_up x)): three
    matrices, without biases unless `bias` asks for them; with activation "silu" that is SwiGLU, the block of Llama.
    Vaswani et al. 2017, "Attention is all you need", equation 2; Shazeer 2020, "GLU variants improve transformer".
    """
    at_least("d", d, 1, "768 is usual")
    bias = not gated if bias is None else bias
    up = [_linear(4 * d if hidden is None else hidden, bias), _activation(activation)]
    if gated:
        width, gate = up[0].options["out_features"], str(up[1])
        up = [Choice("gated", out_features=width, activation=gate, **({"bias": True} if bias else {}))]
    layers = [*up, *_dropout(dropout), _linear(d, bias)]
    if residual:
        layers = [Choice("residual", layers=tuple(map(str, layers)))]
    return NetSpec(tuple(layers), d, d, init, "feed-forward block")


def LinearRegression(  # noqa: N802
    in_features: int | None = None, out_features: int | None = 1, init: str | Choice = "torch"
) -> NetSpec:
    """One linear layer, y = x W^T + b: (N, in_features) to (N, out_features); with binary_cross_entropy, logistic."""
    return NetSpec((Choice("linear"),), in_features, out_features, init, "linear model")


def SoftmaxRegression(  # noqa: N802
    in_features: int | None = None, num_classes: int | None = None, init: str | Choice = "torch"
) -> NetSpec:
    """One linear layer whose outputs are the logits of a softmax: (N, in_features) to (N, num_classes)."""
    return NetSpec((Choice("linear"),), in_features, num_classes, init, "softmax regression")
