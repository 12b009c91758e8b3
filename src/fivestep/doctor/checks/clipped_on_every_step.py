"""The limit of the gradient is far below what gradients are."""

import statistics

from ...diagnosis._finding import figure
from .._events import UPDATE, Clipped, Seen
from .._record import Record

FEWEST = 20
"""Calls: one in twenty may be another, such as the first."""

SHARE, FACTOR = 0.95, 10.0
"""The share of calls in which the gradient is so many times its limit: then all steps are of one length within 1%."""


def clipped_on_every_step(record: Record) -> Seen | None:
    """The loss does not fall, and nearly all gradients are ten times as large as what they are clipped to, or more.

    Clipping is for the odd step that is far too long. Where it acts on every step, only the direction of the gradient
    is left: each step of SGD is lr times the limit long, however near the goal is. While the loss falls, nothing is
    said; recurrent networks are trained so on purpose.
    """
    clips = [event for event in record.of(Clipped) if event.limit > 0 and event.scale == 1 and not event.is_used]
    ratios = [event.norm / event.limit for event in clips if not event.is_empty and event.norm == event.norm]
    far = [ratio for ratio in ratios if ratio > FACTOR]
    if len(ratios) < FEWEST or len(far) < SHARE * len(ratios) or not record.is_stuck:
        return None
    return Seen(
        UPDATE,
        clips[0].place,
        f"The loss does not fall, and in {len(far)} of {len(ratios)} calls seen the gradient was more than ten times "
        f"its limit of {figure(clips[0].limit)}, most often {figure(statistics.median(ratios))} times: the length of "
        "a step says nothing of the gradient any more.",
        "Raise the limit to what the norm is on most steps; clip_grad_norm_ returns it.",
    )
