"""Work by key: on a device without graphs it is done each time; tests/gpu shows the rest."""

import torch

from fivestep.engines._graphs import Graphs, SideStream

CPU = torch.device("cpu")


def test_without_graphs_work_is_done_at_every_call() -> None:
    total, graphs = torch.zeros(()), Graphs(CPU)
    for _ in range(3):
        graphs.run("add", lambda: total.add_(1))
    graphs.forget()
    graphs.run("add", lambda: total.add_(1))
    assert total == 4


def test_without_streams_work_beside_is_done_at_once_and_in_order() -> None:
    side, done = SideStream(CPU), []
    with side:
        done.append("this")
    done.append("that")
    side.join()
    assert done == ["this", "that"]
