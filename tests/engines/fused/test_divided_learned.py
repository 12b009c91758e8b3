"""Networks for tables whose units are divided among threads: the steps of scratch, on any number of threads."""

from typing import Any

import pytest
import torch

from fivestep.engines.fused._size import can_be_divided, own_tile
from fivestep.engines.fused._tables import LANES
from fivestep.engines.fused.larger import divided
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.recipes._base import Facts, with_numbers
from fivestep.recipes.tabular import Tabular
from fivestep.steps import steps
from tests.engines.fused.test_divided import LARGER, as_scratch, division, share
from tests.engines.fused.test_divided import PLANS as DENSE
from tests.engines.fused.test_divided_passes import net, residual
from tests.samples import numbers, small_engine, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

pytestmark = pytest.mark.skipif(own_tile() is None, reason="on such a processor torch's products do it")

FIRST, MORE, LAST = "ntk_linear:out_features=40", "ntk_linear:out_features=33", "ntk_linear:zero_init=true"
MISH, SELU, RELU = (f"parametric:activation={name}" for name in ("mish", "selu", "relu"))
TABLE = "percentiles:num_knots=5", "periodic:frequencies=3", "scale"
ALONE = {
    "all of it": net(*TABLE, FIRST, MISH, "dropout:p=0.3", MORE, SELU, "dropout:p=0.5", LAST),
    "strengths": net(FIRST, RELU, MORE, "parametric:activation=identity", "linear"),
    "some numbers in waves": net(str(Choice("periodic", columns=(0, 2), dim=8)), FIRST, MISH, LAST),
    "more panels of waves than one": net("percentiles", "periodic:dim=8", "linear:out_features=40", "relu", "linear"),
    "levels of some": net(str(Choice("percentiles", columns=(1, 3))), "linear"),
    "a scale": net("scale", FIRST, "elu:alpha=0.5", LAST),
}
WITH_PASSES = {
    "norms and strengths": net(*TABLE, FIRST, "layer_norm", MISH, "dropout:p=0.3", MORE, SELU, "batch_norm", LAST),
    "a norm behind columns": net("periodic", "batch_norm", MORE, "tanh", LAST),
    "a branch": net("scale", FIRST, MISH, residual("rms_norm", FIRST, SELU, FIRST), RELU, LAST),
}
NETS = {**ALONE, **WITH_PASSES}
BY_PARTS = {"no_decay": ("bias",), "lr_factors": {"weight": 0.5}}
PLANS = {
    "everything": {**DENSE["everything"], **BY_PARTS},
    "groups": {**DENSE["groups"], **BY_PARTS},
    **{name: DENSE[name] for name in ("plain descent", "an L2 term", "all bounds", "in parts", "all rows at once")},
}
CASES = [
    *((count, "everything", name) for count in (1, 2, 3) for name in NETS),
    *((3, options, "all of it") for options in PLANS if options != "everything"),
]


@pytest.mark.parametrize(("count", "options", "name"), CASES)
def test_a_run_is_that_of_scratch(count: int, options: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, the rule's memory, losses, and the gradient of the last step."""
    share(count, monkeypatch)
    plan, data, spec = small_plan(**PLANS[options]), three_classes(48, weighted=True), NETS[name]
    as_scratch(spec, plan, data)


@pytest.mark.parametrize("target", ["classes", "numbers"])
def test_the_recipe_for_tables_is_that_of_scratch_in_float32(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On as many threads as it has columns of units for, and with factors of rates for its parts."""
    share(3, monkeypatch)
    loss = {} if target == "classes" else {"loss": "mse"}
    spec, plan = Tabular().prepare("mlp", {"epochs": 2, "batch_size": 16, **loss}, Facts(800, 4, 3, target))
    spec, plan = with_numbers(spec, plan, range(4))
    x = numbers(48, 4)
    y = three_classes(48).train.y if target == "classes" else numbers(48, 3, seed=1).float()
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, NetSpec(spec.layers, 4, 3), dtype="float32")
        for start in range(0, 48, 16):
            engine.train_step(x[start : start + 16].float(), y[start : start + 16])
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT32


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", ["all of it", "norms and strengths"])
def test_the_same_run_gives_the_same_bits(name: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever its blocks end: that is a matter of time."""
    share(count, monkeypatch)
    plan, data = small_plan(epochs=2, optimizer="adam", batch_size=23, micro_batch_size=5), three_classes(48)
    engines = [small_engine(LARGER, plan, NETS[name]) for _ in range(2)]
    for engine, every in zip(engines, (None, 1), strict=True):
        list(steps(engine, data, plan, every=every))
    assert torch.equal(*(engine.params.flat for engine in engines))
    assert torch.equal(*(engine.params.grad for engine in engines))


@pytest.mark.parametrize("name", ["all of it", "a norm behind columns"])
def test_tokens_are_rows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    share(2, monkeypatch)
    x, y = numbers(6, 5, 4), numbers(6, 5, 3, seed=1)
    ours, scratch = (small_engine(engine, small_plan(loss="mse"), NETS[name]) for engine in (LARGER, "scratch"))
    for engine in (ours, scratch):
        for _ in range(3):
            engine.train_step(x, y)
    assert distance(ours.params.flat, scratch.params.flat) < ENGINES_FLOAT64


@pytest.mark.parametrize("place", ["strength", "wave", "scale"])
def test_not_a_number_in_what_is_learned_reaches_the_loss(place: str) -> None:
    engine = small_engine(LARGER, small_plan(), ALONE["all of it"])
    layer, name = {"strength": (4, "weight"), "wave": (1, "frequency"), "scale": (2, "weight")}[place]
    engine.params.weights[-1]["weight"].fill_(0.1)  # which begins as 0
    engine.params.weights[layer][name].view(-1)[1] = torch.nan
    assert engine.train_step(numbers(5, 4), torch.tensor([0, 1, 2, 0, 1])).isnan()


def test_whole_lanes_of_rows_have_room_where_a_tile_has_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with AVX2: a panel begins behind them, and may be another thread's."""
    monkeypatch.setattr(divided, "ROWS", 6)
    found = division(small_engine(LARGER, small_plan(), ALONE["all of it"]))
    found._make(1, 1)
    assert found._net.capacity >= LANES


def test_what_is_not_a_number_in_a_row_reaches_the_loss() -> None:
    """Of levels too, whose comparisons all fail."""
    engine, x = small_engine(LARGER, small_plan(), ALONE["levels of some"]), numbers(5, 4)
    x[1, 3] = torch.nan
    assert engine.train_step(x, torch.tensor([0, 1, 2, 0, 1])).isnan()


@pytest.mark.parametrize(
    "spec",
    [
        net("periodic:dim=3", FIRST, LAST),
        net("scale", "percentiles", FIRST, LAST),
        net(*TABLE, SELU, FIRST, LAST),
        net("scale", residual("layer_norm", FIRST, "gelu", "linear:out_features=4"), num_out=4),
        net(FIRST, "parametric:activation=softmax", LAST),
        net("scale", num_out=4),
    ],
    ids=["units in two panels", "another order", "no product", "a join at the end", "of all units", "nothing else"],
)
def test_what_is_left_to_the_products(spec: NetSpec) -> None:
    assert not can_be_divided(spec, small_plan())
