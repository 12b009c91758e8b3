"""The picture: calibration."""

import numpy as np
import pytest
import torch

from fivestep.check import InputError
from fivestep.net import MLP
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
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


def test_a_loss_without_probabilities_is_refused(moons: Subject) -> None:
    engine = small_engine("scratch", small_plan(loss="hinge"), MLP(2, 3, 1))
    with pytest.raises(InputError, match="calibration must be used with a loss that gives probabilities, got hinge"):
        draw(Subject(engine, moons.data, moons.history), "calibration")
