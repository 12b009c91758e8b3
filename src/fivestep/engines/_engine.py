"""The interface of an engine: a network, its gradient and its update rule, and the steps that it can do."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from ..batches import Batch, Place
from ..blocks import Block, RowAccess
from ..check import InputError, instance
from ..datasets._base import Rows
from ..draws import Draws, generator
from ..find import Choice
from ..layer import Memo
from ..layers._composite import kinds_of
from ..net import NetSpec
from ..params import Params
from ..plan import TrainPlan, aliases
from ..ranks import ALONE, Ranks
from ..typing import Features, Inputs, Logits, RowWeights, Scalar, Targets, Tensors, Vector
from ._copies import Snapshot, rebuilt


class Engine(ABC):
    """A network, its gradient and its update rule, on one device and in one floating-point type.

    `lr` is the learning rate of the next step and `l2` the strength of its L2 term; the loop sets both.
    `seconds_compiling` is the time spent compiling so far, where an engine measures it. Row weights, if any, sum to 1
    over the batch. `ranks` are the processes that share each batch, usually just this one.
    """

    name: ClassVar[str]
    """What `make_engine` calls it."""

    options: Mapping[str, Any] = MappingProxyType({})
    """The options it was made with, beyond those that every engine takes."""

    reason: str = "it was asked for"
    """Why this engine does the work; `make_engine` says more where it had a choice."""

    def __init__(
        self, spec: NetSpec, plan: TrainPlan, dtype: torch.dtype, device: torch.device, ranks: Ranks = ALONE
    ) -> None:
        self.spec, self.plan, self.dtype, self.device, self.ranks = spec, plan, dtype, device, ranks
        self.layers = spec.build()
        self.criterion = plan.build_loss()
        self.optimizer = plan.build_optimizer()
        self.params = Params(
            [layer.parameter_shapes() for layer in self.layers],
            dtype,
            device,
            [layer.buffer_shapes() for layer in self.layers],
            lambda k, name, shape: plan.group(f"{k}.{name}", kinds_of(self.layers[k], name), shape),
            ranks,
        )
        plan.check_names(
            {
                alias
                for k, layer in enumerate(self.layers)
                for name in layer.parameter_shapes()
                for alias in aliases(f"{k}.{name}", kinds_of(layer, name))
            }
        )
        if self.params.flat.dtype == torch.float32 and self.params.flat.device.type == "cpu":
            _initialize_(self.params, spec, plan.seed)  # drawn in place
        else:
            self.params.load(initial_weights(spec, plan.seed))
        self.draws = Draws(plan.seed)
        self.lr = plan.lr
        self.l2 = 0.0
        self.seconds_compiling = 0.0

    @final
    def __repr__(self) -> str:
        """Its network, itself, its device and how far it has come."""
        network = f"{self.spec.title} {self.spec.sizes_text()}"
        return f"Engine({network} by {self.name} on {self.device}, {self.num_updates} steps done)"

    @abstractmethod
    def train_step(self, x: Features, y: Targets, weight: RowWeights | None = None) -> Scalar:
        """One step of training on one batch. Returns the batch's loss, measured before the update, on the device."""

    @abstractmethod
    def train_step_in_parts(self, parts: Sequence[tuple[Place, Batch]]) -> Scalar:
        """The same step for a batch that comes in parts: their gradients add up before the one update.

        Where ranks share the batch, each of them calls it, with the parts that it has, if any.
        """

    @abstractmethod
    def train_step_with_repeats(
        self, x: Features, y: Targets, weight: RowWeights | None = None, place: Place | None = None
    ) -> Scalar:
        """The same step for an update rule that looks at the loss more than once before it settles, as L-BFGS does.

        The rows are the whole batch, or those at `place` in a batch that ranks share.
        """

    @abstractmethod
    def predict(self, x: Features) -> Logits:
        """The outputs (logits) in evaluation mode, without anything kept for a gradient: (N, I) to (N, O).

        Many rows are done in parts, so that the memory for hidden layers does not grow with their number.
        """

    @abstractmethod
    def state(self, *, copied: bool = True) -> dict[str, Tensor]:
        """A copy of everything that the next step depends on: parameters, and the update rule's memory.

        If not `copied`, the tensors themselves, to be read before the next step: there may be no room for a copy.
        """

    @abstractmethod
    def load_state(self, state: Tensors, num_updates: int) -> None:
        """Restores a `state` that was taken after `num_updates` steps."""

    @abstractmethod
    def averaged(self) -> Vector | None:
        """The weights to predict with, where the rule takes gradients at others; else None."""

    @property
    def clock(self) -> float:
        """Seconds on a clock that stands still while the engine compiles, which does not count as training."""
        return time.perf_counter() - self.seconds_compiling

    @property
    def num_updates(self) -> int:
        """The number of steps done."""
        return self.draws.step

    @property
    def dtype_name(self) -> str:
        """Its floating-point type as options and files call it, "float32" or "float64"."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def choice(self) -> Choice:
        """Its name and its options, as `make_engine` takes them."""
        return Choice(self.name, **self.options)

    @final
    def __reduce__(self) -> tuple[Any, ...]:
        """How it is copied and pickled: views would come apart, so the copy is made anew (`_copies.py`)."""
        made_with = self.spec, self.plan, self.dtype, self.device
        held = None if self.params.training is None else self.params.flat
        snapshot = Snapshot(self.state(), self.num_updates, held, self.lr, self.reason)
        return rebuilt, (type(self), made_with, dict(self.options), snapshot)

    @final
    def named_parameters(self) -> dict[str, Tensor]:
        """The parameters under torch's names, "0.weight" (O, I), "0.bias" (O,), ...: views of the flat vector."""
        return self.params.named()

    @final
    def named_gradients(self) -> dict[str, Tensor]:
        """The gradients under the same names, as views."""
        return self.params.named_gradients()

    @final
    def load_weights(self, weights: Tensors) -> None:
        """Copies weights in, by name; raises an `InputError` if a name or a shape does not fit."""
        self.params.load(weights)

    @final
    def memo(self, layer: int, *, reuse: bool = False) -> Memo:
        """What layer k remembers of a training pass, with this engine's draws and its ranks' sums."""
        over_ranks = self.ranks.over_ranks
        return Memo(training=True, reuse=reuse, draws=self.draws, layer=layer, over_ranks=over_ranks)

    @final
    def training_input(self, x: Features) -> Inputs:
        """`as_input` of a training pass, which is taken at the weights that train (`averages.py`)."""
        self.params.to_training()
        return self.as_input(x)

    @final
    def penalty(self) -> Scalar:
        """The L2 term of the next step, l2 |w|^2 / 2 over the matrices, which is added to the loss of the rows."""
        self.params.to_training()
        w = self.params.matrices
        return w.dot(w).mul_(self.l2 / 2)

    @final
    def add_penalty_gradient_(self) -> None:
        """Adds its gradient, l2 w: at the start of step 5, once for a batch that came in parts."""
        if self.l2:
            self.params.matrices_grad.add_(self.params.matrices, alpha=self.l2)

    @final
    def as_input(self, x: Features) -> Inputs:
        """`x` as the network takes it, flattened and in its dtype; raises an `InputError` where that is impossible."""
        instance("x", x, Tensor, "pass torch.as_tensor(x)")
        width = self.spec.in_features
        if x.dtype == self.dtype and x.device == self.device and x.dim() >= 2 and x.shape[-1] == width:
            return x
        if x.device != self.device:
            raise InputError(
                f"x must be on the network's device {self.device}, got {x.device}; move it with x.to('{self.device}')."
            )
        if x.dtype == torch.uint8:
            raise InputError(
                "x must hold numbers on the scale of the training rows, got bytes; pass rows.x, or divide by 255."
            )
        if x.dim() < 2 or width not in (x.shape[-1], math.prod(x.shape[1:])):
            raise InputError(
                f"x must have {width} numbers in each row, got the shape {tuple(x.shape)}; one row is (1, {width})."
            )
        x = x.to(self.dtype)
        return x if x.shape[-1] == width else x.flatten(1)  # images (N, 28, 28) and (N, 1, 28, 28) become (N, 784)


