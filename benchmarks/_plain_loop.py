"""A plain PyTorch loop with what a plan and a network ask for, as torch's own manual writes it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import fivestep as fs
from fivestep import draws
from fivestep.batches import shares_of
from fivestep.engines._engine import initial_weights
from fivestep.engines._update import rule_of
from fivestep.group import Group
from fivestep.layer import Layer, Memo
from fivestep.layers._composite import kinds_of
from fivestep.layers.dropout import Dropout


class PlainLoop:
    """Rows in memory as floats, batches by index, and the usual five lines; from the weights of our engines.

    Modules, loss and optimizer are the twins in torch of what our engines have: its own classes, but for lion and
    schedule-free AdamW, which torch has not. An optimizer that has a fused form takes it.
    """

    def __init__(self, spec: fs.NetSpec, plan: fs.TrainPlan, data: fs.Dataset, dtype: torch.dtype) -> None:
        self.plan, rows, layers = plan, data.train, spec.build()
        self.x, self.weight = rows.inputs(dtype), None if rows.weight is None else rows.weight.to(dtype)
        self.y = rows.y.to(dtype) if rows.y.is_floating_point() else rows.y
        self.model = nn.Sequential(*(_module(layer) for layer in layers)).to(dtype)
        self.model.load_state_dict(initial_weights(spec, plan.seed))
        self.criterion = plan.build_loss().twin(reduction="mean" if self.weight is None else "none")
        assert not plan.l2 or self.weight is None, "a step's share of the L2 term would go by its weights"
        self.optimizers = _optimizers(plan, layers, self.model, plan.batch_size or len(rows))
        self.average = None
        if plan.ema is not None:
            self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(plan.ema))
        self.batches = self._batches()

    def _batches(self) -> Iterator[Tensor]:
        for epoch in count():  # in the orders of ours, so that both come to the same loss
            order = draws.order(self.plan.seed, epoch, len(self.x))
            yield from order.split(self.plan.batch_size or len(self.x))

    def train(self, steps: int) -> None:
        """Does so many steps more."""
        for _ in range(steps):
            rows = next(self.batches)
            for optimizer in self.optimizers:
                optimizer.zero_grad()
            if self.plan.micro_batch_size is None:
                self._loss(rows).backward()
            else:
                for part in rows.split(self.plan.micro_batch_size):
                    (self._loss(part) * (len(part) / len(rows))).backward()
            if self.plan.clip_value is not None:
                nn.utils.clip_grad_value_(self.model.parameters(), self.plan.clip_value)
            if self.plan.clip_norm is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip_norm)
            for optimizer in self.optimizers:
                optimizer.step()
            if self.average is not None:
                self.average.update_parameters(self.model)

    def _loss(self, rows: Tensor) -> Tensor:
        losses: Tensor = self.criterion(self.model(self.x[rows]), self.y[rows])
        if self.weight is None:
            return losses
        return losses.flatten().dot(shares_of(self.weight[rows]))

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """The logits in evaluation mode."""
        self.model.eval()
        logits: Tensor = self.model(x)
        self.model.train()
        return logits


def _module(layer: Layer) -> nn.Module:
    """Torch's own; a dropout that draws by itself."""
    return nn.Dropout(layer.p) if isinstance(layer, Dropout) else layer.module(Memo(training=True))


def _optimizers(
    plan: fs.TrainPlan, layers: tuple[Layer, ...], model: nn.Module, num_rows: int
) -> list[torch.optim.Optimizer]:
    """One with a group for each rate and decay; another one for what has another rule, as biases beside muon.

    The L2 term of a step is its share of the plan's, for `num_rows` rows without weights.
    """
    rule, l2 = plan.build_optimizer(), plan.l2 / num_rows
    groups: dict[Group, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        k, _, own = name.partition(".")
        group = plan.group(name, kinds_of(layers[int(k)], own), tuple(parameter.shape))
        groups.setdefault(group, []).append(parameter)
    made: dict[type, torch.optim.Optimizer] = {}
    for group, parameters in groups.items():
        own_rule = rule_of(group, rule, None)
        if l2 and group.is_matrix:
            own_rule = replace(own_rule, weight_decay=own_rule.weight_decay + l2)
        twin = own_rule.twin(parameters, plan.lr * group.lr_factor)
        if type(twin) in made:
            made[type(twin)].add_param_group(twin.param_groups[0])
        else:
            made[type(twin)] = twin
    return [_fused(optimizer) for optimizer in made.values()]


def _fused(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Its fused form, where torch has one."""
    if not type(optimizer).__module__.startswith("torch.optim") or "fused" not in optimizer.param_groups[0]:
        return optimizer
    groups = [
        {name: value for name, value in group.items() if name not in {"foreach", "fused"}}
        for group in optimizer.param_groups
    ]
    again: torch.optim.Optimizer = type(optimizer)(groups, fused=True)  # type: ignore[call-arg]
    return again
