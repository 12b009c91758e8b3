"""The host side of the Triton kernel `kernels/steps.py`, for networks with one small hidden layer.

A batched step is bound by memory traffic of the layers' outputs; the kernel keeps them in registers. Its
kinds of items, and their numbers, are read from the tables of the compiled body of `fused`.
"""

import importlib
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ...batches import shares_of
from ...find import Choice
from ...net import NetSpec
from ...optim._base import Optimizer
from ...optim._moving_average import AVERAGE, without_average
from .._graphs import on
from ..fused._forms import LOSSES, OPERATIONS, RULES, Form, correction, obstacle
from ..fused.recorded.own_kernels import lacks_for_triton
from .given import StepsAhead

if TYPE_CHECKING:
    from .networks import Networks

DEVICES = ("cuda",)
"""The devices that Triton compiles for."""

MOST_PARAMETERS = 2048
"""The most parameters of a network: beyond that, few networks are enough to fill a device."""

PARAMETERS_AT_A_TIME = 512
"""Parameters that are updated at a time: sixteen per thread, with the rule's memory of them."""

MOST_INPUTS, MOST_OUTPUTS = 16, 8
"""The most numbers of a row that each thread keeps for all its rows."""

LARGEST_TILE, THREADS = 256, 32
"""The most rows of a program at a time, and its number of threads."""

ROOM, FULL = 96, 80
"""The most registers of a thread for its rows, and the number from which the total is limited."""

REGISTERS = 128
"""That limit, with which sixteen programs fit on a multiprocessor without spilling.

By default ptxas uses 156 for 10-32-1, which fits twelve programs: 4,096 networks are then three rounds of 132
multiprocessors, instead of two with sixteen (tests/interpreted/test_compiling.py).
"""


def obstacle_to_kernel(networks: "Networks") -> str | None:
    """Why networks cannot use the kernel, as a phrase; None if they can."""
    pattern, spec = networks.pattern, networks.pattern.spec
    unknown, lacking = obstacle(spec, pattern.plan), lacks_for_triton()
    has_own_rates = len(networks.groups) > 1 or networks.groups[0].lr_factor != 1
    reasons = {
        f"it runs on CUDA, not on {networks.flat.device}": networks.flat.device.type not in DEVICES,
        str(lacking): lacking is not None,
        str(unknown): unknown is not None,
        "it has not one hidden layer": not _has_one_hidden_layer(spec),
        "loss 'quantile' has levels": Choice.parse(pattern.plan.loss).name == "quantile",
        "its parameters have rates or decays of their own": has_own_rates,
        f"it has more than {MOST_PARAMETERS:,} parameters": spec.num_parameters > MOST_PARAMETERS,
        f"it has more than {MOST_INPUTS} inputs": (spec.in_features or 0) > MOST_INPUTS,
        f"it has more than {MOST_OUTPUTS} outputs": (spec.out_features or 0) > MOST_OUTPUTS,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)


def _has_one_hidden_layer(spec: NetSpec) -> bool:
    """Whether it is a linear layer, an optional activation, and a linear layer."""
    names = [choice.name for choice in spec.layers]
    return (
        names[0] == names[-1] == "linear"
        and len(names) in (2, 3)
        and "linear" not in names[1:-1]
        and "dropout" not in names
    )


