"""Steps on the rows of a stream: the same bits wherever blocks end, whether windows hold their rows or copies do."""

from itertools import cycle
from typing import Any

import pytest
import torch

from fivestep.blocks import Block, Blocks
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines.fused.larger import products
from fivestep.net import MLP, NetSpec
from tests.samples import do_steps, small_engine, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, distance
from tests.windows import streamed

PLAN = small_plan(batch_size=5, epochs=4)
NUM_STEPS = 33
"""Three epochs of ten batches, and some more."""

NETS: dict[str, tuple[str, NetSpec]] = {
    "one hidden layer": ("fused", MLP(4, 6, 3, activation="tanh")),
    "several": ("fused", MLP(4, 6, 5, 3, activation="relu")),
    "larger": ("fused:larger=true", MLP(4, 40, 33, 3, activation="relu")),
}
DATA = {"rows": three_classes(), "weighted rows": three_classes(weighted=True)}


def trained(name: str, net: NetSpec, data: Dataset, lengths: tuple[int, ...]) -> tuple[Any, list[Block]]:
    """The engine after blocks of so many steps, over and over, and these blocks."""
    engine, taken, done = small_engine(name, PLAN, net), list[Block](), 0
    blocks = Blocks(data, 5, PLAN.seed, engine.dtype, engine.device, engine.row_access)
    lengths_in_turn = cycle(lengths)
    while done < NUM_STEPS:
        rates = torch.full((min(next(lengths_in_turn), NUM_STEPS - done),), PLAN.lr, dtype=torch.float64)
        taken.append(blocks.take(done, rates))
        engine.train_block(taken[-1])
        done += len(rates)
    return engine, taken


@pytest.mark.parametrize("is_divided", [True, False])
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize(("name", "net"), NETS.values(), ids=NETS)
@pytest.mark.parametrize("lengths", [(1,), (2, 3), (7, 1)], ids=str)
def test_where_blocks_end_changes_no_bit(
    name: str,
    net: NetSpec,
    data: Dataset,
    lengths: tuple[int, ...],
    is_divided: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not is_divided:
        monkeypatch.setattr(products, "can_be_divided", lambda *_: False)
    stream = streamed(data, 16)
    expected, copied = trained(name, net, stream, (NUM_STEPS,))
    engine, blocks = trained(name, net, stream, lengths)
    assert [block.order for block in copied] == [None]
    assert {block.order is None for block in blocks} == {True, False}
    assert torch.equal(engine.params.flat, expected.params.flat)


@pytest.mark.parametrize(("name", "net"), NETS.values(), ids=NETS)
def test_rows_in_fewer_digits_than_the_network_give_its_steps(name: str, net: NetSpec) -> None:
    rows = three_classes().train
    data = streamed(Dataset(Rows(rows.x.float(), rows.y), num_outputs=3), 16)
    ours, _ = trained(name, net, data, (3,))
    theirs = small_engine("scratch", PLAN, net)
    do_steps(theirs, data, PLAN, 1, NUM_STEPS)
    assert distance(ours.params.flat, theirs.params.flat) < ENGINES_FLOAT64
