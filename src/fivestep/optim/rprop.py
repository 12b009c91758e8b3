"""Rprop, which looks at the signs of the gradient alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import positive, refuse
from ..typing import Weights
from ._base import Again, Optimizer
from ._decay import decay_, with_decay
from ._numbers import Number, is_above


@final
@dataclass(frozen=True)
class Rprop(Optimizer):
    """Each element has a step size of its own, which grows while its gradient keeps its sign and shrinks when not.

        s <- s etas[1] where dw has the sign of the last one, s etas[0] where it has the other, within `step_sizes`
        w <- w - s sign(dw), but not where the sign has just changed: there dw counts as 0, next time too

    s begins as lr, which after that has no effect, nor has a schedule. For the full batch: between mini-batches the
    signs change by chance, and all s shrink. `etas` are a number in (0, 1) and one above 1, `step_sizes` the least and
    the largest s. Weight decay is decoupled, (1 - lr weight_decay) w. Riedmiller and Braun 1993, "A direct adaptive
    method for faster backpropagation learning: the RPROP algorithm", in the form "iRprop-" of Igel and Huesken 2003.
    """

    by_element: ClassVar[bool] = True
    etas: tuple[float, float] = (0.5, 1.2)
    step_sizes: tuple[float, float] = (1e-6, 50.0)

    def check(self) -> None:
        for name in ("etas", "step_sizes"):
            pair = getattr(self, name)
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise refuse(name, pair, "a pair of numbers", "(0.5, 1.2) and (1e-6, 50) are usual")
            for number in pair:
                positive(f"a number of {name}", number)
        if not self.etas[0] < 1 < self.etas[1]:
            raise refuse("etas", self.etas, "a number in (0, 1) and one above 1", "(0.5, 1.2) is usual")
        if self.step_sizes[0] > self.step_sizes[1]:
            raise refuse("step_sizes", self.step_sizes, "the least and the largest", "(1e-6, 50) is usual")

    def state(self, w: Weights) -> dict[str, Tensor]:
        return {"last": torch.zeros_like(w), "size": torch.zeros_like(w)}

    def update_(
        self, w: Weights, dw: Weights, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        decay_(w, dw, lr, self.weight_decay, decoupled=True)
        shorter, longer = self.etas
        last, size = state["last"], state["size"].add_(lr * (1 - is_above(step, 1)))
        agreement = dw.mul(last).sign_()  # 0 at the first step, and after a change of sign
        size.mul_(torch.ones_like(w).masked_fill_(agreement > 0, longer).masked_fill_(agreement < 0, shorter))
        size.clamp_(*self.step_sizes)
        torch.mul(dw, agreement >= 0, out=last)
        w.addcmul_(last.sign(), size, value=-1)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        plain = torch.optim.Rprop(parameters, lr, etas=self.etas, step_sizes=self.step_sizes)
        return with_decay(plain, self.weight_decay, decoupled=True)
