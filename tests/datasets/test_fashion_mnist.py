"""The task `fashion-mnist`, on small files, and once on the real ones."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fivestep.datasets import fashion_mnist
from fivestep.datasets._fetched.fetch import FileSet
from fivestep.datasets._load import load_dataset
from fivestep.find import find
from tests.datasets.small import CONTENTS, write_files
from tests.real import load_or_skip


@pytest.fixture
def folder(files: FileSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the four files, small ones, which the task takes for the real ones."""
    own_names = {"train-images-idx3-ubyte": "images", "train-labels-idx1-ubyte": "labels"}
    own_names |= {"t10k-images-idx3-ubyte": "images", "t10k-labels-idx1-ubyte": "labels"}
    digests = {name: files.digests[own] for name, own in own_names.items()}
    monkeypatch.setattr(fashion_mnist, "_FILES", replace(files, digests=digests))
    folder = write_files(tmp_path / "mine", compressed=False)
    for name, own in own_names.items():
        (folder / name).write_bytes(CONTENTS[own])
    return folder


def test_fashion_mnist_keeps_bytes_and_flattens_images(folder: Path):
    train = load_dataset("fashion-mnist", data_dir=folder).train
    assert (train.stored.dtype, train.stored.shape) == (torch.uint8, (40, 25))
    assert train.stored.flatten().tolist() == list(CONTENTS["images"][16:])


def test_fashion_mnist_has_pixels_between_0_and_1_and_whole_labels(folder: Path):
    train = load_dataset("fashion-mnist", data_dir=str(folder)).train
    assert train.x.max() == pytest.approx(249 / 255)
    assert train.y.dtype == torch.int64
    assert train.y.tolist() == [k % 10 for k in range(40)]


def test_fashion_mnist_has_no_validation_part_of_its_own(folder: Path):
    data = load_dataset("fashion-mnist", data_dir=folder)
    assert data.valid is None
    assert len(data.test) == 40


def test_fashion_mnist_reference_network_has_203530_parameters():
    task = find("datasets", "fashion-mnist")
    spec, _ = find("recipes", "plain")().prepare("mlp", {**task.settings, **task.models["mlp"]})
    assert spec.sized(784, 10).num_parameters == 784 * 256 + 256 + 256 * 10 + 10 == 203_530


@pytest.mark.slow
def test_fashion_mnist_real_files_have_the_published_statistics():
    data = load_or_skip("fashion-mnist")
    x = data.train.x
    assert (x.shape, data.test.x.shape, data.in_features) == ((60_000, 784), (10_000, 784), 784)
    assert (round(x.mean().item(), 4), round(x.std().item(), 4)) == (0.2860, 0.3530)  # as in many a Normalize(...)
    assert data.train.y.bincount().tolist() == [6000] * 10
    assert data.test.y.bincount().tolist() == [1000] * 10
    assert [data.class_names[y] for y in data.train.y[:4]] == ["Ankle boot", "T-shirt/top", "T-shirt/top", "Dress"]
