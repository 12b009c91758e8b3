"""Step 5 as blocks: clipping, the update rule, and each parameter before and after."""

import torch
from torch import Tensor

from ..batches import Batch
from ..engines._engine import Engine
from ..engines._update import RuleGroup, clip_, rule_groups
from ..engines.scratch import ScratchEngine
from ..layer import Memo
from ..optim._base import Again
from ..plan import TrainPlan
from ..typing import Scalar
from . import _docstrings
from ._data import Block, Entry
from ._watched import Watched


def update_blocks(engine: ScratchEngine, layers: list[Watched], batch: Batch) -> list[Block]:
    """Does the update, and shows old and new numbers side by side."""
    gradient, clipped = engine.params.grad.clone(), engine.params.grad.clone()
    clip_(clipped, engine.plan)
    before, loss_before = engine.state(), _loss_in_evaluation(engine, batch)
    engine.update(again=_again(engine, batch) if engine.optimizer.repeats else None)
    after, loss_after = engine.state(), _loss_in_evaluation(engine, batch)
    lines = [_docstrings.rule(engine.optimizer), *_docstrings.indented(engine.optimizer)]
    lines.append(f"Here the learning rate lr is {engine.lr:.6g}, and this is step {engine.num_updates:,}.")
    blocks = [Block(f"update rule: {engine.optimizer!r}", [], "\n".join(lines))]
    if not torch.equal(gradient, clipped):
        blocks.insert(0, _clip_block(engine.plan, gradient, clipped))
    for watched in layers:
        blocks += [_moved(engine, watched, name, clipped, (before, after)) for name in watched.layer.parameter_shapes()]
    losses = [Entry("loss before", loss_before), Entry("loss after", loss_after)]
    return [*blocks, Block("the same rows, measured in evaluation mode", losses)]


def _again(engine: ScratchEngine, batch: Batch) -> Again:
    def steps_1_to_4() -> Scalar:
        loss = engine.loss(engine.forward(batch.x), batch.y, batch.weight)
        engine.zero_grad()
        engine.backward()
        return loss

    return steps_1_to_4


def _loss_in_evaluation(engine: Engine, batch: Batch) -> Scalar:
    logits = engine.predict(batch.x)
    y = engine.criterion.match(logits, batch.y)
    return engine.criterion.value(logits, y, batch.weight, Memo(training=False))


def _clip_block(plan: TrainPlan, gradient: Tensor, clipped: Tensor) -> Block:
    """The size of the whole gradient before and after clipping."""
    entries = []
    if plan.clip_value is not None:
        entries += [
            Entry("largest before", gradient.abs().max(), note="the largest element of the gradient, without its sign"),
            Entry("largest after", clipped.abs().max(), note=f"at most clip_value = {plan.clip_value:g}"),
        ]
    if plan.clip_norm is not None:
        entries += [
            Entry("norm before", gradient.norm(), note="the root of the sum of the squares of all gradients"),
            Entry("norm after", clipped.norm(), note=f"at most clip_norm = {plan.clip_norm:g}; all shrink alike"),
        ]
    return Block("clipping", entries, "The gradients below are those after clipping.")


def _moved(
    engine: Engine, watched: Watched, name: str, gradient: Tensor, states: tuple[dict[str, Tensor], dict[str, Tensor]]
) -> Block:
    """One parameter: old value, the gradient that the rule gets, the rule's memory before and after, new value."""
    shown, view = watched.parameter_name(name), engine.params.weights[watched.number][name]
    where = slice(view.storage_offset(), view.storage_offset() + view.numel())
    old, new = (state["flat"][where].view_as(view) for state in states)
    entries = [
        Entry(f"old {shown}", old),
        Entry(f"new {shown}", new),
        Entry(f"d{shown}", gradient[where].view_as(view)),
    ]
    notes = []
    for k, group in enumerate(rule_groups(engine.params, engine.optimizer, engine.plan.ema)):
        start = where.start - group.w.storage_offset()
        if not 0 <= start < group.w.numel():
            continue
        notes = _differences(engine, group)
        for key, memory in group.memory.items():
            if memory.shape == group.w.shape:
                parts = (state[f"{k}.{key}"].flatten()[start:][: view.numel()].view_as(view) for state in states)
                entries += [Entry(f"{key} {when}", part) for when, part in zip(("before", "after"), parts, strict=True)]
            elif memory.numel() == 1:
                notes.append(f"{key} is {states[1][f'{k}.{key}'].item():.6g} now")
    return Block(f"{watched.number}.{name}", entries, "; ".join(notes), watched.number, side_by_side=True)


def _differences(engine: Engine, group: RuleGroup) -> list[str]:
    """How a group of parameters differs from the plan: its rule, its learning rate."""
    notes = [] if group.rule == engine.optimizer else [f"moved by {group.rule!r}"]
    return notes if group.lr_factor == 1 else [*notes, f"lr times {group.lr_factor:g}"]
