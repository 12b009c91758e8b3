"""Keras 3 on JAX, compiled, as many steps in one call of it as an epoch has."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

from ._base import Array, Job, Rival

AGAIN = 100
"""The rows of a full batch are repeated so often: an epoch of a hundred equal steps has a hundredth of the overhead."""
MOST = 256
"""Steps in one call, at most: they are unrolled."""


class Fit(Rival):
    """`model.fit` with `jit_compile` and `steps_per_execution`."""

    title = "Keras 3, JAX"
    whole_epochs = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        model = keras.Sequential([keras.Input((job.sizes[0],))])
        for name, _, o in job.layers:
            is_last = name == job.layers[-1][0]
            model.add(keras.layers.Dense(o, activation=None if is_last else job.activation))
        losses = {
            "cross_entropy": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "binary_cross_entropy": keras.losses.BinaryCrossentropy(from_logits=True),
            "mse": keras.losses.MeanSquaredError(),
        }
        is_adam = job.rule == "adam"
        rule = keras.optimizers.Adam(job.lr, epsilon=1e-8) if is_adam else keras.optimizers.SGD(job.lr)
        self.again = AGAIN if job.is_full_batch else 1
        steps = min(MOST, self.again * job.steps_per_epoch)
        model.compile(rule, losses[job.loss], jit_compile=True, steps_per_execution=steps)
        for layer, (name, _, _) in zip(model.layers, job.layers, strict=True):
            layer.set_weights([job.weights[f"{name}.weight"].T, job.weights[f"{name}.bias"]])
        self.model = model
        self.x, self.y = (np.tile(rows, (self.again, *[1] * (rows.ndim - 1))) for rows in (job.x, job.y))

    def train(self, steps: int) -> None:
        epochs = steps // (self.job.steps_per_epoch * self.again)
        self.model.fit(
            self.x, self.y, batch_size=self.job.batch, epochs=epochs, shuffle=not self.job.is_full_batch, verbose=0
        )

    def weights(self) -> dict[str, Array]:
        found = {}
        for (name, _, _), layer in zip(self.job.layers, self.model.layers, strict=True):
            w, b = layer.get_weights()
            found[f"{name}.weight"], found[f"{name}.bias"] = w.T, b
        return found
