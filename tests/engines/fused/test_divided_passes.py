"""Norms and branches between the units that threads divide: the steps of scratch, on any number of threads."""

from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines.fused._size import can_be_divided, own_tile
from fivestep.find import Choice
from fivestep.net import MLP, FeedForward, NetSpec
from fivestep.steps import steps
from tests.engines.fused.test_divided import LARGER, as_scratch, share
from tests.samples import numbers, small_engine, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

pytestmark = pytest.mark.skipif(own_tile() is None, reason="on such a processor torch's products do it")


def net(*layers: str, num_out: int = 3) -> NetSpec:
    return NetSpec(tuple(map(Choice.parse, layers)), 4, num_out)


def residual(*layers: str) -> str:
    return str(Choice("residual", layers=layers))


WIDE, BACK = "linear:out_features=40", "linear:out_features=4"
BLOCK = residual("layer_norm", "linear:out_features=70", "gelu", "dropout:p=0.2", WIDE)
NETS = {
    "rows, two layers": MLP(4, 40, 3, norm="layer_norm", activation="relu"),
    "rows, deep": MLP(4, 40, 70, 33, 3, norm="layer_norm", activation="gelu", dropout=0.3),
    "rows without a mean": MLP(4, 40, 70, 33, 3, norm="rms_norm", activation="relu"),
    "the batch": MLP(4, 40, 33, 3, norm="batch_norm", activation="relu", dropout=0.3),
    "the batch, plain means": net(WIDE, "batch_norm:momentum=None", "tanh", "linear"),
    "the batch, then rows, no weights": net(
        "batch_norm:affine=false", WIDE, "dropout:p=0.3", "relu", "layer_norm:elementwise_affine=false", "linear"
    ),
    "scaled inputs": net("standardize:mean=0.5,std=2.0", WIDE, "batch_norm", "relu", "linear"),
    "a branch behind an activation": net(WIDE, "relu", residual(WIDE, "relu"), "linear"),
    "an activation behind a join": net(WIDE, residual("relu", WIDE, "rms_norm"), "relu", "tanh", "linear"),
    "blocks of a transformer": net(WIDE, BLOCK, BLOCK, "linear"),
    "a branch in a branch": net(WIDE, residual(WIDE, residual("tanh", WIDE), "relu", WIDE), "linear"),
    "a branch of the inputs": net(residual("rms_norm", WIDE, "gelu", BACK), "linear"),
}
PLANS: dict[str, dict[str, Any]] = {
    "plain descent": {},
    "everything": {
        "optimizer": "adamw:weight_decay=0.1",
        "lr": 0.01,
        "ema": 0.9,
        "l2": 0.1,
        "no_decay": ("bias",),
        "clip_norm": 0.05,
        "batch_size": 24,
        "micro_batch_size": 7,
    },
}
ROWS = 48


def in_float32(data: Dataset) -> Dataset:
    """Rows as the contracts have them: the same compiled body takes both."""
    return Dataset(Rows(data.train.x.float(), data.train.y), num_outputs=data.num_outputs)


@pytest.mark.parametrize("options", PLANS)
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("count", [1, 3])
def test_a_run_is_that_of_scratch(count: int, name: str, options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, the rule's memory, running statistics, losses, and the gradient of the last step."""
    share(count, monkeypatch)
    plan, data, spec = small_plan(**PLANS[options]), three_classes(ROWS, weighted=True), NETS[name]
    ours, scratch = as_scratch(spec, plan, data)
    assert distance(ours.params.buffers, scratch.params.buffers) < ENGINES_FLOAT64


@pytest.mark.parametrize("name", ["rows, deep", "the batch", "blocks of a transformer"])
def test_a_run_in_float32_is_that_of_scratch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    share(2, monkeypatch)
    plan, data = small_plan(epochs=1), in_float32(three_classes(ROWS))
    ends = []
    for engine in (
        small_engine(LARGER, plan, NETS[name], "float32"),
        small_engine("scratch", plan, NETS[name], "float32"),
    ):
        list(steps(engine, data, plan))
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT32


@pytest.mark.parametrize("name", ["rows, two layers", "the batch, plain means", "blocks of a transformer"])
def test_the_same_run_gives_the_same_bits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever its blocks end: that is a matter of time."""
    share(2, monkeypatch)
    plan, data = small_plan(epochs=5), three_classes(ROWS)
    engines = [small_engine(LARGER, plan, NETS[name]) for _ in range(2)]
    for engine, every in zip(engines, (None, 1), strict=True):
        list(steps(engine, data, plan, every=every))
    assert torch.equal(*(engine.params.flat for engine in engines))
    assert torch.equal(*(engine.params.grad for engine in engines))
    assert torch.equal(*(engine.params.buffers for engine in engines))


@pytest.mark.parametrize("part", [None, 7])
@pytest.mark.parametrize(
    "spec",
    [
        FeedForward(4, 40, dropout=0.5, residual=True),
        net(residual("layer_norm", WIDE, "gelu", BACK), num_out=4),
        net(WIDE, "batch_norm", "relu", "linear", num_out=4),
    ],
    ids=["what joins the outputs", "with a norm", "a norm over all tokens"],
)
def test_tokens_are_rows(spec: NetSpec, part: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weighted ones too."""
    share(2, monkeypatch)
    plan = small_plan(loss="mse", micro_batch_size=part)
    weight = torch.arange(50) % 3 + 0.5
    data = Dataset(Rows(numbers(50, 3, 4), numbers(50, 3, 4, seed=1), weight))
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, spec)
        list(steps(engine, data, plan))
        ends.append((engine.params.flat, engine.params.buffers))
    assert max(map(distance, *ends)) < ENGINES_FLOAT64


def test_a_single_row_has_no_variance() -> None:
    """The steps before it are done."""
    plan, spec, data = small_plan(), MLP(4, 40, 3, norm="batch_norm"), three_classes(49)
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, spec)
        with pytest.raises(InputError, match="at least two rows"):
            list(steps(engine, data, plan))
        ends.append((engine.params.flat, engine.params.buffers, torch.tensor([engine.num_updates])))
    assert max(map(distance, *ends)) < ENGINES_FLOAT64


@pytest.mark.parametrize(
    "spec",
    [
        net(WIDE, residual(residual(WIDE), WIDE), "linear"),
        net(residual(BACK), num_out=4),
        net(WIDE, residual(WIDE, "linear:out_features=40")),
        net(residual("relu", BACK), "linear"),
    ],
    ids=["two branches of a level", "nothing but a join", "a join at the end", "nothing made of the inputs"],
)
def test_what_is_left_to_the_products(spec: NetSpec) -> None:
    assert not can_be_divided(spec, small_plan())
