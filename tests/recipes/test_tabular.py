"""The recipe for tables: what it settles, by rows, columns and target, and that what is given counts."""

import math
from dataclasses import replace
from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.find import Choice
from fivestep.recipes._base import Facts, with_numbers
from fivestep.recipes.standard import TOO_FEW_TO_DROP, Standard
from fivestep.recipes.tabular import FEW_ROWS, MOST_NUMBERS, Tabular


def facts(num_rows: int = 5000, num_features: int = 4) -> Facts:
    return Facts(num_rows, num_features, num_outputs=3, target="classes")


def kinds(settings: dict[str, Any], **of_rows: int) -> list[str]:
    return [layer.name for layer in Tabular().prepare("mlp", settings, facts(**of_rows))[0].layers]


def test_the_network_of_realmlp() -> None:
    hidden = ["ntk_linear", "parametric", "dropout"]
    assert kinds({}) == ["percentiles", "periodic", "scale", *hidden, *hidden, *hidden, "ntk_linear"]


def test_its_rates_are_those_of_the_paper() -> None:
    """Table A.1: 0.04 for classes and 0.2 for numbers; times 6 for the scale, 0.1 for embeddings, slopes and biases."""
    classes, numbers = (Tabular().prepare("mlp", {"loss": loss}, facts())[1] for loss in ("cross_entropy", "mse"))
    assert (classes.lr, numbers.lr) == (0.04, 0.2)
    assert classes.lr_factors == {"scale": 6, "periodic": 0.1, "parametric": 0.1, "bias": 0.1}
    assert classes.optimizer == Choice("adamw", betas=(0.9, 0.95))
    assert (classes.weight_decay, classes.no_decay) == (0.02, ("bias",))
    assert (classes.schedule, classes.epochs, classes.batch_size) == (Choice("coslog4"), 128, 256)


@pytest.mark.parametrize(("num_rows", "smoothing"), [(FEW_ROWS, 0.1), (FEW_ROWS - 1, 0.05), (TOO_FEW_TO_DROP, 0.05)])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_labels_are_smoothed_and_get_a_temperature(loss: str, num_rows: int, smoothing: float) -> None:
    plan = Tabular().prepare("mlp", {"loss": loss}, facts(num_rows))[1]
    assert plan.loss == Choice(loss, label_smoothing=smoothing)
    assert plan.temperature_scaling


@pytest.mark.parametrize("num_rows", [FEW_ROWS, FEW_ROWS - 1])
@pytest.mark.parametrize("loss", ["cross_entropy:label_smoothing=0.1", "binary_cross_entropy:pos_weight=2.0", "mse"])
def test_a_loss_with_options_of_its_own_and_one_of_numbers_stay_as_they_are(loss: str, num_rows: int) -> None:
    plan = Tabular().prepare("mlp", {"loss": loss}, facts(num_rows))[1]
    assert plan.loss == Choice.parse(loss)
    assert not plan.temperature_scaling


def test_activations_are_selu_for_classes_and_mish_for_numbers() -> None:
    for_target = {
        loss: Tabular().prepare("mlp", {"loss": loss}, facts())[0].layers[4].options["activation"]
        for loss in ("cross_entropy", "mse")
    }
    assert for_target == {"cross_entropy": "selu", "mse": "mish"}


def test_what_is_given_counts() -> None:
    given: dict[str, Any] = {"lr": 0.5, "epochs": 3, "hidden": (7,), "batch_size": None, "activation": "relu"}
    spec, plan = Tabular().prepare("mlp", {**given, "dropout": 0.3, "norm": "layer_norm"}, facts())
    assert (plan.lr, plan.epochs, plan.batch_size) == (0.5, 3, None)
    assert spec.layers[3:-1] == (
        Choice("ntk_linear", out_features=7),
        Choice("layer_norm"),
        Choice("parametric", activation="relu"),
        Choice("dropout", p=0.3),
    )


def test_with_another_optimizer_the_network_is_an_ordinary_one() -> None:
    given = {"optimizer": "sgd", "dropout": 0.3}
    assert Tabular().prepare("mlp", given, facts()) == Standard().prepare("mlp", given, facts())


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("mlp", {"optimizer": "sgd"}),
        ("mlp", {"init": "kaiming"}),
        ("mlp", {"loss": "poisson"}),
        ("linear", {}),
    ],
)
def test_what_is_handed_over_stops_as_the_standard_recipe_too(model: str, given: dict[str, Any]) -> None:
    rows = facts(num_rows=5000)
    assert Tabular().prepare(model, given, rows) == Standard().prepare(model, given, rows)
    assert Tabular().preparation(model, given, rows) == Standard().preparation(model, given, rows)
    assert Tabular().preparation("mlp", {}, rows) != Standard().preparation("mlp", {}, rows)


@pytest.mark.parametrize("loss", ["hinge", "binary_cross_entropy", "cross_entropy"])
def test_a_loss_for_classes_has_the_settings_for_classes(loss: str) -> None:
    spec, plan = Tabular().prepare("mlp", {"loss": loss}, facts())
    assert (plan.lr, spec.layers[4]) == (0.04, Choice("parametric", activation="selu"))
    assert getattr(plan.build_loss(), "label_smoothing", None) == (None if loss == "hinge" else 0.1)


def test_adamw_by_name_is_the_recipes_adamw() -> None:
    given = [Tabular().prepare("mlp", settings, facts())[1] for settings in ({}, {"optimizer": "adamw"})]
    assert given[0] == given[1]
    other = Tabular().prepare("mlp", {"optimizer": "adamw:weight_decay=0.5"}, facts())[1]
    assert (other.build_optimizer().weight_decay, other.build_optimizer().betas) == (0.5, (0.9, 0.95))


