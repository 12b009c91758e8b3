"""The graph behind a loss, read from autograd."""

import pytest
import torch

from fivestep.batches import Batch
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.pictures._graph import autograd_graph_of, graph_of
from tests.samples import small_engine, small_net, small_plan, three_classes


def test_the_graph_of_a_worked_product_is_mul_above_add() -> None:
    """z = x (a + b): the product takes x, and the sum of a and b."""
    a, b, x = (torch.tensor(value, requires_grad=True) for value in (2.0, 3.0, 4.0))
    graph = graph_of(x * (a + b), {a.data_ptr(): "a", b.data_ptr(): "b", x.data_ptr(): "x"})
    words = {node.key: node.words for row in graph.rows for node in row}
    edges = {(words[start], words[end]) for start, end in graph.edges}
    assert edges == {
        ("MulBackward0", "x ()"),
        ("MulBackward0", "AddBackward0"),
        ("AddBackward0", "a ()"),
        ("AddBackward0", "b ()"),
    }
    assert [sorted(words[node.key] for node in row) for row in graph.rows] == [
        ["MulBackward0"],
        ["AddBackward0", "x ()"],
        ["a ()", "b ()"],
    ]


@pytest.mark.parametrize("name", ["autograd", "nn"])
def test_the_graph_of_a_loss_ends_in_every_parameter(name: str) -> None:
    engine, rows = small_engine(name), three_classes(8).train
    graph = autograd_graph_of(engine, Batch(rows.x, rows.y, None))
    leaves = {node.words for row in graph.rows for node in row if node.kind == "parameter"}
    assert leaves == {"0.weight (6, 4)", "0.bias (6,)", "2.weight (3, 6)", "2.bias (3,)"}


def test_a_residual_has_two_ways_to_its_input() -> None:
    spec = NetSpec((Choice("linear", out_features=4), Choice("residual", layers=("tanh",)), Choice("linear")), 4, 3)
    engine, rows = small_engine("autograd", small_plan(), spec), three_classes(8).train
    graph = autograd_graph_of(engine, Batch(rows.x, rows.y, None))
    words = {node.key: node.words for row in graph.rows for node in row}
    first = next(key for key in words if words[key].startswith("Addmm") and (key, _key(words, "0.bias")) in graph.edges)
    assert sorted(words[start] for start, end in graph.edges if end == first) == ["AddBackward0", "TanhBackward0"]


def _key(words: dict[str, str], start: str) -> str:
    return next(key for key, text in words.items() if text.startswith(start))


def test_looking_changes_nothing() -> None:
    spec = small_net(norm="batch_norm")
    engine, rows = small_engine("autograd", small_plan(), spec), three_classes(8).train
    before = engine.state()
    autograd_graph_of(engine, Batch(rows.x, rows.y, None))
    assert all(torch.equal(value, before[name]) for name, value in engine.state().items())


def test_mermaid_text_has_a_line_for_each_box_and_each_arrow() -> None:
    a, x = (torch.tensor(value, requires_grad=True) for value in (2.0, 4.0))
    graph = graph_of(x * a, {a.data_ptr(): "a", x.data_ptr(): "x"})
    assert graph.mermaid() == (
        'flowchart TD\n    n0["MulBackward0"]\n    n1(["x ()"])\n    n2(["a ()"])\n    n0 --> n1\n    n0 --> n2\n'
    )
