"""The common part of both estimators: read rows, call the recipe, train, predict."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ..check import InWords, refuse
from ..datasets._base import Dataset, Rows
from ..engines._engine import Engine
from ..ensemble import num_members
from ..find import find, names
from ..machine.default_device import check_default_device
from ..recipes._base import Recipe
from ..temperature import set_temperature
from ._callbacks import Callbacks, CallbackSupportMixin, with_callbacks
from ._containers import generator_of, plain_rows
from ._design import Design, design_of, drawn_weights, len_of, split
from ._ensembles import Fold, fit_ensemble, folds_of, is_ensemble
from ._fitting import Ended, Fitting, rows_of
from ._inputs import Inputs
from ._network import Network
from ._onnx import to_onnx
from ._parameters import Parameters
from ._reading import Reading, Table, fit_inputs, is_plain, read, read_x
from ._settings import check_parameters
from ._stop_rows import StopRows
from ._targets import Targets
from ._training import Course
from ._unchanged import unchanged_if_it_fails


@dataclass(eq=False, repr=False)
class Perceptron(Parameters, CallbackSupportMixin):  # type: ignore[misc]  # scikit-learn has no types
    """A multilayer perceptron behind scikit-learn's interface. Its subclasses define the meaning of y."""

    __metadata_request__fit = {"groups": True}  # noqa: RUF012  # as its splitters, scikit-learn's routing hands it groups

    @abstractmethod
    def _learn_targets(self, table: Table, *, is_scaled: bool) -> Targets:
        """Learns the targets from y in a first fit."""

    @abstractmethod
    def _check_targets(self, y: Any, *, is_whole: bool) -> None:
        """Raises an `InputError` if y does not go with the first fit's; `is_whole` where it must hold every class."""

    @abstractmethod
    def _training_weight(self, table: Table) -> np.ndarray | None:
        """The weights of rows to train on."""

    @property
    @abstractmethod
    def _y_is_numeric(self) -> bool:
        """Whether y is to be numbers."""

    @unchanged_if_it_fails
    @with_callbacks
    @torch.inference_mode(mode=False)  # another thread, of which several may train, would not be inside of it
    def fit(  # noqa: PLR0913  # of each row there may be as many things
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        eval_set: Any = None,
        *,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Trains on rows X (N, I), an array, a sparse matrix or a DataFrame, and targets y, (N,) or (N, O).

        Sparse rows become dense, a few at a time where all would fill the memory and the parameters allow it.
        `sample_weight` (N,) counts a row that many times. `eval_set`, a pair (X, y) or a triple with weights, is used
        for early stopping and to choose the best epoch, in place of a part of the rows; scikit-learn's own names for it
        are `X_val`, `y_val` and `sample_weight_val`. With `groups` (N,), rows of one group, as of one patient, stay
        together wherever rows are set aside: folds are those of scikit-learn's `StratifiedGroupKFold` or `GroupKFold`.
        Raises a `ValueError` that says what cannot work, as rows that do not fit into memory, and a `DivergenceError`
        if the loss does not stay finite; the estimator is then as it was before.
        """
        check_default_device()
        check_parameters(self)
        goes_on = bool(self.warm_start) and hasattr(self, "_network")
        stop_by = StopRows.of(eval_set, X_val, y_val, sample_weight_val)
        recipe, X = self._recipe(), plain_rows(X)
        table = read(self, X, y, sample_weight, self._reading(), self._inputs if goes_on else None).of_groups(groups)
        if recipe.scales and table.weight is not None:
            table = table.take(np.flatnonzero(table.weight > 0))  # a row of weight 0 does not count
        if not goes_on:
            self._targets = self._learn_targets(table, is_scaled=recipe.scales)
        self._check_targets(table.y, is_whole=True)
        rng = generator_of(self.random_state)
        design = design_of(self, recipe, table, self._targets, rng, is_watched=stop_by is not None)
        drawn = None if goes_on else drawn_weights(design, table, self._targets, rng)
        train, valid = (table, None) if design.num_folds else split(table, self._targets, design, rng)
        if not goes_on:
            self._learn_inputs(train, X)
        if stop_by is not None:
            valid = self._watched(stop_by)
        self._begin(design, drawn, goes_on=goes_on)
        by_epochs = not (is_ensemble(self) or design.num_folds) and self.solver != "lbfgs"
        callbacks = Callbacks.of_fit(self, X, y, sample_weight, design.plan.epochs if by_epochs else 0)
        ended = self._trained(self._fitting(design, rng, callbacks), table, train, valid)
        self.n_iter_, self.stopped_by_, self.loss_ = ended.num_epochs, ended.stopped_by, ended.loss
        self.t_ += ended.num_epochs * len_of(train) if self.solver != "lbfgs" else 0
        self._show_curves()
        callbacks.fit_ended()
        return self

    def _watched(self, stop_by: StopRows) -> Table:
        """The rows for early stopping, checked."""
        if (self.bagging or 1) > 1:
            raise refuse(stop_by.name, InWords("rows"), "left out with bagging", "every fold is watched once")
        valid = stop_by.table(self, self._reading(), self._inputs)
        with stop_by.named():
            self._check_targets(valid.y, is_whole=False)
        return valid

    def _trained(self, fitting: Fitting, table: Table, train: Table, valid: Table | None) -> Ended:
        """One network or several, trained to the end."""
        num_folds = fitting.design.num_folds
        if is_ensemble(self) or num_folds:
            strata = self._targets.strata(table.y, like_sklearn=False)
            folds = list(folds_of(num_folds, table, strata, fitting.rng)) if num_folds else [Fold(train, valid)]
            network, ended = fit_ensemble(fitting, folds, self._training_weight)
            self._take(network)
            return ended
        if self.solver == "lbfgs":
            return fitting.minimize(train, self._training_weight(train))
        ended = fitting.run(train, self._training_weight(train), valid)
        if valid is not None and not self.warm_start and self._network.engine.plan.temperature_scaling:
            set_temperature([self._network.engine], [self._rows(valid, self._training_weight(valid))])
        return ended

    @torch.inference_mode(mode=False)
    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        """One epoch over the rows, continuing from the last call."""
        check_parameters(self)
        if self.early_stopping:
            raise refuse("early_stopping", True, "left out with partial_fit", "no rows are set aside there")
        if is_ensemble(self):
            raise refuse(
                "members and bagging", InWords("several networks"), "left out with partial_fit", "it goes on with one"
            )
        goes_on = hasattr(self, "_network")
        recipe, how, X = self._recipe(), self._reading(), plain_rows(X)
        table = read(self, X, y, sample_weight, how, self._inputs if goes_on else None)
        if not hasattr(self, "_targets"):
            self._targets = self._learn_targets(table, is_scaled=recipe.scales)
        self._check_targets(table.y, is_whole=False)
        rng = generator_of(self.random_state)
        design = design_of(self, recipe, table, self._targets, rng, is_watched=True)
        if not goes_on:
            drawn = drawn_weights(design, table, self._targets, rng)
            self._learn_inputs(table, X)
            self._begin(design, drawn, goes_on=False)
        ended = self._fitting(design, rng, Callbacks(self)).one_epoch(table, self._training_weight(table), self.t_)
        self.n_iter_, self.stopped_by_, self.loss_ = ended.num_epochs, ended.stopped_by, ended.loss
        self.t_ += len_of(table)
        return self._show_curves()

    def _begin(self, design: Design, drawn: Any, *, goes_on: bool) -> None:
        """A new engine, with the weights of the last fit if it `goes_on`; else everything starts over."""
        last = self._network if goes_on else None
        self._take(design.network(self._inputs, self._targets, last, drawn))
        self._course: Course = self._course.on(design.prepared) if goes_on else Course(design.prepared)
        self.t_: int = self.t_ if goes_on else 0
        self.n_layers_ = len(self._network.matrices()) + 1
        self.n_outputs_, self.out_activation_ = self._targets.num_outputs, self._targets.out_activation

    def _take(self, network: Network) -> None:
        self._network: Network = network

    def _learn_inputs(self, train: Table, X: Any) -> None:
        self._inputs: Inputs = fit_inputs(train, self._reading(), X)

    def _fitting(self, design: Design, rng: np.random.RandomState, callbacks: Callbacks) -> Fitting:
        return Fitting(self, design, self._network, self._inputs, self._targets, self._course, rng, callbacks)

    def _show_curves(self) -> Self:
        """Sets scikit-learn's attributes for the curves; None for a missing part."""
        course = self._course
        self.loss_curve_ = course.losses
        self.best_loss_ = None if course.valid_losses else min(course.losses, default=None)
        self.validation_loss_curve_ = course.valid_losses or None
        self.validation_scores_ = course.scores or None
        self.best_validation_score_ = max(course.scores, default=None)
        return self

    def _recipe(self) -> Recipe:
        """The recipe; with lbfgs the plain network of "standard", for a rate and a schedule are half of "tabular"."""
        name = "standard" if (self.solver, self.recipe) == ("lbfgs", "tabular") else str(self.recipe)
        recipe: Recipe = find("recipes", name)()
        return recipe

    def _reading(self) -> Reading:
        return Reading(self._recipe().scales, self._y_is_numeric)

    def _logits(self, X: Any) -> Tensor:
        """The network's outputs for rows X."""
        self._check_is_fitted()
        inputs: Inputs = self._inputs
        x = X if is_plain(self, X, inputs) else read_x(self, plain_rows(X), self._reading(), inputs)
        network: Network = self._network
        return network.logits(lambda rows: inputs.transform(x[rows], network.dtype), x.shape[0])

    def _check_is_fitted(self) -> None:
        """scikit-learn's own check, which looks into every attribute, only where the short one does not do."""
        if "_network" not in vars(self):
            check_is_fitted(self)

    def _targets_if_fitted(self) -> Targets:
        self._check_is_fitted()
        targets: Targets = self._targets
        return targets

    def to_onnx(self) -> Any:
        """The fitted estimator as an ONNX model, scaling and encoder inside, in float32.

        Of an array it takes "x" (N, I), of a DataFrame with words or dates one input (N, 1) for each column, by name.
        It gives "prediction", and of classes, or of several labels, "probabilities" too. Raises an `InputError` where
        the extra "onnx" is not installed, for one class alone, and for a layer that ONNX does not know.
        """
        check_is_fitted(self)
        return to_onnx(self._network.engine, self._inputs, self._targets)

    def dataset(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Dataset:
        """Rows as the fitted network takes them, with those of `eval_set` as the part to validate on.

        With `engine_` it is what `fivestep.diagnose(model.engine_, model.dataset(X, y))` and `fivestep.plot` ask for.
        """
        check_is_fitted(self)
        table = read(self, plain_rows(X), y, sample_weight, self._reading(), self._inputs)
        self._check_targets(table.y, is_whole=False)
        stop_by = StopRows.of(eval_set, None, None, None)
        valid = None if stop_by is None else self._watched(stop_by)
        return Dataset(
            self._rows(table, self._training_weight(table)),
            None if valid is None else self._rows(valid, valid.weight),
            num_outputs=self._targets.num_outputs,
            name=type(self).__name__,
            class_names=tuple(str(value) for value in getattr(self, "classes_", ())),
            encoder=self._inputs.encoder,
        )

    def _rows(self, table: Table, weight: np.ndarray | None) -> Rows:
        return rows_of(table, weight, self._inputs, self._targets, self._network)

    @property
    def engine_(self) -> Engine:
        """The trained network as an engine."""
        if not hasattr(self, "_network"):
            raise AttributeError(f"{type(self).__name__} has no engine before fit.")
        return self._network.engine

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weights (in, out) of each linear layer: views of the network's own, where these are on the CPU."""
        return [w.T for w in self._linear("weight")]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases (out,) of each linear layer."""
        return self._linear("bias")

    def _linear(self, kind: str) -> list[np.ndarray]:
        if not hasattr(self, "_network"):
            raise AttributeError(f"{type(self).__name__} has no weights before fit.")
        if num_members(self._network.engine.spec) > 1:
            raise AttributeError(
                f"{type(self).__name__} has the weights of several networks, which the recipe trains of few rows, or "
                f"members and bagging ask for; say bagging=1 for one."
            )
        named = self._network.engine.named_parameters()
        names = [name.removesuffix("weight") + kind for name in self._network.matrices()]
        return [named[name].detach().cpu().numpy() for name in names if name in named]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        takes_tables = self.recipe in names("recipes") and self._recipe().scales
        tags.input_tags.allow_nan = tags.input_tags.categorical = takes_tables
        return tags
