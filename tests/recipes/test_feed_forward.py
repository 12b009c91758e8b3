"""The reference recipe for feed-forward blocks, norms and embeddings."""

from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.net import NetSpec
from fivestep.recipes.plain import Plain


def network(model: str, **settings: Any) -> NetSpec:
    return Plain().prepare(model, settings)[0]


def names(spec: NetSpec) -> list[str]:
    return [choice.name for choice in spec.layers]


def test_a_feed_forward_network_is_linear_in_blocks_and_linear_out() -> None:
    spec = network("feed-forward", hidden=(8, 8, 8), dropout=0.1)
    assert names(spec) == ["linear", "residual", "residual", "residual", "linear"]
    block = ("layer_norm", "linear:out_features=32", "gelu", "dropout:p=0.1", "linear:out_features=8")
    assert spec.layers[1].options["layers"] == block
    assert spec.sized(5, 2).row_shape((5,)) == (2,)


def test_its_blocks_can_be_gated() -> None:
    assert network("feed-forward", hidden=(8,), gated=True).layers[1].options["layers"] == (
        *("layer_norm", "gated:out_features=32,activation=gelu", "linear:out_features=8,bias=false"),
    )


@pytest.mark.parametrize("model", ["mlp", "feed-forward"])
def test_ids_begin_with_their_embedding(model: str) -> None:
    spec = network(model, hidden=(8,), num_embeddings=30, embedding_dim=4)
    assert [str(choice) for choice in spec.layers[:2]] == ["embedding:num_embeddings=30,embedding_dim=4", "flatten"]
    assert spec.sized(5, 30).summary()[2][2] == "weight (8, 20), bias (8,)"


@pytest.mark.parametrize("hidden", [(), (8, 9)])
def test_blocks_of_several_widths_are_refused(hidden: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="hidden of model 'feed-forward' must be the same width for every block, got"):
        network("feed-forward", hidden=hidden)


@pytest.mark.parametrize(
    ("model", "setting"),
    [("softmax", "activation"), ("linear", "norm"), ("feed-forward", "norm"), ("mlp", "gated")],
)
def test_a_setting_that_the_model_does_not_have_is_refused(model: str, setting: str) -> None:
    with pytest.raises(
        InputError,
        match=f"model '{model}' must be used with .* only, got '{setting}'; leave it",
    ):
        network(model, **{setting: "relu"})


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(InputError, match=r"did you mean 'feed-forward'\?"):
        network("feedforward")
