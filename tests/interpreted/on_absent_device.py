"""What `tests/absent_device.py` shows: faults of recorded steps, which a device would not forgive, and waiting.

Not collected with the others: `test_absent_device.py` runs it in a process of its own.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from fivestep.engines._graphs import Graphs, SideStream
from fivestep.engines._make import make_engine
from fivestep.fleet.batched.batch import Batch
from fivestep.fleet.member import Member
from fivestep.losses.mse import MSE
from fivestep.optim.sgd import SGD
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.absent_device import PLACE, STATE
from tests.samples import small_net, small_plan, three_classes


@pytest.fixture(autouse=True)
def _nothing_recorded() -> None:
    STATE.graph, STATE.forked = None, set()


class Work:
    """Numbers on the device, and what may be done with them in a recording."""

    def __init__(self) -> None:
        self.x, self.y = torch.arange(4.0, device=PLACE), torch.zeros(4, device=PLACE)
        self.side = SideStream(PLACE)

    def right(self) -> None:
        self.y[1:].add_(self.x[1:] * 2)

    def reads(self) -> None:
        self.y.mul_(float(self.x.sum()))

    def asks_how_many(self) -> None:
        self.y.add_(self.x[self.x > 1].sum())

    def copies(self) -> None:
        self.y.add_(torch.ones(4).to(PLACE))

    def mixes(self) -> None:
        self.y.add_(torch.ones(4))

    def leaves_a_stream(self) -> None:
        with self.side:
            self.right()


def test_a_recording_is_done_when_it_is_repeated_with_what_is_there_then() -> None:
    work, graphs = Work(), Graphs(PLACE)
    graphs.run("key", work.right)
    work.x.fill_(1.0)
    graphs.run("key", work.right)
    assert work.y.tolist() == [0.0, 4.0, 6.0, 8.0]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Work.reads, "no operation for which the host waits can be recorded"),
        (Work.asks_how_many, "no operation for which the host waits can be recorded"),
        (Work.copies, "no copy from the host can be recorded"),
        (Work.mixes, "all tensors must be on one device"),
        (Work.leaves_a_stream, "has not joined"),
    ],
)
def test_a_fault_of_recorded_work_is_an_error(fault: Callable[[Work], None], sentence: str) -> None:
    with pytest.raises(RuntimeError, match=sentence):
        Graphs(PLACE).run("key", lambda: fault(Work()))


def test_a_tensor_that_was_replaced_is_missed_by_the_graph_that_has_its_address() -> None:
    work, graphs = Work(), Graphs(PLACE)
    graphs.run("key", work.right)
    work.x = work.x.clone()
    with pytest.raises(RuntimeError, match=r"a graph has the address of a tensor \(3,\) that has been freed"):
        graphs.run("key", work.right)


def test_a_result_in_memory_of_a_graph_is_lost() -> None:
    work, graphs, left = Work(), Graphs(PLACE), list[Tensor]()
    graphs.run("key", lambda: left.append(work.x * 2))
    assert left[0].isnan().all()


@pytest.mark.parametrize(("kind", "method"), [(MSE, "gradient"), (SGD, "update_")])
def test_an_item_that_reads_a_number_cannot_be_recorded(
    kind: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So an item's own file is looked at too, in the networks of `tests/gpu`."""
    real = getattr(kind, method)

    def reads(self: Any, first: Tensor, *others: Any) -> Any:
        bool(first.isfinite().all())
        return real(self, first, *others)

    monkeypatch.setattr(kind, method, reads)
    plan = TrainPlan(loss="mse", batch_size=5, epochs=2)
    data, engine = three_classes(valid=0), make_engine("fused", small_net(dropout=0.2), plan, device="cuda")
    rows = data.train
    data = type(data)(type(rows)(rows.x, rows.x[:, :3]))
    with pytest.raises(RuntimeError, match="no operation for which the host waits can be recorded"):
        list(steps(engine, data, plan))


@pytest.mark.parametrize("options", [{}, {"l2": 0.1, "clip_norm": 1.0, "ema": 0.9}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_host_waits_once_for_a_block_of_steps(options: dict[str, Any], weighted: bool) -> None:
    """And once more for the weights of its rows, where an L2 term is divided by them."""
    plan, data = small_plan(**options, epochs=8), three_classes(weighted=weighted)
    engine = make_engine("fused", small_net(dropout=0.2), plan, device="cuda")
    before, blocks = STATE.waits, len(list(steps(engine, data, plan, every=2)))
    assert STATE.waits - before == blocks * (1 + (weighted and "l2" in options))
    assert blocks < engine.num_updates / 2


@pytest.mark.parametrize("options", [{}, {"l2": 0.1, "clip_norm": 1.0, "ema": 0.9}], ids=str)
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_the_host_waits_twice_for_a_block_of_steps_of_a_fleet(options: dict[str, Any], dropout: float) -> None:
    """Whether the losses are finite, and at which rates they end."""
    data, spec = three_classes(weighted=True), small_net(dropout=dropout)
    members = []
    for seed in range(3):
        plan = small_plan(**options, seed=seed, epochs=8)
        engine = make_engine("scratch", spec, plan, device="cuda")
        members.append(Member(data, plan, engine))
    batch = Batch(members)
    before = STATE.waits
    blocks = len(list(batch._blocks(8 * plan.steps_per_epoch(data.num_rows))))
    assert STATE.waits - before == 2 * blocks
