"""The recipe for flattened images: what it settles, and where the pixels' mean and deviation come from."""

from typing import Any

import numpy as np
import pytest
import torch

import fivestep as fs
from fivestep.check import InputError
from fivestep.datasets._base import Rows
from fivestep.find import Choice
from fivestep.recipes._base import Facts, with_moments
from fivestep.recipes.image import Image
from tests.tolerances import FORMULA

FACTS = Facts(num_rows=60_000, num_features=784, num_outputs=10, target="classes")


def kinds(**settings: Any) -> list[str]:
    return [layer.name for layer in Image().prepare("mlp", settings, FACTS)[0].layers]


def test_the_network_begins_with_the_scale_of_the_pixels() -> None:
    hidden = ["linear", "batch_norm", "relu", "dropout"]
    assert kinds() == ["standardize", *hidden, *hidden, *hidden, "linear"]


def test_augmentation_comes_before_everything_else() -> None:
    assert kinds(augment="shift_and_flip:shift=1", hidden=(8,))[:2] == ["shift_and_flip", "standardize"]


@pytest.mark.parametrize("augment", ["dropout", "linear", "shift"])
def test_a_layer_that_augments_nothing_is_refused(augment: str) -> None:
    with pytest.raises(InputError, match=r"augment must be one of shift_and_flip, got"):
        kinds(augment=augment)


def test_a_setting_of_another_network_is_refused() -> None:
    with pytest.raises(InputError, match=r"recipe 'image' must be used with hidden, .* got 'frequencies'"):
        kinds(frequencies=3)


def test_augmentation_replaces_dropout() -> None:
    assert "dropout" in kinds()
    assert "dropout" not in kinds(augment="shift_and_flip")


def test_dropout_that_is_asked_for_stands_beside_augmentation() -> None:
    assert "dropout" in kinds(augment="shift_and_flip", dropout=0.2)


def test_what_is_given_counts() -> None:
    plan = Image().prepare("mlp", {"lr": 0.5, "epochs": 3, "optimizer": "sgd", "loss": "mse"}, FACTS)[1]
    assert (plan.lr, plan.epochs, plan.optimizer, plan.loss) == (0.5, 3, Choice("sgd"), Choice("mse"))


def test_a_batch_is_never_larger_than_the_rows() -> None:
    few = Facts(num_rows=40, num_features=784, num_outputs=10, target="classes")
    assert Image().prepare("mlp", {}, few)[1].batch_size == 40


def test_moments_of_bytes_are_those_of_the_numbers_they_stand_for() -> None:
    pixels = torch.randint(0, 256, (50, 9), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    rows = Rows(pixels, torch.zeros(50, dtype=torch.long), scale=1 / 255)
    expected = pixels.double() / 255
    assert rows.moments() == pytest.approx((float(expected.mean()), float(expected.std(correction=0))), rel=FORMULA)


def test_the_constants_of_the_rows_reach_the_first_layer() -> None:
    spec = with_moments(Image().prepare("mlp", {}, FACTS)[0], lambda: (0.25, 0.5))
    assert spec.layers[0] == Choice("standardize", mean=0.25, std=0.5)


def test_images_without_contrast_are_not_divided_by_zero() -> None:
    spec = with_moments(Image().prepare("mlp", {}, FACTS)[0], lambda: (0.25, 0.0))
    assert spec.layers[0] == Choice("standardize", mean=0.25, std=1.0)


def test_an_estimator_standardizes_by_its_training_rows() -> None:
    x = np.random.default_rng(0).uniform(2, 3, size=(60, 16))
    one = fs.MLPClassifier(
        recipe="image", hidden_layer_sizes=(4,), max_iter=1, augment="shift_and_flip", random_state=0
    )
    one.fit(x, np.arange(60) % 2)
    layer = one._network.engine.spec.layers[1]
    assert layer.options == pytest.approx({"mean": x.mean(), "std": x.std()}, rel=FORMULA)
