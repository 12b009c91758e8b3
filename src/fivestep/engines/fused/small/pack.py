"""Packs: small networks that one engine trains one after another, or abreast, without its own weights.

Their plans differ only in seed and learning rate. Each array has a row for each network.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import final

import torch
from torch import Tensor

from ....blocks import Block
from ....draws import Draws, generator
from ....optim._base import AveragingOptimizer
from ....typing import Features, Tensors
from ..._engine import Engine, initial_weights
from ..._update import RuleGroup
from .code import SmallBody


@final
class Pack:
    """The arithmetic of K networks like that of an engine; P parameters, B buffers."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup], body: SmallBody) -> None:
        self.engine, self._groups, self._body = engine, groups, body
        self._stream = torch.Generator()
        self._memory_names = [f"{k}.{name}" for k, group in enumerate(groups) for name in group.memory]

    def initial_states(self, seeds: Sequence[int]) -> dict[str, Tensor]:
        """The `state` of engines made with plans of those seeds, as rows (K, .).

        Overwrites the engine's own weights.
        """
        params, spec = self.engine.params, self.engine.spec
        flat, init = params.flat.new_empty((len(seeds), params.flat.numel())), spec.build_init()
        for seed, row in zip(seeds, flat, strict=True):
            if self.engine.dtype == torch.float32:
                params.flat.zero_()
                stream = generator(seed, again=self._stream)
                for layer, weights in zip(self.engine.layers, params.weights, strict=True):
                    layer.initialize_(weights, init, stream)
            else:
                params.load(initial_weights(spec, seed))
            row.copy_(params.flat)
        memory: dict[str, Tensor] = {}
        for k, group in enumerate(self._groups):
            w = flat[:, group.where_in(params)].view(len(seeds), *group.w.shape)
            for name, value in group.rule.state(w).items():
                memory[f"{k}.{name}"] = value if value.dim() else value.repeat(len(seeds))
        return {"flat": flat, "buffers": params.buffers.repeat(len(seeds), 1), **memory}

    def train(
        self, state: Tensors, seeds: Sequence[int], blocks: Callable[[int], Iterable[Block]], rates: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Trains the networks from their first step on, and updates their rows of `state` in place.

        `blocks(k)` are the blocks of network k, and `rates` (K, S) the learning rates of all steps in them. Returns the
        loss of each step (K, S) and the last gradients (K, P).
        """
        flat = state["flat"]
        losses, gradients = flat.new_empty(rates.shape), torch.empty_like(flat)
        arrays = self._body.arrays_of(state, gradients, self._memory_names)
        num_abreast = self._body.train_abreast(arrays, next(iter(blocks(0))), rates.numpy(), losses.numpy())
        for k, seed in [*enumerate(seeds)][num_abreast:]:
            self.engine.draws, done, penalties = Draws(seed), 0, torch.zeros_like(losses[k])
            for block in blocks(k):
                there = slice(done, done + len(block.rates))
                self._body.train_network(arrays.of(k), block, losses[k, there].numpy(), penalties[there].numpy())
                done = there.stop
            losses[k] += penalties
        return losses, gradients

    def prediction_weights(self, state: Tensors) -> Tensor:
        """The weights to predict with and the buffers (K, P + B) of networks with that state."""
        weights = torch.cat([state["flat"], state["buffers"]], 1)
        for k, group in enumerate(self._groups):
            if isinstance(group.rule, AveragingOptimizer):
                where = group.where_in(self.engine.params)
                memory = {name: state[f"{k}.{name}"] for name in group.memory}
                w = state["flat"][:, where].view(len(weights), *group.w.shape)
                weights[:, where] = group.rule.average(w, memory).flatten(1)
        return weights

    def load_prediction_weights(self, weights: Tensor) -> None:
        """Copies the `prediction_weights` (P + B,) of one network into the engine."""
        params = self.engine.params
        params.flat.copy_(weights[: params.flat.numel()])
        params.buffers.copy_(weights[params.flat.numel() :])

    def predict(self, weights: Tensor, x: Features) -> Tensor:
        """The logits (K, N, O) for the rows x (N, I) of networks with those `prediction_weights` (K, P + B)."""
        x = self.engine.as_input(x)
        return self._body.predict_each(weights, x.flatten(0, -2)).view(len(weights), *x.shape[:-1], -1)
