"""Something that backward needs was changed after it was used."""

import re

from .._events import GRADIENT, Seen
from .._record import Record

MESSAGE = "has been modified by an inplace operation"
SHAPE = re.compile(r"Tensor \[([\d, ]*)\]")


def changed_in_place(record: Record) -> Seen | None:
    """The loop ended because backward found a tensor changed that the graph still needs as it was.

    If it has the shape of a matrix that an optimizer has moved, it is most often that: the loss, or a part of it, was
    computed before an update and is differentiated after it, as in a GAN whose judge is moved first, or where a state
    is carried from step to step under `retain_graph=True`. Else something was written into an answer: `h += 1`,
    `relu_`, `x[:, 0] = 0`.
    """
    failed = record.failed
    if failed is None or MESSAGE not in failed.message:
        return None
    found = SHAPE.search(failed.message)
    shape = tuple(int(size) for size in found[1].split(",") if size.strip()) if found else ()
    moved = [record.leaves[leaf] for rule in record.rules.values() if rule.num_steps for leaf in rule.leaves]
    weights = next((leaf for leaf in moved if len(shape) > 1 and leaf.shape in (shape, shape[::-1])), None)
    if weights is not None:
        return Seen(
            GRADIENT,
            failed.place,
            f"Backward needs weights of shape {weights.shape} as they were when the loss was computed, and an "
            f"optimizer has moved them since ({weights.words}, or others of this shape).",
            "Compute the loss anew after an update, or call every backward before the first step(); cut what is "
            "carried along: state.detach(), fake.detach().",
            is_of_script=True,
        )
    return Seen(
        GRADIENT,
        failed.place,
        f"Backward needs a tensor of shape {shape} as it was when it was used, and it has been written into since.",
        "Write h = h + 1 for h += 1, relu for relu_, torch.where for x[mask] = 0; "
        "torch.autograd.set_detect_anomaly(True) names the line that used it.",
        is_of_script=True,
    )
