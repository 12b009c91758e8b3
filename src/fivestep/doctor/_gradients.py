"""The gradients between two updates: whether they were cleared, and whether new ones came."""

import weakref
from typing import NamedTuple, final

from torch import Tensor

from . import _look
from ._registry import Registry

ALONG = 0.99
"""The cosine from which a parameter was moved along its gradient: 1 up to rounding, if nothing else moved it."""


@final
class Used(NamedTuple):
    """A gradient at one moment: it has changed if it is another tensor or was written to."""

    gradient: weakref.ref[Tensor]
    version: int


@final
class ByHand(NamedTuple):
    """A parameter without an optimizer after its backward pass, and its gradient."""

    gradient: Used
    mark: float
    weights: Tensor
    way: Tensor
    num_backwards: int


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
        self._by_hand: dict[int, ByHand] = {}
        self._left: dict[int, Used] = {}
        self._num_lost = 0

    def forget(self) -> None:
        """Forgets everything: the next rounds are not watched."""
        self._used.clear()
        self._stale.clear()
        self._given.clear()
        self._left.clear()
        self._num_lost = 0

    def before_backward(self) -> None:
        """Notes the gradients that are still there."""
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
        """Whether a parameter was moved since its last backward pass while the gradient is still there."""
        before = self._by_hand.get(leaf)
        if before is None or p.grad is None or mark == before.mark:
            return False
        return is_untouched(before.gradient, p.grad) and bool(p.grad.any())

    def is_moved_along(self, leaf: int, p: Tensor, num_backwards: int) -> bool | None:
        """Whether a parameter was moved along its gradient since the last backward pass; None if it was not moved."""
        before = self._by_hand.get(leaf)
        if before is None or before.num_backwards != num_backwards:
            return None
        move = (_look.sample(p) - before.weights).double()
        lengths = float(move.norm()) * float(before.way.double().norm())
        return float(move @ before.way.double()) > ALONG * lengths if lengths > 0 else None

    def remember(self, leaf: int, p: Tensor, mark: float, num_backwards: int) -> None:
        """Remembers, after backward, a parameter with its mark and its gradient."""
        if p.grad is not None and not p.is_complex():
            self._by_hand[leaf] = ByHand(used(p.grad), mark, _look.sample(p), _look.sample(p.grad), num_backwards)

    def see_lost(self, marks: list[tuple[int, Tensor, bool]]) -> None:
        """Before backward, counts a lost pass: all its gradients are gone, and no parameter has moved.

        `marks` are the parameters that the loss depends on, each with whether it is unchanged since that pass.
        """
        left = [(p, is_same) for leaf, p, is_same in marks if leaf in self._left]
        self._num_lost += bool(left) and all(
            is_same and (p.grad is None or not bool(p.grad.any())) for p, is_same in left
        )

    def num_lost(self, parameters: list[tuple[int, Tensor]]) -> int:
        """At an update: the number of passes whose gradient was cleared; 0 if it does not use backward's gradients."""
        own = [is_untouched(self._left.get(leaf), p.grad) for leaf, p in parameters if p.grad is not None]
        return self._num_lost if own and all(own) else 0

    def after_backward(self, leaves: list[Tensor], held: set[int]) -> None:
        """Notes which of the parameters `held` by an optimizer have a nonzero gradient."""
        for p in leaves:
            if p.grad is not None and bool(p.grad.any()):
                key = self._registry.leaf(p)
                self._given.add(key)
                if key in held:
                    self._left[key] = used(p.grad)

    def is_stale(self, rule: int, leaf: int) -> bool:
        """Whether the gradient contains one that an update has used."""
        return (rule, leaf) in self._stale

    def is_used(self, leaf: int, p: Tensor) -> bool:
        """Whether an update has used the gradient, which is unchanged since."""
        gradient = p.grad
        return gradient is not None and any(
            other == leaf and is_untouched(before, gradient) for (_, other), before in self._used.items()
        )

    def was_given(self, leaves: set[int]) -> bool:
        """Whether a backward pass has given one of them a gradient."""
        return not self._given.isdisjoint(leaves)

    def after_update(self, rule: int, parameters: list[tuple[int, Tensor]]) -> None:
        """Remembers the gradients that were used."""
        self._num_lost = 0
        for leaf, p in parameters:
            self._stale.discard((rule, leaf))
            self._given.discard(leaf)
            self._left.pop(leaf, None)
            self._used.pop((rule, leaf), None)
            if p.grad is not None:
                self._used[rule, leaf] = used(p.grad)


def used(gradient: Tensor) -> Used:
    """The current gradient."""
    return Used(weakref.ref(gradient), gradient._version)


def is_untouched(before: Used | None, gradient: Tensor) -> bool:
    """Whether it is the same gradient, and was not written to since."""
    return before is not None and before.gradient() is gradient and before.version == gradient._version
