"""L-BFGS as scikit-learn runs it: SciPy's, on the loss and the gradient of an engine over its flat vector."""

from typing import Any, NamedTuple, final

import numpy as np
import scipy.optimize
import torch
from sklearn.exceptions import ConvergenceWarning

from ..batches import Batch, Batches
from ..check import InputError, at_least, warn
from ..datasets._base import Dataset
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..machine.threads import threads_for
from ..preflight import check_data


@final
class Limits(NamedTuple):
    """When to stop: the largest element of the gradient, the iterations, the evaluations of the loss."""

    tol: float
    max_iter: int
    max_fun: int


class Minimum(NamedTuple):
    """Where it ended: the loss there, the iterations, and whether it converged."""

    loss: float
    num_iterations: int
    stopped_by: str


def minimize(engine: Engine, data: Dataset, limits: Limits, factor: float, num_targets: int = 1) -> Minimum:
    """Moves the engine's weights to a minimum of the mean loss and the L2 term over all rows.

    The loss is `factor` times ours, divided by `num_targets`, and so is its share of the gradient, but for that
    division: scikit-learn's squared error of several targets is a mean, whose gradient it takes as that of the sum.
    The plan's `l2` is that of our loss, so it is multiplied by `factor` too. Warns where it did not converge.
    """
    if not isinstance(engine, FiveStepEngine) or any(layer.__class__.__name__ == "Dropout" for layer in engine.layers):
        raise InputError(
            "solver 'lbfgs' must look at the same loss again and again, got dropout or an engine without single steps; "
            "leave dropout out, use engine 'scratch', or another solver."
        )
    at_least("max_fun", limits.max_fun, 1, "15000 is usual")
    check_data(engine, data)
    batches = Batches(data, None, 0, engine.dtype, engine.device)
    objective = _Objective(engine, next(batches.epoch(0)), engine.plan.l2 / batches.totals(0)[0], factor, num_targets)
    start = engine.params.flat.cpu().double().numpy().copy()
    options = {"maxiter": limits.max_iter, "maxfun": limits.max_fun, "gtol": limits.tol}
    with threads_for(engine, batches.num_rows):
        found = scipy.optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    engine.params.flat.copy_(torch.from_numpy(found.x))
    if found.status != 0:
        warn(
            f"lbfgs must end by its tolerance to have converged, got {found.message} after {found.nit} iterations; "
            f"raise max_iter or max_fun, or scale the inputs.",
            ConvergenceWarning,
        )
    return Minimum(float(found.fun), min(int(found.nit), limits.max_iter), "max_iter" if found.status == 1 else "tol")


@final
class _Objective:
    """Loss and gradient at a vector of weights: steps 1 to 4, and the L2 term."""

    def __init__(self, engine: FiveStepEngine, batch: Batch, l2: float, factor: float, num_targets: int) -> None:
        self._engine, self._batch, self._factor, self._num_targets = engine, batch, factor, num_targets
        engine.l2 = l2

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        engine, (x, y, weight) = self._engine, self._batch
        engine.params.flat.copy_(torch.from_numpy(w))
        loss = engine.loss(engine.forward(x), y, weight)
        engine.zero_grad()
        engine.backward()
        engine.add_penalty_gradient_()
        value: Any = loss.detach().double() / self._num_targets + engine.penalty().double()
        gradient = engine.params.grad.detach().cpu().double().numpy() * self._factor
        return float(value) * self._factor, gradient
