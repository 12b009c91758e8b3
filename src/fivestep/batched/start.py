"""The networks of a batch before their first step together."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .. import draws
from ..engines._base import Engine
from ..engines._batched.networks import Networks
from ..engines._make import make_engine
from ..member import Member
from ..net import NetSpec
from .kinds import decay_of


def networks_of(members: Sequence[Member]) -> Networks:
    """The networks as they are: as their engines have them, or drawn now for those that have none yet."""
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
    decays = [decay_of(member.plan.optimizer, member.plan.weight_decay) for member in members]
    alike = all(decay == pattern.optimizer.weight_decay for decay in decays)
    column = None if alike else pattern.params.flat.new_tensor(decays)[:, None]
    networks = Networks(pattern, rows["flat"], rows["buffers"], column)
    for k, state in zip(old, states, strict=True):
        networks.load_memory({name: value[None] for name, value in state.items()}, slice(k, k + 1))
    return networks


def initial_rows(pattern: Engine, drawn: Sequence[tuple[NetSpec, int]]) -> tuple[Tensor, Tensor]:
    """Flat vectors and buffers (K, .) of new networks with their initial values, in float32 on the CPU.

    One after another in one place: to make an engine for each takes ten times as long.
    """
    mold = make_engine("scratch", pattern.spec, pattern.plan, device="cpu")
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
