"""Gradients derived by hand against those of JAX, a second automatic differentiation with its own formulas."""

import functools
import importlib.util
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from tests.samples import FIVE_STEP_ENGINES, numbers, small_engine, stream
from tests.tolerances import FORMULA, distance, worst

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("jax") is None, reason="jax is not installed; it comes with the extra 'dev'"
    ),
]

HIDDEN = ("relu", "tanh", "sigmoid", "gelu", "gelu_tanh", "silu", "softplus", "elu", "selu", "mish")
LOSSES = ("mse", "mae", "cross_entropy", "binary_cross_entropy", "poisson")
NUM_ROWS, INPUTS, WIDTH, OUTPUTS = 9, 5, 6, 3
CASES = {
    **{name: (("linear", name, "linear", name, "linear"), "cross_entropy") for name in HIDDEN},
    **{name: (("linear", "tanh", "linear"), name) for name in LOSSES},
    "layer_norm": (("linear", "layer_norm", "gelu", "linear"), "mse"),
    "batch_norm": (("linear", "batch_norm", "tanh", "linear"), "mse"),
    "softmax regression": (("linear",), "cross_entropy"),
}


def spec_of(layers: tuple[str, ...]) -> NetSpec:
    """With a bias in each linear layer, but before batch normalization, where its gradient would be noise."""
    choices = [Choice(name) for name in layers]
    for k, (name, following) in enumerate(pairwise(layers)):
        if name == "linear":
            without = {"bias": False} if following == "batch_norm" else {}
            choices[k] = Choice(name, out_features=WIDTH, **without)
    return NetSpec(tuple(choices), INPUTS, OUTPUTS)


def batch_of(loss: str) -> tuple[Tensor, Tensor]:
    """Rows, and targets that suit the loss."""
    shape = (NUM_ROWS, OUTPUTS)
    targets = {
        "cross_entropy": torch.randint(0, OUTPUTS, (NUM_ROWS,), generator=stream(1)),
        "binary_cross_entropy": torch.randint(0, 2, shape, generator=stream(1)).double(),
        "poisson": torch.randint(0, 4, shape, generator=stream(1)).double(),
    }
    return numbers(NUM_ROWS, INPUTS), targets.get(loss, numbers(*shape, seed=2))


def weights_of(layers: tuple[str, ...]) -> dict[str, Tensor]:
    """Random ones, for scales and shifts too, which begin as 1 and 0."""
    engine = small_engine("nn", TrainPlan(loss="mse", batch_size=None), spec_of(layers))
    own = engine.params.named_with_buffers()
    trained = engine.named_parameters()
    return {k: numbers(*v.shape, seed=n) / 2 if k in trained else v.clone() for n, (k, v) in enumerate(own.items())}


@functools.cache
def by_jax() -> dict[str, np.ndarray]:
    """Loss and gradients of every case, by one process."""
    arrays: dict[str, np.ndarray] = {}
    for name, (layers, loss) in CASES.items():
        x, y = batch_of(loss)
        arrays |= {f"{name}/{key}": value.numpy() for key, value in (("x", x), ("y", y))}
        arrays |= {f"{name}/w.{key}": value.numpy() for key, value in weights_of(layers).items()}
        arrays |= {f"{name}/layers": np.array(" ".join(layers)), f"{name}/loss": np.array(loss)}
    with tempfile.TemporaryDirectory() as folder:
        cases, gradients = Path(folder) / "cases.npz", Path(folder) / "gradients.npz"
        np.savez(cases, **arrays)
        script = Path(__file__).with_name("jax_gradients.py")
        subprocess.run([sys.executable, script, cases, gradients], check=True, capture_output=True, text=True)
        with np.load(gradients) as found:
            return {key: found[key] for key in found.files}


@pytest.mark.parametrize("engine_name", FIVE_STEP_ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradients_are_those_of_jax(engine_name: str, name: str) -> None:
    layers, loss = CASES[name]
    engine = small_engine(engine_name, TrainPlan(loss=loss, batch_size=None), spec_of(layers))
    engine.load_weights(weights_of(layers))
    x, y = batch_of(loss)
    value = engine.loss(engine.forward(x), y)
    engine.backward()
    expected = {
        key.partition("/")[2]: torch.from_numpy(array) for key, array in by_jax().items() if key.startswith(f"{name}/")
    }
    gradients = engine.named_gradients()
    assert distance(value.detach(), expected["loss"]) < FORMULA
    assert worst(gradients, {key: expected[key] for key in gradients}).distance < FORMULA
