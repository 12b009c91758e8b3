"""The interface between torch and the compiled body: rows, weights and memory in; losses, weights and memory out."""

import threading
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ....blocks import Block
from ....datasets._base import Rows
from ....layers._norm import single_row
from ....typing import Tensors
from ..._engine import Engine
from ..._update import RuleGroup
from .. import _compiled
from .._operations import network_of, operations_of, plain_of
from .._tables import ALIGNMENT, measure_of, type_of
from ..body import kinds as kind
from ..body.branched import Branched
from ..body.further import ByMatrix, Further
from ..body.masks import Masks
from ..body.rules import Rule
from ..body.steps import Steps
from .abreast import LEAST_SHARE, Lanes, may_be_abreast
from .arrays import NetworkArrays
from .hidden import hidden_of, order_of
from .orders import Orders
from .rules import RuleMemory, rule_memories, rule_of
from .tables import masks_for, memory_for, rows_of_tile, table_of

OF_WEIGHTS, OF_BUFFERS = 8, 16
"""The positions in a table of the addresses of weights and buffers."""

FURTHER = {Rule: "", Further: "-further", ByMatrix: "-matrices"}
"""The suffix of the compiled body's name, by the type of its update rule."""

NONE = np.zeros(0, np.int64)


@final
class SmallBody:
    """The compiled functions, with the tables of one engine's network and plan."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup]) -> None:
        self._engine = engine
        params = engine.params
        operations = operations_of(engine.spec, engine.layers, params)
        network = network_of(operations, engine.spec.in_features or 0, ALIGNMENT // type_of(params).itemsize)
        self._network, self._branched = plain_of(network), network if isinstance(network, Branched) else None
        self._measure = measure_of(engine.plan, engine.criterion)
        self._hidden = hidden_of(self._network, params)
        order = order_of(self._network, self._hidden, params)
        self._rule = rule_of(engine.plan, groups, engine.optimizer, params, order)
        body = "train" if self._branched is None else "branched"
        if self._hidden is not None:
            body = ("hidden", "pairs")[len(self._hidden.beside) - 1]
        self._name = body + FURTHER[type(self._rule)]
        self._sees_batches = any(one.kind == kind.BATCH_NORM for one in operations)
        self._memory = memory_for(self._network, self._hidden, params, order.size, self._rows_of_tile(0))
        self._parameter_places, self._rule_memories = order.places, rule_memories(groups, engine.plan, params, order)
        own = [one.array for one in self._rule_memories]
        self._engine_arrays = NetworkArrays(params.flat.numpy(), params.grad.numpy(), params.buffers.numpy(), own)
        self._dropout_draws = {k: one.draws for k, one in enumerate(operations) if one.kind == kind.DROPOUT}
        self._dtype = engine.dtype_name
        self._num_out = engine.spec.out_features or 0
        self._of_thread = threading.local()  # buffers to predict in: threads may predict at the same time
        self._lanes: Lanes | None = None
        self._masks: Masks | None = None
        self._rows: Rows | None = None
        self._orders = Orders()
        self._arrays: tuple[Any, Any, int] = NONE, NONE, 1

    def train(self, block: Block, losses: Tensor, penalties: Tensor) -> None:
        """Does the steps of a block, and writes the loss of each, and its L2 term."""
        self.train_network(self._engine_arrays, block, losses.numpy(), penalties.numpy())

    def train_network(self, arrays: NetworkArrays, block: Block, losses: Any, penalties: Any) -> None:
        """The same for a network in these arrays, after the steps and with the draws of the engine."""
        x, y, tokens = self._as_arrays(block.rows)
        num_steps = self._make_room(block.num_rows * tokens, tokens) if self._sees_batches else len(block.rates)
        memory, done = self._memory, self._engine.num_updates
        self._load(arrays)
        steps = Steps(
            done=done,
            x=x,
            y=y,
            order=self._orders.of(block, len(x) // tokens, tokens),
            share=self._share(block, tokens),
            starts=_token_places(block.starts, tokens),
            stops=_token_places(block.stops, tokens),
            rates=block.rates[:num_steps].contiguous().numpy(),
            l2=block.l2.contiguous().numpy(),
            masks=self._dropout_masks(block, tokens),
            losses=losses,
            penalties=penalties,
        )
        network = self._hidden or self._branched or self._network
        _compiled.train(self._name, self._engine, network, self._measure, self._rule, steps, memory)
        self._engine.draws.step = done + num_steps
        self._store(arrays)
        if num_steps < len(block.rates):
            raise single_row()

    def _rows_of_tile(self, num_rows: int, tokens: int = 1) -> int:
        """The rows of a tile; with batch norm, those of the whole batch, or of a whole micro-batch."""
        rows, part = rows_of_tile(self._network, self._hidden, self._engine.params), self._engine.plan.micro_batch_size
        if not self._sees_batches:
            return rows
        return max(rows, num_rows) if part is None else part * tokens

    def _make_room(self, counts: Tensor, tokens: int) -> int:
        """Allocates memory for steps of `counts` rows; returns how many come before one with a single row over."""
        rows = self._rows_of_tile(int(counts.max()), tokens)
        is_part = self._engine.plan.micro_batch_size is not None
        if rows > self._memory.rows or (is_part and rows < self._memory.rows):
            self._memory = memory_for(self._network, self._hidden, self._engine.params, self._memory.w.size, rows)
        singles = (counts % rows == 1 % rows).nonzero()
        return int(singles[0]) if len(singles) else len(counts)

    def release(self) -> None:
        """Releases the rows."""
        self._rows, self._arrays, self._lanes = None, (NONE, NONE, 1), None
        self._orders.release()

    def train_abreast(self, networks: NetworkArrays, first: Block, rates: Any, losses: Any) -> int:
        """Does all steps of the first networks, those that can be trained abreast; returns how many that are.

        `first` is the first block of the first network. If it has all steps, those of the others differ only in their
        rates, a row of `rates` (K, S); `losses` (K, S) takes the losses.
        """
        if len(first.rates) < losses.shape[1] or not may_be_abreast(self._engine.plan, self._hidden, first):
            return 0
        if not isinstance(self._rule, Rule):  # the others keep what is of one network
            return 0
        if self._lanes is None:
            assert self._hidden is not None
            self._lanes = Lanes(self._hidden, self._measure, self._rule, self._parameter_places, self._memory.w.size)
        lanes, done = self._lanes, 0
        x, y, tokens = self._as_arrays(first.rows)
        rows, places = (x, y, self._share(first, tokens)), [one.place for one in self._rule_memories]
        while len(rates) - done >= LEAST_SHARE * lanes.count:
            taken = slice(done, min(done + lanes.count, len(rates)))
            lanes.train(networks.of(taken), places, rows, rates[taken], losses[taken])
            done = taken.stop
        return done

    @staticmethod
    def arrays_of(state: Tensors, gradients: Tensor, memory_names: Sequence[str]) -> NetworkArrays:
        """Networks whose states are rows of some tensors, each with a row for its gradient."""
        memories = [state[name].view(len(gradients), -1).numpy() for name in memory_names]
        return NetworkArrays(state["flat"].numpy(), gradients.numpy(), state["buffers"].numpy(), memories)

    def predict(self, x: Tensor) -> Tensor:
        """The logits (N, O) of x (N, I) in evaluation mode."""
        try:
            call, table = self._of_thread.prediction
        except AttributeError:
            call, table = self._prepare_thread()
        x = x.contiguous()
        num_rows = x.shape[0]
        logits = x.new_empty(num_rows, self._num_out)  # not as a tuple, which takes half as long again
        call(table, x.data_ptr(), logits.data_ptr(), num_rows)
        return logits

    def predict_each(self, weights: Tensor, x: Tensor) -> Tensor:
        """The logits (K, N, O) of x (N, I) for networks with those weights and buffers (K, P + B)."""
        weights, x = weights.contiguous(), x.contiguous()
        behind = self._engine.params.flat.nbytes
        logits = x.new_empty(len(weights), len(x), self._num_out)
        table, _kept = table_of(self._network, self._branched, self._engine.params)
        call, address = self._prediction().ctypes, table.ctypes.data
        for own, out in zip(weights.unbind(), logits.unbind(), strict=True):
            table[OF_WEIGHTS], table[OF_BUFFERS] = own.data_ptr(), own.data_ptr() + behind
            call(address, x.data_ptr(), out.data_ptr(), len(x))
        return logits

    def _prediction(self) -> Any:
        return _compiled.prediction("predict" if self._branched is None else "predict_branched", self._dtype)

    def _prepare_thread(self) -> tuple[Any, int]:
        """The compiled function, and the address of this thread's table."""
        table, values = table_of(self._network, self._branched, self._engine.params)
        self._of_thread.kept = table, values
        self._of_thread.prediction = self._prediction().ctypes, table.ctypes.data
        return self._of_thread.prediction  # type: ignore[no-any-return]  # of a thread

    def _load(self, arrays: NetworkArrays) -> None:
        """Copies weights and memory in, which may have been changed since the last block."""
        memory = self._memory
        memory.w[:], memory.values[:] = 0, 0  # the padding too, where a run that diverged may have left NaN
        memory.w[self._parameter_places] = arrays.flat
        memory.rule[:], memory.buffers[: arrays.buffers.size] = 0, arrays.buffers
        for array, one in zip(arrays.memory, self._rule_memories, strict=True):
            self._array_with(one)[one.place] = array

    def _store(self, arrays: NetworkArrays) -> None:
        np.take(self._memory.w, self._parameter_places, out=arrays.flat)
        np.take(self._memory.g, self._parameter_places, out=arrays.grad)
        arrays.buffers[:] = self._memory.buffers[: arrays.buffers.size]
        for array, one in zip(arrays.memory, self._rule_memories, strict=True):
            array[:] = self._array_with(one)[one.place]

    def _array_with(self, one: RuleMemory) -> Any:
        """The array of the body that holds this memory of the rule."""
        return self._rule.carried if one.is_carried and isinstance(self._rule, Further) else self._memory.rule

    def _as_arrays(self, rows: Rows) -> tuple[Any, Any, int]:
        """Inputs (N T, I), targets (N T, O), and T, the tokens of a row; kept for as long as the rows are the same."""
        if rows is not self._rows:
            engine = self._engine
            x = engine.as_input(rows.stored)
            like = torch.zeros((), dtype=engine.dtype).expand(*x.shape[:-1], engine.spec.out_features or 0)
            y = engine.criterion.match(like, rows.y).to(engine.dtype)
            num_rows = x[..., 0].numel()
            flat_x, flat_y = x.reshape(num_rows, -1).contiguous(), y.reshape(num_rows, -1).contiguous()
            self._rows, self._arrays = rows, (flat_x.numpy(), flat_y.numpy(), num_rows // len(x))
        return self._arrays

    def _share(self, block: Block, tokens: int) -> Any:
        """The shares of the rows in the network's type; the tokens of a row have equal parts of its share."""
        if block.shares is None:
            return np.zeros(0, self._dtype)
        share = block.shares.to(self._engine.dtype).numpy()
        return share if tokens == 1 else np.repeat(share / tokens, tokens)

    def _dropout_masks(self, block: Block, tokens: int) -> Masks:
        """Seed and memory of dropout, large enough for every step of the block."""
        num_rows = int(block.num_rows.max()) * tokens if self._dropout_draws else 0
        if self._masks is None or self._masks.stride < num_rows:
            self._masks = masks_for([int(of) for of in self._network.outputs], self._dropout_draws, num_rows)
        return self._masks._replace(seed=np.uint64(self._engine.draws.seed % 2**64))


def _token_places(places: Tensor, tokens: int) -> Any:
    """Places of rows as places of tokens."""
    return (places if tokens == 1 else places * tokens).numpy()
