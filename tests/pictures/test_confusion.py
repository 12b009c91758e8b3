"""The picture: confusion."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

import fivestep as fs
from fivestep.check import InputError
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
from tests.pictures.tables import questions
from tests.plots.drawn import words


@pytest.mark.parametrize("fixture", ["moons", "iris"])
def test_counts_are_those_of_scikit_learn(fixture: str, request: pytest.FixtureRequest) -> None:
    subject: Subject = request.getfixturevalue(fixture)
    rows = subject.data.test
    assert rows is not None
    z = subject.engine.predict(rows.x.double())
    answers = z.argmax(1) if z.shape[1] > 1 else (z[:, 0] > 0)
    expected = confusion_matrix(rows.y, answers)
    share = np.asarray(draw(subject, "confusion").axes[0].images[0].get_array())
    assert np.allclose(share, expected / expected.sum(1, keepdims=True))
    assert words(draw(subject, "confusion").axes[0]) == [f"{count:,}" for count in expected.flatten() if count]


@pytest.mark.parametrize(("target", "place", "names"), [("wet", 0, ["dry", "wet"]), ("windy", 1, ["false", "true"])])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "hinge"])
def test_of_several_questions_one_is_drawn_by_its_name(
    tmp_path: Path, target: str, place: int, names: list[str], loss: str
) -> None:
    subject = questions(tmp_path, loss=loss)
    rows = subject.data.test
    assert rows is not None
    answers = subject.engine.predict(rows.x.double())[:, place] > 0
    expected = confusion_matrix(rows.y[:, place] > 0.5, answers)
    figure = draw(subject, f"confusion:target={target}")
    assert words(figure.axes[0]) == [f"{count:,}" for count in expected.flatten() if count]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == names
    assert figure.get_suptitle() == f"places, {target}: MLP 3-16-2, relu: test rows"


def test_of_several_questions_one_must_be_named(tmp_path: Path) -> None:
    subject = questions(tmp_path)
    sentence = "targets that are classes, or one of several as in confusion:target=wet, got several questions of yes or"
    with pytest.raises(InputError, match=sentence):
        draw(subject, "confusion")
    with pytest.raises(InputError, match=r"target must be one of wet, windy, got 'windi'; did you mean 'windy'\?"):
        draw(subject, "confusion:target=windi")


def test_a_target_of_rows_without_names_is_refused(moons: Subject) -> None:
    with pytest.raises(InputError, match="target must be left out where columns have no names, got 'upper'"):
        draw(moons, "confusion:target=upper")


def test_a_regression_has_none(line: Subject) -> None:
    with pytest.raises(
        InputError, match="confusion must be used with targets that are classes, got numbers; for this one"
    ):
        draw(line, "confusion")


def test_a_task_must_be_trained_first(untrained: Subject) -> None:
    sentence = r"confusion must be drawn from a run, got the untrained task 'moons'; run fivestep train moons first"
    with pytest.raises(InputError, match=sentence):
        draw(untrained, "confusion")


def test_a_run_that_broke_in_its_first_step_is_no_untrained_task(untrained: Subject) -> None:
    sentence = "got 'runs/moons-4', which ended before its first evaluation; fivestep diagnose runs/moons-4 says why"
    with pytest.raises(InputError, match=f"confusion must be drawn from a run, {sentence}"):
        draw(replace(untrained, name="runs/moons-4"), "confusion")


def test_no_training_is_recommended_for_a_picture_that_would_still_not_apply() -> None:
    with pytest.raises(InputError, match="confusion must be used with targets that are classes, got numbers"):
        fs.plot("line", "confusion")
