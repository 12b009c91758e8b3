"""All checks over one record."""

from collections import Counter
from collections.abc import Iterable

from ..diagnosis._finding import Finding, figure
from ..find import find, names
from ._events import Seen, Updated
from ._place import shown
from ._record import Record
from ._rehearsals import without_rehearsals

CHECKS = "doctor.checks"

SYMPTOM = "best constant not beaten"
"""Findings that are symptoms: if another finding may be the cause, they carry no advice of their own."""

FOLLOWS = "What follows may be why."


def findings_of(record: Record) -> tuple[Finding, ...]:
    """The findings of all checks, in the order of the five steps, each named after its file; a symptom comes first."""
    found: list[tuple[str, Seen]] = []
    record = without_rehearsals(record)
    for name in names(CHECKS):
        seen = find(CHECKS, name)(record)
        if seen is not None:
            found.append((name.replace("_", " "), seen))
    found.sort(key=lambda one: (one[0] != SYMPTOM, one[1].step))
    if len(found) > 1 and found[0][0] == SYMPTOM:
        found[0] = SYMPTOM, found[0][1]._replace(advice=FOLLOWS)
    return tuple(
        Finding(sign, seen.seen, seen.advice, None if seen.place is None else shown(seen.place)) for sign, seen in found
    )


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
    number, (one, several) = record.num_updates, ("update", "updates")
    if not number:
        number, (one, several) = record.num_backwards, ("backward pass", "backward passes")
    return f"{number:,} {one if number == 1 else several}"
