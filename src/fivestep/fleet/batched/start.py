"""The state of a batch's networks before their first step together."""

import functools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ... import draws
from ...engines._batched.drawn import uniform_rows
from ...engines._batched.networks import Networks
from ...engines._engine import Engine
from ...engines._make import make_engine
from ...inits.torch import Torch
from ...layers.linear import Linear
from ...net import NetSpec
from ...plan import TrainPlan
from ..member import Member
from .kinds import decay_of

FEW = 4096
"""Parameters of a network up to which its values are drawn in one call; beyond that, drawing itself takes most of the
time."""


def networks_of(members: Sequence[Member]) -> Networks:
    """The current state of the networks: that of their engines, or newly drawn for those without one."""
    pattern = members[0].engine
    new = [k for k, member in enumerate(members) if not member.has_engine]
    old = [k for k, member in enumerate(members) if member.has_engine]
    states = [members[k].engine.state() for k in old]
    flat, buffers = initial_rows(pattern, [(members[k].spec, members[k].plan.seed) for k in new])
    rows = {}
    for name, drawn in (("flat", flat), ("buffers", buffers)):
        rows[name] = pattern.params.flat.new_empty((len(members), drawn.shape[1]))
        rows[name][new] = drawn.to(pattern.device, pattern.dtype)
        rows[name][old] = torch.stack([state[name] for state in states])
    decays = _decays_of([member.plan for member in members])
    alike = all(decay == pattern.optimizer.weight_decay for decay in decays)
    column = None if alike else pattern.params.flat.new_tensor(decays)[:, None]
    networks = Networks(pattern, rows["flat"], rows["buffers"], column)
    for k, state in zip(old, states, strict=True):
        networks.load_memory({name: value[None] for name, value in state.items()}, slice(k, k + 1))
    return networks


def _decays_of(plans: Sequence[TrainPlan]) -> list[float]:
    """The weight decay of each network, worked out once for the many plans that share a rule."""
    known: dict[tuple[int, float | None], float] = {}
    decays = []
    for plan in plans:
        key = id(plan.optimizer), plan.weight_decay
        if key not in known:
            known[key] = decay_of(plan.optimizer, plan.weight_decay)
        decays.append(known[key])
    return decays


def initial_rows(pattern: Engine, drawn: Sequence[tuple[NetSpec, int]]) -> tuple[Tensor, Tensor]:
    """Flat vectors and buffers (K, .) of new networks with their initial values, in float32.

    They are drawn one after another into one `Params`: making an engine for each would take ten times as long. Where
    all values are uniform, they are drawn in one call for each network and scaled to their bounds together, to the same
    bits.
    """
    mold = make_engine("scratch", pattern.spec, pattern.plan, device="cpu")
    if _are_uniform(mold, drawn) and rounds_once():
        raw = uniform_rows([seed for _, seed in drawn], mold.params.flat.numel(), pattern.device)
        raw = _uniform_by_torch(mold, [seed for _, seed in drawn]) if raw is None else raw
        return _at_once(mold, raw), mold.params.buffers.expand(len(drawn), -1)
    return _one_by_one(mold, drawn)


@functools.cache
def rounds_once() -> bool:
    """Whether this build of torch scales uniform numbers to their bounds, x 2b - b, with a single rounding.

    Then they equal (x - 1/2) 2b, where the difference is exact.
    """
    bound, halves = 1 / math.sqrt(3), (torch.rand(1000, generator=draws.generator(0)) - 0.5)
    return torch.equal(halves * (2 * bound), torch.empty(1000).uniform_(-bound, bound, generator=draws.generator(0)))


def _one_by_one(mold: Engine, drawn: Sequence[tuple[NetSpec, int]]) -> tuple[Tensor, Tensor]:
    """The initial values, drawn layer by layer as for an engine of its own."""
    params, stream = mold.params, torch.Generator()
    flat = params.flat.new_empty((len(drawn), params.flat.numel()))
    buffers = params.buffers.new_empty((len(drawn), params.buffers.numel()))
    for k, (spec, seed) in enumerate(drawn):
        params.flat.zero_()
        params.buffers.zero_()
        init, stream = spec.build_init(), draws.generator(seed, again=stream)
        for layer, weights in zip(mold.layers, params.weights, strict=True):
            layer.initialize_(weights, init, stream)
        flat[k], buffers[k] = params.flat, params.buffers
    return flat, buffers


def _are_uniform(mold: Engine, drawn: Sequence[tuple[NetSpec, int]]) -> bool:
    """Whether all values belong to linear layers and are drawn as `torch.nn.Linear` draws them."""
    specs = {id(spec): spec for spec, _ in drawn}.values()
    if mold.params.flat.numel() > FEW:
        return False
    has_values = [layer for layer in mold.layers if layer.parameter_shapes()]
    return all(isinstance(layer, Linear) for layer in has_values) and all(
        isinstance(spec.build_init(), Torch) for spec in specs
    )


def _uniform_by_torch(mold: Engine, seeds: Sequence[int]) -> Tensor:
    """Numbers x in [0, 1), (K, P): for one seed, a single call draws the same numbers as several."""
    raw, stream = torch.empty((len(seeds), mold.params.flat.numel())), torch.Generator()
    for seed, row in zip(seeds, raw.unbind(), strict=True):
        row.uniform_(generator=draws.generator(seed, again=stream))
    return raw


def _at_once(mold: Engine, raw: Tensor) -> Tensor:
    """The values (K, P) of networks whose tensors are uniform in (-b, b), with b = 1 / sqrt(I), from x in [0, 1)."""
    flat, begin = torch.empty_like(raw), 0
    for w in mold.params.weights:
        for tensor in [w[name] for name in ("weight", "bias") if name in w]:  # drawn in place
            bound, start, count = 1 / math.sqrt(w["weight"].shape[1]), tensor.storage_offset(), tensor.numel()
            flat[:, start : start + count] = raw[:, begin : begin + count].sub_(0.5).mul_(2 * bound)
            begin += count
    return flat
