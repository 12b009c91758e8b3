"""The picture: landscape 1d."""

from dataclasses import replace

import pytest
import torch

from fivestep.check import InputError
from fivestep.evaluation import evaluate
from fivestep.pictures._base import Subject, suited_kinds
from fivestep.pictures._landscape import random_direction
from tests.pictures.conftest import draw
from tests.plots.drawn import lines


def test_in_the_middle_stands_the_loss_of_the_network(moons: Subject) -> None:
    found = lines(draw(moons, "landscape-1d:places=5").axes[0])
    expected = evaluate(moons.engine, moons.data.train).loss
    assert found["random direction 2"][2].tolist() == pytest.approx([0, expected])
    assert found["the trained weights"].tolist() == [pytest.approx([0, expected])]


def test_losses_are_those_at_the_weights_moved(moons: Subject) -> None:
    found = lines(draw(moons, "landscape-1d:places=5,seed=3").axes[0])["random direction 1"]
    engine = moons.copied_engine()
    engine.params.flat.add_(random_direction(engine, 3), alpha=0.5)
    assert found[3].tolist() == pytest.approx([0.5, evaluate(engine, moons.data.train).loss])


def test_along_a_single_weight_there_is_one_direction(line: Subject) -> None:
    """As large as the weight, a direction can only be the weight itself or its opposite."""
    found = lines(draw(line, "landscape-1d:places=5").axes[0])
    assert list(found) == ["random direction 1", "the trained weights"]


def test_a_direction_is_as_large_as_the_weights_unit_by_unit(moons: Subject) -> None:
    """Li et al. 2018, section 4: |d_i| = |w_i| for each filter; biases stay where they are."""
    engine = moons.copied_engine()
    norms = {name: view.norm(dim=-1) for name, view in engine.named_parameters().items() if view.dim() > 1}
    engine.params.flat.copy_(random_direction(engine, 0))
    for name, view in engine.named_parameters().items():
        assert torch.allclose(view.norm(dim=-1), norms[name]) if name in norms else not view.any()


def test_the_network_itself_stays_where_it_is(moons: Subject) -> None:
    before = moons.engine.params.flat.clone()
    draw(moons, "landscape-1d:places=3")
    assert torch.equal(moons.engine.params.flat, before)


@pytest.mark.parametrize("kind", ["landscape-1d", "landscape-2d:directions=random"])
def test_around_weights_that_diverged_there_is_nothing_to_see(untrained: Subject, kind: str) -> None:
    engine = untrained.copied_engine()
    engine.params.flat.fill_(float("inf"))
    with pytest.raises(InputError, match="must be used with weights whose loss is finite, got a loss of nan"):
        draw(replace(untrained, engine=engine), kind)


def test_whether_it_can_be_drawn_is_asked_without_a_copy_of_the_network(
    untrained: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large network a copy costs a hundred times as much as its loss on a few rows."""
    monkeypatch.setattr(Subject, "copied_engine", None)
    assert "landscape-1d" in suited_kinds(untrained)
