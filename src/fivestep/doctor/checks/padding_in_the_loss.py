"""The loss is averaged over padding."""

import math

from .._events import MEASURE, Measured, Predicted, Seen
from .._record import HABIT, Record

SHARE = 0.2
"""Of the targets: one end-of-sequence mark that is also the padding may be meant to count."""


def padding_in_the_loss(record: Record) -> Seen | None:
    """A fifth of the labels or more is the `padding_idx` of an embedding of as many tokens, and the loss counts them.

    To answer with padding lowers the mean then, whatever the tokens are, and the loss looks better the longer the
    padding is. A loss with weights, and one that is not reduced, since it may be masked, are not reported; neither is
    padding in an embedding of another size, whose numbers are of other tokens, nor one label for each row, as of rows
    with a column of as many categories as classes.
    """
    rows = {one.round: max((x.shape[0] for x in one.inputs if x.shape), default=0) for one in record.of(Predicted)}
    losses = [one for one in record.of(Measured) if one.has_grad and one.padded is not None]
    losses = [one for one in losses if one.target and math.prod(one.target.shape) > rows.get(one.round, 0)]
    shares = [one.padded[1] for one in losses if one.padded is not None]
    if len(losses) < HABIT or sum(shares) < SHARE * len(shares):
        return None
    assert losses[0].padded is not None
    padding = losses[0].padded[0]
    return Seen(
        MEASURE,
        losses[0].place,
        f"{sum(shares) / len(shares):.0%} of the targets are {padding}, which is the padding of the model's "
        f"nn.Embedding(padding_idx={padding}), and {losses[0].name} counts them: to answer with padding lowers it.",
        f"Give it ignore_index={padding}: the mean is then over the tokens.",
    )
