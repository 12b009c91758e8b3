"""Parameters get gradients, but no optimizer has them."""

from collections import Counter
from collections.abc import Iterator

from .._events import UPDATE, Differentiated, Measured, Predicted, Seen, Updated
from .._record import HABIT, Record, update_count


def not_in_optimizer(record: Record) -> Seen | None:
    """Backward reaches parameters of a model in training that no optimizer has, and they stay as they began.

    Either the optimizer was made before the model was replaced, rebuilt or given another layer, or it was given a part
    of the parameters; layers in a plain list are no part of a model, nor is a tensor that is no `nn.Parameter`. What is
    frozen with `requires_grad_(False)` gets no gradient and is not reported, nor what is updated by hand, nor an
    attack, whose optimizer moves rows alone, nor a model whose gradient is looked at between two updates of another.
    In a second training, of a model that was made again, the optimizer may be that of the old one.
    """
    updates, passes = list(record.of(Updated)), list(record.of(Differentiated))
    if len(updates) < HABIT or len(passes) < HABIT:
        return None
    held = {leaf for rule in record.rules.values() for leaf in rule.leaves}
    in_training = {event.model for event in record.of(Predicted) if event.is_training and event.has_grad}
    reached = {key for event in passes for key in event.leaves if record.leaves[key].model in in_training}
    rounds = Counter(key for leaves in _reached_in_rounds(passes) for key in leaves)
    missing = {key for key in reached - held if _is_weight(record, key) and not record.leaves[key].has_changed}
    missing = {key for key in missing if rounds[key] >= HABIT}
    used = {key for event in passes for key in event.leaves} & held
    if not missing or (used and not any(record.leaves[key].is_parameter for key in used)):
        return None
    theirs = [event for event in passes if not event.leaves.isdisjoint(missing)]
    reached &= {key for event in theirs for key in event.leaves}
    update = next((one for one in updates if one.round >= theirs[0].round), updates[-1])
    if held.isdisjoint(reached):
        since = f"After {update_count(theirs[0].round)} " if theirs[0] is not passes[0] else ""
        seen = f"{since}{record.rules[update.optimizer].name} has none of the parameters that the loss hangs on"
        advice = "Make the optimizer after the model is complete, from the parameters of that very model."
    else:
        seen = f"No optimizer has {len(missing)} of the {len(reached)} parameters that get a gradient"
        advice = (
            "Give them to it too: a list of layers must be an nn.ModuleList, a tensor an nn.Parameter. What is to "
            "stay: requires_grad_(False)."
        )
    return Seen(UPDATE, update.place, f"{seen}: {record.names(missing)} stay as they began.", advice)


def _reached_in_rounds(passes: list[Differentiated]) -> Iterator[set[int]]:
    """The parameters that backward reached between two updates."""
    rounds: dict[int, set[int]] = {}
    for event in passes:
        rounds.setdefault(event.round, set()).update(event.leaves)
    yield from rounds.values()


def _is_weight(record: Record, key: int) -> bool:
    """Whether it is a parameter, or written into a module and no rows, as points at which a derivative is taken."""
    leaf = record.leaves[key]
    rows = {event.input.shape[:1] for event in record.of(Measured)}
    rows |= {facts.shape[:1] for event in record.of(Predicted) for facts in event.inputs}
    return leaf.is_parameter or (leaf.model is not None and leaf.shape[:1] not in rows)
