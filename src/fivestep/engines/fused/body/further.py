"""Update rules that only the body for small networks supports; the formulas are those of `optim/`.

Such a rule is another type, so that users of the common rules do not wait for these to be compiled.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .fours import four, join, load_each, shifted, store_each
from .lanes import FOUR, absolute, apart, by_type, every, get, inline, load, put, sqrt, store, total, where, width
from .rules import Corrections, Rule, average, descend, normal, update_plain
from .tiles import store_products, weighted
from .transpose import transpose_part

A, B, C = 3.4445, -4.7750, 2.0315
"""The coefficients of the Newton-Schulz polynomial, as in `optim/muon.py`."""

LEAST_NORM = 1e-7
"""The smallest norm that a matrix is divided by, as in `optim/muon.py`."""

LEAST_RHO = 5.0
"""The rho from which RAdam's variance is known, as in `optim/radam.py`."""


class Further(NamedTuple):
    """An update rule whose state also has one number for each group, `carried`.

    NAdam keeps the product of all mu there, schedule-free AdamW the sum of all squared learning rates, which differ
    between the groups by their `factors`.
    """

    plain: Rule
    factors: Any
    carried: Any


class ByMatrix(NamedTuple):
    """Muon: the `numbers` of its rule are Adam's, for all that is not a matrix, and its momentum.

    Matrix k (`rows[k]`, `columns[k]`) begins at `places[k]`, its rows are `steps[k]` apart, and its update is scaled by
    `scales[k]`. `x` and `y` are work space for the matrix, `gram` and `poly` for its square.
    """

    plain: Rule
    places: Any
    rows: Any
    columns: Any
    steps: Any
    scales: Any
    nesterov: bool
    num_steps: int
    x: Any
    y: Any
    gram: Any
    poly: Any


class StepFactors(NamedTuple):
    """The numbers of a step that all parameters share: factors of gradient and mean, the warmup, the corrections."""

    of_gradient: float
    of_mean: float
    warmup: float
    now: Corrections


@inline
def _step_factors(rule: Further, lr: float, number: int, powers: tuple[float, float]) -> StepFactors:
    """The factors of step `number`; updates what is carried."""
    n, which, carried = rule.plain.numbers, rule.plain.kind, rule.carried
    now = Corrections(number, 1.0 - powers[0], (1.0 - powers[1]) ** 0.5)
    if which == kind.NADAM:
        mu, following = n[0] * (1.0 - 0.5 * powers[0]), n[0] * (1.0 - 0.5 * powers[0] * n[3])
        for k in range(carried.size):
            carried[k] *= mu
        product = carried[0]
        return StepFactors((1.0 - mu) / (1.0 - product), following / (1.0 - product * following), 1.0, now)
    if which == kind.SCHEDULE_FREE:
        warmup, square = number / n[3] if number <= n[3] else 1.0, 0.0
        for k in range(carried.size):
            square = (lr * rule.factors[k] * warmup) ** 2
            carried[k] += square
        share = square / carried[-1] if carried[-1] > 0.0 else 0.0  # that of any group: their factors cancel out
        return StepFactors(share, 0.0, warmup, now)
    if which == kind.RADAM:
        rectified, most = 0.0, 2.0 / (1.0 - n[1]) - 1.0
        rho = most - 2.0 * number * powers[1] / (1.0 - powers[1])
        if most > LEAST_RHO and rho > LEAST_RHO:
            rectified = ((rho - 4.0) * (rho - 2.0) * most / ((most - 4.0) * (most - 2.0) * rho)) ** 0.5
        of_mean = rectified * now.bias_correction2_sqrt / now.bias_correction1
        return StepFactors(0.0 if rectified > 0.0 else 1.0 / now.bias_correction1, of_mean, 1.0, now)
    return StepFactors(0.0, 0.0, 1.0, now)


