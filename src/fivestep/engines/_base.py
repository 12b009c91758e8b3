"""The five steps.

An engine holds a network and trains it, one step at a time. `scratch`, `autograd` and `nn` run the five lines of
`FiveStepEngine.train_step`; they differ in how each line is done: by hand, with `loss.backward()`, with `torch.nn` and
`torch.optim`. From the same weights and the same batches they give the same numbers, step for step, and so does
`fused`, whose five steps are compiled. What else an engine holds is in `_engine.py`.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import final

from ..batches import Batch, Place
from ..optim._base import Again
from ..typing import Features, Logits, RowWeights, Scalar, Targets
from ._engine import Engine


class FiveStepEngine(Engine):
    """An engine whose step is the five lines below, each a method of its own."""

    @final
    def train_step(self, x: Features, y: Targets, weight: RowWeights | None = None) -> Scalar:
        logits = self.forward(x)  # 1  predict
        loss = self.loss(logits, y, weight)  # 2  measure
        self.zero_grad()  # 3  forget the last gradient
        self.backward()  # 4  find the new one
        self.update()  # 5  step downhill
        return loss.detach()  # stays on the device

    @final
    def train_step_in_parts(self, parts: Sequence[tuple[Place, Batch]]) -> Scalar:
        losses = []
        self.zero_grad()  # 3  once, and first: the gradients of the parts add up
        for place, (x, y, weight) in parts:
            self.draws.rows = place  # each part takes its rows of the batch's draws
            logits = self.forward(x)  # 1
            loss = self.loss(logits, y, weight)  # 2
            self.backward()  # 4
            losses.append(loss.detach())
        self.draws.rows = None
        total = losses[0] if len(losses) == 1 else sum(losses, self.params.flat.new_zeros(()))
        total = self.ranks.add_up_(self.params.sums, total)  # over all ranks, with the gradients: one all-reduce
        self.update()  # 5
        return total

    @final
    def train_step_with_repeats(
        self, x: Features, y: Targets, weight: RowWeights | None = None, place: Place | None = None
    ) -> Scalar:
        def steps_1_to_4() -> Scalar:
            self.draws.rows = place
            loss = self.loss(self.forward(x), y, weight)
            self.zero_grad()
            self.backward()
            self.draws.rows = None
            return self.ranks.add_up_(self.params.sums, loss.detach())

        loss = steps_1_to_4()
        self.update(again=steps_1_to_4)
        return loss

    @abstractmethod
    def forward(self, x: Features) -> Logits:
        """Step 1, the training pass: (N, I) to logits (N, O). What `backward` needs is kept inside."""

    @abstractmethod
    def loss(self, logits: Logits, y: Targets, weight: RowWeights | None = None) -> Scalar:
        """Step 2: the loss of the logits that `forward` returned: a weighted sum over the rows, or their plain mean."""

    @abstractmethod
    def zero_grad(self) -> None:
        """Step 3: sets the gradient to zero. Without it, `backward` would add to the last step's gradient."""

    @abstractmethod
    def backward(self) -> None:
        """Step 4: adds the gradient of the loss that `loss` returned."""

    @abstractmethod
    def update(self, again: Again | None = None) -> None:
        """Step 5: moves the parameters by one step of the update rule.

        `again()` repeats steps 1 to 4 at the current weights and returns the loss, for a rule that looks more than
        once.
        """
