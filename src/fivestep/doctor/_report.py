"""The report as text: the loop in a line, its losses, the findings, and what to say if there are none."""

from collections.abc import Iterator

from ..diagnosis._finding import figure
from ._constant import constant_of
from ._events import Differentiated, Place
from ._findings import Said, findings_of, said_of, title_of, which
from ._record import Record
from ._split import records_of

EXPLODES = 10.0
"""The factor over its initial value from which a loss above 1 is reported as exploding."""

ENDLESS = 1_000.0
"""The factor of its initial size, or of 1, by which a loss must be below 0 to be reported as falling without end."""

MOST = 3
"""The most losses that are shown one by one."""


def report(record: Record) -> str:
    """The whole report."""
    trainings = records_of(record)
    if not any(one.num_backwards or one.num_updates for one in trainings):
        return "\n".join([*_without_training(record, trainings), *_unseen(record)])
    title, said = title_of(record), said_of(trainings)
    lines = [*([title] if title else []), *_losses(trainings), ""]
    for number, one in enumerate(findings_of(trainings, said), start=1):
        lines += one.lines(number)
    return "\n".join([*lines, *_without_findings(trainings, said), *_unseen(record)])


def _without_training(record: Record, trainings: list[Record]) -> list[str]:
    """The text for a script that neither called backward nor made an update, unless to show a schedule."""
    title, found = title_of(record), findings_of(trainings)
    if found:
        head = [title, ""] if title else []
        return [*head, *(line for number, one in enumerate(found, start=1) for line in one.lines(number))]
    if record.failed is not None or record.is_refused:
        return [title] if title else []
    if record.num_updates:
        return [title, "", NO_LOSS]
    return [title, "", NO_TRAINING] if record.models else [NO_LOOP]


def _losses(trainings: list[Record]) -> list[str]:
    """The first and last loss of each training, or of each line of one on which backward is called."""
    lines: list[str] = []
    for number, record in enumerate(trainings):
        places = dict.fromkeys(event.place for event in record.of(Differentiated))
        own = f" {which(trainings, [number])}" if len(trainings) > 1 else ""
        if lines and len(lines) + len(places) > MOST and (lines[MOST:] or number < len(trainings) - 1):
            return [*lines, *_more(trainings[number:])]
        lines += [_loss_line(record, place, own, len(places) > 1) for place in list(places)[:MOST]]
    return lines


def _loss_line(record: Record, place: Place | None, own: str, is_one_of_several: bool) -> str:
    passes = _passes_at(record, place)
    ends = record.ends_of(passes)
    assert ends is not None, "places are those of backward passes"
    first, last, number = ends
    line = f" of line {place.line}" if is_one_of_several and place is not None else ""
    mean = f" (mean of the last {number:,} seen)" if number > 1 and not own else ""
    return f"Loss{line}{own}: {figure(first)} at the start" + (
        f", {figure(last)} at the end{mean}" if len(passes) > 1 else ""
    )


def _passes_at(record: Record, place: Place | None) -> list[Differentiated]:
    return [event for event in record.of(Differentiated) if event.place == place]


def _more(trainings: list[Record]) -> Iterator[str]:
    """The range of the losses of further trainings, for each line."""
    places = dict.fromkeys(event.place for record in trainings for event in record.of(Differentiated))
    for place in list(places)[:MOST]:
        every = [record.ends_of(_passes_at(record, place)) for record in trainings]
        ends = [one for one in every if one is not None]
        start, end = _range([one.first for one in ends]), _range([one.last for one in ends])
        line = f" of line {place.line}" if len(places) > 1 and place is not None else ""
        yield f"Loss{line} in {len(ends):,} more: {start} at the start, {end} at the end"


def _range(losses: list[float]) -> str:
    low, high = figure(min(losses)), figure(max(losses))
    return low if low == high else f"{low} to {high}"


def _without_findings(trainings: list[Record], found: list[Said]) -> list[str]:
    """What is said of the trainings in which nothing was found, each sentence once.

    Of those that learn, nothing is said if something was found in others.
    """
    known = {number for one in found for number in one.trainings}
    said: dict[str, list[int]] = {}
    for number, record in enumerate(trainings):
        if number not in known:
            said.setdefault(_kind(record), []).append(number)
    if found:
        said = {kind: numbers for kind, numbers in said.items() if kind not in ("", SHORT, SEVERAL)}
    return [" ".join(_sentences(trainings, said, is_clean=not found))] if said else []


def _kind(record: Record) -> str:
    """What is said of one training."""
    if not record.is_long:
        return SHORT
    if not record.is_one_loss or record.ends is None:
        return SEVERAL
    first, last, _ = record.ends
    if _is_endless(first, last):
        return NO_BOUND
    if record.is_stuck and not record.is_search:
        return UNSEEN if last <= max(1.0, EXPLODES * abs(first)) else EXPLODED
    constant = constant_of(record)
    return UNLEARNED if constant is not None and not constant.is_beaten else ""


def _sentences(trainings: list[Record], said: dict[str, list[int]], *, is_clean: bool) -> Iterator[str]:
    until = "" if trainings[-1].failed is None else ", until the error"
    if is_clean and said.keys() & {"", SHORT, SEVERAL, UNLEARNED}:
        yield f"Nothing was found that keeps it from learning{until}."
    for kind, numbers in said.items():
        record = trainings[numbers[0]]
        where = f" {which(trainings, numbers)}" if len(trainings) > 1 else ""
        if kind in (SHORT, SEVERAL):
            yield kind.format(where=where)
        elif kind == UNLEARNED and (constant := constant_of(record)) is not None:
            yield kind.format(where=where, ours=figure(constant.ours), words=constant.words)
        elif kind and record.ends is not None:
            first, last, _ = record.ends
            how = HOW.get(kind) or ("grows" if last > first else "hardly falls")
            reason = "" if kind == NO_BOUND else ", and no reason was found"
            yield f"The loss {how}{where}, from {figure(first)} to {figure(last)}{until}{reason}. {kind}"


def _is_endless(first: float, last: float) -> bool:
    return last < -ENDLESS * max(1.0, abs(first))


def _unseen(record: Record) -> list[str]:
    return [f"Could not be looked at: {what} (times: {times:,})" for what, times in record.unseen.items()]


NO_LOOP = (
    "No model was called and no optimizer took a step: there was no loop to watch. What runs in other processes, as "
    "those of torch.multiprocessing.spawn, or in other threads is not watched."
)
NO_TRAINING = (
    "The model was called, but backward was not, and no optimizer took a step: nothing was trained, so there is "
    "nothing to say about learning. In a loop that should train, call loss.backward() and optimizer.step()."
)
NO_LOSS = (
    "Optimizers took steps only to show the rates of their schedules: no parameter had a gradient, and nothing was "
    "trained."
)
SHORT = "It was seen for too few steps{where} to say whether the loss falls."
SEVERAL = "It has several losses or optimizers{where}, which need not fall: whether they should is not judged."
UNLEARNED = (
    "But it has not learned from the rows yet{where}: the last losses are {ours}, and {words} on the same batches; "
    "train for longer, or try fewer layers and less dropout."
)
EXPLODED = "Look at its sign (maximize=True, a minus before it), and try a tenth of the learning rate."
NO_BOUND = "A part of it has no lower bound: look at the sign of each of its terms."
UNSEEN = (
    "What cannot be seen: labels that do not belong to their rows, rows that say nothing of them, a task that is "
    "solved at the start, a loss whose least value is near (soft targets, a VAE) or that is not meant to fall."
)
HOW = {EXPLODED: "explodes", NO_BOUND: "falls without end"}
