"""The picture: network."""

from fivestep.ensemble import ensemble_of
from fivestep.net import FeedForward
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
from tests.plots.drawn import words
from tests.samples import small_engine, small_plan, three_classes


def test_every_layer_is_a_column_with_its_shapes(untrained: Subject) -> None:
    figure = draw(untrained, "network")
    assert figure.get_suptitle() == "moons: MLP 2-8-1, tanh: 33 parameters"
    assert [len(cloud.get_offsets()) for cloud in figure.axes[0].collections] == [2, 8, 8, 1]
    assert "(N, 8)\nweight (8, 2)\nbias (8,)" in words(figure.axes[0])


def test_a_layer_of_layers_shows_its_parameters() -> None:
    engine = small_engine("scratch", small_plan(), FeedForward(4, residual=True))
    shown = words(draw(Subject(engine, three_classes()), "network").axes[0])
    assert any("body.0.weight (16, 4)" in text for text in shown)


def test_of_a_layer_of_many_parameters_the_first_are_listed_and_the_rest_counted() -> None:
    """An ensemble holds the tensors of all its networks, which no picture has room for."""
    members = [small_engine("scratch", small_plan()) for _ in range(3)]
    shown = words(draw(Subject(ensemble_of(members), three_classes()), "network").axes[0])
    assert any(text.endswith(f"\nand {3 * 4 - 7} more") and len(text.splitlines()) == 9 for text in shown)
