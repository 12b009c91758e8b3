"""JAX: value, gradient and update as one compiled scan over all steps of a call."""

from functools import partial
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from ._base import Array, Job, Rival


def loss_of(job: Job, w: Any, x: Any, y: Any) -> Any:
    """The mean loss of a batch."""
    for name, _, _ in job.layers:
        x = x @ w[f"{name}.weight"].T + w[f"{name}.bias"]
        if name != job.layers[-1][0]:
            x = jnp.tanh(x) if job.activation == "tanh" else jax.nn.relu(x)
    if job.loss == "mse":
        return jnp.mean((x - y) ** 2)
    if job.loss == "binary_cross_entropy":
        return jnp.mean(jnp.logaddexp(0, x) - y * x)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1))


def updated(job: Job, state: Any, g: Any) -> Any:
    """The weights and the rule's memory after a step."""
    w, m, v, t = state
    if job.rule == "sgd":
        return jax.tree.map(lambda w, g: w - job.lr * g, w, g), m, v, t
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    rate, root = job.lr / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
    w = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + 1e-8), w, m, v)
    return w, m, v, t


class Scan(Rival):
    """`jit(scan)` over the batches; the order of the rows is drawn by NumPy, whose permutation is the faster one."""

    title = "JAX jit(scan)"
    runs_long = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        start = {name: jnp.array(value) for name, value in job.weights.items()}
        m, v = (jax.tree.map(jnp.zeros_like, start) if job.rule == "adam" else {} for _ in range(2))
        self.state: Any = (start, m, v, jnp.zeros(()))
        self.x, self.y = jnp.asarray(job.x), jnp.asarray(job.y)
        self.rng, self.left = np.random.default_rng(0), np.empty(0, np.int32)
        self.run = jax.jit(partial(_run, job), static_argnames="steps", donate_argnums=0)

    def train(self, steps: int) -> None:
        orders = None if self.job.is_full_batch else self._orders(steps)
        self.state = jax.block_until_ready(self.run(self.state, self.x, self.y, orders, steps=steps))

    def _orders(self, steps: int) -> Array:
        """The rows of the next steps: epochs (E, N), or the next part of one (1, rows)."""
        job = self.job
        if steps % job.steps_per_epoch == 0:
            every = np.arange(job.num_rows, dtype=np.int32)
            return self.rng.permuted(np.tile(every, (steps // job.steps_per_epoch, 1)), axis=1)
        count = steps * job.batch
        if len(self.left) < count:
            self.left = self.rng.permutation(job.num_rows).astype(np.int32)
        taken, self.left = self.left[:count], self.left[count:]
        return taken[None]

    def weights(self) -> dict[str, Array]:
        return {name: np.array(value) for name, value in self.state[0].items()}


def _run(job: Job, state: Any, x: Any, y: Any, orders: Any, *, steps: int) -> Any:
    def step(state: Any, rows: Any) -> tuple[Any, None]:
        batch = (x, y) if rows is None else (x[rows], y[rows])
        return updated(job, state, jax.grad(partial(loss_of, job))(state[0], *batch)), None

    def epoch(state: Any, order: Any) -> tuple[Any, None]:
        whole = len(order) // job.batch * job.batch
        state, _ = jax.lax.scan(step, state, order[:whole].reshape(-1, job.batch))
        return step(state, order[whole:]) if whole < len(order) else (state, None)

    return jax.lax.scan(step, state, length=steps)[0] if orders is None else jax.lax.scan(epoch, state, orders)[0]
