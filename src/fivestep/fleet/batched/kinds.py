"""Which networks can be one batch, how many of them, and what prevents it."""

import functools
from collections.abc import Hashable, Sequence
from dataclasses import replace

import torch

from ...datasets._base import Dataset
from ...engines._batched.layers import without_form
from ...engines._memory import memory_left, memory_needed, outputs_of
from ...find import Choice
from ...net import NetSpec
from ...optim._base import MatrixOptimizer
from ...plan import TrainPlan, settings_but
from ..member import Member

LEAST = 2
"""The least networks in a batch."""

OWN = ("seed", "lr", "weight_decay", "l2", "optimizer", "epochs")
"""Fields of a plan that are compared separately, or not at all because each network has its own."""

_shared = settings_but(OWN)

ENGINES = ("scratch", "fused")
"""The engines whose steps these are; `fused` falls back to `scratch`, or does the same on the device."""

DEVICES = ("cuda",)
"""Not on a CPU, where each network by itself stays in the cache of one core, which is faster (`pool.py`)."""

SHARE_OF_MEMORY = 0.6
"""The share of the device's free memory for the networks of one batch."""

PASSES = 6
"""Values per output of a layer that a step has in memory at its peak."""


def kind_of(spec: NetSpec, data: Dataset, plan: TrainPlan, made: Hashable = None) -> Hashable:
    """What is equal among networks that can be one batch; `made` is how their engines are made."""
    return kind_of_rows(spec, data), made, kind_of_plan(plan)


def kind_of_rows(spec: NetSpec, data: Dataset) -> Hashable:
    """The part of a kind that depends on network and data, computed once for each pair."""
    rows = data.train
    of_rows = data.num_rows, rows.stored.shape[1:], rows.y.shape[1:], rows.y.dtype, rows.weight is None, rows.scale
    fresh = None if data.fresh is None else id(data)
    return _without_values(spec), of_rows, fresh


def kind_of_plan(plan: TrainPlan) -> Hashable:
    """The part of a kind that depends on the plan, computed for each network.

    The weight decay may differ between networks, whether it is a field of the plan or an option of the rule.
    """
    return _without_decay(plan.optimizer, plan.momentum, plan.nesterov), bool(plan.l2), plan.epochs, _shared(plan)


@functools.lru_cache(maxsize=1000)
def _without_values(spec: NetSpec) -> NetSpec:
    """The network without its initialization."""
    return replace(spec, init="zeros", title="")


@functools.lru_cache(maxsize=1000)
def _without_decay(optimizer: str | Choice, momentum: float | None, nesterov: bool | None) -> str:
    """The update rule without its weight decay."""
    rule = TrainPlan(optimizer=optimizer, momentum=momentum, nesterov=nesterov).build_optimizer()
    return repr(replace(rule, weight_decay=0.0))


@functools.lru_cache(maxsize=10_000)
def decay_of(optimizer: str | Choice, weight_decay: float | None) -> float:
    """The weight decay, from a field of the plan or an option of its rule."""
    return TrainPlan(optimizer=optimizer, weight_decay=weight_decay).build_optimizer().weight_decay


def obstacle(spec: NetSpec, data: Dataset, plan: TrainPlan) -> str | None:
    """What keeps networks like this one from being a batch, as a phrase; None if nothing does."""
    rule, optimizer = plan.build_optimizer(), Choice.parse(plan.optimizer).name
    without = without_form(spec, spec.build())
    reads = rule.repeats or rule.reads_numbers
    is_tokens = data.train.stored.dim() > 2 and spec.in_features == data.train.stored.shape[-1]
    reasons = {
        f"layer {without and without.name!r} has no batched form": without is not None,
        f"optimizer {optimizer!r} looks at numbers on the way, each network's own": reads,
        f"optimizer {optimizer!r} takes matrix by matrix": isinstance(rule, MatrixOptimizer),
        "a batch does each step as a whole, and micro_batch_size asks for parts": plan.micro_batch_size is not None,
        "their rows are streamed": data.stream is not None,
        "their rows are tokens": is_tokens,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)


def divided(members: Sequence[Member]) -> tuple[list[list[Member]], list[Member]]:
    """Batches of networks of one kind at the same step, each within the device's memory, and the networks left over.

    Of those left over on a device for batches, `how` says why.
    """
    kinds: dict[Hashable, list[Member]] = {}
    left: list[Member] = []
    for member in members:
        kind = _kind_now(member)
        if kind is None or _has_ended(member):
            left.append(member)
        else:
            kinds.setdefault(kind, []).append(member)
    batches = []
    for alike in kinds.values():
        reason = obstacle(alike[0].spec, alike[0].data, alike[0].plan)
        if reason is not None or len(alike) < LEAST:
            left += alike
            for member in alike:
                member.how = f"by itself: {reason or 'there is no other of its kind'}"
            continue
        num_batches = -(-len(alike) // most_networks(alike[0]))
        size = -(-len(alike) // num_batches)
        batches += [alike[start : start + size] for start in range(0, len(alike), size)]
    return batches, left


def _kind_now(member: Member) -> Hashable:
    """The kind of a network and its step; None if it is not on a device for batches."""
    if member.kind is not None:
        return member.kind, member.engine.num_updates if member.has_engine else 0
    if not member.has_engine:
        return None
    engine = member.engine
    if not are_for(engine.device, engine.choice):
        return None
    kind = kind_of(member.spec, member.data, member.plan, (engine.name, engine.dtype, engine.device))
    return kind, engine.num_updates


def _has_ended(member: Member) -> bool:
    """Whether there is nothing left to train, found without making an engine."""
    return member.is_trained_elsewhere or (member.has_engine and member.is_over)


def are_for(device: torch.device, engine: str | Choice) -> bool:
    """Whether networks with this engine on this device may be a batch; not if the engine was given options."""
    choice = Choice.parse(engine)
    return device.type in DEVICES and choice.name in ("auto", *ENGINES) and not choice.options


def most_networks(member: Member) -> int:
    """How many networks like this one fit into the free memory of its device."""
    return max(1, int(SHARE_OF_MEMORY * free_memory(member.engine.device) / bytes_of(member)))


def bytes_of(member: Member) -> int:
    """The bytes of such a network in a batch: twice its state (one copy to go back to), its rows, its outputs."""
    engine, plan, data = member.engine, member.plan, member.data
    rows = min(plan.batch_size or data.num_rows, data.num_rows)
    outputs = (engine.spec.in_features or 0) + PASSES * sum(outputs_of(engine.spec))
    memory = memory_needed(engine.spec, plan, engine.dtype_name)
    return 2 * memory + engine.params.flat.element_size() * rows * outputs


def free_memory(device: torch.device) -> int:
    """The free bytes of a device."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else memory_left(device)
