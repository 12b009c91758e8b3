"""The options of `fivestep train` that say what is trained."""

import json
from pathlib import Path

import pytest

from fivestep.run import Run
from tests.cli.conftest import Command

QUICK = ("train", "digits", "--epochs", 1, "--out", "run")


def layers_of(fivestep: Command, *options: object) -> list[str]:
    assert fivestep(*QUICK, *options).code == 0
    return [str(choice) for choice in Run.load("run").spec.layers]


def test_several_settings_are_one_for_each_hidden_layer(fivestep: Command) -> None:
    hidden = ("--hidden", 8, 9, "--activation", "tanh", "gelu", "--norm", "batch_norm", "none", "--dropout", 0, 0.5)
    assert layers_of(fivestep, *hidden) == [
        *("linear:out_features=8,bias=false", "batch_norm", "tanh"),
        *("linear:out_features=9", "gelu", "dropout:p=0.5"),
        "linear",
    ]


@pytest.mark.parametrize("task", ["moons", "line"])
def test_every_task_can_be_trained_with_feed_forward_blocks(fivestep: Command, task: str) -> None:
    code, out, _ = fivestep("train", task, "--model", "feed-forward", "--hidden", 8, 8, "--epochs", 1, "--json")
    assert code == 0
    assert json.loads(out)["model"] == "feed-forward"


def test_the_recipe_for_images_holds_instead_of_the_reference_settings(fivestep: Command) -> None:
    first, *others = layers_of(fivestep, "--recipe", "image", "--hidden", 8)
    assert first.startswith("standardize:mean=")
    assert others == ["linear:out_features=8,bias=false", "batch_norm", "relu", "dropout:p=0.5", "linear"]
    assert Run.load("run").plan.optimizer.name == "adamw"


def test_a_run_that_augments_can_be_loaded_and_evaluated(fivestep: Command) -> None:
    layers = layers_of(fivestep, "--recipe", "image", "--hidden", 8, "--augment", "shift_and_flip:shift=1")
    assert layers[0] == "shift_and_flip:shift=1"
    assert fivestep("evaluate", "run").code == 0


@pytest.mark.parametrize("recipe", ["standard", "tabular", "sklearn"])
def test_another_recipe_keeps_only_what_the_rows_ask_for(fivestep: Command, recipe: str) -> None:
    assert fivestep("train", "moons", "--recipe", recipe, "--epochs", 1, "--out", "run").code == 0
    plan = Run.load("run").plan
    assert plan.loss.name == "binary_cross_entropy"
    assert plan.lr != 0.05  # the reference rate of the task


def test_residual_layers_are_those_as_wide_as_the_one_before(fivestep: Command) -> None:
    hidden = ("--hidden", 8, 8, 9, "--residual", "--norm", "none", "layer_norm", "none", "--dropout", 0.5, 0.5, 0)
    assert layers_of(fivestep, *hidden) == [
        *("linear:out_features=8", "relu", "dropout:p=0.5"),
        "residual:layers=('linear:out_features=8', 'layer_norm', 'relu', 'dropout:p=0.5')",
        *("linear:out_features=9", "relu"),
        "linear",
    ]


def test_a_file_can_be_trained_with_residual_layers(fivestep: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{n % 7},{n}.5\n" for n in range(40)))
    train = ("train", tmp_path / "t.csv", "--target", "b", "--epochs", 1, "--out", "run")
    assert fivestep(*train, "--residual", "--hidden", 4, 4).code == 0
    assert [choice.name for choice in Run.load("run").spec.layers].count("residual") == 1
    assert fivestep("evaluate", "run").code == 0


def test_residual_layers_need_a_width_that_comes_twice(fivestep: Command) -> None:
    code, _, err = fivestep(*QUICK, "--hidden", 8, 9, "--residual")
    assert code == 2
    assert "hidden with residual must be a width that comes twice in a row" in err


def test_a_run_of_gated_blocks_can_be_loaded_and_evaluated(fivestep: Command) -> None:
    layers_of(fivestep, "--model", "feed-forward", "--hidden", 8, "--gated", "--activation", "silu")
    assert fivestep("evaluate", "run").code == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--norm", "batchnorm"), "did you mean 'batch_norm'?"),
        (("--hidden", 8, 8, 8, "--activation", "relu", "tanh"), "one for each of the 3 hidden layers"),
        (("--norm", "batch_norm", "--batch-size", 538), "at least two rows in every training batch, got one"),
        (("--model", "feed-forward", "--hidden", 8, 9), "the same width for every block"),
        (("--model", "feed-forward", "--norm", "layer_norm"), "got 'norm'; leave it out"),
        (("--augment", "shift_and_flip"), "got 'augment'; leave it out"),
        (("--recipe", "image", "--augment", "shift"), "augment must be one of shift_and_flip, got 'shift'"),
        (("--gated",), "got 'gated'; leave it out"),
    ],
    ids=str,
)
def test_a_network_that_cannot_work_is_refused_in_one_sentence(
    fivestep: Command, options: tuple[object, ...], sentence: str
) -> None:
    code, out, err = fivestep(*QUICK, *options)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
