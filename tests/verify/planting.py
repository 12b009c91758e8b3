"""How a fault is planted: an engine gets one wrong method, one wrong layer or one wrong rule, from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from fivestep.engines._base import FiveStepEngine
from fivestep.layer import Layer
from tests.samples import small_engine
from tests.verify.samples import net, plan_for

Plant = Callable[[FiveStepEngine], None]


@dataclass(frozen=True)
class Fault:
    """How the fault is planted, where it must be found (step, part, tensor) and what the reason must say."""

    name: str
    plant: Plant
    found: tuple[int, int, str]
    reason: str
    layers: tuple[str, ...] = ("linear:out_features=5", "tanh", "linear:out_features=5", "tanh", "linear")
    plan: Mapping[str, Any] = field(default_factory=dict)
    weighted: bool = False

    def __str__(self) -> str:
        return self.name

    def engines(self) -> tuple[FiveStepEngine, FiveStepEngine]:
        """The faulty engine, and the right one."""
        plan = plan_for(**self.plan)
        faulty, right = (small_engine(name, plan, net(*self.layers)) for name in ("scratch", "nn"))
        self.plant(faulty)
        return faulty, right


class Wrong:
    """An object with some of its methods replaced; everything else is the object's own."""

    def __init__(self, of: Any, **methods: Callable[..., Any]) -> None:
        self.__dict__ |= {"of": of, **methods}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)


def in_layer(k: int, **methods: Callable[[Layer], Callable[..., Tensor]]) -> Plant:
    """Replaces methods of layer k, each by what a function makes of the layer."""

    def plant(engine: FiveStepEngine) -> None:
        layers: list[Any] = list(engine.layers)
        layers[k] = Wrong(layers[k], **{name: make(layers[k]) for name, make in methods.items()})
        engine.layers = tuple(layers)

    return plant


def in_loss(**methods: Callable[[Any], Callable[..., Tensor]]) -> Plant:
    """Replaces methods of the loss."""

    def plant(engine: FiveStepEngine) -> None:
        own: Any = engine.criterion
        engine.criterion = Wrong(own, **{name: make(own) for name, make in methods.items()})  # type: ignore[assignment]

    return plant


def in_engine(name: str, make: Callable[[FiveStepEngine], Callable[..., Any]]) -> Plant:
    """Replaces one of the five methods."""
    return lambda engine: setattr(engine, name, make(engine))


Rule = Callable[[Tensor, Tensor, dict[str, Tensor], float, int], None]


def by_rule(rule: Rule) -> Plant:
    """The update by a rule of its own: w, dw, memory, learning rate, step (from 1)."""

    def make(engine: FiveStepEngine) -> Callable[..., None]:
        memory: dict[str, Tensor] = {}

        def update(again: Any = None) -> None:
            rule(engine.params.flat, engine.params.grad, memory, engine.lr, engine.num_updates + 1)
            engine.draws.step += 1

        return update

    return in_engine("update", make)


BATCH_NORM = ("linear:out_features=5,bias=false", "batch_norm", "tanh", "linear")
LAYER_NORM = ("linear:out_features=5", "layer_norm", "tanh", "linear")
DROPOUT = ("linear:out_features=6", "tanh", "dropout:p=0.5", "linear")
NUMBERS = {"loss": "mse"}
