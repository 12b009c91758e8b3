"""Why a network does not learn: measurements of rows, network and training, and what would have helped.

    diagnosis = fs.diagnose("runs/moons-1")

Nothing is guessed. Statements about rows, network and losses are computed from them. What would have helped is tried:
the training is started again with one thing changed, for a few hundred steps, and a change is reported if it gets far
below the whole training in these few steps. After Goodfellow, Bengio and Courville 2016, "Deep learning", section 11.5,
and Karpathy 2019, "A recipe for training neural networks".
"""

from dataclasses import dataclass
from typing import final

from ..check import InputError
from ..datasets._base import Dataset
from ..ensemble import num_members
from ..pictures._base import Subject
from ..pictures._plot import Source, subject_of
from ._evidence import NOTHING, Evidence, evidence_of
from ._finding import Finding, Trial, figure, figure_in_list
from ._network import in_network
from ._rows import ONE_ANSWER, far_targets, in_rows, never_answered, sizes_of_columns
from ._training import of_training
from ._trials import ENOUGH, Each, helpful, trials

MOST_NAMED = 3
"""The most helpful changes that are reported, the best first."""


@final
@dataclass(frozen=True)
class Diagnosis:
    """The findings, and the losses that they are compared with; `str` gives them as text.

    `constant_loss` is the training loss of the best answer that is the same for every row, `first_loss` that of the
    network before its first step. `trials` are all that were run, best first; there are none if the training loss left
    no room for improvement. `is_best_epoch`: the losses are those of the best epoch, whose weights were kept.
    """

    title: str
    num_updates: int
    constant_loss: float
    first_loss: float
    train_loss: float
    valid_loss: float | None
    findings: tuple[Finding, ...]
    trials: tuple[Trial, ...]
    is_best_epoch: bool = False

    def __str__(self) -> str:
        losses = [
            ("the best constant answer", self.constant_loss),
            ("before the first step", self.first_loss),
            (self._when, self.train_loss),
            *([] if self.valid_loss is None else [("the same, on held-out rows", self.valid_loss)]),
        ]
        width = max(len(words) for words, _ in losses)
        lines = [self.title, "", *(f"{words:{width}}  loss {figure_in_list(loss)}" for words, loss in losses), ""]
        for number, found in enumerate(self.findings, start=1):
            lines += found.lines(number)
        return "\n".join([*lines, *([] if self.findings else ["Nothing was found that keeps it from learning."])])

    @property
    def _when(self) -> str:
        if self.is_best_epoch:
            return "in the best epoch, which is kept"
        return f"after {self.num_updates:,} steps" if self.num_updates else "where it broke off"


def diagnose(source: Source, data: Dataset | None = None) -> Diagnosis:
    """Diagnoses a run or its folder, a network of `fit_many`, or a trained engine with its `data`.

    The network itself is unchanged. Raises an `InputError` for one that was not trained, and for several networks that
    answer together.
    """
    return diagnosis_of(subject_of(source, data))


def diagnosis_of(subject: Subject, each: Each = iter) -> Diagnosis:
    """The same for a subject that is ready; `each` passes the changes on that are tried."""
    if num_members(subject.engine.spec) > 1:
        raise InputError(
            "a diagnosis must be of one network, got several that answer together; train one by itself, without "
            "--members and --bagging, an estimator with bagging=1."
        )
    if not subject.is_trained and subject.name == subject.data.name:  # a run that was cut short is named by its folder
        raise InputError(
            f"a diagnosis must be of a training, got the untrained {subject.data.name!r}; run fivestep train "
            f"{subject.data.name} first, then fivestep diagnose runs/{subject.data.name}-1."
        )
    evidence = evidence_of(subject)
    of_rows = list(in_rows(evidence))
    can_learn = all(one.sign != ONE_ANSWER for one in of_rows)
    has_room = can_learn and _has_room(evidence)
    tried = trials(evidence, each) if has_room else []
    found = [  # first that it has not learned, then why: rows, network, what would have helped
        *(of_training(evidence, tried) if can_learn else ()),
        *of_rows,
        *(never_answered(evidence) if evidence.last_loss < NOTHING * evidence.constant else ()),
        *(in_network(evidence) if has_room else ()),
        *_helpful(evidence, tried),
    ]
    if [one.sign for one in found] == ["nothing learned"]:
        advice = (
            f"None of these helped: {'; '.join(trial.change for trial in tried)}. Look whether x says anything of y."
        )
        found = [found[0]._replace(advice=advice)]
    return Diagnosis(
        subject.title,
        subject.num_updates,
        evidence.constant,
        evidence.first_loss,
        evidence.last_loss,
        evidence.last_valid_loss,
        tuple(found),
        tuple(tried),
        evidence.is_best_epoch,
    )


def _has_room(evidence: Evidence) -> bool:
    """Whether so much of the constant answer's loss is left that a few hundred steps could do clearly better."""
    losses = [evidence.last_loss, *([] if evidence.last_valid_loss is None else [evidence.last_valid_loss])]
    return evidence.constant != 0 and max(losses) > ENOUGH * abs(evidence.constant)


def _helpful(evidence: Evidence, tried: list[Trial]) -> list[Finding]:
    """The trials that got far below the whole training, best first, with what they say."""
    found: dict[str, Finding] = {}
    for trial in helpful(evidence, tried):
        if trial.name not in found and len(found) < MOST_NAMED:
            on_others = "" if trial.valid_loss is None else f" ({figure(trial.valid_loss)} on held-out rows)"
            more = {"size of the inputs": sizes_of_columns, "size of the targets": far_targets}.get(
                trial.name, lambda _: ""
            )(evidence)
            advice = (
                f"Try {trial.options}."
                if trial.options
                else "Do the same to your rows, with the training part's numbers."
            )
            found[trial.name] = Finding(
                trial.name,
                f"{more} Begun once more {trial.change}, {trial.steps} steps reach the loss "
                f"{figure(trial.train_loss)}{on_others}.".strip(),
                advice,
            )
    return list(found.values())
