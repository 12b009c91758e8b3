"""Which gradients still contain the factor of a `GradScaler`."""

from collections.abc import Iterable
from typing import Any, final

from torch import Tensor

from . import _graph
from ._gradients import Used, is_untouched, used
from ._registry import Registry


@final
class Scaling:
    """Follows the factor from the loss into the gradients, until the scaler or other code removes it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._scales: dict[int, tuple[float, Used]] = {}
        self.is_at_work = False
        """Whether the scaler itself makes the update, after removing the factor."""

    def scaled(self, loss: Tensor, scale: float) -> None:
        """Notes a scaled loss."""
        if loss.grad_fn is not None:
            _graph.notes_of(loss.grad_fn)["fivestep scale"] = scale

    def after_backward(self, leaves: list[Tensor], nodes: list[Any]) -> None:
        """Notes backward on a loss that these nodes have made."""
        scale = scale_in(nodes)
        for p in leaves:
            self._scales.pop(self._registry.leaf(p), None)
            if scale != 1 and p.grad is not None:
                self._scales[self._registry.leaf(p)] = scale, used(p.grad)

    def unscaled(self, parameters: Iterable[Tensor]) -> None:
        """Notes that the factor was removed from gradients, or that these were used."""
        for p in parameters:
            self._scales.pop(self._registry.leaf(p), None)

    def forget(self) -> None:
        """Forgets everything: the next rounds are not watched."""
        self._scales.clear()

    def scale_of(self, leaves: list[tuple[int, Tensor]]) -> float:
        """The factor in all of these gradients as backward left them; 1 if there is none."""
        if self.is_at_work or not self._scales:
            return 1.0
        scales = [self._scale_of(leaf, p) for leaf, p in leaves if p.grad is not None]
        return min(scales, default=1.0)

    def _scale_of(self, leaf: int, p: Tensor) -> float:
        scale, gradient = self._scales.get(leaf, (1.0, None))
        return scale if p.grad is not None and is_untouched(gradient, p.grad) else 1.0


def scale_in(nodes: list[Any]) -> float:
    """The factor in a loss that these nodes have made; 1 if there is none."""
    return max((float(_graph.notes_of(node).get("fivestep scale", 1.0)) for node in nodes), default=1.0)