@inline
def _moved(which: int, rule: Rule, factors: StepFactors, known: Any, rate: Any, decay: Any) -> Any:
    """The new weights and the new memory."""
    n, now, (value, dw, m, v, u) = rule.numbers, factors.now, known
    if which == kind.SCHEDULE_FREE:
        rate, z = rate * factors.warmup, m if now.step > 1 else value
        v = normal(n[1] * v + (1.0 - n[1]) * dw * dw, n[2])
        x = value - (1.0 - n[0]) * z  # beta1 times the mean, before the step
        z = z - rate * decay * value - rate * (dw / (sqrt(v) * (1.0 / now.bias_correction2_sqrt) + n[2]))
        return (1.0 - factors.of_gradient) * x + (1.0 - n[0] + factors.of_gradient * n[0]) * z, z, v, u
    if rule.decoupled:
        value = value * (1.0 - rate * decay)
    else:
        dw = dw + decay * value
    if which == kind.RPROP:
        agreement, size = dw * m, v if now.step > 1 else v + rate
        size = size * where(agreement > 0.0, n[1] + 0.0 * size, where(agreement < 0.0, n[0] + 0.0 * size, 1.0))
        size = where(size < n[2], n[2], where(size > n[3], n[3], size))
        last = where(agreement < 0.0, 0.0, dw)
        return value - size * where(last > 0.0, 1.0 + 0.0 * last, where(last < 0.0, -1.0, last)), last, size, u
    m = normal(m + (1.0 - n[0]) * (dw - m), n[2])
    if which == kind.ADAMAX:
        largest = absolute(dw) + n[2]
        v = where(n[1] * v > largest, n[1] * v, largest)
        return value - rate * (1.0 / now.bias_correction1) * (m / v), m, v, u
    v = normal(n[1] * v + (1.0 - n[1]) * dw * dw, n[2])
    if which == kind.RADAM:
        return value - rate * (factors.of_gradient * m + factors.of_mean * (m / (sqrt(v) + n[2]))), m, v, u
    if which == kind.NADAM:
        root = sqrt(v) * (1.0 / now.bias_correction2_sqrt) + n[2]
        return value - rate * ((factors.of_gradient * dw + factors.of_mean * m) / root), m, v, u
    u = where(u > v, u, v)  # amsgrad
    root = sqrt(u) * (1.0 / now.bias_correction2_sqrt) + n[2]
    return value - rate * (1.0 / now.bias_correction1) * (m / root), m, v, u


@inline
def _move_all(which: int, rule: Further, arrays: Any, lr: float, factors: StepFactors) -> None:
    """One step of a rule on all parameters; `which` is its kind, a constant for the compiler."""
    (w, g, memory), plain = arrays, rule.plain
    size = w.size
    for j in range(0, size, width(w)):
        known = load(w, j), load(g, j), load(memory, j), load(memory, size + j), load(memory, 2 * size + j)
        value, m, v, u = _moved(which, plain, factors, known, lr * load(plain.lr_factors, j), load(plain.decays, j))
        store(w, j, value)
        store(memory, j, m)
        store(memory, size + j, v)
        store(memory, 2 * size + j, u)
        average(plain, memory, (3 * size + j, value), factors.now.step)


def update_further(rule: Further, arrays: Any, lr: float, number: int, powers: tuple[float, float]) -> None:
    """One step of such a rule."""
    factors = _step_factors(rule, lr, number, powers)
    if rule.plain.kind == kind.NADAM:
        _move_all(kind.NADAM, rule, arrays, lr, factors)
    elif rule.plain.kind == kind.SCHEDULE_FREE:
        _move_all(kind.SCHEDULE_FREE, rule, arrays, lr, factors)
    elif rule.plain.kind == kind.ADAMAX:
        _move_all(kind.ADAMAX, rule, arrays, lr, factors)
    elif rule.plain.kind == kind.RADAM:
        _move_all(kind.RADAM, rule, arrays, lr, factors)
    elif rule.plain.kind == kind.RPROP:
        _move_all(kind.RPROP, rule, arrays, lr, factors)
    else:
        _move_all(kind.AMSGRAD, rule, arrays, lr, factors)


def update_by_matrix(rule: ByMatrix, arrays: Any, lr: float, number: int, powers: tuple[float, float]) -> None:
    """One step of Muon: each matrix moves along its direction, all other parameters as with AdamW."""
    (w, g, memory), plain = arrays, rule.plain
    size, momentum, now = w.size, plain.numbers[3], Corrections(number, 1.0 - powers[0], (1.0 - powers[1]) ** 0.5)
    for j in range(0, size, width(w)):
        dw, m = load(g, j), load(memory, j)
        m = where(load(plain.matrices, j) > 0.0, m + (1.0 - momentum) * (dw - m), m)
        store(memory, j, m)
        store(memory, 2 * size + j, dw + momentum * (m - dw) if rule.nesterov else m)
    for k in range(rule.places.size):
        _find_direction(rule, k, memory, 2 * size + rule.places[k])
    for j in range(0, size, width(w)):
        rate, old, is_matrix = lr * load(plain.lr_factors, j), load(w, j), load(plain.matrices, j) > 0.0
        old = old * (1.0 - rate * load(plain.decays, j))
        known = load(g, j), load(memory, j), load(memory, size + j), old
        value, m, v, _ = descend(kind.ADAM, plain, old, known, rate, now)
        value = where(is_matrix, old - rate * load(memory, 2 * size + j), value)
        store(w, j, value)
        store(memory, j, where(is_matrix, load(memory, j), m))
        store(memory, size + j, where(is_matrix, 0.0, v))
        average(plain, memory, (3 * size + j, value), number)