@final
class Kernel:
    """The kernel with the networks' tables; `num_rows` is that of the largest step."""

    def __init__(self, networks: "Networks", num_rows: int) -> None:
        self._networks, spec = networks, networks.pattern.spec
        numbers = (spec.in_features or 0) + 2 * (spec.out_features or 0)  # of a row: inputs, outputs, their gradients
        self._options = rows_at_a_time(numbers, num_rows, networks.flat.itemsize)
        from ..fused.kernels.items import Known

        self._body: Any = importlib.import_module(f"{__package__}.kernels.steps")  # of a library that is on CUDA only
        size = networks.flat.shape[1]
        self._code = Known(
            (self._net(), self._loss(), self._rule(), size, min(PARAMETERS_AT_A_TIME, _power_of_two(size)))
        )
        self._memory = self._body.Memory(*self._places())

    def _net(self) -> tuple[Any, ...]:
        """Inputs, units, outputs, kind and option of the activation, and the offsets of weights and biases."""
        pattern = self._networks.pattern
        params, layers, names = pattern.params, pattern.layers, [choice.name for choice in pattern.spec.layers]
        between = OPERATIONS[names[1] if len(names) == 3 else "identity"]
        numbers = between.numbers(layers[1])
        units = params.weights[0]["weight"].shape[0]
        places = [_place(params.weights[j], name) for j in (0, -1) for name in ("weight", "bias")]
        option = float(numbers[0]) if numbers else 0.0
        return pattern.spec.in_features, units, pattern.spec.out_features, between.kind, option, *places

    def _loss(self) -> tuple[Any, ...]:
        """Kind, option, outputs."""
        pattern = self._networks.pattern
        form = LOSSES[Choice.parse(pattern.plan.loss).name]
        numbers = form.numbers(pattern.criterion)
        return form.kind, float(numbers[0]) if numbers else 0.0, pattern.spec.out_features

    def _rule(self) -> tuple[Any, ...]:
        """Kind, options, places kept, matrices with an L2 term, limits, form of the decay, share of the average."""
        networks, plan, rule, form = self._networks, self._networks.pattern.plan, self._inner_rule(), self._form()
        memory = networks.groups[0].memory
        matrices = networks.pattern.params.matrices.numel() if plan.l2 else 0
        decays = networks.groups[0].decay is not None or rule.weight_decay > 0
        kept = {form.slots[name] for name in memory if name in form.slots}
        how = (2 if networks.is_decoupled else 1) if decays else 0
        options, is_kept = tuple(map(float, form.numbers(rule))), tuple(place in kept for place in range(3))
        return form.kind, options, is_kept, matrices, plan.clip_value, plan.clip_norm, how, plan.ema

    def _form(self) -> Form:
        return RULES[Choice.parse(self._networks.pattern.plan.optimizer).name]

    def _inner_rule(self) -> Optimizer:
        return without_average(self._networks.groups[0].rule)

    def _places(self) -> list[Tensor]:
        """Weights, gradient, the rule's memory, average and decays; the weights stand in for absent ones."""
        networks = self._networks
        group, slots = networks.groups[0], self._form().slots
        memory = {slots[name]: value for name, value in group.memory.items() if name in slots}
        kept = [memory.get(place, networks.flat) for place in range(3)]
        decay = networks.flat.new_full((len(networks),), self._inner_rule().weight_decay)
        decay = decay if group.decay is None else group.decay.flatten()
        return [networks.flat, networks.grad, *kept, group.memory.get(AVERAGE, networks.flat), decay]

    def train(self, ahead: StepsAhead) -> Tensor:
        """Does the steps of a block. Returns the losses (n, K)."""
        networks, body = self._networks, self._body
        losses = networks.flat.new_empty((len(ahead.sizes), len(networks)))
        about = torch.tensor([len(ahead.sizes), ahead.first], dtype=torch.int32, device=losses.device)
        sizes = torch.tensor(ahead.sizes, dtype=torch.int32, device=losses.device)
        steps = body.Steps(about, sizes, ahead.rates, ahead.l2.contiguous(), self._corrections(ahead), losses)
        rows = self._rows(ahead, sizes)
        with on(losses.device):
            body.train_steps[(len(networks),)](
                self._memory, steps, rows, len(networks), CODE=self._code, num_warps=1, **self._options
            )
        return losses

    def _corrections(self, ahead: StepsAhead) -> Tensor:
        """The bias corrections of a rule at each step, (n, 2), computed in float64."""
        step = torch.arange(len(ahead.sizes), dtype=torch.float64) + ahead.first + 1
        form = self._form()
        return torch.stack(correction(form, form.numbers(self._inner_rule()), step), 1).to(self._networks.flat)

    def _rows(self, ahead: StepsAhead, sizes: Tensor) -> Any:
        """Where the rows of each step lie."""
        networks = self._networks
        if networks.whole is not None:
            x, y, shares = networks.whole
            num_rows = x.shape[1]
            of_row = y.numel() // (len(networks) * num_rows)
            x = x[0].T.contiguous().T.expand(x.shape) if x.stride(0) == 0 else x
            strides = (*x.stride(), num_rows * of_row, 0, num_rows, num_rows)
            return self._body.Rows(x, y, shares, None, *strides)
        assert networks.table is not None
        assert ahead.places is not None
        x, y, weight = networks.table
        size = ahead.places.shape[2]
        shares = None if weight is None else _shares(weight, ahead.places, sizes)
        return self._body.Rows(x, y, shares, ahead.places, 0, *x.stride(), 0, len(networks) * size, size, size)


def rows_at_a_time(numbers: int, num_rows: int, itemsize: int) -> dict[str, int]:
    """The rows of a tile, so that a thread's data fit its registers, and the limit of these."""
    size, words = min(LARGEST_TILE, _power_of_two(num_rows)), numbers * itemsize // 4
    while size > THREADS and size // THREADS * words > ROOM:
        size //= 2
    size = max(size, THREADS)
    return {"BLOCK": size, **({"maxnreg": REGISTERS} if itemsize == 4 and size // THREADS * words > FULL else {})}


def _shares(weight: Tensor, places: Tensor, sizes: Tensor) -> Tensor:
    """The weights of the places (n, K, B), divided by their sum over each step and network."""
    taken = weight[places.long()] * (torch.arange(places.shape[2], device=sizes.device) < sizes[:, None, None])
    return shares_of(taken)


def _power_of_two(count: int) -> int:
    """The least power of two that is at least the count."""
    return 1 << (count - 1).bit_length()


def _place(weights: dict[str, Tensor], name: str) -> int:
    """Where a layer's weight or bias begins in the flat vector; -1 where it has none."""
    return int(weights[name].storage_offset()) if name in weights else -1
