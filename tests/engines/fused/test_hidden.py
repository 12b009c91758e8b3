"""Networks with one hidden layer, their units in a register: the gradient and the steps are those of `scratch`."""

from typing import Any

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.find import Choice
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.samples import numbers, small_engine
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

PAIRED = [(1, 3, 1), (2, 8, 1), (3, 6, 2), (4, 7, 3), (8, 24, 1), (17, 20, 1)]
ALONE = [
    *[
        (1, 32, 2),
        (2, 16, 1),
        (3, 16, 1),
        (4, 31, 1),
        (5, 16, 16),
        (7, 12, 1),
        (9, 31, 4),
        (10, 32, 1),
        (11, 16, 1),
        (13, 48, 2),
    ],
    *[(14, 48, 1), (4, 48, 1), (10, 64, 1)],
]
SIZES = PAIRED + ALONE
"""Units that fill half a register of float32 or a whole one, and inputs for one pass back or several, with or without
some that are done twice."""
BARS = {"float32": ENGINES_FLOAT32, "float64": ENGINES_FLOAT64}
every_size = pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))


def rows_for(sizes: tuple[int, ...], num_rows: int, *, weighted: bool = False) -> Dataset:
    weight = numbers(num_rows, seed=2).abs() if weighted else None
    return Dataset(Rows(numbers(num_rows, sizes[0]), numbers(num_rows, sizes[2], seed=1), weight), num_outputs=sizes[2])


def is_used(engine: Any) -> bool:
    """Whether it is the body that takes units in a register."""
    return engine._body._hidden is not None


def trained(name: str, spec: NetSpec, plan: TrainPlan, data: Dataset, dtype: str = "float64") -> Any:
    engine = small_engine(name, plan, spec, dtype)
    losses = [step.loss.mean() for step in steps(engine, data, plan)]
    assert all(loss.isfinite() for loss in losses)
    return engine


def farthest(got: Any, expected: Any) -> float:
    """The distance between the weights, and between the last gradients, of two engines, whichever is larger."""
    return max(distance(getattr(got.params, name), getattr(expected.params, name)) for name in ("flat", "grad"))


@every_size
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("dtype", BARS)
def test_steps_are_those_of_scratch(sizes: tuple[int, ...], activation: str, dtype: str) -> None:
    """Batches of 21 rows out of 50, the last one of 8: neither even nor whole registers."""
    spec, data = MLP(*sizes, activation=activation), rows_for(sizes, 50)
    plan = TrainPlan("mse", "adam", lr=0.01, batch_size=21, epochs=2)
    got, expected = (trained(name, spec, plan, data, dtype) for name in ("fused", "scratch"))
    assert is_used(got) or (dtype, sizes[1]) == ("float32", 3)
    assert farthest(got, expected) < BARS[dtype]


@pytest.mark.parametrize("units", [16, 32], ids=["one register", "two registers"])
def test_a_unit_at_0_is_not_active(units: int) -> None:
    """A third of the rows are zeros, and so are the biases before the first step: the slope of relu is 0 there."""
    data, spec = rows_for((4, units, 1), 50), MLP(4, units, 1, activation="relu", init="normal")
    data.train.x[::3] = 0.0
    plan = TrainPlan("mse", "sgd", lr=0.5, batch_size=None, epochs=1)
    got, expected = (trained(name, spec, plan, data, "float32") for name in ("fused", "scratch"))
    assert farthest(got, expected) < ENGINES_FLOAT32


@pytest.mark.parametrize(("sizes", "rows"), [*((sizes, 2) for sizes in PAIRED[1:]), *((sizes, 1) for sizes in ALONE)])
def test_a_register_of_float32_holds_two_rows_where_the_units_fill_half_of_it(
    sizes: tuple[int, ...], rows: int
) -> None:
    engine: Any = small_engine("fused", TrainPlan("mse"), MLP(*sizes, activation="relu"), "float32")
    assert len(engine._body._hidden.beside) == rows


