"""What `scratch` and `autograd`, the two engines on raw tensors, share: everything but the five steps."""

from typing import final

import torch
from torch import Tensor

from ..layer import Memo
from ..net import NetSpec
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from ..typing import Features, Inputs, Logits, Tensors, Vector
from ._base import FiveStepEngine
from ._parts import in_parts
from ._update import averaged_by_rules, restore_state, rule_groups, state_of


class RawEngine(FiveStepEngine):
    """An engine that calls our own layers, and whose parameters our own update rules move, group by group."""

    def __init__(
        self, spec: NetSpec, plan: TrainPlan, dtype: torch.dtype, device: torch.device, ranks: Ranks = ALONE
    ) -> None:
        super().__init__(spec, plan, dtype, device, ranks)
        self._groups = rule_groups(self.params, self.optimizer, plan.ema)

    @final
    @torch.no_grad()
    def predict(self, x: Features) -> Logits:
        return in_parts(self._evaluated, self.as_input(x), self.spec)

    def _evaluated(self, a: Inputs) -> Logits:
        """The evaluation pass over some rows."""
        for layer, w in zip(self.layers, self.params.weights, strict=True):
            a = layer.forward(w, a, Memo(training=False))
        return a

    @final
    def averaged(self) -> Vector | None:
        return averaged_by_rules(self.params, self._groups)

    @final
    def state(self, *, copied: bool = True) -> dict[str, Tensor]:
        return state_of(self.params, self._groups, copied=copied)

    @final
    def load_state(self, state: Tensors, num_updates: int) -> None:
        restore_state(self.params, self._groups, state)
        self.draws.step = num_updates
