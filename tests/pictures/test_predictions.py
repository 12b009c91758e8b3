"""The picture: predictions."""

import shlex
from pathlib import Path

import numpy as np
import pytest

from fivestep.check import InputError
from fivestep.evaluation import evaluate
from fivestep.find import Choice
from fivestep.net import MLP
from fivestep.pictures._base import Subject, of_target_in_shell
from fivestep.table.target import NumberTarget
from tests.pictures.conftest import draw, trained
from tests.pictures.tables import houses
from tests.plots.drawn import labels, legend


def test_points_are_held_out_rows_in_the_units_of_the_table(tmp_path: Path) -> None:
    subject = houses(tmp_path)
    axes = draw(subject, "predictions").axes[0]
    true, predicted = np.asarray(axes.collections[0].get_offsets()).T
    assert subject.data.test is not None
    assert len(true) == len(subject.data.test)
    assert 50_000 <= true.min() < true.max() <= 180_000
    assert labels(axes) == ("true price", "predicted price")
    r2 = evaluate(subject.engine, subject.data.test, ("r2",)).metrics["r2"]
    assert legend(axes)[1].endswith(f"R² {r2:.3f}")
    assert np.corrcoef(true, predicted)[0, 1] > 0.9


def test_of_quantiles_the_middle_one_is_shown() -> None:
    plan = {"loss": "quantile:levels=(0.1,0.5,0.9)", "optimizer": "adam", "lr": 0.02, "batch_size": 32, "epochs": 2}
    subject = trained("diabetes", MLP(None, 4, None), **plan)
    _, rows = subject.held_out()
    assert subject.data.encoder is not None
    assert isinstance(subject.data.encoder.targets.columns[0], NumberTarget)
    expected = subject.data.encoder.targets.columns[0].decode(subject.engine.predict(rows.x.double())[:, 1]).numpy()
    shown = np.asarray(draw(subject, "predictions").axes[0].collections[0].get_offsets())[:, 1]
    np.testing.assert_array_equal(shown, expected)


def test_of_several_targets_one_is_drawn_by_its_name(tmp_path: Path) -> None:
    subject = houses(tmp_path, ("price", "area"))
    axes = draw(subject, "predictions:target=area").axes[0]
    true, _ = np.asarray(axes.collections[0].get_offsets()).T
    assert 50 <= true.min() < true.max() <= 150
    assert labels(axes) == ("true area", "predicted area")
    with pytest.raises(InputError, match=r"one of several as in predictions:target=price, got 2 numbers; for"):
        draw(subject, "predictions")
    with pytest.raises(InputError, match=r"target must be one of price, area, got 'aera'; did you mean 'area'\?"):
        draw(subject, "predictions:target=aera")


@pytest.mark.parametrize("target", ["the price", "a, b", "it's", "price"])
def test_the_picture_of_one_target_is_one_word_of_the_command_line(target: str) -> None:
    (word,) = shlex.split(of_target_in_shell("predictions", target))
    assert Choice.parse(word) == Choice("predictions", target=target)


def test_classes_are_refused(iris: Subject) -> None:
    with pytest.raises(InputError, match="predictions must be used with targets that are numbers, got classes; for"):
        draw(iris, "predictions")