@apart
def _find_direction(rule: ByMatrix, k: int, memory: Any, at: int) -> None:
    """Replaces the matrix at memory[at] by its direction, with all singular values near 1, times its scale.

    Works on the matrix or its transpose, whichever is wide, padded with zeros to whole registers and four rows.
    """
    shape, step, lanes = (rule.rows[k], rule.columns[k]), rule.steps[k], width(memory)
    short, long = min(shape[0], shape[1]), max(shape[0], shape[1])
    rows, line, square = _rounded_up(short, FOUR), _rounded_up(long, lanes), _rounded_up(short, lanes)
    x, y = rule.x, rule.y
    for j in range(0, rows * line, lanes):
        store(x, j, every(x, 0.0))
    _copy_matrix((memory, at, step), shape, (x, 0, line), shape[0] > shape[1])
    squares = every(x, 0.0)
    for j in range(0, rows * line, lanes):
        squares = squares + load(x, j) * load(x, j)
    norm = total(squares) ** 0.5
    _multiply(x, rows * line, 1.0 / max(norm, LEAST_NORM))
    for j in range(0, rows * square, lanes):
        store(rule.gram, j, every(x, 0.0))
    for _ in range(rule.num_steps):
        _multiply_itself(x, rule.gram, (rows, line, square))
        _add_product((B, C), rule.gram, rule.gram, (rule.poly, rows, square), square)
        _add_product((A, 1.0), rule.poly, x, (y, rows, line), square)
        x, y = y, x
    _multiply(x, rows * line, rule.scales[k])
    if shape[0] > shape[1]:
        _copy_matrix((x, 0, line), (shape[1], shape[0]), (memory, at, step), True)
    else:
        _copy_matrix((x, 0, line), shape, (memory, at, step), False)


@inline
def _copy_matrix(left: Any, shape: tuple[int, int], to: Any, transposed: bool) -> None:
    """Copies a matrix (rows, columns), transposed if `transposed`; both places are (array, begin, distance of rows)."""
    (num_rows, num_columns), (array, here, step), (out, there, apart_there) = shape, left, to
    if transposed:
        transpose_part(left, shape, to)
    else:
        for r in range(num_rows):
            for c in range(num_columns):
                put(out, there + r * apart_there + c, get(array, here + r * step + c))


@inline
def _multiply(x: Any, count: int, factor: float) -> None:
    for j in range(0, count, width(x)):
        store(x, j, load(x, j) * factor)


@inline
def _rounded_up(count: int, whole: int) -> int:
    return -(-count // whole) * whole


@inline
def _multiply_itself(x: Any, gram: Any, sizes: tuple[int, int, int]) -> None:
    """Computes gram = x x^T."""
    rows, line, square = sizes
    for r in range(0, rows, FOUR):
        for q in range(0, rows, FOUR):
            into = (gram, r * square + q, square, FOUR, -1, False)
            store_products(into, (x, four(r * line, line)), (x, four(q * line, line)), line)


@inline
def _add_product(factors: tuple[float, float], p: Any, x: Any, into: tuple[Any, int, int], square: int) -> None:
    """Computes out = a x + c p x with factors a and c, for p (rows, square) and x (rows, line)."""
    (a, c), (out, rows, line), lanes = factors, into, width(x)
    for r in range(0, rows, FOUR):
        at, to = four(r * square, square), four(r * line, line)
        for i in range(0, line, 2 * lanes):
            q = min(i + lanes, line - lanes)
            sums = weighted((p, at, 1), (x, (i, q), line), rows)
            here, there = shifted(to, i), shifted(to, q)
            store_each(out, here, a * load_each(x, here) + c * join(sums, 0))
            store_each(out, there, a * load_each(x, there) + c * join(sums, 4))


update = by_type({Rule: update_plain, Further: update_further, ByMatrix: update_by_matrix})
