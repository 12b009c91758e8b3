"""Run as a script: the gradients of a few networks by JAX, in float64. Knows nothing of torch or of fivestep.

Usage: jax_gradients.py CASES.npz GRADIENTS.npz. A process of its own, because JAX starts threads, and programs with
threads must not be copied by other tests.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

ACTIVATIONS = {
    "relu": lambda z: jnp.where(z > 0, z, 0),
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "mish": jax.nn.mish,
}


def normalized(x, axis, eps=1e-5):
    centered = x - x.mean(axis, keepdims=True)
    return centered / jnp.sqrt((centered**2).mean(axis, keepdims=True) + eps)


def forward(w, x, layers):
    """The logits; `w` are the weights by name, "0.weight", "0.bias", ..."""
    for k, layer in enumerate(layers):
        if layer == "linear":
            x = x @ w[f"{k}.weight"].T + w.get(f"{k}.bias", 0.0)
        elif layer in ("layer_norm", "batch_norm"):
            x = normalized(x, -1 if layer == "layer_norm" else 0) * w[f"{k}.weight"] + w[f"{k}.bias"]
        else:
            x = ACTIVATIONS[layer](x)
    return x


LOSSES = {
    "mse": lambda z, y: ((z - y) ** 2).mean(),
    "mae": lambda z, y: jnp.abs(z - y).mean(),
    "cross_entropy": lambda z, y: -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean(),
    "binary_cross_entropy": lambda z, y: (jnp.logaddexp(0, z) - y * z).mean(),
    "poisson": lambda z, y: (jnp.exp(z) - y * z).mean(),
}


def gradients(case):
    """The loss and the gradients of one case."""
    layers, loss, x, y = str(case["layers"]).split(), LOSSES[str(case["loss"])], case["x"], case["y"]
    w = {key.removeprefix("w."): value for key, value in case.items() if key.startswith("w.")}
    return jax.value_and_grad(lambda w: loss(forward(w, x, layers), y))(w)


def main(cases_path, gradients_path):
    cases, found = {}, {}
    with np.load(cases_path) as file:
        for key in file.files:
            name, _, rest = key.partition("/")
            cases.setdefault(name, {})[rest] = file[key]
    for name, case in cases.items():
        value, grads = gradients(case)
        found[f"{name}/loss"] = np.asarray(value)
        found |= {f"{name}/{key}": np.asarray(grad) for key, grad in grads.items()}
    np.savez(gradients_path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