class BlockEngine(Engine):
    """An engine that does a block of steps in one call, each of them the same five steps."""

    row_access: RowAccess = RowAccess()
    """How it reads the rows of its blocks."""

    @abstractmethod
    def train_block(self, block: Block) -> Vector:
        """Does the steps of a block. Returns the loss of each, measured before its update, on the device."""

    @abstractmethod
    def check_targets(self, rows: Rows) -> None:
        """Raises an `InputError` if the loss does not accept the targets of such rows: a block does not look."""

    @abstractmethod
    def release(self) -> None:
        """Releases the rows of the blocks and the memory kept for them, as a training ends. Another one may follow."""


def initial_weights(spec: NetSpec, seed: int) -> dict[str, Tensor]:
    """The initial values by name, in float32 on the CPU: the same numbers for every engine, type and device.

    Drawn layer by layer from one stream, so with `init="torch"` they are those of `torch.manual_seed(seed)` and
    `nn.Sequential`.
    """
    layers = spec.build()
    params = Params(
        [layer.parameter_shapes() for layer in layers],
        torch.float32,
        torch.device("cpu"),
        [layer.buffer_shapes() for layer in layers],
    )
    _initialize_(params, spec, seed)
    return params.named_with_buffers()


def _initialize_(params: Params, spec: NetSpec, seed: int) -> None:
    """Draws the initial values into parameters and buffers, which are float32 on the CPU."""
    init, stream = spec.build_init(), generator(seed)
    for layer, weights in zip(spec.build(), params.weights, strict=True):
        layer.initialize_(weights, init, stream)
