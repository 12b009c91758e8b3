"""A network whose units are divided, as stages from one level to the next: products, and what else takes a pass."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, final

from ....draws import BITS
from ..._engine import Engine
from .._operations import Operation, operations_of
from .._size import num_of_columns
from ..body import kinds as kind

NORMS = (kind.LAYER_NORM, kind.RMS_NORM, kind.BATCH_NORM)


@final
class Stage(NamedTuple):
    """What leads from one level to the next: a product, a norm or neither; what joins it, an activation, and dropout.

    `operation` is LINEAR, that of a norm, IDENTITY, or COLUMNS, where a network for tables begins; `numbers` are its
    options, and a product is multiplied by `factor`. Weight, bias, running statistics and the `strength` of the
    activation lie at places of the flat vectors (-1: none). `joins` is a level (-1: none). The dropout draws as layer
    `draws` (-1: none); `least` is the least number of bits that stays, and what is left is `scaled`.
    """

    operation: int
    num_in: int
    num_out: int
    numbers: tuple[float, ...] = ()
    factor: float = 1.0
    weight: int = -1
    bias: int = -1
    running: int = -1
    joins: int = -1
    activation: int = kind.IDENTITY
    option: float = 0.0
    strength: int = -1
    draws: int = -1
    least: float = 0.0
    scaled: float = 1.0

    @property
    def keeps_derivative(self) -> bool:
        """Whether its derivative is kept: that of relu shows in its value."""
        of_sums = self.activation != kind.IDENTITY or self.draws >= 0
        return self.strength >= 0 or (self.activation != kind.RELU and of_sums)

    def can_take(self, one: int) -> bool:
        """Whether an operation of that kind can be done in it: first what joins, then an activation, then dropout."""
        is_bare = self.activation == kind.IDENTITY and self.strength < 0
        follows = self.operation != kind.COLUMNS and self.draws < 0 and (one == kind.DROPOUT or is_bare)
        return follows and not (one == kind.JOIN and self.joins >= 0)


@final
class Staged(NamedTuple):
    """The stages of a network, and the two numbers that its inputs are changed by: times the first, plus the second."""

    stages: list[Stage]
    inputs: tuple[float, float] = (1.0, 0.0)

    @property
    def has_passes(self) -> bool:
        """Whether a stage is no product, or is joined by another level."""
        return any(stage.operation not in (kind.LINEAR, kind.COLUMNS) or stage.joins >= 0 for stage in self.stages)

    @property
    def has_columns(self) -> bool:
        """Whether the first stage is what a network for tables begins with."""
        return self.stages[0].operation == kind.COLUMNS

    @property
    def learns(self) -> bool:
        """Whether it has these, or activations with learned strengths."""
        return self.has_columns or any(stage.strength >= 0 for stage in self.stages)


def staged(engine: Engine) -> Staged:
    """The stages of an engine's network, one that `can_be_divided`."""
    num_columns = num_of_columns(engine.spec.layers)
    operations = operations_of(engine.spec, engine.layers, engine.params, num_columns)
    inputs, width = (1.0, 0.0), engine.spec.in_features or 0
    if num_columns:
        shape: tuple[int, ...] = (width,)
        for layer in engine.layers[:num_columns]:
            shape = layer.output_shape(shape)
        return Staged(_stages_of(operations, shape[-1], [Stage(kind.COLUMNS, width, shape[-1])]))
    while operations[0].kind in (kind.SHIFT, kind.FACTOR):
        first, (number, *_) = operations[0], operations[0].numbers
        inputs = (
            (inputs[0], inputs[1] + number) if first.kind == kind.SHIFT else (inputs[0] * number, inputs[1] * number)
        )
        operations = operations[1:]
    return Staged(_stages_of(operations, width, []), inputs)


def _stages_of(operations: Sequence[Operation], width: int, stages: list[Stage]) -> list[Stage]:
    """The stages of operations behind those that are there."""
    factor = 1.0
    begun: list[int] = []  # levels where branches begin, the innermost last
    for one in _strengthened(operations):
        if one.kind == kind.BRANCH:
            begun.append(len(stages))
        elif one.kind == kind.LINEAR or one.kind in NORMS:
            places = {"weight": one.weight, "bias": one.bias, "running": one.running}
            stages.append(Stage(one.kind, width, one.width, one.numbers, factor, **places))
            factor = 1.0
        elif one.kind == kind.FACTOR:  # of the product that follows
            [factor] = one.numbers
        elif one.kind != kind.IDENTITY or one.weight >= 0:
            if len(stages) in begun or not stages[-1].can_take(one.kind):
                stages.append(Stage(kind.IDENTITY, width, width))
            stages[-1] = _with(stages[-1], one, begun)
        width = one.width
    return stages


def _strengthened(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Operations with those of a `parametric` as one: the activation, and where its strengths lie as its weight."""
    k = 0
    while k < len(operations):
        is_mixed = k + 2 < len(operations) and operations[k + 2].kind == kind.MIX
        yield operations[k + 1]._replace(weight=operations[k + 2].weight) if is_mixed else operations[k]
        k += 3 if is_mixed else 1


def _with(stage: Stage, one: Operation, begun: list[int]) -> Stage:
    """A stage with one more operation behind it."""
    if one.kind == kind.JOIN:
        return stage._replace(joins=begun.pop())
    if one.kind == kind.DROPOUT:
        [p] = one.numbers
        return stage._replace(draws=one.draws, least=float(round(p * 2**BITS)), scaled=1 / (1 - p))
    return stage._replace(activation=one.kind, option=(*one.numbers, 0.0)[0], strength=one.weight)
