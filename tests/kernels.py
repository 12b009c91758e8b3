"""What kernels of our own must do, on a device (tests/gpu) and interpreted on a CPU (tests/interpreted): the cases."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from typing import Any, NamedTuple, final

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._batched.networks import Networks
from fivestep.engines._engine import Engine
from fivestep.engines._make import make_engine
from fivestep.engines.fused import FusedEngine
from fivestep.engines.fused._forms import LOSSES, OPERATIONS, RULES
from fivestep.engines.fused.recorded.captured import RecordedBody
from fivestep.fleet.batched.batch import Batch
from fivestep.fleet.member import Member
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from fivestep.train import train
from tests.samples import engine_of, numbers, small_plan, stream, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

NUM_ROWS, NUM_IN = 38, 50
PIXELS = torch.randint(256, (NUM_ROWS, NUM_IN), generator=stream(), dtype=torch.uint8)
X = numbers(NUM_ROWS, NUM_IN, dtype=torch.float32)
SIZES = {"batch_size": 32, "epochs": 2}
"""Steps of 32 and 6 rows: none of them fills a tile of 16 or 64 everywhere."""


@final
class Case(NamedTuple):
    """A network, its rows, and how it is trained."""

    loss: str = "cross_entropy"
    activation: str = "relu"
    hidden: tuple[int, ...] = (40,)
    plan: tuple[tuple[str, Any], ...] = ()
    rows: str = "plain"
    num_outputs: int = 3

    def __str__(self) -> str:
        plan = ",".join(f"{name}={value}" for name, value in self.plan)
        return "-".join([self.loss, self.activation, "x".join(map(str, self.hidden)), plan, self.rows])


def data_of(case: Case) -> Dataset:
    """Its rows: bytes, numbers with weights, tokens, or rows that are drawn anew for every epoch."""
    x = X.view(-1, 2, NUM_IN) if case.rows == "tokens" else X
    about = x[..., : case.num_outputs]
    y: torch.Tensor = {"classes": about.argmax(-1), "numbers": about.abs(), "yes_no": (about > 0).float()}[
        TrainPlan(loss=case.loss).build_loss().target
    ]
    if case.rows == "bytes":
        return Dataset(Rows(PIXELS, y, scale=1 / 255), num_outputs=case.num_outputs)
    rows = Rows(x, y, X[: len(x), 1].abs() if case.rows == "weighted" else None)
    fresh = (lambda epoch: Rows(x + epoch, y)) if case.rows == "fresh" else None
    return Dataset(rows, num_outputs=case.num_outputs, fresh=fresh)


def plan_of(case: Case) -> TrainPlan:
    sizes = SIZES | ({"batch_size": 16} if case.rows == "tokens" else {})  # two tokens a row, and half as many rows
    return TrainPlan(**{"loss": case.loss, **sizes, **dict(case.plan)})


def both(case: Case, engine: str, device: str) -> tuple[Engine, FusedEngine]:
    """`scratch` on the CPU, and `fused` with its kernels."""
    spec = MLP(NUM_IN, *case.hidden, case.num_outputs, activation=case.activation)
    scratch, fused = (
        make_engine(name, spec, plan_of(case), device=place) for name, place in (("scratch", "cpu"), (engine, device))
    )
    assert isinstance(fused, FusedEngine)
    return scratch, fused


def assert_the_same_steps(case: Case, scratch: Engine, fused: Engine) -> None:
    """Every loss, the weights, and the last gradient."""
    plan, data = plan_of(case), data_of(case)
    expected = torch.stack([step.loss for step in steps(scratch, data, plan)])
    got = torch.cat([step.losses for step in steps(fused, data, plan) if step.losses is not None])
    assert distance(got.cpu(), expected) < ENGINES_FLOAT32
    assert distance(fused.params.flat.cpu(), scratch.params.flat) < ENGINES_FLOAT32
    assert distance(fused.params.grad.cpu(), scratch.params.grad) < ENGINES_FLOAT32


def who_steps(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts from here on, by name, the steps that each does: `Tiles`, `Wide`, or `RecordedBody` layer by layer.

    What is recorded counts when it is recorded, and not when that is repeated.
    """
    from fivestep.engines.fused.recorded import tiles, wide  # which load Triton

    begun = Counter[str]()
    for body in (tiles.Tiles, wide.Wide, RecordedBody):
        monkeypatch.setattr(body, "_step", _counted(body, begun))
    return begun


def _counted(body: Any, begun: Counter[str]) -> Callable[..., None]:
    step = body._step

    def counted(self: Any, *of_step: Any) -> None:
        begun[body.__name__] += 1
        step(self, *of_step)

    return counted


DECAY, COSINE = ("weight_decay", 0.1), ("schedule", "cosine")
ADAM = (("optimizer", "adam:eps=0.001"), ("lr", 0.01), COSINE)
"""With an eps of 1e-8, a gradient that is nothing but rounding would move a weight as far as any other."""

FULL = (("optimizer", "adamw:eps=0.001"), ("lr", 0.01), ("batch_size", None), ("epochs", 3))
PLANS = ((), (DECAY, COSINE), ADAM, FULL)

