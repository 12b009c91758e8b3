"""Findings in the rows: identical targets, equal rows with different targets, rows that are in two parts."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ..datasets._base import Rows
from ._evidence import Evidence
from ._finding import Finding, figure

ONE_ANSWER = "one answer"
"""The name of the finding that there is nothing to learn."""

SHARE = 0.01
"""The share of the rows from which a finding is reported."""

SMALLEST = 5
"""Rows of a class from which it is reported as never predicted."""

MOST_ROWS = 50_000
"""The most rows that are compared with each other."""


def in_rows(evidence: Evidence) -> Iterator[Finding]:
    """Findings in the rows, whatever is trained on them."""
    data = evidence.subject.data
    train = _counted(data.train)
    if bool((train.y == train.y[:1]).all()):
        yield Finding(
            ONE_ANSWER,
            f"All {len(train):,} training rows have the same target, {train.y.flatten()[0].item():g}.",
            "Look at the target column, and at how the rows were chosen: there is nothing to learn.",
        )
        return
    if data.fresh is None:
        yield from _contradictions(evidence, train)
        for name, part in (("validation", data.valid), ("test", data.test)):
            if part is not None:
                yield from _repeated(evidence, name, train, _counted(part))


def _counted(part: Rows) -> Rows:
    """The first rows of a part, without those of weight 0."""
    rows = part.take(slice(MOST_ROWS))
    return rows if rows.weight is None else rows.take(rows.weight.nonzero()[:, 0])


def never_answered(evidence: Evidence) -> Iterator[Finding]:
    """Classes of the training rows that the trained network never predicts."""
    subject, num_classes = evidence.subject, evidence.subject.num_classes
    if num_classes < 2 or evidence.train.y[0].numel() > 1:
        return
    y = subject.labels(evidence.train)
    given = torch.bincount(subject.probabilities(evidence.train.x).argmax(1), minlength=num_classes)
    there = torch.bincount(y, minlength=num_classes)
    never = [k for k in range(num_classes) if there[k] >= SMALLEST and given[k] == 0]
    if never and len(never) < int((there > 0).sum()):
        names = ", ".join(subject.class_names[k] for k in never[:5]) + (", ..." if len(never) > 5 else "")
        share = float(there[never].sum()) / len(y)
        is_rare = share < 0.5 * len(never) / num_classes
        yield Finding(
            "never answered",
            f"The network never answers {names}, the target of {share:.1%} of the training rows.",
            "Rare classes count for more with --class-weight balanced; look at balanced_accuracy beside accuracy."
            if is_rare
            else "That is not because they are rare.",
        )


def _contradictions(evidence: Evidence, rows: Rows) -> Iterator[Finding]:
    """Equal inputs with different targets, which no network can get right."""
    place, y = _groups(rows.stored, evidence), rows.y.reshape(len(rows), -1)
    if int(place.max()) + 1 == len(rows):
        return
    weight = torch.ones(len(rows), dtype=torch.float64) if rows.weight is None else rows.weight.double().cpu()
    if evidence.start.criterion.target == "numbers":
        y, size = y.double().cpu(), torch.bincount(place, weight)[:, None]
        sums = torch.zeros(len(size), y.shape[1], dtype=torch.float64).index_add_(0, place, weight[:, None] * y)
        all_of_it = weight @ (y - weight @ y / weight.sum()).square()
        share = float((weight @ (y - (sums / size)[place]).square()).sum() / all_of_it.sum())
        what = f"{share:.1%} of the variance of y lies between rows that are equal in x"
    else:
        both, answers = torch.stack([place, _groups(y, evidence)], 1).unique(dim=0, return_inverse=True)
        of_answers = torch.bincount(answers, weight)
        most = torch.zeros(int(place.max()) + 1, dtype=torch.float64).scatter_reduce_(0, both[:, 0], of_answers, "amax")
        share = 1 - float(most.sum() / weight.sum())
        what = f"{round(share * len(rows)):,} have another target than most rows equal in x"
    if share >= SHARE:
        best = f"{1 - share:.4f} of the rows right" if evidence.start.criterion.target != "numbers" else "the rest"
        yield Finding(
            "contradictions",
            f"Of {len(rows):,} training rows, {what}: no network can get more than {best}.",
            "Either targets are wrong, or x was rounded, or a column is missing; or y is a matter of chance, given x.",
        )


def _repeated(evidence: Evidence, name: str, train: Rows, part: Rows) -> Iterator[Finding]:
    """Training rows that recur in an evaluation part."""
    both = torch.cat([_flat(train), _flat(part)])
    place = _groups(both, evidence)
    num_repeated = int(torch.isin(place[len(train) :], place[: len(train)]).sum())
    if num_repeated >= max(1.0, SHARE * len(part)):
        yield Finding(
            "rows in two parts",
            f"{num_repeated:,} of {len(part):,} {name} rows are equal to a training row, target included.",
            "What is measured there is better than on new rows, unless these repeat as well: take copies away before "
            "the rows are split.",
        )


def _flat(rows: Rows) -> Tensor:
    """Inputs and targets joined in one row of numbers."""
    return torch.cat([rows.x.flatten(1), rows.y.reshape(len(rows), -1)], 1)


def _groups(values: Tensor, evidence: Evidence) -> Tensor:
    """A number for each row (N,), the same for rows that the network cannot tell apart."""
    rows = (
        (values.to(evidence.subject.engine.dtype) + 0.0).cpu().reshape(len(values), -1).numpy()
    )  # + 0.0 turns -0.0 into 0.0
    numbers: dict[bytes, int] = {}
    return torch.tensor([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows])


def sizes_of_columns(evidence: Evidence) -> str:
    """A sentence about how much the scales of the columns differ."""
    x = evidence.train.x.flatten(1).double()
    size = x.square().mean(0).sqrt()
    least, largest = int(size.argmin()), int(size.argmax())
    return (
        f"The numbers in column {largest} of x are around {figure(float(size[largest]))}, those in column {least} "
        f"around {figure(float(size[least]))}."
    )


def majority_share(evidence: Evidence) -> float | None:
    """The share of the most common class in the training rows: the accuracy of always predicting it."""
    if evidence.subject.num_classes < 2 or evidence.train.y[0].numel() > 1:
        return None
    y = evidence.subject.labels(evidence.train)
    return float(torch.bincount(y).max()) / len(y)


def far_targets(evidence: Evidence) -> str:
    """A sentence about how far the targets are from a network's initial outputs."""
    y = evidence.train.y.double()
    return (
        f"The targets lie around {figure(float(y.mean()))}, with a deviation of {figure(float(y.std(correction=0)))}, "
        f"and the outputs begin near 0 with one near 1."
    )
