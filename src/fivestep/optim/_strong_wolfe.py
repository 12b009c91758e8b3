"""How far to go along a line: a search for a point that is lower and flatter."""

import math
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

LOWER = 1e-4
"""c1: the loss must fall by at least this share of what the slope at the start promises (Armijo)."""

FLATTER = 0.9
"""c2: the slope must become at most this share of the slope at the start, in size."""

LEAST_WIDTH = 1e-9
"""A bracket that changes no weight by more than this is not searched any further."""


class Point(NamedTuple):
    """A place w + t d on the line: t, the loss there, its slope along d, its gradient."""

    t: float
    loss: float
    slope: float
    gradient: Tensor


Look = Callable[[float], Point]


def strong_wolfe(look: Look, start: Point, t: float, max_looks: int, size: float) -> tuple[Point, int]:
    """A point that satisfies both strong Wolfe conditions, and how often `look` was asked for one.

        loss(t) <= loss(0) + LOWER t slope(0)        |slope(t)| <= FLATTER |slope(0)|

    `t` is the first guess, `size` the largest element of |d|. After `max_looks` beyond the first, the lower end of the
    bracket is as good as it gets. Nocedal and Wright 2006, "Numerical optimization", algorithms 3.5 and 3.6, with the
    interpolation and the safeguards of minFunc, as in torch.
    """
    before, new = start, look(t)
    for number in range(max_looks):
        if not _is_lower(new, start) or (number > 1 and new.loss >= before.loss):
            return _zoom(look, start, [before, new], max_looks - number, size, 1 + number)
        if _is_flatter(new, start):
            return new, 1 + number
        if new.slope >= 0:
            return _zoom(look, start, [before, new], max_looks - number, size, 1 + number)
        least, most = new.t + 0.01 * (new.t - before.t), 10 * new.t
        before, new = new, look(_cubic_minimum(before, new, least, most))
    return [start, new][_lower_end([start, new])], 1 + max_looks


def _zoom(
    look: Look, start: Point, bracket: list[Point], max_looks: int, size: float, num_looks: int
) -> tuple[Point, int]:
    """Narrows a bracket that holds such a point. The lower end is `bracket[low]`."""
    low, was_close = _lower_end(bracket), False
    for _ in range(max_looks):
        if abs(bracket[1].t - bracket[0].t) * size < LEAST_WIDTH:
            break
        t, was_close = _trial(bracket, was_close)
        new, num_looks = look(t), num_looks + 1
        if not _is_lower(new, start) or new.loss >= bracket[low].loss:
            bracket[1 - low] = new
            low = _lower_end(bracket)
            continue
        if _is_flatter(new, start):
            return new, num_looks
        if new.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = new
    return bracket[low], num_looks


def _trial(bracket: list[Point], was_close: bool) -> tuple[float, bool]:
    """Where to look next, and whether that is close to an end; twice in a row it moves away from there."""
    least, most = sorted(point.t for point in bracket)
    t, margin = _cubic_minimum(bracket[0], bracket[1], least, most), 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if was_close or t >= most or t <= least:
        return (most - margin if abs(t - most) < abs(t - least) else least + margin), False
    return t, True


def _cubic_minimum(one: Point, other: Point, least: float, most: float) -> float:
    """The minimum in [least, most] of the cubic with these two losses and slopes (Nocedal and Wright, equation 3.59).

    The middle, where it has none, or where a loss is not finite (there torch goes on with what is no number).
    """
    left, right = (one, other) if one.t <= other.t else (other, one)
    d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.t - right.t)
    square = d1 * d1 - left.slope * right.slope
    if not 0 <= square < math.inf:
        return (least + most) / 2
    d2 = math.sqrt(square)
    bends = right.slope - left.slope + 2 * d2
    if bends == 0:  # a straight line, as between the kinks of a hinge
        return (least + most) / 2
    t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / bends)
    return min(max(t, least), most)


def _is_lower(point: Point, start: Point) -> bool:
    return point.loss <= start.loss + LOWER * point.t * start.slope


def _is_flatter(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -FLATTER * start.slope


def _lower_end(bracket: list[Point]) -> int:
    first, second = (math.inf if math.isnan(point.loss) else point.loss for point in bracket)
    return 0 if first <= second else 1