OPTIONS = {
    "adam": "eps=0.001",
    "adamw": "eps=0.001",
    "adam_hat": "eps=0.001",
    "rmsprop": "eps=0.01",
    "adagrad": "eps=0.01",
    "adadelta": "eps=0.001",
}
ROOTS = [f"{name}:{options}" for name, options in OPTIONS.items()]
BY_RULE = [
    *(((("optimizer", rule), ("lr", 0.01), DECAY)) for rule in ROOTS),
    (("optimizer", "rmsprop:eps=0.01,centered=true,momentum=0.5"), ("lr", 0.01)),
    (("optimizer", "lion"), ("lr", 1e-4), DECAY),
    (("momentum", 0.9), DECAY),
    (("momentum", 0.9), ("nesterov", True)),
    (("optimizer", "sgd:momentum=0.9,decoupled_weight_decay=true"), DECAY),
    (("optimizer", "momentum:momentum=0.9"),),
    (("optimizer", "momentum:momentum=0.9,nesterov=true"),),
]
"""Every update rule that has a form."""

assert {str(dict(plan).get("optimizer", "sgd")).partition(":")[0] for plan in BY_RULE} == set(RULES)


def each_once(*factors: Iterable[Any]) -> Iterable[tuple[Any, ...]]:
    """As few tuples, one level of each factor in them, as hold every level: more would be the same claims again."""
    levels = [[*factor] for factor in factors]
    return islice(zip(*map(cycle, levels), strict=False), max(map(len, levels)))


ACTIVATIONS = [name for name in OPERATIONS if name not in ("linear", "dropout")]
MEASURED = [name for name in LOSSES if name != "quantile"]

TILED = [
    *(
        Case(loss, activation, hidden, plan, "bytes" if loss == "cross_entropy" else "weighted", outputs)
        for loss, activation, outputs in (
            ("cross_entropy", "relu", 10),
            ("mse", "tanh", 2),
            ("binary_cross_entropy", "sigmoid", 1),
        )
        for hidden, plan in (*(((40,), plan) for plan in PLANS), ((64, 70, 33), PLANS[1]))
    ),
    *(Case(loss, "tanh", plan=plan) for loss, plan in each_once(MEASURED, BY_RULE)),
    *(Case(f"{loss}:label_smoothing=0.1") for loss in ("cross_entropy", "binary_cross_entropy")),
    Case(activation="identity", rows="fresh"),
    Case(rows="weighted", plan=(("batch_size", None),)),
]
"""Networks that are done in tiles."""

BETWEEN = [
    *(
        Case("mse", activation, (40,), plan, num_outputs=24)
        for activation, plan in each_once(ACTIVATIONS, (*PLANS, *BY_RULE))
    ),
    Case("mse", "silu", (40, 64, 33), ADAM, num_outputs=24),
    *(
        Case(loss, "gelu", (40,), ADAM, rows, 24)
        for loss in ("mse", "cross_entropy")
        for rows in ("weighted", "tokens", "bytes", "fresh")
    ),
]
"""Networks that are done by torch's products with passes between."""

FLEETS: dict[str, dict[str, Any]] = {
    **{
        f"{activation}, {loss}, {rule}": {"activation": activation, "loss": loss, "optimizer": rule}
        for activation, loss, rule in each_once(ACTIVATIONS, MEASURED, RULES)
    },
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
"""What networks may have that go through a block of steps in one kernel: every item of the compiled body."""


def fleet_of(options: Mapping[str, Any]) -> tuple[NetSpec, Dataset, list[TrainPlan]]:
    """Two networks of one shape with these options, on twenty rows or as many as are asked for: 16 and 4 a step."""
    settings: dict[str, Any] = {"loss": "mse", "lr": 0.01, "epochs": 1, "batch_size": 16, **options}
    target, num_rows = TrainPlan(loss=settings["loss"]).build_loss().target, settings.pop("num_rows", 20)
    data = three_classes(num_rows, weighted=settings.pop("weighted", False))
    if target != "classes":
        y = numbers(num_rows, 3).abs() if target == "numbers" else (numbers(num_rows, 3) > 0).double()
        data = Dataset(Rows(data.train.x, y, data.train.weight), num_outputs=3)
    spec = MLP(4, 5, 3, activation=settings.pop("activation", "tanh"))
    return spec, data, [small_plan(**settings, seed=seed, weight_decay=0.1 * seed) for seed in range(2)]


NO_NUMBERS: list[dict[str, Any]] = [{"clip_value": 0.05}, {"clip_norm": 0.1}, {"loss": "huber"}]
"""Options with which a step looks for the smaller of two numbers."""


def batch_without_a_number(options: Mapping[str, Any], device: str) -> Networks:
    """Two networks after a step, of which the first began with a bias of its last output that is no number.

    The gradients of the other outputs are numbers.
    """
    spec, data, plans = fleet_of(options)
    members = []
    for plan in plans:
        members.append(Member(data, plan, partial(make_engine, "scratch", spec, plan, dtype="float64", device=device)))
        members[-1].sized = spec
    batch = Batch(members)
    networks = batch._networks
    networks.flat[0, -1] = math.nan
    networks.train(batch._ahead.take(networks, 0, 1, [()] * 2))
    return networks


def assert_the_same_networks(members: Sequence[Member], spec: NetSpec) -> None:
    """Each as it is alone on the CPU, in float64."""
    for member in members:
        alone = engine_of("scratch", spec, member.plan)
        *_, last = train(alone, member.data, member.plan)
        assert distance(member.engine.params.flat.cpu(), alone.params.flat) < ENGINES_FLOAT64
        assert member.history[-1].running_loss == pytest.approx(last.running_loss)
