"""What both estimators take, under scikit-learn's names."""

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

from sklearn.base import BaseEstimator

DEFAULT_RECIPE = "tabular"

PARAMETERS = """
    Parameters left at None are the recipe's to decide; with `recipe="sklearn"` they have scikit-learn's defaults.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of ints
        The widths of the hidden layers; () for none, a linear model.
    activation : str or sequence of str
        One of ours for all hidden layers or one for each; scikit-learn's "logistic" is our "sigmoid".
    solver : str
        "lbfgs" (SciPy's, over the whole batch), "sgd", "adam", or any other update rule: "adamw", "muon", "lion", ...
    alpha : float
        L2 term alpha |W|^2 / 2, divided by the rows of the batch. `weight_decay` is the update rule's own instead.
    batch_size : int, "auto" or "full"
        Rows of a step.
    learning_rate : str
        "constant", "invscaling", "adaptive" as in scikit-learn, or any schedule: "cosine", "one_cycle", ...
    learning_rate_init : float
        Learning rate, per step.
    power_t : float
        The exponent of "invscaling", by default 0.5.
    max_iter : int
        Epochs, or iterations of lbfgs.
    shuffle : bool, default True
        Whether each epoch visits the rows in a new order.
    random_state : int, RandomState, Generator or None
        Decides initial weights, the validation part, batches and dropout.
    tol : float
        What an epoch must gain to count as one; the tolerance on the gradient of lbfgs.
    verbose : bool or int
        True prints a line after every epoch, a number n after every n-th.
    warm_start : bool, default False
        Whether `fit` goes on from the weights of the last one.
    momentum, nesterovs_momentum : float, bool
        For an update rule that has them, as "sgd".
    early_stopping : bool
        Whether a part of the rows is set aside, to stop by and to choose the best epoch, whose weights are kept.
    validation_fraction : float
        The share of that part; with `groups` in `fit`, about that.
    beta_1, beta_2, epsilon : float
        For an update rule that has them, as "adam".
    n_iter_no_change : int
        Training stops after more epochs than that without a gain.
    max_fun : int, default 15000
        The most evaluations of lbfgs.
    dropout : float or sequence of floats
        Probability of dropping a hidden unit, in [0, 1).
    norm : str or None
        "batch_norm", "layer_norm" or "rms_norm" in every hidden layer.
    init : str
        Initial weights: "torch", "xavier", "kaiming", ...
    augment : str
        With recipe "image": a layer that changes the rows at random in training, such as "shift_and_flip".
    weight_decay, clip_norm, ema : float
        Weight decay of the update rule, bound on the gradient's norm, averaging of the weights; see `TrainPlan`.
    recipe : str, default "tabular"
        "tabular" (after RealMLP; of 100 to 999 rows five networks), "standard" (two layers, a tenth of
        the work), "image" (flattened images), "sklearn" (its own arithmetic), or "plain" (exactly what is given here).
    members : int
        Networks with seeds of their own, whose mean answer counts: a few percent fewer errors for that many times the
        work. All stop by the same rows.
    bagging : int
        Folds of the rows: that many networks, each of which stops by another fold and trains on the others; 1 is one
        network. With `members` too, as many for each fold. None is 1, but 5 with "tabular" of 100 to 999 rows, unless
        `hidden_layer_sizes`, `members`, `warm_start`, callbacks, rows to stop by, or how to stop are given. Classes
        keep their shares in the folds; `groups` in `fit` stay whole.
    engine, device, dtype : str, default "auto", "auto", None
        Who does the arithmetic, where, and in "float32" or "float64"; None leaves the type to the recipe.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights (in, out) and biases (out,) of each linear layer: views, to be read and changed. They act on inputs
        that the recipe has scaled; with "sklearn" and "plain" on the inputs themselves.
    loss_curve_, validation_loss_curve_, validation_scores_ : list of float
        For each epoch: the mean loss of its steps, with the L2 term; loss and score of the part set aside, after it;
        None without one. Losses of scaled targets are in units of their variance or deviation.
    loss_, best_loss_, best_validation_score_ : float
        The last loss, the least one, and the best score.
    n_iter_, t_ : int
        Epochs of the last fit, and rows seen in all.
    stopped_by_ : str
        "max_iter", "tol", "validation", "learning_rate" (too small to go on), "callback" or "user".
    n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.
"""


@dataclass(eq=False, repr=False)
class Parameters(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """The parameters of an estimator, which `__init__` stores unchanged."""

    _: KW_ONLY
    loss: Any = None
    hidden_layer_sizes: Any = None
    activation: Any = None
    solver: Any = None
    alpha: Any = None
    batch_size: Any = "auto"
    learning_rate: Any = None
    learning_rate_init: Any = None
    power_t: Any = None
    max_iter: Any = None
    shuffle: Any = True
    random_state: Any = None
    tol: Any = None
    verbose: Any = False
    warm_start: Any = False
    momentum: Any = None
    nesterovs_momentum: Any = None
    early_stopping: Any = None
    validation_fraction: Any = None
    beta_1: Any = None
    beta_2: Any = None
    epsilon: Any = None
    n_iter_no_change: Any = None
    max_fun: Any = 15000
    dropout: Any = None
    norm: Any = None
    init: Any = None
    augment: Any = None
    weight_decay: Any = None
    clip_norm: Any = None
    ema: Any = None
    recipe: Any = DEFAULT_RECIPE
    members: Any = None
    bagging: Any = None
    engine: Any = "auto"
    device: Any = "auto"
    dtype: Any = None

    @abstractmethod
    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None, *, groups: Any = None) -> Self:
        """Trains on rows X and targets y, and returns the estimator."""
