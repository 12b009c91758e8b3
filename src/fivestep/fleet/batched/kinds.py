"""Which networks can be one batch, how many of them, and what stands in the way."""

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
"""Networks that are a batch."""

OWN = ("seed", "lr", "weight_decay", "l2", "optimizer", "epochs")
"""Fields of a plan that are compared in a way of their own, or not at all, because each network has its own."""

_shared = settings_but(OWN)

ENGINES = ("scratch", "fused")
"""The engines whose steps these are; `fused` hands over to `scratch`, or does the same on the device."""

DEVICES = ("cuda",)
"""On a CPU each network by itself stays in the cache of one processor, which is faster (`pool.py`)."""

SHARE_OF_MEMORY = 0.6
"""Of what the device has free, for the networks of one batch."""

PASSES = 6
"""Numbers of a layer's size for each of its outputs that a step has in memory at its fullest."""


def kind_of(spec: NetSpec, data: Dataset, plan: TrainPlan, made: Hashable = None) -> Hashable:
    """What is equal for networks that can be one batch, with `made` for how their engines are made."""
    return kind_of_rows(spec, data), made, kind_of_plan(plan)


def kind_of_rows(spec: NetSpec, data: Dataset) -> Hashable:
    """The part of a kind that comes from network and data: a fleet asks once for each pair."""
    rows = data.train
    of_rows = data.num_rows, rows.stored.shape[1:], rows.y.shape[1:], rows.y.dtype, rows.weight is None, rows.scale
    fresh = None if data.fresh is None else id(data)
    return _without_values(spec), of_rows, fresh


def kind_of_plan(plan: TrainPlan) -> Hashable:
    """The part of a kind that comes from the plan: a fleet asks for each network.

    The rule's weight decay is each network's own, whether it is a field of the plan or an option of the rule.
    """
    return _without_decay(plan.optimizer, plan.momentum, plan.nesterov), bool(plan.l2), plan.epochs, _shared(plan)


@functools.lru_cache(maxsize=1000)
def _without_values(spec: NetSpec) -> NetSpec:
    """The network, however its initial values are drawn."""
    return replace(spec, init="zeros", title="")


@functools.lru_cache(maxsize=1000)
def _without_decay(optimizer: str | Choice, momentum: float | None, nesterov: bool | None) -> str:
    """What an update rule is, whatever the weights decay by."""
    rule = TrainPlan(optimizer=optimizer, momentum=momentum, nesterov=nesterov).build_optimizer()
    return repr(replace(rule, weight_decay=0.0))


@functools.lru_cache(maxsize=10_000)
def decay_of(optimizer: str | Choice, weight_decay: float | None) -> float:
    """What the weights decay by, from a field of the plan or an option of its rule."""
    return TrainPlan(optimizer=optimizer, weight_decay=weight_decay).build_optimizer().weight_decay


def obstacle(spec: NetSpec, data: Dataset, plan: TrainPlan) -> str | None:
    """What keeps networks like this one from being a batch, in half a sentence; None if nothing does."""
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
    """Batches of networks of one kind that are as far, none larger than the device's memory, and the networks left.

    Of those that are on a device for batches and are left, `how` says why.
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
    """The kind of a network and how far it is; None where it is not on a device for batches."""
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
    """Whether there is nothing left to train, without making an engine to find out."""
    return member.is_trained_elsewhere or (member.has_engine and member.is_over)


def are_for(device: torch.device, engine: str | Choice) -> bool:
    """Whether networks with such an engine on such a device may be a batch: one with options is meant by itself."""
    choice = Choice.parse(engine)
    return device.type in DEVICES and choice.name in ("auto", *ENGINES) and not choice.options


def most_networks(member: Member) -> int:
    """How many networks like this one fit into what its device has free."""
    return max(1, int(SHARE_OF_MEMORY * free_memory(member.engine.device) / bytes_of(member)))


def bytes_of(member: Member) -> int:
    """What a network like this one takes in a batch: twice its numbers (one copy goes back), its rows, its outputs."""
    engine, plan, data = member.engine, member.plan, member.data
    rows = min(plan.batch_size or data.num_rows, data.num_rows)
    outputs = (engine.spec.in_features or 0) + PASSES * sum(outputs_of(engine.spec))
    memory = memory_needed(engine.spec, plan, engine.dtype_name)
    return 2 * memory + engine.params.flat.element_size() * rows * outputs


def free_memory(device: torch.device) -> int:
    """The bytes that a device has free now."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else memory_left(device)
