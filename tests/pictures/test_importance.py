"""The picture: importance."""

from pathlib import Path

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Rows
from fivestep.evaluation import evaluate
from fivestep.pictures._base import Subject
from fivestep.pictures.importance import Importance
from tests.pictures.conftest import draw
from tests.pictures.tables import houses

FIRST = "sepal length (cm)"


def named(subject: Subject, kind: str = "importance") -> dict[str, float]:
    axes = draw(subject, kind).axes[0]
    words = [label.get_text() for label in axes.get_yticklabels()]
    return dict(zip(words, [bar.get_width() for bar in axes.patches], strict=True))


def test_columns_stand_in_the_order_of_what_they_tell(tmp_path: Path) -> None:
    subject = houses(tmp_path)
    found = named(subject)
    assert list(found) == ["area", "city", "noise"]  # city is one column, although it is four numbers
    assert found["area"] > found["city"] > 0
    assert abs(found["noise"]) < 0.1 * found["city"]
    assert list(named(subject, "importance:most=1")) == ["area"]


def test_a_bar_is_the_mean_growth_of_the_loss(iris: Subject) -> None:
    rows = iris.data.test
    assert rows is not None
    generator, plain = torch.Generator().manual_seed(0), evaluate(iris.engine, rows).loss
    growths = []
    for _ in range(2):
        x = rows.x.clone()
        x[:, 0] = rows.x[torch.randperm(len(rows), generator=generator), 0]
        growths.append(evaluate(iris.engine, Rows(x, rows.y)).loss - plain)
    assert named(iris, "importance:repeats=2")[FIRST] == pytest.approx(sum(growths) / 2)


def test_its_numbers_are_those_of_the_bars(iris: Subject) -> None:
    found = Importance(repeats=2).numbers(iris)
    assert {name: of["mean"] for name, of in found.items()} == named(iris, "importance:repeats=2")
    (whiskers,) = (lines.get_segments() for lines in draw(iris, "importance:repeats=2").axes[0].collections)
    halves = [(right - left) / 2 for (left, _), (right, _) in whiskers]
    assert [of["deviation"] for of in found.values()] == pytest.approx(halves)


def test_the_same_picture_comes_again(iris: Subject) -> None:
    assert named(iris) == named(iris)


def test_images_and_single_columns_are_refused(digits: Subject, line: Subject) -> None:
    with pytest.raises(InputError, match="importance must be used with columns that are not pixels, got images; for"):
        draw(digits, "importance")
    with pytest.raises(InputError, match="importance must be used with 2 to 1,000 columns, got 1; for"):
        draw(line, "importance")
