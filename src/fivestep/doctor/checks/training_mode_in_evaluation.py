"""The model is evaluated in training mode."""

from collections.abc import Iterator
from itertools import pairwise

from .._events import PREDICT, Measured, Predicted, Seen
from .._record import Record

IN_A_ROW = 3
"""Calls without gradient, of one model and without another's between them, that are an evaluation."""


def training_mode_in_evaluation(record: Record) -> Seen | None:
    """A model that is trained was measured without gradient while in training mode, and has layers to which it matters.

    Dropout then drops a part of what the model knows, and batch norm uses, and goes on to measure, the rows of the
    evaluation. Reported where a loss follows the call, or several calls in a row, or where the same rows, none of the
    training, are asked for once every few updates, as for an accuracy. A generator that makes rows for another network,
    or a slow copy of the model, is not reported, nor are several answers to the same rows: Monte Carlo dropout, Gal and
    Ghahramani 2016; nor a call whose answer the caller discards, which is made for batch norm to measure rows anew.
    `F.dropout(x)` drops in evaluation mode as well, as nobody tells it.
    """
    trained = {leaf for rule in record.rules.values() if rule.num_steps for leaf in rule.leaves}
    for event in (*_evaluations(record), *_between_updates(record)):
        model = record.models[event.model]
        if event.is_training and event.in_training and event.is_used and not model.leaves.isdisjoint(trained):
            return Seen(
                PREDICT,
                event.place,
                f"{model.name} is evaluated in training mode: {', '.join(event.in_training[:3])} work as in training, "
                "so what is measured is not what the model can do.",
                "Call model.eval() before the evaluation, and model.train() after it.",
            )
    return _dropping(record, trained)


def _dropping(record: Record, trained: set[int]) -> Seen | None:
    """`F.dropout` in evaluation mode, if no rows are asked for twice between two updates."""
    models = {key for key, model in record.models.items() if not model.leaves.isdisjoint(trained)}
    calls = [event for event in record.of(Predicted) if event.is_dropping and event.model in models]
    calls = [event for event in calls if not event.has_grad]
    again = [one for one, other in pairwise(calls) if (one.round, one.inputs) == (other.round, other.inputs)]
    if not calls or again:
        return None
    return Seen(
        PREDICT,
        calls[0].place,
        f"{record.models[calls[0].model].name} drops numbers in evaluation mode too: F.dropout does not know of the "
        "mode, so what is measured is not what the model can do.",
        "Write F.dropout(x, p, training=self.training), or use nn.Dropout.",
    )


def _evaluations(record: Record) -> Iterator[Predicted]:
    """Calls without gradient that a loss without gradient follows, and those that follow others of the same model."""
    relevant = [event for event in record.events if isinstance(event, Predicted | Measured)]
    in_a_row = again = 0  # calls before this one, on other rows and on the same
    for event, following in pairwise(relevant):
        if not isinstance(event, Predicted) or event.has_grad:
            in_a_row = again = 0
            continue
        if isinstance(following, Measured) and not following.has_grad and again < IN_A_ROW - 1:
            yield event
        is_next = isinstance(following, Predicted) and (following.model, following.has_grad) == (event.model, False)
        is_same = isinstance(following, Predicted) and following.inputs == event.inputs
        again = again + 1 if is_next and is_same else 0
        in_a_row = in_a_row + 1 if is_next and not is_same and following.round == event.round else 0
        if in_a_row >= IN_A_ROW - 1:
            yield event


def _between_updates(record: Record) -> Iterator[Predicted]:
    """Calls on rows that were asked for once in each of several rounds, far apart, and never with gradient."""
    if not record.is_one_loss:
        return
    calls = list(record.of(Predicted))
    trained_on = {event.inputs for event in calls if event.has_grad}
    groups: dict[tuple[int, object], list[Predicted]] = {}
    for event in calls:
        if not event.has_grad and event.inputs and event.inputs not in trained_on:
            groups.setdefault((event.model, event.inputs), []).append(event)
    for events in groups.values():
        rounds = [event.round for event in events]
        if len(events) >= IN_A_ROW and all(later - earlier > 1 for earlier, later in pairwise(rounds)):
            yield events[0]
