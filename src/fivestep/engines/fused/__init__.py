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
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ...batches import Batch, Place
from ...blocks import Block, RowAccess
from ...datasets._base import Rows
from ...layer import Memo
from ...net import NetSpec
from ...plan import TrainPlan
from ...ranks import ALONE, Ranks
from ...typing import Features, Logits, RowWeights, Scalar, Targets, Tensors, Vector
from .._engine import BlockEngine
from .._update import averaged_by_rules, restore_state, rule_groups, state_of
from ._orders import draw_orders
from ._size import is_larger, is_recorded
from .recorded.captured import RecordedBody

if TYPE_CHECKING:
    from .small.pack import Pack


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
        self._groups = rule_groups(self.params, self.optimizer, plan.ema)
        self.row_access = (
            RowAccess(as_stored=True) if self._is_larger else RowAccess(only_seeds=True, draw_orders=draw_orders)
        )
        self._body: Any  # of a module that is loaded late
        if self._is_recorded:
            self._body = RecordedBody(self, self._groups, precision)
        else:
            module, name = ("larger.products", "LargerBody") if larger else ("small.code", "SmallBody")
            self._body = getattr(importlib.import_module(f"{__name__}.{module}"), name)(self, self._groups)

    @property
    def is_divided(self) -> bool:
        """Whether the units of its layers are divided among threads, whose number can change last digits."""
        return self._is_larger and not self._is_recorded and bool(self._body.is_divided)

    def pack(self) -> "Pack":
        """What trains packs of networks like this one, where it is a small one on the CPU; needs all of this engine."""
        from .small.pack import Pack

        assert not self._is_larger, "a small network"
        return Pack(self, self._groups, self._body)

    def train_block(self, block: Block) -> Vector:
        self.params.to_training()
        losses, penalties = self.params.flat.new_zeros((2, len(block.rates))).unbind()
        self._body.train(block, losses, penalties)
        return losses + penalties

    def check_targets(self, rows: Rows) -> None:
        y = rows.y.byte() if rows.y.dtype == torch.bool else rows.y
        places = torch.stack([y.argmin(), y.argmax()]) // y[0].numel()
        few, host = rows.take(places), torch.device("cpu")  # what holds for these two rows holds for all
        x = self.as_input(few.to(self.device, self.dtype).inputs(self.dtype))
        y = few.to(host, self.dtype).y  # on the host: a wrong label would end all work on a CUDA device
        self._check(x.shape[:-1], y, None, host)

    def release(self) -> None:
        self._body.release()

    def train_step(self, x: Features, y: Targets, weight: RowWeights | None = None) -> Scalar:
        self._check(self.as_input(x).shape[:-1], y, weight)
        self.params.to_training()
        losses, penalties = self.params.flat.new_zeros((2, 1)).unbind()
        ends, settings = torch.tensor([[0], [len(x)]]), torch.tensor([[self.lr], [self.l2]], dtype=torch.float64)
        train = self._body.train_once if self._is_recorded else self._body.train
        train(Block(Rows(x, y), None, weight, *ends, *settings), losses, penalties)
        return losses[0]

    def _check(
        self, shape: Sequence[int], y: Targets, weight: RowWeights | None, device: torch.device | None = None
    ) -> None:
        """Checks targets and weights by calling the loss with logits of 0, as compiled code does not check them.

        `shape` is that of the inputs without their last axis: (N,), or (N, T) of tokens. The logits are on `device`,
        the engine's unless it is given.
        """
        place = self.device if device is None else device
        logits = torch.zeros((), dtype=self.dtype, device=place).expand(*shape, self.spec.out_features or 0)
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
            return self._body.predict(x)  # type: ignore[no-any-return]  # of a module that is loaded late
        return self._body.predict(x.flatten(0, -2)).view(*x.shape[:-1], -1)  # type: ignore[no-any-return]

    def averaged(self) -> Vector | None:
        return averaged_by_rules(self.params, self._groups)

    def state(self, *, copied: bool = True) -> dict[str, Tensor]:
        return state_of(self.params, self._groups, copied=copied)

    def load_state(self, state: Tensors, num_updates: int) -> None:
        restore_state(self.params, self._groups, state)
        self.draws.step = num_updates
