"""The reference recipe: exactly the settings given."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any, final

from ..check import InputError, one_of, refuse
from ..find import Choice
from ..net import MLP, FeedForward, LinearRegression, NetSpec, SoftmaxRegression
from ..plan import TrainPlan
from ._base import Facts, Preparation, Recipe


@final
class Plain(Recipe):
    """Every setting goes where its name says: `hidden` or `activation` to the network, `lr` or `epochs` to the plan."""

    optimizer = "sgd"
    scales = False
    from_task = True

    def prepare(self, model: str, settings: Mapping[str, Any], facts: Facts | None = None) -> tuple[NetSpec, TrainPlan]:
        one_of("model", model, NETWORK_SETTINGS)
        of_plan = {field.name for field in fields(TrainPlan)}
        of_network = {key: value for key, value in settings.items() if key not in of_plan}
        for key in of_network:
            if key not in NETWORK_SETTINGS[model]:
                others = [repr(other) for other, known in NETWORK_SETTINGS.items() if key in known]
                advice = f", or use model {' or '.join(others)}" if others else ""
                raise InputError(
                    f"model {model!r} must be used with {', '.join(NETWORK_SETTINGS[model])} only, got {key!r}; "
                    f"leave it out{advice}."
                )
        plan = TrainPlan(**{key: value for key, value in settings.items() if key in of_plan})
        return _network(model, **of_network), plan

    def preparation(self, model: str, settings: Mapping[str, Any], facts: Facts) -> Preparation:
        return Preparation()


NETWORK_SETTINGS = {
    "linear": ("init", "num_codes"),
    "softmax": ("init", "num_codes"),
    "mlp": (
        "hidden",
        "activation",
        "dropout",
        "norm",
        "residual",
        "init",
        "num_embeddings",
        "embedding_dim",
        "num_codes",
    ),
    "feed-forward": (
        "hidden",
        "activation",
        "dropout",
        "gated",
        "init",
        "num_embeddings",
        "embedding_dim",
        "num_codes",
    ),
}
"""The settings that each model's network takes."""


def _network(model: str, num_codes: tuple[int, ...] = (), **settings: Any) -> NetSpec:
    if num_codes:
        columns = Choice("embed_columns", num_embeddings=num_codes)
        rest = _network(model, **settings)
        return replace(rest, layers=(columns, *rest.layers))
    if model == "linear":
        return LinearRegression(None, None, **settings)
    if model == "softmax":
        return SoftmaxRegression(None, None, **settings)
    num_embeddings, embedding_dim = settings.pop("num_embeddings", None), settings.pop("embedding_dim", 16)
    spec = _feed_forward(**settings) if model == "feed-forward" else _mlp(**settings)
    if num_embeddings is None:
        return spec
    embedding = Choice("embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
    return replace(spec, layers=(embedding, Choice("flatten"), *spec.layers))


def _mlp(hidden: Sequence[int] = (), residual: bool = False, **settings: Any) -> NetSpec:
    spec = MLP(None, *hidden, None, **settings)
    return _with_detours(spec, tuple(hidden)) if residual else spec


def _with_detours(spec: NetSpec, hidden: tuple[int, ...]) -> NetSpec:
    """An MLP whose hidden layers are added to their own inputs, where they are as wide as the layer before."""
    keeps = [width == before for before, width in pairwise((None, *hidden))]
    if not any(keeps):
        advice = "write for example --hidden 64 64"
        raise refuse("hidden with residual", hidden, "a width that comes twice in a row, to add what is alike", advice)
    starts = [k for k, layer in enumerate(spec.layers) if layer.name == "linear"]
    layers: list[Choice] = []
    for (start, end), keeps_width in zip(pairwise(starts), keeps, strict=True):
        own = spec.layers[start:end]
        layers += [Choice("residual", layers=tuple(map(str, own)))] if keeps_width else own
    return replace(spec, layers=(*layers, spec.layers[-1]), title="residual MLP")


def _feed_forward(hidden: Sequence[int] = (64,), init: str | Choice = "torch", **of_block: Any) -> NetSpec:
    """The transformer's feed-forward blocks on a row of any width: one block for each of `hidden`, all of width d.

    Linear to d, then x + block(layer_norm(x)) for each block, then linear to the outputs.
    """
    if len(set(hidden)) != 1:
        raise refuse(
            "hidden of model 'feed-forward'",
            tuple(hidden),
            "the same width for every block",
            "write it once for each, as in --hidden 64 64",
        )
    block = FeedForward(hidden[0], **of_block)
    residual = Choice("residual", layers=("layer_norm", *map(str, block.layers)))
    layers = (Choice("linear", out_features=hidden[0]), *[residual] * len(hidden), Choice("linear"))
    return NetSpec(layers, init=init, title="feed-forward network")
