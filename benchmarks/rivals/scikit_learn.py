"""scikit-learn's perceptrons with the same settings, from the same weights."""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ._base import Array, Job, Rival

ENDLESS = 10**9
"""Epochs without a better loss: they are counted over all calls of a warm start, and none may end before its steps."""


class Perceptron(Rival):
    """`fit` with `warm_start`: one call for all epochs. Its epsilon stands at another place than torch's."""

    title = "scikit-learn"
    whole_epochs = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        options = {
            "hidden_layer_sizes": job.sizes[1:-1],
            "activation": job.activation,
            "solver": job.rule,
            "alpha": 0,
            "learning_rate_init": job.lr,
            "batch_size": job.batch,
        }
        if job.rule == "sgd":
            options["momentum"] = 0
        labels = {"classes": range(job.sizes[-1])} if job.loss == "cross_entropy" else {"classes": [0, 1]}
        self.y = job.y.ravel()
        model = MLPRegressor(**options) if job.loss == "mse" else MLPClassifier(**options)
        model.partial_fit(job.x[: job.batch], self.y[: job.batch], **({} if job.loss == "mse" else labels))
        model.coefs_ = [job.weights[f"{name}.weight"].T.copy() for name, _, _ in job.layers]  # now they are the job's
        model.intercepts_ = [job.weights[f"{name}.bias"].copy() for name, _, _ in job.layers]
        model.set_params(warm_start=True, tol=0.0)
        self.model = model

    def train(self, steps: int) -> None:
        epochs = steps // self.job.steps_per_epoch
        self.model.set_params(max_iter=epochs, n_iter_no_change=ENDLESS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it did not converge: it was not asked to
            self.model.fit(self.job.x, self.y)

    def weights(self) -> dict[str, Array]:
        found = {}
        for (name, _, _), w, b in zip(self.job.layers, self.model.coefs_, self.model.intercepts_, strict=True):
            found[f"{name}.weight"], found[f"{name}.bias"] = np.array(w.T), np.array(b)
        return found
