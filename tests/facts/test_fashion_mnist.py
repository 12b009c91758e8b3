"""Softmax regression against a multilayer perceptron on the real images, from five starts each."""

import numpy as np
import pytest

from fivestep.datasets._base import Dataset
from fivestep.evaluation import evaluate
from tests.facts.setup import prepare
from tests.real import load_or_skip


def final_scores(data: Dataset, model: str) -> np.ndarray:
    """Loss and accuracy on the test images after the reference recipe, for seeds 0 to 4: (5, 2)."""
    setups = [prepare("fashion-mnist", model, data, seed) for seed in range(5)]
    steps = [len(setup.losses()) for setup in setups]
    assert steps == [2350] * 5
    return np.array([evaluate(setup.engine, data.test)[:2] for setup in setups])


@pytest.mark.slow
def test_fashion_mnist_perceptron_beats_softmax_regression_over_five_seeds():
    data = load_or_skip("fashion-mnist")
    softmax, mlp = final_scores(data, "softmax"), final_scores(data, "mlp")
    assert (mlp[:, 0] < softmax[:, 0]).all()  # cross-entropy, for every seed
    assert mlp[:, 1].mean() > softmax[:, 1].mean()
    assert 0.82 < softmax[:, 1].mean() < 0.84 < mlp[:, 1].mean() < 0.86
