"""The five steps compiled, on the CPU: read `body/steps.py` for small networks, `_products.py` for larger ones.

What Python and torch take for a step, some hundreds of microseconds, is a hundred times what the arithmetic of a small
network takes. Here a block of steps is one call of a function that Numba has compiled, over the same hand-derived
gradients as in `scratch`, with the kinds of its layers, loss and update rule as whole numbers, so that one compiled
function serves every network. All of it is in the processor's cache; nothing is allocated inside.

The time of a larger network goes into its matrix products, which torch does best. There a step is torch's products,
with one compiled pass between two of them. `make_engine` picks by the operations of a step; `fused:larger=true` and
`fused:larger=false` say it by hand.
"""

import importlib
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor

from ...batches import Batch, Place
from ...blocks import Block
from ...datasets._base import Rows
from ...draws import Draws, generator
from ...layer import Memo
from ...net import NetSpec
from ...plan import TrainPlan
from ...ranks import ALONE, Ranks
from ...typing import Features, Logits, RowWeights, Scalar, Targets, Tensors, Vector
from .._base import BlockEngine, initial_weights
from .._update import averaged_by_rules, copy_of_state, restore_state, rule_groups
from ._size import is_larger


@final
class FusedEngine(BlockEngine):
    """Compiled: one body for all of a small network, or what lies between the products of a `larger` one.

    `make_engine` hands over to `scratch` what it cannot do.
    """

    name = "fused"

    def __init__(
        self,
        spec: NetSpec,
        plan: TrainPlan,
        dtype: torch.dtype,
        device: torch.device,
        ranks: Ranks = ALONE,
        *,
        larger: bool | None = None,
    ) -> None:
        assert ranks.are_alone, "make_engine hands over"
        super().__init__(spec, plan, dtype, device, ranks)
        if larger is None:
            larger, _ = is_larger(spec, plan)
        else:
            self.options = {"larger": larger}
        self.takes_stored_rows = self._is_larger = larger
        self._stream = torch.Generator()
        self._groups = rule_groups(self.params, self.optimizer, plan.ema)
        module, body = ("_products", "Products") if larger else ("_code", "Code")
        self._code: Any = getattr(importlib.import_module(f"{__name__}.{module}"), body)(self, self._groups)  # numba

    def begin_again(self, seed: int) -> None:
        """Goes back to the start, as if it had been made with a plan of that seed."""
        if self.dtype == torch.float32:
            self.params.flat.zero_()
            init, stream = self.spec.build_init(), generator(seed, again=self._stream)
            for layer, weights in zip(self.layers, self.params.weights, strict=True):
                layer.initialize_(weights, init, stream)
        else:
            self.params.load(initial_weights(self.spec, seed))
        for group in self._groups:
            for name, value in group.rule.state(group.w).items():
                group.memory[name].copy_(value)
        self.params.training, self.draws = None, Draws(seed)

    def train_block(self, block: Block) -> Vector:
        losses, penalties = (torch.zeros(len(block.rates), dtype=self.dtype) for _ in range(2))
        self._code.train(block, losses, penalties)
        return losses + penalties

    def train_step(self, x: Features, y: Targets, weight: RowWeights | None = None) -> Scalar:
        self._check(x, y, weight)
        losses, penalties = (torch.zeros(1, dtype=self.dtype) for _ in range(2))
        ends, settings = torch.tensor([[0], [len(x)]]), torch.tensor([[self.lr], [self.l2]], dtype=torch.float64)
        self._code.train(Block(Rows(x, y), None, weight, *ends, *settings), losses, penalties)
        return losses[0]

    def _check(self, x: Features, y: Targets, weight: RowWeights | None) -> None:
        """Asks the loss whether it takes such targets and weights, beside logits of 0: compiled code never asks."""
        logits = torch.zeros((), dtype=self.dtype).expand(*self.as_input(x).shape[:-1], self.spec.out_features or 0)
        self.criterion.value(logits, self.criterion.match(logits, y), weight, Memo(training=False))

    def train_step_in_parts(self, parts: Sequence[tuple[Place, Batch]]) -> Scalar:
        batches = [batch for _, batch in parts]
        weights = [batch.weight for batch in batches if batch.weight is not None]
        x, y = torch.cat([batch.x for batch in batches]), torch.cat([batch.y for batch in batches])
        return self.train_step(x, y, torch.cat(weights))

    def train_step_with_repeats(
        self, x: Features, y: Targets, weight: RowWeights | None = None, place: Place | None = None
    ) -> Scalar:
        raise AssertionError("no rule with a scalar form looks again")

    def predict(self, x: Features) -> Logits:
        x = self.as_input(x)
        if self._is_larger or x.dim() == 2:
            return self._code.predict(x)  # type: ignore[no-any-return]  # of a module that is loaded late
        return self._code.predict(x.flatten(0, -2)).view(*x.shape[:-1], -1)  # type: ignore[no-any-return]

    def averaged(self) -> Vector | None:
        return averaged_by_rules(self.params, self._groups)

    def state(self) -> dict[str, Tensor]:
        return copy_of_state(self.params, self._groups)

    def load_state(self, state: Tensors, num_updates: int) -> None:
        restore_state(self.params, self._groups, state)
        self.draws.step = num_updates
