"""The picture: side by side."""

from dataclasses import replace

import pytest

from fivestep.check import InputError
from fivestep.pictures._base import Subject
from fivestep.pictures._plot import draw as draw_all
from tests.plots.drawn import legend


def test_runs_are_named_by_their_models(moons: Subject, moons_by_sgd: Subject) -> None:
    figure = draw_all([moons, moons_by_sgd], "side-by-side")
    assert legend(figure.axes[0]) == ["MLP 2-8-1, tanh", "linear model 2-1"]
    assert figure.axes[3].get_title().startswith(f"linear model 2-1\nloss {moons_by_sgd.history[-1].train_loss:.3f}")


def test_runs_of_one_model_are_named_by_their_folders_and_the_title_names_the_model(moons: Subject) -> None:
    figure = draw_all([moons, replace(moons, name="somewhere/far/away/moons-2")], "side-by-side")
    assert legend(figure.axes[0]) == ["moons-1", "moons-2"]
    assert figure.get_suptitle() == "moons: MLP 2-8-1, tanh"


def test_two_of_three_runs_with_one_model_have_their_folders_before_it(moons: Subject, moons_by_sgd: Subject) -> None:
    figure = draw_all([moons, replace(moons, name="runs/moons-2"), moons_by_sgd], "side-by-side")
    expected = ["moons-1 (MLP 2-8-1, tanh)", "moons-2 (MLP 2-8-1, tanh)", "linear model 2-1"]
    assert legend(figure.axes[0]) == expected


def test_many_features_have_curves_only(iris: Subject) -> None:
    assert len(draw_all([iris, replace(iris, name="other")], "side-by-side").axes) == 2


def test_runs_on_different_tasks_are_refused(moons: Subject, iris: Subject) -> None:
    with pytest.raises(InputError, match="side-by-side must be used with runs on one task, got runs on iris, moons"):
        draw_all([moons, iris], "side-by-side")


def test_another_picture_takes_one_run(moons: Subject, iris: Subject) -> None:
    with pytest.raises(InputError, match="the picture of several runs must be 'side-by-side', got 'curves'"):
        draw_all([moons, iris], "curves")
