"""The numbers of the rows are far from the size that layers begin with."""

from ...diagnosis._finding import figure
from .._constant import constant_of
from .._events import ROWS, Predicted, Seen
from .._record import Record

FAR = 10.0
"""The largest rate of a linear layer falls with the square of its inputs: at 10 it is a hundredth of that at 1."""


def inputs_not_scaled(record: Record) -> Seen | None:
    """The loss does not fall, and what goes into the model has a mean or a deviation above ten.

    Initial weights are made for numbers of deviation 1 around 0. Pixels from 0 to 255 or prices in thousands give
    outputs and gradients as many times larger, and no learning rate suits all layers. Whole numbers, such as words by
    number, are not reported, and while the loss falls nothing is reported. It does not count as falling where it came
    down from far above and after 200 updates is no better than the shares of the classes.
    """
    constant = constant_of(record)
    if not record.is_stuck and (constant is None or constant.is_beaten):
        return None
    how = "does not fall" if record.is_stuck else "is no better than the shares of the classes"
    for event in record.of(Predicted):
        far = [
            facts for facts in event.inputs if "float" in facts.dtype and max(abs(facts.mean), facts.deviation) > FAR
        ]
        if event.has_grad and event.is_training and far:
            return Seen(
                ROWS,
                event.place,
                f"The loss {how}, and the inputs of {record.models[event.model].name} have the mean "
                f"{figure(far[0].mean)} and the deviation {figure(far[0].deviation)}, from {figure(far[0].low)} to "
                f"{figure(far[0].high)}.",
                "Standardize them with the training part's numbers: (x - mean) / deviation; divide pixels by 255.",
            )
    return None
