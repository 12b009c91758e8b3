"""How an engine is copied: `copy.deepcopy`, `pickle` and other processes get a new one in the same state."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..typing import Tensors, Vector

if TYPE_CHECKING:
    from ._engine import Engine


class Snapshot(NamedTuple):
    """An engine's state, its number of steps, the weights to predict with if they differ, the next learning rate."""

    state: Tensors
    num_updates: int
    held: Vector | None
    lr: float
    reason: str


def rebuilt(
    kind: "Callable[..., Engine]", made_with: tuple[Any, ...], options: Mapping[str, Any], snapshot: Snapshot
) -> "Engine":
    """A new engine in that state, whose next steps give the same numbers; its gradient is zero, and it is alone."""
    engine = kind(*made_with, **options)
    engine.load_state(snapshot.state, snapshot.num_updates)
    if snapshot.held is not None:
        engine.params.training = engine.params.flat.clone()
        engine.params.flat.copy_(snapshot.held)
    engine.lr, engine.reason = snapshot.lr, snapshot.reason
    return engine
