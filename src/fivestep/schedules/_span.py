"""A span of a run: a number of steps, or a share of all steps."""

from ..check import refuse


def check_span(argument: str, span: float) -> None:
    """Raises an `InputError` unless `span` is a whole number of at least 1, or lies in (0, 1)."""
    is_number = isinstance(span, int) and not isinstance(span, bool) and span >= 1
    is_share = isinstance(span, float) and 0 < span < 1
    if not (is_number or is_share):
        expected = "a whole number of steps, or a share of all steps in (0, 1)"
        raise refuse(argument, span, expected, "100 is a hundred steps, 0.1 a tenth of the run")


def steps_of(span: float, num_steps: int) -> int:
    """The span in steps, for a run of `num_steps`; a share is rounded to the nearest whole number."""
    return span if isinstance(span, int) else round(span * num_steps)
