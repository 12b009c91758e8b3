"""Several columns that are predicted together."""

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from fivestep.check import InputError
from fivestep.table.encoder import Encoder
from fivestep.table.kinds import kinds_of
from fivestep.table.targets import NO_TARGETS, TargetColumns, fit_targets
from tests.tolerances import FORMULA

FRAME = pl.DataFrame(
    {
        "price": [1.5, 2.5, 4.0, 8.0, 3.5] * 4,
        "area": [10.5, -3.0, 7.0, 700.0, 3.0] * 4,
        "wet": ["yes", "no", "no", "yes", "no"] * 4,
        "windy": [True, True, False, True, False] * 4,
        "kind": ["a", "b", "c", "a", "b"] * 4,
        "rooms": [1, 2, 3, 4, 5] * 4,
    }
)


def test_each_number_is_on_the_scale_of_its_own_column() -> None:
    names = ["price", "area"]
    train = pl.Series(range(3, 20))
    found = fit_targets(FRAME, names).scaled_to(FRAME, train)
    scaler = StandardScaler().fit(FRAME[train][names].to_numpy())
    assert found.encode(FRAME).numpy() == pytest.approx(scaler.transform(FRAME[names].to_numpy()), rel=FORMULA)
    assert found.moments is not None
    assert found.moments[0].numpy() == pytest.approx(scaler.mean_, rel=FORMULA)
    assert found.moments[1].numpy() == pytest.approx(scaler.scale_, rel=FORMULA)


def test_classes_of_several_columns_are_0_and_1_beside_each_other() -> None:
    found = fit_targets(FRAME, ["wet", "windy"])
    assert found.encode(FRAME)[:3].tolist() == [[1, 1], [0, 1], [0, 0]]
    assert (found.num_outputs, found.class_names, found.moments) == (2, (), None)


@pytest.mark.parametrize("name", ["price", "kind"])
def test_one_column_is_as_it_is_by_itself(name: str) -> None:
    found = fit_targets(FRAME, [name])
    (alone,) = found.columns
    assert torch.equal(found.encode(FRAME), alone.encode(FRAME[name]))
    assert found.num_outputs == alone.num_outputs


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["price", "kind"], r"'price' \(numbers\), 'kind' \(3 classes\)"),
        (["wet", "area", "price"], r"'wet' \(2 classes\), 'price' \(numbers\)"),
        (["kind", "rooms"], r"'kind' \(3 classes\), 'rooms' \(5 classes\)"),
    ],
)
def test_columns_that_one_network_cannot_learn_are_refused(names: list[str], found: str) -> None:
    expected = (
        rf"^several targets must be all numbers, or all of two classes, got {found}; train a run for each, or say"
    )
    with pytest.raises(InputError, match=expected):
        fit_targets(FRAME, names)


def test_whole_numbers_are_numbers_where_that_is_said() -> None:
    assert not fit_targets(FRAME, ["price", "rooms"], "regression").are_classes


def test_a_value_that_is_no_number_is_named_with_its_row() -> None:
    found = fit_targets(FRAME, ["price", "area"])
    wrong = FRAME.with_columns(area=pl.when(pl.int_range(20) == 6).then(np.inf).otherwise("area"))
    with pytest.raises(InputError, match=r"^target 'area' must hold finite numbers .* in row 107;"):
        found.encode(wrong, first_row=101)


@pytest.mark.parametrize("names", [["price", "area"], ["wet", "windy"], ["kind"], []])
def test_a_file_holds_them(names: list[str]) -> None:
    inputs = FRAME.select("rooms")
    encoder = Encoder.fit(inputs, kinds_of(inputs), fit_targets(FRAME, names) if names else NO_TARGETS)
    assert Encoder.from_file(encoder.tensors(), encoder.metadata()).targets == encoder.targets


@pytest.mark.parametrize(
    ("told", "targets"),
    [
        ('{"task": "classification", "name": "wet", "classes": ["no", "yes"]}', fit_targets(FRAME, ["wet"])),
        ("null", TargetColumns()),
    ],
)
def test_a_file_from_before_there_could_be_several_is_read(told: str, targets: TargetColumns) -> None:
    inputs = FRAME.select("rooms")
    encoder = Encoder.fit(inputs, kinds_of(inputs))
    metadata = {name: text.replace('"targets": []', f'"target": {told}') for name, text in encoder.metadata().items()}
    assert metadata != encoder.metadata()
    assert Encoder.from_file(encoder.tensors(), metadata).targets == targets
