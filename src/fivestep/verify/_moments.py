"""Copies of an engine's tensors after each of the five steps."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, final

import torch
from torch import Tensor

from ..batches import Batch, Place
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..machine.threads import threads_for
from ..steps import Upcoming, do_step

FIVE = ("forward", "loss", "zero_grad", "backward", "update")
"""The five methods, in their order."""

WHOLE = 0
"""The part number that stands for all five together."""

Kind = Literal["logits", "loss", "gradient", "parameter", "buffer"]


@final
class Key(NamedTuple):
    """Identifies a tensor: its kind and, for those of a layer, torch's name, such as "0.weight"."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        if self.kind == "gradient":
            return f"gradient of {self.name}"
        return self.name or self.kind

    @property
    def layer(self) -> str:
        """The number of its layer."""
        return self.name.partition(".")[0]


@final
class Moment(NamedTuple):
    """The tensors after part 1 to 5 of a step, or after the whole of it (0)."""

    part: int
    tensors: dict[Key, Tensor]


def moments(engine: Engine, upcoming: Upcoming, *, apart: bool) -> Iterator[Moment]:
    """Does one step as `steps.do_step` would and yields the tensors after each of the five or, if not `apart`, once.

    The gradient is included after steps 3 and 4 only: in the update the rule may overwrite it. If a batch comes in
    parts, the five are shown after the last part: logits of all rows, the summed loss, the gradient cleared before the
    first.
    """
    if not apart:
        loss = do_step(engine, upcoming, engine.plan)
        yield Moment(WHOLE, {Key("loss"): _copy(loss), **weights(engine)})
        return
    assert isinstance(engine, FiveStepEngine)
    engine.lr, engine.l2 = upcoming.lr, upcoming.l2
    with threads_for(engine, len(upcoming.batch.x)):
        if engine.plan.micro_batch_size is None:
            yield from _whole(engine, upcoming.batch)
        else:
            yield from _in_parts(engine, upcoming.batch.parts(engine.plan.micro_batch_size))


def _whole(engine: FiveStepEngine, batch: Batch) -> Iterator[Moment]:
    x, y, weight = batch

    def again() -> Tensor:
        loss = engine.loss(engine.forward(x), y, weight)
        engine.zero_grad()
        engine.backward()
        return loss.detach()

    logits = engine.forward(x)
    held, seen = weights(engine), {Key("logits"): _copy(logits)}
    yield Moment(1, {**seen, **held})
    seen[Key("loss")] = _copy(engine.loss(logits, y, weight))
    yield Moment(2, {**seen, **weights(engine, held)})
    engine.zero_grad()
    yield Moment(3, {**_gradients(engine), **weights(engine, held)})
    engine.backward()
    yield Moment(4, {**_gradients(engine), **weights(engine, held)})
    engine.update(again if engine.optimizer.repeats else None)
    yield Moment(5, weights(engine, held))


def _in_parts(engine: FiveStepEngine, parts: Sequence[tuple[Place, Batch]]) -> Iterator[Moment]:
    """Like `train_step_in_parts`, with the first four shown after the last part."""
    logits, losses, cleared = [], [], {}
    for k, (place, (x, y, weight)) in enumerate(parts):
        engine.draws.rows = place
        of_part = engine.forward(x)
        logits.append(_copy(of_part))
        losses.append(_copy(engine.loss(of_part, y, weight)))
        if k == 0:
            engine.zero_grad()
            cleared = _gradients(engine)
        engine.backward()
    engine.draws.rows = None
    held, seen = weights(engine), {Key("logits"): torch.cat(logits)}
    yield Moment(1, {**seen, **held})
    yield Moment(2, {**seen, Key("loss"): torch.stack(losses).sum(), **held})
    yield Moment(3, {**cleared, **held})
    yield Moment(4, {**_gradients(engine), **held})
    engine.update()
    yield Moment(5, weights(engine, held))


def weights(engine: Engine, held: Mapping[Key, Tensor] = MappingProxyType({})) -> dict[Key, Tensor]:
    """Copies of the parameters and the buffers; those that equal the ones in `held` are not copied again."""
    trained = engine.params.named_gradients()
    found: dict[Key, Tensor] = {}
    for name, value in engine.params.named_with_buffers().items():
        key = Key("parameter" if name in trained else "buffer", name)
        found[key] = held[key] if key in held and torch.equal(held[key], value) else _copy(value)
    return found


def _gradients(engine: Engine) -> dict[Key, Tensor]:
    return {Key("gradient", name): _copy(value) for name, value in engine.named_gradients().items()}


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()
