"""An engine made anew where another one stands: what `copy.deepcopy`, `pickle` and other processes get of it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..typing import Tensors, Vector

if TYPE_CHECKING:
    from ._engine import Engine


class Standing(NamedTuple):
    """Where an engine stands: its state, its steps, the weights to predict with if they are others, its next rate."""

    state: Tensors
    num_updates: int
    held: Vector | None
    lr: float
    reason: str


def made_anew(
    kind: "Callable[..., Engine]", made_with: tuple[Any, ...], options: Mapping[str, Any], stands: Standing
) -> "Engine":
    """An engine of that kind that goes on from there to the same numbers, without other ranks; its gradient is zero."""
    engine = kind(*made_with, **options)
    engine.load_state(stands.state, stands.num_updates)
    if stands.held is not None:
        engine.params.training = engine.params.flat.clone()
        engine.params.flat.copy_(stands.held)
    engine.lr, engine.reason = stands.lr, stands.reason
    return engine
