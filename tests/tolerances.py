"""Every tolerance of the tests, each with where the error comes from.

`distance(a, b)` is max|a - b| / max|b| for one tensor: the error measured against the largest number in the tensor,
because that is the scale at which rounding happens in a sum.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

EXACT = 0.0
"""The same operations on the same numbers in the same order: no error at all."""

FORMULA = 1e-12
"""One evaluation of the same formula written in two ways, in float64: a few roundings of 1.1e-16, grown by the
cancellation in sums over a batch. Measured: below 2e-15."""

PRINTED = 1e-4
"""A worked example with its numbers written to four decimals."""

QUADRATURE = 1e-6
"""An expectation over a normal variable by the trapezoidal rule on (-12, 12) in steps of 1e-4. Measured: below 1e-8."""

CENTRAL_DIFFERENCES = 1e-7
"""(f(x + h) - f(x - h)) / 2h in float64 with h = 1e-6: truncation h^2 f'''/6 is about 1e-13, the rounding of f divided
by h is about 1e-10, times the size of the sums in f."""

BEST_TEMPERATURE = 1e-4
"""A minimum found by golden sections and parabolas to 1e-5 in log T, and the derivative there, whose slope is about 1;
in float32 a ratio of two weights is exact to 1e-7."""

ENGINES_FLOAT64 = 1e-10
"""Two engines after seven steps in float64. Measured in the combinations: SGD 5e-15, Adam 2e-13. The bar leaves
room for other processors, whose matrix products add in another order."""

ENGINES_FLOAT32 = 1e-4
"""Two engines after seven steps in float32: one rounding is 6e-8, a gradient that is a sum with cancellation has
relative errors of 1e-5, and Adam divides by its size. Measured: below 1e-6 with the reference partners."""

TEN_EPOCHS_FLOAT64 = 1e-10
"""The training loss of two engines through ten epochs of Fashion-MNIST in float64, relative. Measured on 6,000 images:
4e-16, a rounding or two; the bar leaves room for processors that add in another order."""

TEN_EPOCHS_FLOAT32 = 1e-4
"""The same in float32. Measured on 6,000 images, 240 steps: 0 after the first epoch, 2.4e-6 after ten. On all 60,000,
2,350 steps at a rate near the largest that is stable, one unit of rounding in a gradient becomes up to 1.6e-3."""

FLOAT32 = 1e-6
"""One product of small matrices in float32: a few roundings of 6e-8."""

DIGITS_FLOAT32 = 1e-5
"""One value of an activation in float32, relative to itself: exp(z) carries the rounding of z, 6e-8 of it, for z down
to -90 (5e-6). Measured: 3e-6 for sigmoid, below 1e-6 for the others."""

DEPTH = 0.06
"""The factor by which one layer of width 128 changes a mean square, averaged over 29 layers of four networks. Through
relu its logarithm has the variance 5/128 a layer (chance, a standard error of 0.018) and the mean -5/256 (the width is
finite). Measured: below 0.04."""

ONE_LAYER = 0.2
"""The mean square at one depth of one network of width 128: a few times sqrt(5/128), less what a mean over layers
takes off. Measured: below 0.1."""

QUASI_NEWTON = 1e-8
"""L-BFGS in float64: differences of nearby gradients, divided by each other, make rounding of 1e-16 larger at every
iteration. Measured: 3e-12 after twenty-eight iterations on smooth losses."""

WAVES = 1e-8
"""Two engines with periodic embeddings after seven steps in float64: a frequency that is off by e moves a wave by
2 pi x e, and under RMSprop, whose first steps are ten times the learning rate, frequencies go far. Measured: up to
fortyfold from step to step, 3e-10 after seven, in one pair of items; below 1e-13 in all others."""

STATIONARY = 1e-6
"""Where a search that stops at a gradient of 1e-7 ends, against the minimum itself: the gradient over the curvature."""

PARTS = 1e-12
"""A batch in parts against the whole batch, one step in float64: the same sum, added in another order."""

STATISTICS = 5.0
"""Standard errors between a sample's statistic and its expectation. A fixed seed makes the test repeatable; five is
where a wrong formula is told from bad luck (one in 1.7 million)."""

CONVERGED_FLOAT32 = 5e-5
"""Gradient descent in float32 against the solution it approaches: it stops moving where the gradient's rounding, 1e-7
of its terms, is as large as the gradient. Measured: 2e-6 to 9e-6 on `line`, 3e-6 on `sum`."""

OTHER_DRAWS = 2.0
"""The factor between losses of the same recipe with other random rows and weights. Measured: 1.2, and 2 over seeds."""

TWO_DIGITS = 0.05
"""A figure that was printed with two digits, re-computed in float32: half a unit of the last digit, and the rounding
that a thousand steps carry along."""


ROUNDED_FLOAT32 = 1e-6
"""A number of a few units, computed in float64 and kept in float32: half a unit of its last digit, 6e-8 of it."""

SHARE_OVER_SEEDS = 0.01
"""The mean share of right answers over five seeds, as a docstring states it: half a unit of its last digit, and a row
of the 30 to 1000 that another processor's rounding moves across the border in one of the seeds."""


EXAMPLES = 1e-5
"""An example against its engine in float32, loss by loss over two hundred steps of Adam: the sums are rounded in
another order, and each step carries the difference along. Measured: 6e-7 by hand, 0 with torch.nn."""


BFLOAT16 = 0.02
"""Losses with the module in bfloat16 against float32, over twelve steps: eight bits make an error of 2^-9 = 0.002 in
each factor, a matrix product and an activation later several of them. Measured: up to 0.0012."""


ONNX = 1e-5
"""A small network in float32 by another program, whose sums add in another order and whose functions are its own: a few
roundings of 6e-8 a layer, grown by cancellation. Measured: below 1e-6."""


WITHOUT_EPS = 1e-7
"""Two steps of Adam worked out by hand without eps = 1e-8: it is that part of gradients of about 1, twice."""


DIFFERENCE_QUOTIENT = 0.02
"""(L(w + h) - L(w)) / h with h = 0.001 against the gradient: h L'' / 2, which for losses and weights of a few units is
a thousandth of a few units, against a gradient of a tenth or more, and the rounding of both to five decimals."""


def distance(got: Tensor, expected: Tensor) -> float:
    """max|got - expected| / max|expected|; infinite where the shapes differ, or numbers that are not finite do."""
    if got.shape != expected.shape or not torch.equal(got.isfinite(), expected.isfinite()):
        return float("inf")
    if torch.equal(got, expected):
        return 0.0
    ratio = float((got - expected).abs().max() / expected.abs().max())
    return float("inf") if math.isnan(ratio) else ratio


class Worst(NamedTuple):
    """The largest distance among several tensors, and whose it is."""

    distance: float
    name: str


def worst(got: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Worst:
    """The largest distance between tensors of the same name."""
    assert set(got) == set(expected)
    return max((Worst(distance(got[name], expected[name]), name) for name in expected), default=Worst(0.0, ""))


AS_ROUNDING = 10.0
"""Times as far as an engine is from itself where its weights begin one unit in the last place away: what sums in
another order may make of a combination that makes differences larger. Measured, where a test needs it: 1.1."""


SAME_AS_SKLEARN = 1e-6
"""Twenty epochs of our arithmetic and of scikit-learn's in float64 from the same weights and batches. Measured: below
1e-10 for gradient descent and Adam; L-BFGS makes rounding larger at every iteration, to about 1e-8."""


ULPS = 3.0
"""Units in the last place of a function on lanes: two or three roundings, each of at most one unit. Measured: 0.9 for
`exp`, 1.9 for `sigmoid`, 2.6 for `tanh` (over eighty million numbers) and `softplus`."""


RANKS = 1e-12
"""Two or three ranks against one, a dozen steps in float64: sums over a batch in another order. Measured: 2e-14."""


RANKS_FLOAT32 = 1e-4
"""The same in float32, where one rounding is 6e-8 and the momentum carries it along. Measured: 2e-6."""


RANKS_LBFGS = 1e-8
"""The same through L-BFGS, which divides differences of nearby gradients (`QUASI_NEWTON`)."""


RANKS_LONG = 1e-12
"""Two ranks for a while and then one, against two: some thousand steps of Adam in float64, which carry the order of the
sums along, at a rate of 1e-4. Measured: 1e-15. At 1e-3 the loss comes near 0, Adam's steps jump, and it is 0.6."""


RIVALS = 1e-4
"""A hundred steps of other libraries in float32 against NumPy in float64, weights of size 1: rounding of 6e-8 a step,
which Adam's division by small second moments makes larger. Measured: 2e-6, and 1.2e-5 for JAX."""

CONSTANT_ANSWER = 1e-9
"""The loss of the best constant answer against its closed form, relative: float64, but L-BFGS ends where the
gradient is 1e-10. Near the minimum the loss errs by the square of the answer's error. Measured: below 1e-12."""

DOCTOR_ATTENTION = 1e-5
"""A transformer's block of eight columns in float32 by torch's fast path against the other one: sums in another order,
some dozens of operations of 6e-8 each. Measured: 1e-7."""

PLAYGROUND = 1e-10
"""The engine in JavaScript against `scratch` in float64, all tensors of seven steps: sums in another order, and another
library's tanh and exp, which differ in the last bit; Adam divides by small gradients. Measured: 3e-13 from weights of
zero, below 5e-15 in all other cases. The bar is that of `ENGINES_FLOAT64`."""

NORMALS_OF_A_BROWSER = 1e-6
"""Normal numbers of a browser against torch's, which come in sixteens from vector instructions: a logarithm and a
cosine in float32, each some units of 6e-8 off. Measured: 2e-7."""
