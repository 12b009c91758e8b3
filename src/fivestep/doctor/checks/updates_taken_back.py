"""What an update has moved is moved back right after it."""

from .._events import UPDATE, Seen, Updated
from .._record import Record

FEWEST = 10
"""Updates in a row."""

LEAST, MOST = 0.75, 0.9999
"""The share that is taken back: less is a matter of the learning rate, and all of it is an update that was tried."""


def updates_taken_back(record: Record) -> Seen | None:
    """After nearly every update, the weights were moved straight back by three quarters of it or more.

    `model.load_state_dict(average)` after each step, of a moving average with decay d, leaves 1 - d of each update: the
    learning rate is a thousandth of what it says. The average is meant to be kept beside the model, and used for
    predictions. Seen by the first matrix of an optimizer, between one update and the next, if it was so in nine of ten.
    Weights that are put back as a whole, limited to a range or a norm, moved away and back between two updates, or
    averaged every few updates, are not reported.
    """
    for key, rule in record.rules.items():
        updates = [event for event in record.of(Updated) if event.optimizer == key]
        shares = [event.taken_back for event in updates if event.taken_back is not None]
        shares, number = sorted(share for share in shares if LEAST <= share <= MOST), _num_followers(updates)
        if len(shares) >= FEWEST and 10 * len(shares) >= 9 * number:
            share = shares[len(shares) // 2]
            return Seen(
                UPDATE,
                updates[0].place,
                f"After {len(shares)} of {number} updates of {rule.name} seen, the weights were moved back "
                f"by {share:.4g} of what it had moved them: its learning rate is {1 - share:.2g} of what it says.",
                "A moving average stays beside the model, as torch.optim.swa_utils.AveragedModel: predict with it, and "
                "do not load it into the model that is trained.",
            )
    return None


def _num_followers(updates: list[Updated]) -> int:
    """How many updates come right after another one that was seen."""
    rounds = {event.round for event in updates}
    return sum(event.round - 1 in rounds for event in updates)
