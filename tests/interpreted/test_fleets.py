"""The kernel that takes small networks through a block of steps, interpreted: network k is what it is alone."""

from typing import Any

import pytest

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines.fused._forms import RULES
from fivestep.fleet import fit_many
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.interpreter import needs_interpreter
from tests.kernels import ACTIVATIONS, MEASURED
from tests.samples import engine_of, numbers, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, distance

pytestmark = needs_interpreter

ITEMS: dict[str, dict[str, Any]] = {
    **{f"activation {name}": {"activation": name} for name in ACTIVATIONS},
    **{f"loss {name}": {"loss": name} for name in MEASURED},
    **{f"optimizer {name}": {"optimizer": name} for name in RULES},
    "smoothed": {"loss": "cross_entropy:label_smoothing=0.1"},
    "weighted rows": {"weighted": True},
    "weighted rows, all at once": {"weighted": True, "batch_size": None},
    "limits": {"clip_norm": 0.1, "clip_value": 0.05, "l2": 0.1, "ema": 0.9},
    "momentum": {"optimizer": "sgd:momentum=0.9,nesterov=true"},
    "momentum, decoupled": {"optimizer": "sgd:momentum=0.9,decoupled_weight_decay=true"},
    "Keras's momentum": {"optimizer": "momentum:momentum=0.9,nesterov=true"},
    "centered": {"optimizer": "rmsprop:centered=true,momentum=0.5"},
    "falling rate": {"optimizer": "adagrad:lr_decay=0.1"},
    "schedule": {"schedule": "cosine"},
    "more rows than a tile": {"num_rows": 300, "batch_size": None, "epochs": 2},
}


SLOW = {f"activation {name}" for name in ACTIVATIONS}
"""The formulas that `test_tiles.py` takes one by one."""


@pytest.mark.parametrize(
    "options",
    [pytest.param(options, id=name, marks=pytest.mark.slow if name in SLOW else ()) for name, options in ITEMS.items()],
)
def test_the_kernel_knows_every_item_of_the_compiled_body(options: dict[str, Any]) -> None:
    """In float64, in which its formulas are those of the items to rounding."""
    options = dict(options)
    target, num_rows = TrainPlan(loss=options.get("loss", "mse")).build_loss().target, options.pop("num_rows", 20)
    data = three_classes(num_rows, weighted=options.pop("weighted", False))
    if target != "classes":
        y = numbers(num_rows, 3).abs() if target == "numbers" else (numbers(num_rows, 3) > 0).double()
        data = Dataset(Rows(data.train.x, y, data.train.weight), num_outputs=3)
    spec = MLP(4, 5, 3, activation=options.pop("activation", "tanh"))
    usual: dict[str, Any] = {"loss": "mse", "lr": 0.01, "epochs": 1, "batch_size": 16}
    plans = [small_plan(**{**usual, **options, "seed": seed, "weight_decay": 0.1 * seed}) for seed in range(2)]
    members = fit_many(spec, data, plans, "scratch", dtype="float64", device="cpu", every=1)
    assert {member.how for member in members} == {"in a batch of 2 on cpu, by one kernel"}
    for member, plan in zip(members, plans, strict=True):
        alone = engine_of("scratch", spec, plan)
        *_, last = train(alone, data, plan)
        assert distance(member.engine.params.flat, alone.params.flat) < ENGINES_FLOAT64
        assert member.history[-1].running_loss == pytest.approx(last.running_loss)
