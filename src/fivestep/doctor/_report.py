"""The report as text: the loop in a line, its losses, the findings, and what to say if there are none."""

from collections.abc import Iterator
from typing import NamedTuple, final

from ..diagnosis._finding import figure
from ._constant import constant_of
from ._events import Differentiated, Place, Predicted
from ._findings import Said, findings_of, said_of, title_of, which
from ._record import Record
from ._split import records_of

EXPLODES = 10.0
"""The factor over its initial value from which a loss above 1 is reported as exploding."""

ENDLESS = 1_000.0
"""The factor of its initial size, or of 1, by which a loss must be below 0 to be reported as falling without end."""

MOST = 3
"""The most losses that are shown one by one."""

FIRST_FEW, SLOW = 5, 0.05
"""The first losses, and the share of their mean by which one comes down that is not flat: half of `FALLEN`."""


@final
class Verdict(NamedTuple):
    """What is said of a training without a finding, and the verb for a loss that does what it should not, if any."""

    words: str
    verb: str = ""


def report(record: Record) -> str:
    """The whole report."""
    trainings = records_of(record)
    if not any(one.num_backwards or one.num_updates for one in trainings):
        return "\n".join([*_without_training(record, trainings), *_unseen(record)])
    title, said = title_of(record), said_of(trainings)
    lines = [*([title] if title else []), *_losses(trainings), ""]
    for number, one in enumerate(findings_of(trainings, said), start=1):
        lines += one.lines(number)
    return "\n".join([*lines, *_without_findings(record, trainings, said), *_unseen(record)])


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


def _without_findings(record: Record, trainings: list[Record], found: list[Said]) -> list[str]:
    """What is said of the trainings in which nothing was found, each sentence once.

    Of those that learn, nothing is said if something was found in others.
    """
    known = {number for one in found for number in one.trainings}
    said: dict[Verdict, list[int]] = {}
    for number, one in enumerate(trainings):
        if number not in known:
            said.setdefault(_verdict(one), []).append(number)
    if found:
        said = {verdict: numbers for verdict, numbers in said.items() if verdict.words not in ("", SHORT, SEVERAL)}
    return [" ".join(_sentences(record, trainings, said, is_clean=not found))] if said else []


def _verdict(record: Record) -> Verdict:
    """What is said of one training."""
    if not record.is_long:
        return Verdict(SHORT)
    if not record.is_one_loss or record.ends is None:
        return Verdict(SEVERAL)
    first, last, _ = record.ends
    if _is_endless(first, last):
        return Verdict(NO_BOUND, "falls without end")
    if record.is_stuck and not record.is_search:
        if last > max(1.0, EXPLODES * abs(first)):
            return Verdict(EXPLODED, "explodes")
        if not _has_come_down(record.losses, last):
            return Verdict(UNSEEN, "grows" if last > first else "hardly falls")
    constant = constant_of(record)
    return Verdict(UNLEARNED) if constant is not None and not constant.is_beaten else Verdict("")


def _has_come_down(losses: list[float], last: float) -> bool:
    """Whether the end is below the mean of the first few losses, of which the very first may be low by chance."""
    mean = sum(losses[:FIRST_FEW]) / FIRST_FEW
    return last < mean - SLOW * abs(mean)


def _sentences(
    record: Record, trainings: list[Record], said: dict[Verdict, list[int]], *, is_clean: bool
) -> Iterator[str]:
    right = sorted(number for verdict, numbers in said.items() if not verdict.verb for number in numbers)
    if is_clean and right:
        where = f" {which(trainings, right)}" if len(right) < len(trainings) else ""
        yield f"Nothing was found that keeps it from learning{where}{_until(record, trainings, right)}."
    for (words, verb), numbers in said.items():
        where = f" {which(trainings, numbers)}" if len(trainings) > 1 else ""
        some = [trainings[number] for number in numbers]
        if words in (SHORT, SEVERAL):
            yield words.format(where=where)
        elif words == UNLEARNED:
            constants = [one for one in map(constant_of, some) if one is not None]
            ours = _range([one.ours for one in constants])
            yield words.format(where=where, ours=ours, words=constants[0].words)
        elif verb:
            reason = "" if words == NO_BOUND else ", and no reason was found"
            yield f"The loss {verb}{where}, {_change(some)}{_until(record, trainings, numbers)}{reason}."
    yield from dict.fromkeys(verdict.words for verdict in said if verdict.verb)


def _change(trainings: list[Record]) -> str:
    """From where to where the loss goes, or the ranges of both."""
    ends = [one.ends for one in trainings if one.ends is not None]
    start, end = _range([one.first for one in ends]), _range([one.last for one in ends])
    return f"from {start} to {end}" if len(ends) < 2 else f"with {start} at the start and {end} at the end"


def _until(record: Record, trainings: list[Record], numbers: list[int]) -> str:
    """A word on the error that ended the script, if it was in one of these trainings."""
    were_cut = record.failed is not None and not all(trainings[number].is_complete for number in numbers)
    return ", until the error" if were_cut and not _is_another_begun(record, trainings) else ""


def _is_another_begun(record: Record, trainings: list[Record]) -> bool:
    """Whether a model was called to be trained, after all trainings had begun, that is in none of them."""
    rules = {key: rule for one in trainings for key, rule in one.rules.items()}
    known = set[int]().union(*(rule.leaves for rule in rules.values()))
    looked_at = {event.model for event in record.of(Predicted) if not event.has_grad}
    return any(
        key > max(rules, default=key) and key not in looked_at and model.leaves.isdisjoint(known)
        for key, model in record.models.items()
    )


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
