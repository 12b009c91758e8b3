"""A detour that is added to its own input."""

from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import Choice, build
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import numbers, small_engine
from tests.tolerances import FORMULA, distance

BLOCK = ("layer_norm", "linear:out_features=7", "gelu", "dropout:p=0.3", "linear:out_features=5")
IN_PLACE = ("linear:out_features=5", "tanh", "dropout:p=0.25")
"""A body whose last layers overwrite the gradient that they are handed, which the way past it still needs."""

CASES = [Case({"layers": BLOCK}), Case({"layers": IN_PLACE}, pairs=False)]


def test_a_detour_worked_by_hand() -> None:
    # y = x + 2 x = 3 x; with dy = 1: dW = dy x = 4, dx = dy + dy W = 1 + 2
    one = Alone.of("residual:layers=['linear:out_features=1,bias=false']", 1)
    one.w["body.0.weight"].fill_(2)
    assert one.train(rows([4])).item() == 12
    assert one.back(rows([1])).item() == 3
    assert one.dw["body.0.weight"].item() == 4


def test_a_detour_of_nothing_is_the_identity_and_lets_the_gradient_pass() -> None:
    one, x, dy = Alone.of("residual:layers=['tanh','linear:out_features=5']", 5), numbers(4, 5), numbers(4, 5, seed=1)
    one.params.flat.zero_()
    assert torch.equal(one.train(x), x)
    assert torch.equal(one.back(dy), dy)


def test_through_fifty_blocks_the_gradient_keeps_its_size() -> None:
    """Each block of small weights adds to the gradient; without the way past, it would shrink by each of them."""
    spec = NetSpec(
        (*[Choice("residual", layers=("tanh", "linear:out_features=4"))] * 50, Choice("linear")), 4, 3, "normal"
    )
    engine = small_engine("scratch", TrainPlan(), spec)
    engine.loss(engine.forward(numbers(8, 4)), torch.arange(8) % 3)
    engine.backward()
    norms = [engine.named_gradients()[f"{k}.body.1.weight"].norm() for k in (0, 49)]
    assert 0.5 < norms[0] / norms[1] < 2


def test_a_residual_inside_a_residual_has_the_names_of_torch() -> None:
    inner = str(Choice("residual", layers=("linear:out_features=3", "tanh")))
    one = Alone.of(str(Choice("residual", layers=(inner, "layer_norm"))), 3)
    assert set(one.w) == {"body.0.body.0.weight", "body.0.body.0.bias", "body.1.weight", "body.1.bias"}
    assert set(one.w) == {name for name, _ in one.layer.module(one.memo).named_parameters()}


def test_running_statistics_inside_follow_the_batches() -> None:
    # mean 2; 0.9 * 0 + 0.1 * 2 = 0.2
    one = Alone.of("residual:layers=['batch_norm']", 1)
    one.train(rows([1], [3]))
    assert distance(one.w["body.0.running_mean"], rows([0.2])[0]) < FORMULA


def test_each_dropout_inside_drops_elements_of_its_own() -> None:
    """In y = x + f(x) with two dropouts in f, the elements dropped by the first are a quarter of all, not half."""
    one = Alone.of("residual:layers=['dropout:p=0.5','dropout:p=0.5']", 10_000)
    assert abs(float((one.train(torch.ones(1, 10_000).double()) > 1).double().mean()) - 0.25) < 0.03


def test_layers_that_change_the_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"must keep the shape \(5,\) of a row, got \(3,\); end them with linear"):
        Alone.of("residual:layers=['linear:out_features=3']", 5)


@pytest.mark.parametrize("layers", ["gelu", (), [], 3, ("gelu", 3), None])
def test_layers_that_are_no_list_of_texts_are_refused(layers: Any) -> None:
    with pytest.raises(InputError, match=r"layers of a residual must be a list of one or more texts, got"):
        build("layers", Choice("residual", layers=layers))


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [(["gelo"], "did you mean 'gelu'?"), (["linear:outfeatures=3"], "did you mean 'out_features'?")],
)
def test_an_unknown_name_inside_is_refused(layers: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        NetSpec((Choice("residual", layers=layers), Choice("linear")), 3, 1).build()


def test_a_network_with_a_residual_survives_the_way_to_plain_values_and_back() -> None:
    spec = NetSpec((Choice("residual", layers=BLOCK), Choice("linear")), 5, 2)
    assert NetSpec.from_dict(spec.to_dict()) == spec
    assert spec.to_dict()["layers"][0] == f"residual:layers={BLOCK}"


@pytest.mark.parametrize(
    ("no_decay", "expected"),
    [
        (("layer_norm",), {"0.body.0.weight", "0.body.0.bias"}),
        (("bias",), {"0.body.0.bias", "0.body.1.bias", "0.body.4.bias", "1.bias"}),
        (("1.bias", "0.body.4.weight"), {"1.bias", "0.body.4.weight"}),
        (("residual",), {f"0.body.{k}.{name}" for k in (0, 1, 4) for name in ("weight", "bias")}),
    ],
    ids=lambda value: str(value) if isinstance(value, tuple) else "",
)
def test_what_spares_a_kind_of_layer_from_decay_reaches_the_layers_inside(
    no_decay: tuple[str, ...], expected: set[str]
) -> None:
    spec = NetSpec((Choice("residual", layers=BLOCK), Choice("linear")), 5, 2)
    parts = small_engine("scratch", TrainPlan(no_decay=no_decay), spec).params.parts(matrices_apart=False)
    assert {name for part in parts if not part.group.decays for name in part.names} == expected


def test_the_innermost_kind_counts_first() -> None:
    spec = NetSpec((Choice("residual", layers=BLOCK), Choice("linear")), 5, 2)
    plan = TrainPlan(lr_factors={"residual": 3.0, "layer_norm": 0.5})
    parts = small_engine("scratch", plan, spec).params.parts(matrices_apart=False)
    factors = {name: part.group.lr_factor for part in parts for name in part.names}
    assert (factors["0.body.0.weight"], factors["0.body.1.weight"], factors["1.weight"]) == (0.5, 3.0, 1.0)
