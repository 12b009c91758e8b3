"""How many outputs a network needs, where only the targets say so."""

from pathlib import Path

import pytest
import torch

import fivestep as fs
from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.find import build

X = torch.linspace(-1, 1, 12).view(6, 2)


def outputs(y: torch.Tensor, loss: str, **parts: Rows) -> int:
    return Dataset(Rows(X, y), **parts).outputs_for(build("losses", loss))


@pytest.mark.parametrize(
    ("y", "loss", "width"),
    [
        (torch.tensor([0, 1, 0, 1, 1, 0]), "cross_entropy", 2),
        (torch.tensor([0, 1, 2, 1, 1, 0]).to(torch.uint8), "cross_entropy", 3),
        (torch.tensor([0, 1, 0, 1, 1, 0]).bool(), "cross_entropy", 2),
        (torch.tensor([[0], [1], [0], [1], [3], [0]]), "cross_entropy", 4),
        (torch.tensor([0, 1, 0, 1, 1, 0]), "binary_cross_entropy", 1),
        (torch.tensor([[0, 1, 1]] * 6), "binary_cross_entropy", 3),
        (torch.tensor([100_000, 7, 5, 1, 1, 0]), "mse", 1),
        (torch.linspace(0, 1, 6), "mse", 1),
        (torch.rand(6, 4), "mse", 4),
        (torch.rand(6, 4), "gaussian_nll", 8),
    ],
)
def test_the_targets_and_the_loss_say_how_many_outputs_a_network_needs(y: torch.Tensor, loss: str, width: int):
    assert outputs(y, loss) == width


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float32])
def test_one_hot_targets_are_told_their_labels_whatever_their_type(dtype: torch.dtype, tmp_path: Path):
    data = Dataset(Rows(X, torch.eye(3)[[0, 1, 2, 0, 1, 2]].to(dtype)))
    with pytest.raises(InputError, match=r"train y must hold .* class label.*; take y\.argmax\(-1\)"):
        fs.fit(fs.MLP(2, 8, 3), data, fs.TrainPlan(), "scratch", out=tmp_path / "run")


def test_the_labels_of_tokens_are_no_one_hot_targets():
    tokens, y = torch.zeros(4, 3, dtype=torch.int64), torch.tensor([[0, 1, 4]] * 4)
    for_ids = Dataset(Rows(tokens, y)).outputs_for(build("losses", "cross_entropy"))
    for_rows = Dataset(Rows(torch.zeros(4, 3, 7), y)).outputs_for(build("losses", "cross_entropy"))
    assert for_ids == for_rows == 5


def test_a_class_that_only_a_later_part_has_counts():
    held_out = Rows(X, [0, 1, 2, 3, 0, 0])
    assert outputs(torch.tensor([0, 1, 0, 1, 1, 0]), "cross_entropy", valid=held_out) == 4


def test_the_natural_first_call_trains_on_all_classes(tmp_path: Path):
    y = (X[:, 0] > 0).long()
    plan = fs.TrainPlan(batch_size=None, epochs=200, lr=1.0)
    run = fs.fit(fs.MLP(None, 8, None), Dataset(Rows(X, y)), plan, "scratch", out=tmp_path / "run")
    assert (run.spec.out_features, run.history[-1].train_accuracy) == (2, 1.0)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0] * 6, "y must hold at least two classes, 0 and 1, got none above 0; give num_outputs if others exist"),
        (
            [0, 1, 2, 3, 4, 250_000],
            "y must hold class labels from 0 on for a loss of classes, got 250000 among 6; use mse",
        ),
        (
            [-1, 0, 1, 1, 0, -1],
            "y must hold class labels from 0 on for a loss of classes, got -1 to 1; count labels from 0",
        ),
    ],
)
def test_targets_that_are_no_classes_are_refused_and_num_outputs_is_named(y: list[int], message: str):
    with pytest.raises(InputError, match=message):
        outputs(torch.tensor(y), "cross_entropy")


def test_a_number_of_outputs_that_is_given_is_kept():
    assert Dataset(Rows(X, [0] * 6), num_outputs=3).outputs_for(build("losses", "cross_entropy")) == 3


@pytest.mark.parametrize("given", [0, 1.5, "two"])
def test_a_number_of_outputs_that_is_none_is_refused(given: object):
    with pytest.raises(InputError, match="num_outputs must be a whole number of at least 1"):
        Dataset(Rows(X, [0] * 6), num_outputs=given)  # type: ignore[arg-type]
