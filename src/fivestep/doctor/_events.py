"""The events of a loop in order, as plain numbers and words without tensors."""

from typing import NamedTuple, final

ROWS, PREDICT, MEASURE, FORGET, GRADIENT, UPDATE = range(6)
"""Where a finding belongs: to the rows, or to one of the five steps."""


@final
class Place(NamedTuple):
    """A line of the user's own code."""

    file: str
    line: int
    code: str


@final
class Facts(NamedTuple):
    """Statistics of a tensor; `mark` is a hash of its numbers. For an empty tensor all are 0."""

    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float
    mean: float
    deviation: float
    is_finite: bool
    mark: float


@final
class Predicted(NamedTuple):
    """Step 1: a model was called. `round` is the number of updates before it.

    Of its layers that behave differently in the two modes, `in_training` are in training mode, `in_evaluation` are not.
    """

    round: int
    model: int
    place: Place | None
    is_training: bool
    has_grad: bool
    inputs: tuple[Facts, ...]
    are_rows_alike: bool
    """Whether every input is a batch of identical rows."""
    is_dropping: bool
    """Whether `F.dropout` dropped something in a module in evaluation mode."""
    in_training: tuple[str, ...]
    in_evaluation: tuple[str, ...]
    is_used: bool
    """Whether it has a gradient, or the caller does something with the answer."""


@final
class Measured(NamedTuple):
    """Step 2: a torch loss function was called, or backward on a difference that is written by hand.

    `source` is autograd's name of the operation that made the input, `source_place` its line, and `before` the name of
    the operation that made its own input. `row_sums` are the
    extremes of an input row's sum over the classes, `row_logs` those of its log-sum-exp: 1 for probabilities, 0 for log
    probabilities.
    """

    round: int
    name: str
    place: Place | None
    has_grad: bool
    input: Facts
    target: Facts | None
    is_swapped: bool
    """Whether the target depends on parameters, and the input does not."""
    source: str
    source_place: Place | None
    before: str
    reach: tuple[float, float] | None
    """The bounds of the clamp that made the input, if one did."""
    held: float
    """The share of numbers that a clamp holds at a bound, away from their target: they get no gradient."""
    viewed: tuple[int, ...] | None
    """The shape that the input had, if its last operation was a view or a reshape."""
    padded: tuple[int, float] | None
    """A class that is the padding of an embedding as large as the number of classes, and its share of the targets."""
    row_sums: tuple[float, float] | None
    row_logs: tuple[float, float] | None
    target_sums: tuple[float, float] | None
    """The extremes of a target row's sum over the classes, if targets are such rows."""
    value: float
    leaves: frozenset[int]
    """The parameters that a loss with gradient depends on, by their key in the record."""
    counts: tuple[int, ...]
    """The number of rows of each class that count, for a plain cross-entropy without weights; else empty."""
    relation: tuple[float, float] | None
    """Of a loss without gradient: how far the targets fit better than shuffled ones, and the variance of that by
    chance; None where it is not determined."""
    model: int | None
    """Of a loss without gradient: the model that was called without gradient before it, and after any other loss."""
    linear: tuple[tuple[int, ...], ...] | None
    """In the first rounds of a model or an optimizer, the shapes of the matrices behind the input, empty if there is a
    nonlinearity; None in later ones."""


@final
class Differentiated(NamedTuple):
    """Step 4: backward was called.

    `leaves` are the parameters that the loss depends on, by their key in the record. `is_late`: an update has moved one
    of them since the loss was computed. `is_leaf`: the loss is itself a leaf.
    """

    round: int
    place: Place | None
    loss: float
    has_graph: bool
    leaves: frozenset[int]
    is_late: bool
    is_leaf: bool
    is_mean_of_logs: bool
    """Whether the loss is a mean, or a sum, of log probabilities as they are: larger is better."""
    is_first: bool
    """Whether it is in the first rounds of a model or an optimizer, the only ones of which the next field says more."""
    doubled: tuple[str, Place | None, int] | None
    """A softmax of the loss that got the output of another one over the same axis; the line of that one, and the length
    of the axis."""


@final
class Moved(NamedTuple):
    """What an update did to one parameter.

    `gradient` is the norm, or None without a gradient. `is_stale`: the gradient still contained one that an earlier
    update had used.
    """

    leaf: int
    gradient: float | None
    weight: float
    update: float
    is_stale: bool
    shrinking: float
    """The cosine between the update and minus the weights: 1 if it only shrank them."""


@final
class Updated(NamedTuple):
    """Step 5: an optimizer moved its parameters. `has_closure`: it called forward and backward itself."""

    round: int
    optimizer: int
    place: Place | None
    rates: tuple[float, ...]
    moved: tuple[Moved, ...]
    has_closure: bool
    was_given: bool
    """Whether a backward pass had given its parameters a nonzero gradient since its last update."""
    scale: float
    """The factor of a `GradScaler` that was still in the gradient; else 1."""
    num_lost: int
    """Backward passes since the last update whose gradient was cleared unused."""
    decay: float
    """The largest `weight_decay`."""
    taken_back: float | None
    """The share of the last update by which its first moved matrix was moved back since; None where it is not so."""
    betas: tuple[float, ...]
    """Those of the first group; empty without any."""
    is_upwards: bool
    """Whether all parameters move along the gradient: `maximize=True`."""


@final
class Clipped(NamedTuple):
    """Between steps 4 and 5: gradients of norm `norm` (NaN if unknown) were clipped to `limit`.

    `is_used`: an update had already used them. `is_empty`: there were none, or all were zero. `scale`: the factor of a
    `GradScaler` that was still in them.
    """

    round: int
    place: Place | None
    leaves: frozenset[int]
    limit: float
    norm: float
    is_used: bool
    is_empty: bool
    scale: float


@final
class TimeFirst(NamedTuple):
    """A layer that takes (steps, rows, features), and the shape of what it got."""

    round: int
    model: int
    layer: str
    place: Place | None
    shape: tuple[int, ...]


@final
class NotFinite(NamedTuple):
    """A module whose output was not finite, and whether its input and its own weights were."""

    round: int
    model: int
    layer: str
    are_inputs_finite: bool
    are_weights_finite: bool


Event = Predicted | Measured | Differentiated | Updated | Clipped | TimeFirst | NotFinite


@final
class Left(NamedTuple):
    """The innermost module that an error passed through: its name, its text and its input."""

    layer: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    weight_dtype: str
    """The dtype of its own parameters; empty without any."""


@final
class Refused(NamedTuple):
    """A torch loss function that raised an error, and its arguments."""

    name: str
    input: Facts
    target: Facts


@final
class Failed(NamedTuple):
    """An error that ended the loop, and the module or the loss that it came from, if any."""

    message: str
    place: Place | None
    left: Left | None = None
    refused: Refused | None = None


@final
class Seen(NamedTuple):
    """The finding of a check: the step of the loop, the line, what was seen, and what to write instead."""

    step: int
    place: Place | None
    seen: str
    advice: str
    is_of_script: bool = False
    """Whether it is about the script, such as an error that ended it, and not about one training in it."""
