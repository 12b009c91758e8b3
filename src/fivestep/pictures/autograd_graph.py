"""The autograd graph of the real loss."""

from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..batches import Batch
from ..plots.autograd_graph import autograd_graph
from ._base import Lacking, Picture, Subject
from ._graph import Graph, autograd_graph_of


@final
@dataclass(frozen=True)
class AutogradGraph(Picture):
    """The graph behind the loss of a batch, as the engine "autograd" builds it. It can also be had as Mermaid text."""

    description: ClassVar[str] = "the graph that autograd builds of the loss (also as Mermaid text: --out graph.mmd)"

    def lacks(self, subject: Subject) -> Lacking | None:
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        graph = self.graph(subject)
        words = title or f"{subject.title}: the graph of {subject.engine.plan.loss}"
        return autograd_graph(graph.rows, graph.edges, words, dark=dark)

    def graph(self, subject: Subject) -> Graph:
        """The graph of the loss of eight training rows; more have the same one."""
        engine = subject.copied_engine("autograd")
        rows = subject.data.train.take(slice(8)).to(engine.device, engine.dtype)
        return autograd_graph_of(engine, Batch(rows.inputs(engine.dtype), rows.y, None))
