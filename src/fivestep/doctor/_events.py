"""What is remembered of a loop: events in their order, as plain numbers and words that hold no tensor."""

from typing import NamedTuple, final

ROWS, PREDICT, MEASURE, FORGET, GRADIENT, UPDATE = range(6)
"""Where in the loop something is wrong: in the rows, or in one of the five steps."""


@final
class Place(NamedTuple):
    """A line of the user's own code."""

    file: str
    line: int
    code: str


@final
class Facts(NamedTuple):
    """A tensor in a few numbers; `mark` differs for other numbers. Of an empty tensor all numbers are 0."""

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

    Of its layers that work otherwise in training than in evaluation, `stirring` are in training, `resting` are not.
    """

    round: int
    model: int
    place: Place | None
    is_training: bool
    has_grad: bool
    inputs: tuple[Facts, ...]
    are_rows_alike: bool
    """Whether every input is a batch whose rows are all the same."""
    is_dropping: bool
    """Whether `F.dropout` dropped something in a module that is in evaluation mode."""
    stirring: tuple[str, ...]
    resting: tuple[str, ...]


@final
class Measured(NamedTuple):
    """Step 2: a loss function of torch was called, or backward on a difference that is written by hand.

    `source` is the last thing that was done to the input, as autograd calls it, and `source_place` where.
    `row_sums` are the least and the greatest sum of an input's row over its classes, `row_logs` those of the logarithm
    of the sum of exponentials: 1 for probabilities, 0 for their logarithms.
    """

    round: int
    name: str
    place: Place | None
    has_grad: bool
    input: Facts
    target: Facts | None
    is_swapped: bool
    """Whether the target hangs on parameters, and the input does not."""
    source: str
    source_place: Place | None
    row_sums: tuple[float, float] | None
    row_logs: tuple[float, float] | None
    target_sums: tuple[float, float] | None
    """The least and the greatest sum of a target's row over its classes, where targets are such rows."""
    value: float
    counts: tuple[int, ...]
    """How many rows each class has, where nothing else, such as weights, is in a cross-entropy; else empty."""
    linear: tuple[tuple[int, ...], ...]
    """Of the first round: the shapes of the matrices behind the input, if nothing between them bends; else empty."""


@final
class Differentiated(NamedTuple):
    """Step 4: backward was called. `leaves` are the parameters that the loss hangs on, by their key in the record.

    `is_late`: since the loss was measured, an update has moved one of them. `is_leaf`: it hangs on nothing but itself.
    """

    round: int
    place: Place | None
    loss: float
    has_graph: bool
    leaves: frozenset[int]
    is_late: bool
    is_leaf: bool


@final
class Moved(NamedTuple):
    """What an update did to one parameter. `gradient` is the norm, or None where there was none.

    `is_stale`: in the gradient there still was what an update had used before.
    """

    leaf: int
    gradient: float | None
    weight: float
    update: float
    is_stale: bool
    shrinking: float
    """The cosine between the update and minus the weights: 1 if it made them smaller and did nothing else."""


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
    """Whether a backward pass had given its parameters a gradient that is not zero, since its update before."""
    scale: float
    """The factor of a `GradScaler` that was still in the gradient; 1 without."""
    num_lost: int
    """Backward passes since the update before whose gradient was cleared, though nothing had used it."""
    decay: float
    """The greatest `weight_decay`."""
    is_upwards: bool
    """Whether all parameters were moved along the gradient: `maximize=True`."""


@final
class Clipped(NamedTuple):
    """Between steps 4 and 5: gradients were clipped to `limit`; `norm` was theirs, no number if it is not known.

    `is_used`: an update had used them as they were. `is_empty`: there was none, or all were zero. `scale`: the factor
    of a `GradScaler` that was still in them.
    """

    round: int
    place: Place | None
    limit: float
    norm: float
    is_used: bool
    is_empty: bool
    scale: float


Event = Predicted | Measured | Differentiated | Updated | Clipped


@final
class Left(NamedTuple):
    """The innermost module that an error went through: its name and what it prints, and what went into it."""

    layer: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    weight_dtype: str
    """That of its own parameters; empty without any."""


@final
class Refused(NamedTuple):
    """A loss function of torch that ended with an error, and what it had got."""

    name: str
    input: Facts
    target: Facts


@final
class Failed(NamedTuple):
    """An error that ended the loop, and the module or the loss that it came from, if there was one."""

    message: str
    place: Place | None
    left: Left | None = None
    refused: Refused | None = None


@final
class Spoiled(NamedTuple):
    """A module that gave numbers which are not finite, and whether what went into it, and its own weights, were."""

    round: int
    layer: str
    are_inputs_finite: bool
    are_weights_finite: bool


@final
class Seen(NamedTuple):
    """What a check has to say: in which step of the loop, on which line, what was seen, and what to write instead."""

    step: int
    place: Place | None
    seen: str
    advice: str
