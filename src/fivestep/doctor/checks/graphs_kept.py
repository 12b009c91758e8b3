"""Answers or losses are kept together with the graphs behind them."""

from .._events import MEASURE, Seen
from .._record import Record


def graphs_kept(record: Record) -> Seen | None:
    """Answers or losses of fifteen rounds are alive at once, each with its graph; or so many answers of an evaluation.

    `losses.append(loss)` keeps tensors, not numbers, and what depends on them: memory grows with each step. An
    evaluation that draws a graph holds all that every layer gave, as nobody calls backward: `outputs.append(model(x))`
    soon fills a GPU. Answers in evaluation mode on which backward is called are not reported, nor what is kept for one
    backward pass. Sums are another finding.
    """
    kept, measured = record.kept_in_training, record.kept_in_evaluation
    if measured is not None:
        return Seen(
            MEASURE,
            measured.place,
            f"An evaluation kept {measured.number} answers of the model with their graphs, and all that its layers "
            "gave: memory grows by each.",
            "Put `with torch.no_grad():` around the evaluation; model.eval() alone draws graphs as before.",
            is_of_script=True,
        )
    if kept is not None and record.running_sum is None:
        return Seen(
            MEASURE,
            kept.place,
            f"Answers or losses of {kept.number} rounds seen are kept with their graphs: memory grows by each.",
            "Keep numbers: losses.append(loss.item()), outputs.append(output.detach()).",
            is_of_script=True,
        )
    return None
