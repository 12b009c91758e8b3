"""What is in the gradients between two updates: whether they were cleared, and whether something new came."""

import weakref
from typing import NamedTuple, final

from torch import Tensor

from ._registry import Registry


@final
class Used(NamedTuple):
    """A gradient as it was: it is another one if it is another tensor or has been written into."""

    gradient: weakref.ref[Tensor]
    version: int


@final
class Gradients:
    """Follows the `.grad` of every parameter that an optimizer has, by identity and version, not by value.

    A gradient that an update has used and that is still there, untouched, when backward begins will be added to: it is
    stale, until it is gone or zero.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._used: dict[tuple[int, int], Used] = {}
        self._stale: set[tuple[int, int]] = set()
        self._given: set[int] = set()
        self._by_hand: dict[int, tuple[Used, float]] = {}

    def forget(self) -> None:
        """Rounds are about to pass unseen."""
        self._used.clear()
        self._stale.clear()
        self._given.clear()

    def before_backward(self) -> None:
        """Sees what is still there."""
        for rule, leaf, p in self._registry.parameters():
            key, gradient = (rule, leaf), p.grad
            if gradient is None:
                self._stale.discard(key)
            elif is_untouched(self._used.get(key), gradient):
                if bool(gradient.any()):
                    self._stale.add(key)
            elif key in self._stale and not bool(gradient.any()):
                self._stale.discard(key)

    def is_added_to(self, leaf: int, p: Tensor, mark: float) -> bool:
        """Whether a parameter was moved since its last backward pass, and its gradient of then is still there."""
        before, last_mark = self._by_hand.get(leaf, (None, mark))
        return p.grad is not None and mark != last_mark and is_untouched(before, p.grad) and bool(p.grad.any())

    def remember(self, leaf: int, p: Tensor, mark: float) -> None:
        """After backward: the gradient, and the mark of the parameter that it is of."""
        if p.grad is not None:
            self._by_hand[leaf] = used(p.grad), mark

    def after_backward(self, leaves: list[Tensor]) -> None:
        """Sees which parameters have a gradient now that is not zero; one for each optimizer is enough."""
        for p in leaves:
            if p.grad is not None and bool(p.grad.any()):
                self._given.add(self._registry.leaf(p))

    def is_stale(self, rule: int, leaf: int) -> bool:
        """Whether what an update has used is part of the gradient."""
        return (rule, leaf) in self._stale

    def is_used(self, leaf: int, p: Tensor) -> bool:
        """Whether an update has used the gradient, and it is still as it was then."""
        gradient = p.grad
        return gradient is not None and any(
            other == leaf and is_untouched(before, gradient) for (_, other), before in self._used.items()
        )

    def was_given(self, leaves: set[int]) -> bool:
        """Whether a backward pass has given one of them a gradient."""
        return not self._given.isdisjoint(leaves)

    def after_update(self, rule: int, parameters: list[tuple[int, Tensor]]) -> None:
        """Remembers what has been used."""
        for leaf, p in parameters:
            self._stale.discard((rule, leaf))
            self._given.discard(leaf)
            self._used.pop((rule, leaf), None)
            if p.grad is not None:
                self._used[rule, leaf] = used(p.grad)


def used(gradient: Tensor) -> Used:
    """The gradient as it is now."""
    return Used(weakref.ref(gradient), gradient._version)


def is_untouched(before: Used | None, gradient: Tensor) -> bool:
    """Whether it is the same gradient, and nothing was written into it since."""
    return before is not None and before.gradient() is gradient and before.version == gradient._version