def test_categories_of_many_levels_are_embedded_first() -> None:
    spec = Tabular().prepare("mlp", {"num_codes": (12, 40)}, facts())[0]
    assert spec.layers[0] == Choice("embed_columns", num_embeddings=(12, 40))


def test_few_rows_get_the_standard_settings_in_small_steps_with_percentiles_and_waves_of_their_numbers() -> None:
    spec, plan = Tabular().prepare("mlp", {}, facts(num_rows=FEW_ROWS - 1))
    standard = Standard().prepare("mlp", {}, facts(num_rows=FEW_ROWS - 1))
    smoothed = Choice("cross_entropy", label_smoothing=0.05)
    assert plan == replace(standard[1], batch_size=32, loss=smoothed, temperature_scaling=True)
    assert spec.layers == (Choice("percentiles"), Choice("periodic"), *standard[0].layers)
    assert Tabular().prepare("mlp", {}, facts(num_rows=FEW_ROWS))[0].title == "MLP for tables"


@pytest.mark.parametrize("batch_size", [50, None])
def test_a_batch_size_that_is_given_counts_for_few_rows_too(batch_size: int | None) -> None:
    assert Tabular().prepare("mlp", {"batch_size": batch_size}, facts(num_rows=300))[1].batch_size == batch_size


def test_what_is_made_of_numbers_comes_after_the_embedding_of_categories() -> None:
    layers = Tabular().prepare("mlp", {"num_codes": (12, 40)}, facts(num_rows=300))[0].layers
    assert [layer.name for layer in layers[:4]] == ["embed_columns", "percentiles", "periodic", "linear"]


def test_very_few_rows_are_for_the_standard_recipe() -> None:
    """Every draw would show in them: a row of weight 2 would not be two rows."""
    few = facts(num_rows=TOO_FEW_TO_DROP - 1)
    assert Tabular().prepare("mlp", {}, few) == Standard().prepare("mlp", {}, few)
    assert Tabular().preparation("mlp", {}, few) == Standard().preparation("mlp", {}, few)


@pytest.mark.parametrize(
    ("num_rows", "folds", "share"), [(99, None, None), (100, 5, 0.2), (999, 5, 0.2), (1000, None, 0.2)]
)
def test_a_fifth_is_set_aside_in_turn_of_a_hundred_to_a_thousand_rows(
    num_rows: int, folds: int | None, share: float | None
) -> None:
    prepared = Tabular().preparation("mlp", {"loss": "mse"}, facts(num_rows=num_rows))
    assert (prepared.folds, prepared.valid_fraction) == (folds, share)


@pytest.mark.parametrize(("num_rows", "is_its_own"), [(FEW_ROWS - 1, False), (FEW_ROWS, True)])
def test_network_and_stopping_go_by_the_same_rows(num_rows: int, is_its_own: bool) -> None:
    """What waits for an epoch with less loss is the standard one; RealMLP's schedule is followed to its end."""
    rows = facts(num_rows=num_rows)
    assert (Tabular().prepare("mlp", {}, rows)[0].title == "MLP for tables") == is_its_own
    assert (Tabular().preparation("mlp", {}, rows).patience == math.inf) == is_its_own


def test_a_rate_for_ordinary_layers_is_a_warning() -> None:
    with pytest.warns(
        UserWarning, match=r"usually 0\.04 for classes and 0\.2 for numbers, .* got 0\.001; try 0\.016, or"
    ):
        Tabular().prepare("mlp", {"lr": 0.001}, facts())


def test_very_many_numbers_are_taken_as_they_are() -> None:
    plan = Tabular().prepare("mlp", {}, facts(num_features=MOST_NUMBERS + 1))[1]
    assert "periodic" not in kinds({}, num_features=MOST_NUMBERS + 1)
    assert "periodic" not in plan.lr_factors


def test_the_layers_for_numbers_get_their_columns_when_they_are_known() -> None:
    """`percentiles` puts two before the row: the numbers at 0 and 3 are then at 2 and 5."""
    spec, plan = with_numbers(*Tabular().prepare("mlp", {}, facts()), (0, 3))
    assert "periodic" in plan.lr_factors
    assert spec.layers[:2] == (Choice("percentiles", columns=(0, 3)), Choice("periodic", columns=(0, 1, 2, 5)))


def test_without_numbers_their_embedding_is_left_out() -> None:
    spec, plan = with_numbers(*Tabular().prepare("mlp", {}, facts()), ())
    assert "periodic" not in plan.lr_factors
    assert spec.layers[0] == Choice("scale")


def test_other_models_have_the_standard_settings() -> None:
    assert [layer.name for layer in Tabular().prepare("softmax", {}, facts())[0].layers] == ["linear"]


def test_a_setting_that_it_does_not_have_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"recipe 'tabular' must be used with hidden, .* got 'augment'; leave it out, or"
    ):
        Tabular().prepare("mlp", {"augment": "shift_and_flip"}, facts())


@pytest.mark.parametrize("given", [{"init": "kaiming"}, {"loss": "poisson"}, {"optimizer": "muon"}], ids=str)
def test_what_its_layers_are_not_made_for_has_the_standard_settings(given: dict[str, Any]) -> None:
    assert Tabular().prepare("mlp", given, facts()) == Standard().prepare("mlp", given, facts())
