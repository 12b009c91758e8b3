"""L-BFGS."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, final

import torch
from torch import Tensor, nn

from ..check import InputError, at_least, not_negative, one_of
from ..typing import Vector, Weights
from ._base import Again, Optimizer
from ._numbers import Number
from ._strong_wolfe import Point, strong_wolfe

LEAST_CURVATURE = 1e-10
"""A pair with s y below this is not kept: the loss was not curved upward between its two points."""


@final
@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Newton's step with a curvature learned from the last m moves s and the changes y of the gradient along them.

        d  = -H dw                      H from the pairs (s, y), newest last, by the two-loop recursion:
             q = -dw
             for each pair, newest first:  a = (s q) / (y s),  q <- q - a y
             q <- q (s y) / (y y)          of the newest pair
             for each pair, oldest first:  q <- q + s (a - (y q) / (y s))
        w <- w + t d                    t from a line search that starts at lr; 1 is the full step

    One step of the loop is up to `max_iter` such iterations, with at most 5/4 as many looks at the loss. It ends early
    when no element of the gradient is above `tolerance_grad`, or a move or the loss changes by less than
    `tolerance_change`. `history` is m; 3 to 20 are usual. `line_search` is "strong_wolfe", or "none" for t = lr.
    `weight_decay` adds weight_decay |w|^2 / 2 to the loss. Every look must see the same rows, so it takes the full
    batch; each reads the device several times. Nocedal and Wright 2006, "Numerical optimization", algorithms 7.4, 7.5.
    """

    repeats: ClassVar[bool] = True
    reads_numbers: ClassVar[bool] = True

    max_iter: int = 20
    history: int = 10
    tolerance_grad: float = 1e-7
    tolerance_change: float = 1e-9
    line_search: str = "strong_wolfe"

    def check(self) -> None:
        at_least("max_iter", self.max_iter, 1, "20 is usual")
        at_least("history", self.history, 1, "10 is usual")
        not_negative("tolerance_grad", self.tolerance_grad, "1e-7 is usual")
        not_negative("tolerance_change", self.tolerance_change, "1e-9 is usual")
        one_of("line_search", self.line_search, ("strong_wolfe", "none"))

    @property
    def max_looks(self) -> int:
        """The most evaluations of loss and gradient in one step."""
        return self.max_iter * 5 // 4

    def state(self, w: Weights) -> dict[str, Tensor]:
        """The pairs in a ring, the last gradient and move, and on the CPU how many pairs and iterations there were."""
        names = ("s", "y")
        pairs = {name: w.new_zeros((self.history, *w.shape)) for name in names}
        last = {"last_gradient": torch.zeros_like(w), "last_move": torch.zeros_like(w)}
        return {**pairs, **last, "num_pairs": torch.tensor(0), "num_iterations": torch.tensor(0)}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        if again is None:
            raise InputError(
                "optimizer 'lbfgs' must be able to look at the loss again, got a plain update; "
                "use fivestep.train, or engine.train_step_with_repeats."
            )
        lr = float(lr)
        look = _with_penalty(again, self.weight_decay, w, dw)
        loss, num_looks = look(), 1
        for number in range(1, self.max_iter + 1):
            if lr == 0 or dw.abs().max() <= self.tolerance_grad:  # a synchronization, as in each branch on a number
                return
            d, is_first = self._direction(dw, state)
            t = lr * min(1.0, 1 / dw.abs().sum().item()) if is_first else lr
            slope, last_loss = dw.dot(d).item(), loss
            state["last_gradient"].copy_(dw)
            state["last_move"].zero_()
            if slope > -self.tolerance_change:
                return
            if self.line_search == "strong_wolfe":
                start = Point(0.0, loss, slope, dw.clone())
                point, more = _search(look, _Line(w, dw, d), start, t, self.max_looks - num_looks)
                loss, t, num_looks = point.loss, point.t, num_looks + more
            else:
                w.add_(d, alpha=t)
                if number < self.max_iter:  # after the last move nobody asks for the loss
                    loss, num_looks = look(), num_looks + 1
            state["last_move"].copy_(d).mul_(t)
            change = state["last_move"].abs().max()
            if num_looks >= self.max_looks or min(change.item(), abs(loss - last_loss)) <= self.tolerance_change:
                return

    def _direction(self, dw: Weights, state: dict[str, Tensor]) -> tuple[Vector, bool]:
        """Where to go, and whether nothing is known yet of the curvature; keeps the newest pair, if it is one."""
        is_first = state["num_iterations"].item() == 0
        state["num_iterations"].add_(1)
        q, count = dw.neg(), int(state["num_pairs"])
        if is_first:
            return q, True
        s, y = state["last_move"], dw - state["last_gradient"]
        if y.dot(s) > LEAST_CURVATURE:
            state["s"][count % self.history].copy_(s)
            state["y"][count % self.history].copy_(y)
            state["num_pairs"].add_(1)
            count += 1
        kept = [number % self.history for number in range(max(0, count - self.history), count)]
        return _two_loops(q, [(state["s"][k], state["y"][k]) for k in kept]), False

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        twin = torch.optim.LBFGS(
            parameters,
            lr,
            max_iter=self.max_iter,
            tolerance_grad=self.tolerance_grad,
            tolerance_change=self.tolerance_change,
            history_size=self.history,
            line_search_fn="strong_wolfe" if self.line_search == "strong_wolfe" else None,
        )
        twin.register_step_pre_hook(self._hand_over_penalty)
        return twin

    def _hand_over_penalty(self, twin: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        """Gives torch's L-BFGS, which has no weight decay, a loss that holds the penalty."""
        optimizer, again = args
        parameters = twin.param_groups[0]["params"]

        def penalized() -> Tensor:
            loss: Tensor = again().detach()
            for parameter in parameters:
                loss = loss + self.weight_decay / 2 * parameter.detach().square().sum()
                parameter.grad.add_(parameter.detach(), alpha=self.weight_decay)
            return loss

        return ((optimizer, penalized), kwargs) if self.weight_decay else None


class _Line(NamedTuple):
    """The parameters and their gradient, which a search moves, and the direction it moves them in."""

    w: Weights
    dw: Weights
    d: Vector


def _two_loops(q: Vector, pairs: list[tuple[Vector, Vector]]) -> Vector:
    """The recursion of the class, in place; the dot products stay on the device."""
    shares = []
    for s, y in reversed(pairs):
        shares.append(s.dot(q) / y.dot(s))
        q.sub_(y * shares[-1])
    if pairs:
        s, y = pairs[-1]
        q.mul_(s.dot(y) / y.dot(y))
    for (s, y), share in zip(pairs, reversed(shares), strict=True):
        q.add_(s * (share - y.dot(q) / y.dot(s)))
    return q


def _with_penalty(again: Again, weight_decay: float, w: Weights, dw: Weights) -> Callable[[], float]:
    """Steps 1 to 4 with the penalty in loss and gradient; reading the loss is a host-device synchronization."""

    def look() -> float:
        loss = again()
        if weight_decay:
            dw.add_(w, alpha=weight_decay)
            loss = loss + weight_decay / 2 * w.dot(w)
        return loss.item()

    return look


def _search(look: Callable[[], float], line: _Line, start: Point, t: float, max_looks: int) -> tuple[Point, int]:
    """Moves w to where the line search ends and dw to the gradient there."""
    w, dw, d = line
    origin = w.clone()

    def look_at(t: float) -> Point:
        torch.add(origin, d, alpha=t, out=w)
        loss = look()
        return Point(t, loss, dw.dot(d).item(), dw.clone())

    point, num_looks = strong_wolfe(look_at, start, t, max_looks, d.abs().max().item())
    torch.add(origin, d, alpha=point.t, out=w)
    dw.copy_(point.gradient)
    return point, num_looks
