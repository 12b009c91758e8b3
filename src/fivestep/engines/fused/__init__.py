"""The five steps as compiled code, in three forms: one body for each kind of work.

`small/` is for small networks on the CPU, `larger/` for larger ones, and `recorded/` for CUDA; `_size.py` chooses.
They call functions in `body/`, compiled by Numba, and in `kernels/`, compiled by Triton. Begin with `body/steps.py`.

For a small network, the overhead of Python and torch in a step, some hundreds of microseconds, is a hundred times the
arithmetic. Here a block of steps is one call of a function compiled by Numba, with the same hand-derived gradients as
in `scratch`. Layers, loss and update rule are encoded as integers, so that one compiled function serves every network.
Everything fits into the processor's cache, and nothing is allocated inside.

A larger network spends its time in matrix products. On an x86 with AVX2 or AVX-512, threads divide the units of a dense
one among them, with compiled products; otherwise torch does the products, with one compiled pass between two of them.
`make_engine` chooses by the operations of a step; `fused:larger=true` and `fused:larger=false` override that.

On a CUDA device, many steps are recorded as one graph. `fused:precision=tf32` and `fused:precision=bfloat16` make it
multiply in fewer digits; the weights and the update rule's memory stay float32.
"""

import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, final

import torch
from torch import Tensor

from ...batches import Batch, Place
from ...blocks import Block, RowAccess
from ...datasets._base import Rows
from ...draws import Draws, generator
from ...layer import Memo
from ...net import NetSpec
from ...optim._base import AveragingOptimizer
from ...plan import TrainPlan
from ...ranks import ALONE, Ranks
from ...typing import Features, Logits, RowWeights, Scalar, Targets, Tensors, Vector
from .._engine import BlockEngine, initial_weights
from .._update import averaged_by_rules, restore_state, rule_groups, state_of
from ._orders import draw_orders
from ._size import is_larger, is_recorded
from .recorded.captured import Captured


