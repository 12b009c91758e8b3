"""K networks of one shape and one update rule as one: the five steps of `scratch` with an axis of networks in front.

    flat (K, P)    row k is the flat vector of network k, as `Params` has it; grad (K, P) is its gradient
    x (K, N, I)    each network has its own rows, or all the same ones
    lr (K, 1)      each has its own learning rate, weight decay, L2 term, order of the rows and dropout masks

No operation mixes two networks, so none affects another. A block of steps reads everything that changes from step to
step from memory at fixed addresses: on a CUDA device, some steps at a time are one recorded graph. Which networks,
which rows and for how long is up to `batched/`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal, final

import torch
from torch import Tensor

from ...batches import shares_of
from ...check import warn
from ...layer import Memo
from ...layers.dropout import Dropout
from ...optim._base import AveragingOptimizer
from ...typing import Elements, Tensors
from .._engine import Engine
from .._graphs import Graphs
from ..fused._forms import decouples
from .compiled import Kernel, obstacle_to_kernel
from .given import DrawnBits, StepsAhead, Table
from .groups import groups_of
from .layers import Form, form_of

MOST_TOGETHER = 16
"""The most steps of one recorded graph. The rest of a block is done by graphs of half as many, and so on."""


@final
class Networks:
    """K networks like that of `pattern`, an engine of one of them, from which sizes and rule are read.

    `decays` are the weight decays of the networks, or None where they are all those of the pattern.
    """

    def __init__(self, pattern: Engine, flat: Tensor, buffers: Tensor, decays: Tensor | None) -> None:
        self.pattern, self.flat, self.buffers, self.decays = pattern, flat, buffers, decays
        self.grad = torch.zeros_like(flat)
        self.whole: Table | None = None
        """All rows, where every step takes them: x (K, N, I), targets (K N, ...), weights (K, N) or None."""

        self.table: Table | None = None
        """The rows that the indices of a step point to."""

        self.is_decoupled = decouples(pattern.plan.optimizer, pattern.optimizer)
        self._forms = [_known(form_of(layer)) for layer in pattern.layers]
        trained = [k for k, layer in enumerate(pattern.layers) if layer.parameter_shapes()]
        self._first = trained[0]
        self.weights = [self._views(k, flat, buffers) for k in range(len(pattern.layers))]
        self._gradients = [self._views(k, self.grad, None) for k in range(len(pattern.layers))]
        self.groups = groups_of(pattern, flat, self.grad, decays)
        self._graphs, self._done = Graphs(flat.device), set[int]()
        self._given, self._memos = DrawnBits(), dict[int, list[Memo]]()
        self._fed: dict[str, Tensor] = {}
        self._kernel: Kernel | Literal[False] | None = None
        self._has_trained = False
        self._number = torch.zeros((), dtype=torch.float64, device=flat.device)

    def __len__(self) -> int:
        return len(self.flat)

    def _views(self, k: int, flat: Tensor, buffers: Tensor | None) -> dict[str, Tensor]:
        """Layer k's parameters and buffers, each with a leading axis of networks; a vector becomes (K, 1, I)."""
        params = self.pattern.params
        views = {}
        for name, like in params.weights[k].items():
            source = flat if name in params.gradients[k] else buffers
            if source is not None:
                start, shape = like.storage_offset(), (1,) * (2 - like.dim()) + tuple(like.shape)
                views[name] = source[:, start : start + like.numel()].unflatten(1, shape)
        return views

    def put(self, table: Table) -> None:
        """Sets the rows that indices point to, at the same addresses if they fit, as graphs depend on them.

        Row weights are there for all tables or for none.
        """
        if self.table is None or len(self.table.x) < len(table.x):
            self.table = table
            self._graphs.forget()
            return
        for old, new in zip(self.table, table, strict=True):
            if old is not None and new is not None:
                old[: len(new)] = new

    def train(self, ahead: StepsAhead) -> Tensor:
        """Does the steps of a block. Returns the loss of each step and network, (n, K), measured before the update."""
        kernel = self._kernel_for(max(ahead.sizes))
        if kernel is not None:
            try:
                losses = kernel.train(ahead)
            except torch.OutOfMemoryError:
                raise  # fewer networks may fit
            except Exception as error:  # any error of Triton: no C compiler, too few registers
                if self._has_trained:
                    raise
                self._without_kernel(error)
            else:
                self._has_trained = True
                return losses
        n, s = len(ahead.sizes), 0
        losses = self.flat.new_empty((n, len(self)))
        self._number.fill_(ahead.first)
        while s < n:
            size = ahead.sizes[s]
            together = _alike(ahead.sizes, s)
            if size not in self._done:  # the first step of a size prepares memory and libraries
                together = 1
            self._feed(ahead, s, together)
            work = partial(self._steps, together, size)
            if size in self._done:
                self._graphs.run((together, size), work)
            else:
                work()
            self._done.add(size)
            losses[s : s + together] = self._fed["losses"][:together]
            s += together
        return losses

    def _kernel_for(self, num_rows: int) -> Kernel | None:
        """The Triton kernel, for networks that are small enough for it, on a device that has it."""
        if self._kernel is None:
            self._kernel = Kernel(self, num_rows) if obstacle_to_kernel(self) is None else False
        return self._kernel or None

    def _without_kernel(self, error: BaseException) -> None:
        """Warns, with the first reason of the chain, and goes on without."""
        self._kernel = False
        while error.__cause__ is not None:
            error = error.__cause__
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        warn(
            f"a fleet of small networks should be trained by a Triton kernel, got {reason!r} from Triton; it is "
            f"trained without, slower; see whether this machine has what Triton needs, such as a C compiler."
        )

    @property
    def how(self) -> str:
        """How their steps are done, as a phrase."""
        return "by one kernel" if self._kernel else "step by step"

    def _feed(self, ahead: StepsAhead, s: int, together: int) -> None:
        """Copies the next steps' inputs to the addresses they are read from."""
        size = ahead.sizes[s]
        fed = {"rates": ahead.rates, "l2": ahead.l2, **{f"bits {k} {size}": bits for k, bits in ahead.bits.items()}}
        if ahead.places is not None:
            fed[f"places {size}"] = ahead.places
        for name, values in fed.items():
            part = values[s : s + together]
            if " " in name:
                part = part[:, :, :size]
            if name not in self._fed:
                self._fed[name] = part.new_zeros((MOST_TOGETHER, *part.shape[1:]))
            self._fed[name][:together] = part
        if "losses" not in self._fed:
            self._fed["losses"] = self.flat.new_zeros((MOST_TOGETHER, len(self)))

    def _steps(self, together: int, size: int) -> None:
        for j in range(together):
            self._given.by_layer = {k: self._fed[f"bits {k} {size}"][j] for k in self.dropping}
            self._fed["losses"][j] = self.train_step(j, size)

    def train_step(self, j: int, size: int) -> Tensor:
        """One step of every network with the inputs at index j. Returns the losses (K,)."""
        x, y, share = self._rows(j, size)
        rates, l2 = self._fed["rates"][j], self._fed["l2"][j]
        memos = self._memos_of(size)

        # 1  predict
        logits = x
        for layer, form, w, memo in zip(self.pattern.layers, self._forms, self.weights, memos, strict=False):
            logits = form.forward(layer, w, logits, memo)

        # 2  measure: the rows of all networks are rows
        criterion, as_rows, memo = self.pattern.criterion, logits.flatten(0, 1), memos[-1]
        each = criterion.rows(as_rows, y, memo).view(len(self), size)
        losses = each.mean(1) if share is None else (each * share).sum(1)

        # 3  forget the last gradient
        self.grad.zero_()

        # 4  find the new one
        da = criterion.gradient(as_rows, y, memo).view(logits.shape)
        da = da.div_(size) if share is None else da.mul_(share[..., None])
        for k in reversed(range(self._first, len(self._forms))):
            w, dw, layer = self.weights[k], self._gradients[k], self.pattern.layers[k]
            da = self._forms[k].backward(layer, w, dw, da, memos[k], k > self._first)

        # 5  step downhill
        losses = losses + self._penalize(l2)
        self._clip()
        self._update(rates)
        return losses

    def _update(self, rates: Tensor) -> None:
        self._number.add_(1)
        for group in self.groups:
            lr, dw = rates * group.lr_factor, group.dw
            if group.decay is not None and self.is_decoupled:
                group.w.mul_(1 - lr * group.decay)
            elif group.decay is not None:
                dw = torch.addcmul(dw, group.w, group.decay)
            group.rule.update_(group.w, dw, group.memory, lr, self._number)

    def _penalize(self, l2: Tensor) -> Tensor | float:
        """Adds the gradient of each network's L2 term; returns the terms (K,)."""
        if not self.pattern.plan.l2:
            return 0.0
        size = self.pattern.params.matrices.numel()
        w = self.flat[:, :size]
        self.grad[:, :size].addcmul_(w, l2)
        return w.square().sum(1).mul_(l2[:, 0] / 2)

    def _clip(self) -> None:
        """Bounds each network's gradient, as `clip_` does one's."""
        plan = self.pattern.plan
        if plan.clip_value is not None:
            self.grad.clamp_(-plan.clip_value, plan.clip_value)
        if plan.clip_norm is not None:
            norms = torch.linalg.vector_norm(self.grad, dim=1, keepdim=True)
            self.grad.mul_((plan.clip_norm / (norms + 1e-6)).clamp(max=1.0))

    def _rows(self, j: int, size: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """The rows of a step: x (K, N, I), targets (K N, ...), shares (K, N) that sum to 1, or None."""
        if self.whole is not None:
            return self.whole
        assert self.table is not None
        places = self._fed[f"places {size}"][j].flatten()
        x = self.table.x.index_select(0, places).view(len(self), size, -1)
        y, weight = self.table.y.index_select(0, places), self.table.weight
        return x, y, None if weight is None else shares_of(weight.index_select(0, places).view(len(self), size))

    def _memos_of(self, size: int) -> list[Memo]:
        """The memos of the layers and, last, of the loss, for a step with that many rows."""
        if size not in self._memos:
            memos = [Memo(training=True, reuse=True, draws=self._given, layer=k) for k in range(len(self._forms))]
            self._memos[size] = [*memos, Memo(training=True)]
        return self._memos[size]

    @property
    def dropping(self) -> dict[int, int]:
        """The dropout layers, with their widths."""
        shape: tuple[int, ...] = (self.pattern.spec.in_features or 0,)
        widths = {}
        for k, layer in enumerate(self.pattern.layers):
            shape = layer.output_shape(shape)
            if isinstance(layer, Dropout):
                widths[k] = shape[-1]
        return widths

    def predict(self, x: Elements, which: Tensor | slice = slice(None)) -> Elements:
        """The logits (K, N, O) of rows x (N, I) or (K, N, I) in evaluation mode, of all networks or of some."""
        flat, buffers = self.held()[which], self.buffers[which]
        a = x.expand(len(flat), *x.shape[-2:])
        for k, (layer, form) in enumerate(zip(self.pattern.layers, self._forms, strict=True)):
            a = form.forward(layer, self._views(k, flat, buffers), a, Memo(training=False))
        return a

    def held(self) -> Tensor:
        """The weights to predict with (K, P)."""
        averaged = self.averaged()
        return self.flat if averaged is None else averaged

    def averaged(self) -> Tensor | None:
        """The weights to predict with (K, P), if they differ from those that the rule takes gradients at."""
        averaged = None
        for group in self.groups:
            if isinstance(group.rule, AveragingOptimizer):
                averaged = self.flat.clone() if averaged is None else averaged
                averaged[:, group.where] = group.rule.average(group.w, group.memory)
        return averaged

    def best_of(self, each: Sequence[Tensors]) -> dict[str, Tensor]:
        """Rows for the best weights so far: those given by name, where there are some, and else what there is now."""
        best = {"flat": self.held().clone(), "buffers": self.buffers.clone()}
        for k, weights in enumerate(each):
            if weights:
                own = {name: rows[k : k + 1] for name, rows in best.items()}
                for name, value in self.named_of(own).items():
                    value.copy_(weights[name][None])
        return best

    def keep(self, best: Tensors, which: Sequence[int]) -> None:
        """Puts the weights of some networks, as they predict now, into their rows."""
        best["flat"][which], best["buffers"][which] = self.held()[which], self.buffers[which]

    def named_of(self, rows: Tensors) -> dict[str, Tensor]:
        """The tensors of such rows under torch's names, (K, O, I): views."""
        params, named = self.pattern.params, {}
        for name, like in params.named_with_buffers().items():
            layer, _, own = name.partition(".")
            source = rows["flat" if own in params.gradients[int(layer)] else "buffers"]
            start = like.storage_offset()
            named[name] = (
                source[:, start : start + like.numel()].unflatten(1, like.shape) if like.dim() else source[:, start]
            )
        return named

    def state(self) -> dict[str, Tensor]:
        """A copy of all that the next step depends on, under the names of an engine's state: row k is network k's."""
        memory = {f"{g}.{name}": value for g, group in enumerate(self.groups) for name, value in group.memory.items()}
        return {name: value.clone() for name, value in {"flat": self.flat, "buffers": self.buffers, **memory}.items()}

    def load_memory(self, state: Tensors, which: slice = slice(None)) -> None:
        """Puts the update rule's memory of some networks where it was."""
        for g, group in enumerate(self.groups):
            for name, value in group.memory.items():
                value[which] = state[f"{g}.{name}"]

    @property
    def width(self) -> int:
        """The numbers of the widest layer for a row."""
        return max(w.shape[-1] for layer in self.weights for w in layer.values())

    def taken(self, which: Sequence[int]) -> "Networks":
        """Some of the networks as a new batch; the caller sets its rows."""
        decays = None if self.decays is None else self.decays[which]
        some = Networks(self.pattern, self.flat[which], self.buffers[which], decays)
        some.load_memory({name: value[which] for name, value in self.state().items()})
        return some


def _alike(sizes: Sequence[int], first: int) -> int:
    """How many steps from the first on are done together: a power of two, all with the same number of rows."""
    together = 1
    while 2 * together <= MOST_TOGETHER and sizes[first : first + 2 * together] == [sizes[first]] * (2 * together):
        together *= 2
    return together


def _known(form: Form | None) -> Form:
    assert form is not None, "batched/kinds.py has asked"
    return form
