"""The gradients of the other engines, from the same weights and rows."""

from collections.abc import Sequence

from ..batches import Batch
from ..engines._base import FiveStepEngine
from ..engines._make import make_engine
from ..engines.scratch import ScratchEngine
from ..find import find
from ..replay import gradient_of
from ._data import Block, Entry


def agreement_blocks(engine: ScratchEngine, batch: Batch, engines: Sequence[str]) -> list[Block]:
    """The largest difference between this gradient and that of each other engine that shows the five steps."""
    entries = []
    for name in engines:
        if name == engine.name or not issubclass(find("engines", name), FiveStepEngine):
            continue
        other = make_engine(name, engine.spec, engine.plan, dtype=engine.dtype, device=engine.device)
        assert isinstance(other, FiveStepEngine)
        other.load_weights(engine.params.named_with_buffers())
        other.draws.step = engine.draws.step
        found = gradient_of(other, batch)
        entries.append(Entry(name, (found - engine.params.grad).abs().max(), note="largest difference"))
    words = "All of dW, db and so on once more, from the same weights and rows, without a formula of ours."
    return [Block("the same gradient in the other engines", entries, words)] if entries else []
