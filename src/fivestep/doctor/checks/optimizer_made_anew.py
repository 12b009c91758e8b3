"""The optimizer is made anew again and again, and forgets what it has gathered."""

from .._events import UPDATE, Seen, Updated
from .._record import HABIT, Record


def optimizer_made_anew(record: Record) -> Seen | None:
    """Optimizers follow on each other for the same parameters, each with momentum or the like that begins at nothing.

    Momentum, and the means that Adam and RMSprop keep, need many steps: an optimizer that is made within the loop never
    has them. Reported for five in a row, of one or two updates each, or each over the same data set of a `DataLoader`.
    Plain SGD remembers nothing and is not reported, nor weights that were begun anew, nor a new task with rows of its
    own.
    """
    longest = max(record.rules.values(), key=lambda rule: rule.num_before, default=None)
    if longest is None or longest.num_before < HABIT or not longest.has_memory:
        return None
    places = [event.place for event in record.of(Updated) if record.rules[event.optimizer].name == longest.name]
    number = longest.num_before + 2
    return Seen(
        UPDATE,
        places[-1] if places else None,
        f"{number:,} optimizers, each a new {longest.name}, had the same parameters one after another: what one "
        "remembers of the gradients is lost with it.",
        "Make it once, before the loop; for another learning rate write group['lr'] = ... for its param_groups.",
    )
