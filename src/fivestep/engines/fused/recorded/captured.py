"""The five steps on a CUDA device: many of them recorded as one graph, launched with one call.

Launching the kernels of a small network's step takes longer than running them. So steps of the same size are recorded
in runs of 64, 8 or 1, whose rows, rates and random bits are written to memory before each run (`feed.py`). The
arithmetic is that of `scratch`, its layers' own two methods. On any other device the same steps are done one by one:
for tests without a CUDA device, and for `precision="bfloat16"` on the CPU.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import final

from torch import Tensor

from ....blocks import Block
from ....datasets._base import Rows
from ....layer import Memo
from ....optim._numbers import Number
from ....typing import Features, Inputs, Logits
from ..._engine import Engine
from ..._graphs import Graphs, on
from ..._parts import in_parts
from ..._update import RuleGroup, clip_
from .._size import operations_per_step
from .feed import Feed, Source, source_of
from .own_kernels import kernels_for
from .precision import Weights, multiplying_in, weights_in

RUNS = ((64, 0), (8, 1_000_000_000), (1, 20_000_000_000))
"""The steps of one recording, and the floating-point operations of a step from which it has no more.

Each length costs one recording, which takes as long as doing its steps without one. A run of 64 small
steps leaves the host time to prepare the next; a step of twenty billion operations takes long enough by itself.
"""

MOST_BYTES = 2**28
"""The most bytes written before a run: copied rows, their order and targets, random bits."""


@final
class RecordedBody:
    """The body of `fused` on a CUDA device, for one engine. `precision` is "tf32", "bfloat16", or None for float32."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup], precision: str | None) -> None:
        self._engine, self._groups, self._precision = engine, groups, precision
        self._weights: Weights = weights_in(precision, engine.params)
        self._first = next(k for k, layer in enumerate(engine.layers) if layer.parameter_shapes())
        self._memo = Memo(training=True)
        self._kernels = kernels_for(engine, groups, self._weights, precision)
        self._graphs, self._feeds = Graphs(engine.device), dict[tuple[Source, int, bool], Feed]()
        self._rows: Rows | None = None

    def train(self, block: Block, losses: Tensor, penalties: Tensor) -> None:
        """Does the steps of a block, and writes the loss of each, and its L2 term. Waits for nothing on the device."""
        with self._ready():
            ends = [*(block.num_rows.diff().nonzero().flatten() + 1).tolist(), len(block.rates)]
            s = 0
            for end in ends:  # of steps with the same number of rows
                while s < end:
                    feed, done = self._run(block, s, end - s)
                    losses[s : s + done].copy_(feed.losses[:done])
                    penalties[s : s + done].copy_(feed.penalties[:done])
                    s += done
            self._weights.give_gradient()  # its value after the last step, for inspection

    def release(self) -> None:
        """Releases the rows, the recordings that read them, and their memory."""
        self._graphs.forget()
        self._feeds, self._rows = {}, None
        for kernels in self._kernels:
            kernels.release()

    def train_once(self, block: Block, losses: Tensor, penalties: Tensor) -> None:
        """Does the one step of a block, recording nothing."""
        with self._ready():
            feed = Feed(self._engine, block, len(block.rows))
            feed.fill(block, 0, 1)
            self._steps(feed, 1)
            self._engine.draws.step += 1
            losses.copy_(feed.losses)
            penalties.copy_(feed.penalties)

    def _run(self, block: Block, s: int, alike: int) -> tuple[Feed, int]:
        """Does steps of a block from step s on, of which `alike` have one size. Returns their feed and their number."""
        source, size = source_of(block), int(block.num_rows[s])
        if source is not Source.COPIED and block.rows is not self._rows:
            self._discard_those_in_place()
            self._rows = block.rows
        kind = source, size, block.shares is None
        feed = self._feeds.get(kind)
        if feed is not None:
            if feed.has_one_step:
                feed.lengthen(block, longest_run(self._engine, feed))
            count = next(length for length, _ in RUNS if length <= min(alike, feed.longest))
            feed.fill(block, s, count)
            self._graphs.run((*kind, count), partial(self._steps, feed, count))
        else:  # the first step of a size is not recorded: it prepares libraries and memory for the others
            count = 1
            feed = self._feeds[kind] = Feed(self._engine, block, size)
            feed.fill(block, s, count)
            self._steps(feed, count)
        self._engine.draws.step += count
        return feed, count

    def _discard_those_in_place(self) -> None:
        """Discards recordings that read rows in place; those that read copied rows stay valid.

        So other recordings outlast a block that has one step of new rows, which looks like the full batch.
        """
        self._graphs.forget(lambda key: key[0] is not Source.COPIED)
        self._feeds = {kind: feed for kind, feed in self._feeds.items() if kind[0] is Source.COPIED}

    def _steps(self, feed: Feed, count: int) -> None:
        kernels = next((kernels for kernels in self._kernels if kernels.takes(feed)), None)
        if kernels is not None:
            kernels.steps(feed, count)
            return
        self._engine.draws.drawn_before = feed.bits
        try:
            for s in range(count):
                feed.begin(s)
                self._step(feed, s)
        finally:
            self._engine.draws.drawn_before = None

    def _step(self, feed: Feed, s: int) -> None:
        engine, weights = self._engine, self._weights

        # 1  predict
        a = weights.into(feed.inputs(s))
        for layer, w, memo in zip(engine.layers, weights.w, feed.memos, strict=True):
            a = layer.forward(w, a, memo)

        # 2  measure
        y, share = feed.targets(s)
        logits = a.to(engine.dtype)
        loss_inputs = logits, engine.criterion.match(logits, y), share, self._memo
        feed.losses[s].copy_(engine.criterion.value(*loss_inputs))

        # 3  forget the last gradient
        weights.grad.zero_()

        # 4  find the new one
        da = weights.into(engine.criterion.logits_gradient(*loss_inputs))
        for k in reversed(range(self._first, len(engine.layers))):
            da = engine.layers[k].backward(weights.w[k], weights.dw[k], da, feed.memos[k], need_dx=k > self._first)

        # 5  step downhill
        weights.give_gradient()
        if engine.plan.l2:
            feed.penalties[s].copy_(self._add_penalty_(feed.l2[s]))
        self._update(feed.rates[s], feed.numbers[s])
        weights.refresh()

    def _add_penalty_(self, l2: Tensor) -> Tensor:
        """Adds the gradient of the L2 term, l2 w, and returns the term, l2 |w|^2 / 2."""
        params = self._engine.params
        params.matrices_grad.addcmul_(params.matrices, l2)
        return params.matrices.dot(params.matrices) * (l2 / 2)

    def _update(self, rate: Number, number: Number) -> None:
        clip_(self._engine.params.grad, self._engine.plan)
        for group in self._groups:
            lr = rate if group.lr_factor == 1 else rate * group.lr_factor
            group.rule.update_(group.w, group.dw, group.memory, lr, number)

    def predict(self, x: Features) -> Logits:
        """The logits of x in evaluation mode."""
        with self._ready():
            return in_parts(self._outputs, x, self._engine.spec)

    def _outputs(self, x: Inputs) -> Logits:
        a = self._weights.into(x)
        for layer, w in zip(self._engine.layers, self._weights.w, strict=True):
            a = layer.forward(w, a, Memo(training=False))
        return a.to(self._engine.dtype)

    @contextmanager
    def _ready(self) -> Iterator[None]:
        """Inside, torch multiplies in the precision of this body, and its weights are those that the engine holds."""
        with on(self._engine.device), multiplying_in(self._precision):
            self._weights.refresh()
            yield


def longest_run(engine: Engine, feed: Feed) -> int:
    """The most steps of a recording: few if they are large or need much memory."""
    operations, each = operations_per_step(engine.spec, feed.size), feed.bytes_of_step
    longest = min(length for length, least in RUNS if operations >= least)
    return max(length for length, _ in RUNS if length == 1 or (length <= longest and length * each <= MOST_BYTES))
