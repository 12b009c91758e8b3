"""The picture: confusion."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

import fivestep as fs
from fivestep.check import InputError
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
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
    sentence = "got 'runs/moons-4', whose weights are those of its start; fivestep diagnose runs/moons-4 says why"
    with pytest.raises(InputError, match=f"confusion must be drawn from a run, {sentence}"):
        draw(replace(untrained, name="runs/moons-4"), "confusion")


def test_no_training_is_recommended_for_a_picture_that_would_still_not_apply() -> None:
    with pytest.raises(InputError, match="confusion must be used with targets that are classes, got numbers"):
        fs.plot("line", "confusion")