@final
class FusedEngine(BlockEngine):
    """Compiled: all of a small network or of a larger dense one; of other networks, the work between the products.

    On a CUDA device it is the steps of `scratch`, `recorded` as graphs. On the CPU, the same steps are done one by one
    if a `precision` is given ("bfloat16"; "tf32" needs CUDA), or with `recorded=True`, for comparisons. For what it
    cannot do, `make_engine` falls back to `scratch`.
    """

    name = "fused"

    def __init__(  # noqa: PLR0913  (five are every engine's)
        self,
        spec: NetSpec,
        plan: TrainPlan,
        dtype: torch.dtype,
        device: torch.device,
        ranks: Ranks = ALONE,
        *,
        larger: bool | None = None,
        precision: str | None = None,
        recorded: bool | None = None,
    ) -> None:
        assert ranks.are_alone, "make_engine falls back"
        super().__init__(spec, plan, dtype, device, ranks)
        given = (("larger", larger), ("precision", precision), ("recorded", recorded))
        self.options = {key: value for key, value in given if value is not None}
        larger = is_larger(spec, plan)[0] if larger is None else larger
        self._is_recorded = is_recorded(device, self.options)
        self._is_larger = larger or self._is_recorded
        self._stream = torch.Generator()
        self._groups = rule_groups(self.params, self.optimizer, plan.ema)
        self.row_access = (
            RowAccess(as_stored=True) if self._is_larger else RowAccess(only_seeds=True, draw_orders=draw_orders)
        )
        self._code: Any  # of a module that is loaded late
        if self._is_recorded:
            self._code = Captured(self, self._groups, precision)
        else:
            module, body = ("larger.products", "Products") if larger else ("small.code", "Code")
            self._code = getattr(importlib.import_module(f"{__name__}.{module}"), body)(self, self._groups)

    @property
    def is_divided(self) -> bool:
        """Whether the units of its layers are divided among threads, whose number can change last digits."""
        return self._is_larger and not self._is_recorded and bool(self._code.is_divided)

    def initial_states(self, seeds: Sequence[int]) -> dict[str, Tensor]:
        """The `state` of engines made with plans of those seeds, as rows (K, .); its own weights are then others."""
        flat, init = self.params.flat.new_empty((len(seeds), self.params.flat.numel())), self.spec.build_init()
        for seed, row in zip(seeds, flat, strict=True):
            if self.dtype == torch.float32:
                self.params.flat.zero_()
                stream = generator(seed, again=self._stream)
                for layer, weights in zip(self.layers, self.params.weights, strict=True):
                    layer.initialize_(weights, init, stream)
            else:
                self.params.load(initial_weights(self.spec, seed))
            row.copy_(self.params.flat)
        memory: dict[str, Tensor] = {}
        for k, group in enumerate(self._groups):
            w = flat[:, group.where_in(self.params)].view(len(seeds), *group.w.shape)
            for name, value in group.rule.state(w).items():
                memory[f"{k}.{name}"] = value if value.dim() else value.repeat(len(seeds))
        return {"flat": flat, "buffers": self.params.buffers.repeat(len(seeds), 1), **memory}

    def train_each(
        self, state: Tensors, seeds: Sequence[int], blocks: Callable[[int], Iterable[Block]], rates: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Trains networks from their first step on; each has a row of `state`, which is updated in place.

        `blocks(k)` are the blocks of network k, and `rates` (K, S) the learning rates of all steps in them. Returns the
        loss of each step (K, S) and the last gradients (K, P). The engine's own weights do not change.
        """
        flat = state["flat"]
        losses, gradients = flat.new_empty(rates.shape), torch.empty_like(flat)
        held = self._code.rows_of(state, gradients, self._remembered)
        num_abreast = self._code.train_abreast(held, next(iter(blocks(0))), rates.numpy(), losses.numpy())
        for k, seed in [*enumerate(seeds)][num_abreast:]:
            self.draws, done, penalties = Draws(seed), 0, torch.zeros_like(losses[k])
            for block in blocks(k):
                there = slice(done, done + len(block.rates))
                self._code.train_held(held.of(k), block, losses[k, there].numpy(), penalties[there].numpy())
                done = there.stop
            losses[k] += penalties
        return losses, gradients

    @property
    def _remembered(self) -> list[str]:
        """The names of the update rules' memory in `state`."""
        return [f"{k}.{name}" for k, group in enumerate(self._groups) for name in group.memory]

    def prediction_weights(self, state: Tensors) -> Tensor:
        """The weights to predict with and the buffers (K, P + B) of networks whose states are rows."""
        held = torch.cat([state["flat"], state["buffers"]], 1)
        for k, group in enumerate(self._groups):
            if isinstance(group.rule, AveragingOptimizer):
                where, memory = group.where_in(self.params), {name: state[f"{k}.{name}"] for name in group.memory}
                w = state["flat"][:, where].view(len(held), *group.w.shape)
                held[:, where] = group.rule.average(w, memory).flatten(1)
        return held

    def load_prediction_weights(self, held: Tensor) -> None:
        """Loads the weights and the buffers (P + B,) of one network."""
        self.params.flat.copy_(held[: self.params.flat.numel()])
        self.params.buffers.copy_(held[self.params.flat.numel() :])

    def train_block(self, block: Block) -> Vector:
        losses, penalties = self.params.flat.new_zeros((2, len(block.rates))).unbind()
        self._code.train(block, losses, penalties)
        return losses + penalties

    def release(self) -> None:
        self._code.release()

    def train_step(self, x: Features, y: Targets, weight: RowWeights | None = None) -> Scalar:
        self._check(x, y, weight)
        losses, penalties = self.params.flat.new_zeros((2, 1)).unbind()
        ends, settings = torch.tensor([[0], [len(x)]]), torch.tensor([[self.lr], [self.l2]], dtype=torch.float64)
        train = self._code.train_once if self._is_recorded else self._code.train
        train(Block(Rows(x, y), None, weight, *ends, *settings), losses, penalties)
        return losses[0]

    def _check(self, x: Features, y: Targets, weight: RowWeights | None) -> None:
        """Checks targets and weights by calling the loss with logits of 0, as compiled code does not check them."""
        logits = self.params.flat.new_zeros(()).expand(*self.as_input(x).shape[:-1], self.spec.out_features or 0)
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

    def predict_each(self, held: Tensor, x: Features) -> Tensor:
        """The outputs (K, N, O) for the rows x of networks with the `prediction_weights` held (K, P + B)."""
        x = self.as_input(x)
        rows = x.flatten(0, -2)
        out = self._code.predict_each(held, rows)
        return out.view(len(held), *x.shape[:-1], -1)  # type: ignore[no-any-return]  # of a module that is loaded late

    def averaged(self) -> Vector | None:
        return averaged_by_rules(self.params, self._groups)

    def state(self, *, copied: bool = True) -> dict[str, Tensor]:
        return state_of(self.params, self._groups, copied=copied)

    def load_state(self, state: Tensors, num_updates: int) -> None:
        restore_state(self.params, self._groups, state)
        self.draws.step = num_updates
