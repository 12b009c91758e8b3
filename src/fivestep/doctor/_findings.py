"""All checks over the record of each training."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, final

from ..diagnosis._finding import Finding, figure
from ..find import find, names
from ._events import Place, Seen, Updated
from ._place import shown
from ._record import Record, update_count

CHECKS = "doctor.checks"

SYMPTOM = "best constant not beaten"
"""Findings that are symptoms: if another finding may be the cause, they carry no advice of their own."""

FOLLOWS = "What follows may be why."

NAMED = 5
"""The most trainings that are named by their numbers."""

NUMBERS = re.compile(r"[\d.]+(e[+-]?\d+)?")


@final
class Said(NamedTuple):
    """What a check says on one line of the script, and the numbers of the trainings that it says it of."""

    sign: str
    seen: Seen
    trainings: list[int]


def findings_of(trainings: list[Record], said: list[Said] | None = None) -> tuple[Finding, ...]:
    """The findings of all checks, in the order of the five steps, each named after its file; a symptom comes first.

    What a check says of several trainings about one line is one finding, in the words of the first one.
    """
    found = said_of(trainings) if said is None else said
    return tuple(
        Finding(
            one.sign,
            one.seen.seen,
            FOLLOWS if one.sign == SYMPTOM and _is_explained(one, found) else one.seen.advice,
            None if one.seen.place is None else shown(one.seen.place),
            None if one.seen.is_of_script or len(trainings) < 2 else which(trainings, one.trainings),
        )
        for one in found
    )


def plain_of(trainings: list[Record]) -> list[dict[str, Any]]:
    """The findings as plain values, with the numbers of their trainings, from 1, if there are several."""
    said = said_of(trainings)
    return [
        found._asdict() | {"trainings": None if found.training is None else [number + 1 for number in one.trainings]}
        for found, one in zip(findings_of(trainings, said), said, strict=True)
    ]


def said_of(trainings: list[Record]) -> list[Said]:
    """What all checks say, in that order."""
    found = [one for name in names(CHECKS) for one in _said(name, trainings)]
    return sorted(found, key=lambda one: (one.sign != SYMPTOM, one.seen.step))


def _said(name: str, trainings: list[Record]) -> list[Said]:
    """What a check finds in all trainings, for each line and advice; of the script itself, what it finds last."""
    check, said = find(CHECKS, name), dict[tuple[Place | None, str], Said]()
    for number, record in enumerate(trainings):
        seen = check(record)
        if seen is not None and seen.is_of_script:
            said.clear()
        if seen is not None:
            kind = seen.place, NUMBERS.sub("", seen.advice)
            said.setdefault(kind, Said(name.replace("_", " "), seen, [])).trainings.append(number)
    return list(said.values())


def _is_explained(symptom: Said, found: list[Said]) -> bool:
    """Whether something else was found in one of its trainings."""
    return any(one.sign != SYMPTOM and not set(symptom.trainings).isdisjoint(one.trainings) for one in found)


def which(trainings: list[Record], some: list[int]) -> str:
    """Some of the trainings in words: which ones, or how many and which the first ones are."""
    total, named = f"{len(trainings):,}", [f"{number + 1:,}" for number in some[:NAMED]]
    if len(some) == 1:
        return f"in training {named[0]} of {total}"
    if len(some) == len(trainings):
        return f"in {total} of {total} trainings"
    if len(some) <= NAMED:
        return f"in trainings {', '.join(named[:-1])} and {named[-1]} of {total}"
    return f"in {len(some):,} of {total} trainings ({', '.join(named)} and {len(some) - NAMED:,} more)"


def title_of(record: Record) -> str:
    """The models, the optimizers with their initial rate, and the number of updates."""
    trained = {leaf for rule in record.rules.values() for leaf in rule.leaves}
    models = [model for model in record.models.values() if not model.leaves.isdisjoint(trained)]
    models = models or list(record.models.values())
    rates = {event.optimizer: event.rates for event in reversed(list(record.of(Updated)))}
    used = [(key, rule) for key, rule in record.rules.items() if rule.num_steps]
    words = [
        *_named(f"{model.name} with {model.num_parameters:,} parameters" for model in models),
        *_named(rule.name + (f", lr {figure(max(rates[key]))}" if rates.get(key) else "") for key, rule in used),
    ]
    if record.num_updates or record.num_backwards:
        words.append(_counted(record))
    return "; ".join(words)


def _named(words: Iterable[str], most: int = 3) -> list[str]:
    """The first few distinct ones, each with its count."""
    several = Counter(words)
    return [word if number == 1 else f"{number:,} times {word}" for word, number in list(several.items())[:most]]


def _counted(record: Record) -> str:
    """The number of updates, or of backward passes if there was no update."""
    if record.num_updates:
        return update_count(record.num_updates)
    return f"{record.num_backwards:,} backward pass{'' if record.num_backwards == 1 else 'es'}"
