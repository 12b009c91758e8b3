"""Pictures of clothes: the data set on which most people train their first multilayer perceptron."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from ._base import Dataset, Rows, Task
from ._fetched.fetch import FileSet, fetch
from ._fetched.idx import read_idx

_FILES = FileSet(
    name="fashion-mnist",
    digests={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    site="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    package="dataset-fashion-mnist",
    package_folder=Path("/usr/share/datasets/fashion-mnist"),
)

_CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@final
class FashionMnist(Task):
    """The official parts: 60,000 gray images of 28 x 28 pixels to train on, 10,000 to test, stored as bytes.

    There is no validation part until one is split off. Source: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747.
    """

    description = "clothes on 28 x 28 pixels, ten classes, 70,000 rows"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mlp": {"hidden": (256,), "activation": "relu"},
        "softmax": {},
    }
    settings: ClassVar[Mapping[str, Any]] = {
        "init": "normal",
        "loss": "cross_entropy",
        "optimizer": "sgd",
        "lr": 0.1,
        "batch_size": 256,
        "epochs": 10,
    }
    has_files: ClassVar[bool] = True

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        contents = fetch(_FILES, data_dir)
        arrays = {name: read_idx(content, name) for name, content in contents.items()}
        return Dataset(
            _rows(arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"]),
            test=_rows(arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"]),
            num_outputs=10,
            name="fashion-mnist",
            class_names=_CLASS_NAMES,
        )


def _rows(images: "np.ndarray", labels: "np.ndarray") -> Rows:
    return Rows(images.reshape(len(images), -1), labels.astype(np.int64), scale=1 / 255)