PLANS: dict[str, dict[str, Any]] = {
    "clipped": {"clip_norm": 0.05},
    "penalty": {"l2": 0.5},
    "decay, average and factors": {
        "optimizer": "adamw:weight_decay=0.1",
        "ema": 0.9,
        "lr_factors": {"bias": 2.0},
        "no_decay": ("bias",),
    },
    "lion": {"optimizer": "lion"},
    "full batch": {"batch_size": None, "epochs": 8},
    "several tiles": {"batch_size": None, "epochs": 3, "optimizer": "sgd"},
}


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in PLANS.items()])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("units", [7, 20], ids=["alone", "paired"])
def test_what_fills_up_registers_touches_no_rule(options: dict[str, Any], weighted: bool, units: int) -> None:
    """Seven units of eight, or twenty of a line of such halves: norm and penalty count no unit that is not there."""
    sizes, num_rows = (4, units, 3), 2500 if options.get("optimizer") == "sgd" else 50
    plan = TrainPlan(**{"loss": "mse", "optimizer": "adam", "lr": 0.01, "batch_size": 16, "epochs": 3, **options})
    data = rows_for(sizes, num_rows, weighted=weighted)
    got, expected = (trained(name, MLP(*sizes, activation="tanh"), plan, data) for name in ("fused", "scratch"))
    assert is_used(got)
    assert (got._body._memory.rows < num_rows) == (num_rows > 50)
    assert farthest(got, expected) < ENGINES_FLOAT64


@pytest.mark.parametrize("bias", [(True, False), (False, True), (False, False)], ids=str)
@pytest.mark.parametrize("units", [8, 12], ids=["alone", "paired"])
def test_biases_may_be_missing(bias: tuple[bool, bool], units: int) -> None:
    layers = (
        Choice("linear", out_features=units, bias=bias[0]),
        Choice("relu"),
        Choice("linear", out_features=3, bias=bias[1]),
    )
    spec = NetSpec(layers, in_features=4, out_features=3)
    plan = TrainPlan("mse", "sgd", lr=0.05, batch_size=16, epochs=2, clip_norm=0.1)
    got, expected = (trained(name, spec, plan, rows_for((4, units, 3), 50)) for name in ("fused", "scratch"))
    assert is_used(got)
    assert farthest(got, expected) < ENGINES_FLOAT64


def test_a_step_after_one_that_diverged_is_as_if_that_had_not_been() -> None:
    """What fills up registers is left without a finite number too, and must not stay so."""
    plan, spec, data = TrainPlan("mse", "sgd", lr=0.05), MLP(4, 7, 3, activation="relu"), rows_for((4, 7, 3), 50)
    engine, other = (small_engine("fused", plan, spec) for _ in range(2))
    state = engine.state()
    engine.params.flat.fill_(1e200)
    assert not engine.train_step(data.train.x, data.train.y).isfinite()
    engine.load_state(state, 0)
    assert torch.equal(engine.train_step(data.train.x, data.train.y), other.train_step(data.train.x, data.train.y))
    assert torch.equal(engine.params.flat, other.params.flat)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (MLP(4, 5, 3, activation="relu"), "three of eight lanes would be idle"),
        (MLP(4, 8, 8, 3, activation="relu"), "two hidden layers"),
        (MLP(4, 8, 3, activation="sigmoid"), "0 does not stay 0"),
        (MLP(4, 8, 3, activation="relu", dropout=0.5), "dropout"),
        (MLP(4, 8, 17, activation="relu"), "many outputs"),
        (MLP(300, 8, 1, activation="relu"), "many inputs"),
        (MLP(128, 128, 1, activation="relu"), "many weights"),
        (MLP(4, 3, activation="relu"), "no hidden layer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_networks_are_left_to_the_general_body(spec: NetSpec, reason: str) -> None:
    assert not is_used(small_engine("fused:larger=false", TrainPlan("mse"), spec, "float32")), reason
