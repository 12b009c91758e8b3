"""The picture: calibration."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fivestep.check import InputError
from fivestep.net import MLP
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
from tests.pictures.tables import questions
from tests.plots.drawn import legend
from tests.samples import small_engine, small_plan


def test_every_answer_is_in_one_bin(iris: Subject) -> None:
    bars = draw(iris, "calibration:bins=5").axes[1].patches
    assert iris.data.test is not None
    assert sum(bar.get_height() for bar in bars) == len(iris.data.test)
    assert bars[0].get_x() == pytest.approx(1 / 3)


def test_shares_and_probabilities_are_those_of_the_rows(moons: Subject) -> None:
    rows = moons.data.test
    assert rows is not None
    p = torch.sigmoid(moons.engine.predict(rows.x.double()))[:, 0].numpy()
    sure, right = np.maximum(p, 1 - p), (p > 0.5) == (rows.y.numpy() > 0.5)
    axes = draw(moons, "calibration:bins=2").axes[0]
    high = sure >= 0.75
    expected = [[sure[~high].mean(), right[~high].mean()], [sure[high].mean(), right[high].mean()]]
    assert np.allclose(axes.collections[0].get_offsets(), expected)
    error = sum(part.mean() * abs(sure[part].mean() - right[part].mean()) for part in (high, ~high))
    assert legend(axes)[-1] == f"expected calibration error {error:.3f}"


def test_of_several_questions_one_is_drawn_by_its_name(tmp_path: Path) -> None:
    subject = questions(tmp_path)
    rows = subject.data.test
    assert rows is not None
    p = torch.sigmoid(subject.engine.predict(rows.x.double()))[:, 1].numpy()
    sure, right = np.maximum(p, 1 - p), (p > 0.5) == (rows.y[:, 1].numpy() > 0.5)
    axes = draw(subject, "calibration:bins=1,target=windy").axes[0]
    assert np.allclose(axes.collections[0].get_offsets(), [[sure.mean(), right.mean()]])
    with pytest.raises(InputError, match=r"or one of several as in calibration:target=wet, got several questions"):
        draw(subject, "calibration")


def test_a_loss_without_probabilities_is_refused(moons: Subject) -> None:
    engine = small_engine("scratch", small_plan(loss="hinge"), MLP(2, 3, 1))
    with pytest.raises(InputError, match="calibration must be used with a loss that gives probabilities, got hinge"):
        draw(Subject(engine, moons.data, moons.history), "calibration")
