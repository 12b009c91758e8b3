"""The report as text: the loop in a line, its loss, the findings, and what to say if there are none."""

from ..diagnosis._finding import figure
from ._constant import constant_of
from ._events import Differentiated, Place
from ._findings import findings_of, title_of
from ._record import Record, ends_of

EXPLODES = 10.0
"""The factor over its initial value from which a loss above 1 is reported as exploding."""

ENDLESS = 1_000.0
"""The factor of its initial size, or of 1, by which a loss must be below 0 to be reported as falling without end."""


def report(record: Record) -> str:
    """The whole report."""
    head = _head(record)
    lines = [*head, ""] if head else []
    found = findings_of(record)
    for number, one in enumerate(found, start=1):
        lines += one.lines(number)
    return "\n".join([*lines, *([] if found else _without_findings(record)), *_unseen(record)])


def _head(record: Record) -> list[str]:
    """What was trained, and the first and last loss for each line on which backward is called."""
    if _is_empty(record):
        return []
    places = dict.fromkeys(event.place for event in record.of(Differentiated))
    title = title_of(record)
    return [*([title] if title else []), *(_loss_line(record, place, len(places) > 1) for place in list(places)[:3])]


def _loss_line(record: Record, place: Place | None, is_one_of_several: bool) -> str:
    losses = [event.loss for event in record.of(Differentiated) if event.place == place]
    first, last, number = *ends_of(losses), max(1, len(losses) // 5)
    which = f" of line {place.line}" if is_one_of_several and place is not None else ""
    mean = f" (mean of the last {number:,} seen)" if number > 1 else ""
    return f"Loss{which}: {figure(first)} at the start" + (
        f", {figure(last)} at the end{mean}" if len(losses) > 1 else ""
    )


def _is_empty(record: Record) -> bool:
    return not record.models and not record.num_backwards and not record.num_updates


def _without_findings(record: Record) -> list[str]:
    """The text for a loop without findings."""
    if _is_empty(record):
        return [] if record.failed is not None or record.is_refused else [NO_LOOP]
    until = "" if record.failed is None else ", until the error"
    if record.is_one_loss and record.is_long and record.ends is not None and _is_endless(*record.ends):
        first, last = record.ends
        return [f"The loss falls without end, from {figure(first)} to {figure(last)}{until}. {NO_BOUND}"]
    if not record.is_one_loss or not record.is_stuck or record.ends is None:
        return [f"Nothing was found that keeps it from learning{until}." + _whether_it_falls(record)]
    first, last = record.ends
    if not last <= max(1.0, EXPLODES * abs(first)):
        return [
            f"The loss explodes, from {figure(first)} to {figure(last)}{until}, and no reason was found. {EXPLODED}"
        ]
    how = "grows" if last > first else "hardly falls"
    return [f"The loss {how}, from {figure(first)} to {figure(last)}{until}, and no reason was found. {UNSEEN}"]


def _is_endless(first: float, last: float) -> bool:
    return last < -ENDLESS * max(1.0, abs(first))


def _whether_it_falls(record: Record) -> str:
    """The text about a loss of which it is unclear whether it falls."""
    if record.num_backwards and not record.is_long:
        return " It was seen for too few steps to say whether the loss falls."
    if not record.is_one_loss and record.num_backwards:
        return " It has several losses or optimizers, which need not fall: whether they should is not judged."
    constant = constant_of(record)
    if constant is not None and not constant.is_beaten:
        return (
            f" But it has not learned from the rows yet: the last losses are {figure(constant.ours)}, and "
            f"{constant.words} on the same batches; train for longer, or try fewer layers and less dropout."
        )
    return ""


def _unseen(record: Record) -> list[str]:
    return [f"Could not be looked at: {what} (times: {times:,})" for what, times in record.unseen.items()]


NO_LOOP = (
    "No model was called and no optimizer took a step: there was no loop to watch. What runs in other processes, as "
    "those of torch.multiprocessing.spawn, or in other threads is not watched."
)
EXPLODED = "Look at its sign (maximize=True, a minus before it), and try a tenth of the learning rate."
NO_BOUND = "A part of it has no lower bound: look at the sign of each of its terms."
UNSEEN = (
    "What cannot be seen: labels that do not belong to their rows, rows that say nothing of them, a task that is "
    "solved at the start, a loss whose least value is near (soft targets, a VAE) or that is not meant to fall."
)
