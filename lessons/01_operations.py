"""
Operations and reductions
=========================

**The question:** How are many numbers worked on at once?

A network never touches a number alone. It adds tables, multiplies tables and sums over an axis, and everything that it
does is made of these three.
"""

import time

import torch

import fivestep as fs

# %%
# The idea
# --------
# *Elementwise* operations treat every place by itself: the result has the shape of its parts. *Reductions* make many
# numbers one, over the whole tensor or along an axis, which then disappears. *Matrix products* do both: they multiply
# along an axis and sum over it.

a = torch.tensor([[1, 2], [3, 4]])
b = torch.tensor([[10, 20], [30, 40]])
print("a * b =", (a * b).tolist())
assert (a * b).tolist() == [[10, 40], [90, 160]]

# %%
# Along an axis: ``dim=0`` runs down the rows and leaves a number for each column, ``dim=1`` runs along the columns and
# leaves a number for each row. It is the axis that goes away.

scores = torch.tensor([[10.0, 20.0, 30.0], [5.0, 10.0, 15.0]])
print("sum", scores.sum().item(), " mean", scores.mean().item())
print("over dim 0", scores.sum(0).tolist())
print("over dim 1", scores.sum(1).tolist())
assert scores.sum() == 90
assert scores.mean() == 15
assert scores.sum(0).tolist() == [15, 30, 45]
assert scores.sum(1).tolist() == [60, 30]

# %%
# The formula
# -----------
# The product of :math:`A`, of shape :math:`(N, I)`, and :math:`B`, of shape :math:`(I, O)`, has a number for every pair
# of a row of the one and a column of the other:
#
# .. math::
#   (A B)_{no} = \sum_{i} A_{ni} \, B_{io}
#
# The inner sizes must agree, and the outer ones remain: :math:`(N, I)` times :math:`(I, O)` is :math:`(N, O)`.

left = torch.tensor([[1, 2, 3], [4, 5, 6]])
right = torch.tensor([[7, 8], [9, 10], [11, 12]])
print("A B =", (left @ right).tolist())
assert (left @ right).tolist() == [[58, 64], [139, 154]]
assert (left @ right)[0, 0] == 1 * 7 + 2 * 9 + 3 * 11

# %%
# Raw and professional
# --------------------
# A linear layer is a product and a sum. The weight is stored as :math:`(O, I)`, one row for each output, so it is
# transposed before the product; the bias has one number for each output and is added to every row:
#
# .. math::
#   Z = X W^\top + b
#
# By hand, with three loops that say nothing but this formula:


def linear_in_loops(x: torch.Tensor, w: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """The formula, one number at a time."""
    z = torch.zeros(len(x), len(w))
    for n in range(len(x)):
        for o in range(len(w)):
            for i in range(x.shape[1]):
                z[n, o] += x[n, i] * w[o, i]
            z[n, o] += bias[o]
    return z


draws = torch.Generator().manual_seed(0)
x = torch.randn(32, 8, generator=draws)
w, bias = torch.randn(4, 8, generator=draws), torch.randn(4, generator=draws)

started = time.perf_counter()
in_loops = linear_in_loops(x, w, bias)
seconds_of_loops = time.perf_counter() - started

# %%
# As one expression of raw tensors, with torch's module, and with the layer of this program:

module = torch.nn.Linear(8, 4)
module.load_state_dict({"weight": w, "bias": bias})

engine = fs.make_engine(
    "scratch", fs.NetSpec((fs.Choice("linear"),), 8, 4), fs.TrainPlan(loss="mse"), device="cpu"
)
engine.load_weights({"0.weight": w, "0.bias": bias})

started = time.perf_counter()
raw = x @ w.T + bias
seconds_of_product = time.perf_counter() - started
professional = module(x).detach()
ours = engine.predict(x)

# %%
# What came out
# -------------
# Four times the same numbers. They may differ in the last digit, because a sum that is added up in another order is
# rounded elsewhere: each is a sum of a few numbers of size one in ``float32``, which keeps about seven digits.

CLOSE = 1e-5  # a hundred roundings of a number of size one
for name, other in [("loops", in_loops), ("nn.Linear", professional), ("fivestep", ours)]:
    difference = (other - raw).abs().max().item()
    print(f"{name:10} largest difference from X @ W.T + b: {difference:.1e}")
    assert difference < CLOSE
print(f"loops {seconds_of_loops * 1000:.1f} ms, one product {seconds_of_product * 1000:.3f} ms")

# %%
# A reduction can be weighted, which is a product too: the mean is a product with equal weights. A loss over a batch is
# such a mean, and rows that count more than others only change the weights.

losses = torch.tensor([1.0, 2.0, 6.0])
assert torch.isclose(losses.mean(), losses @ torch.full((3,), 1 / 3))  # 1 / 3 is rounded
counts = torch.tensor([1.0, 1.0, 2.0])
print(
    "mean",
    losses.mean().item(),
    " the last row counted twice",
    (losses @ (counts / counts.sum())).item(),
)
assert losses @ (counts / counts.sum()) == torch.tensor([1.0, 2.0, 6.0, 6.0]).mean()

# %%
# A choice from two tensors is elementwise as well: ``where`` takes from the first where a condition holds, and from the
# second elsewhere.

digits = torch.arange(10)
print(torch.where(digits > 4, -1, digits).tolist())
assert torch.where(digits > 4, -1, digits).tolist() == [0, 1, 2, 3, 4, -1, -1, -1, -1, -1]

# %%
# A picture
# ---------
# Elementwise functions have a curve each. These are what networks bend with, and their derivatives.

fs.plot("moons", "activation_functions", title="Elementwise functions, and their derivatives")

# %%
# The classic mistake
# -------------------
# The wrong axis. Scores of classes have to be turned into shares for each row; summing over the rows instead gives a
# table that looks as good, with numbers between 0 and 1, and every column adds up to one instead of every row.

wrong = scores / scores.sum(0)
right_shares = scores / scores.sum(1, keepdim=True)
print("rows of the wrong one add up to", wrong.sum(1).tolist())
print("rows of the right one add up to", right_shares.sum(1).tolist())
assert torch.allclose(right_shares.sum(1), torch.ones(2))  # each is a sum of three rounded quotients
assert not torch.allclose(wrong.sum(1), torch.ones(2))

# %%
# ``keepdim=True`` keeps the axis with one place, so that the division can stretch it again. Without it the shapes do
# not fit, and here torch says so; with as many rows as columns it would silently have stretched the wrong way.

try:
    print(scores / scores.sum(1))
except RuntimeError as error:
    print(error)
square = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
assert (square / square.sum(1)).shape == (2, 2)
assert torch.equal(square / square.sum(1, keepdim=True), torch.tensor([[0.25, 0.75], [0.5, 0.5]]))

# %%
# And inner sizes that do not agree, as with a weight that was not transposed:

try:
    print(x @ w)
except RuntimeError as error:
    print(error)
try:
    engine.predict(x[:, :5])
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. Write the sum over the rows of a table as a matrix product.
# 2. The squared distance of every row of one table to every row of another, without a loop: which shape has the
#    difference before the squares are summed, and how can that large tensor be avoided?
# 3. A mean over batches of different sizes is not the mean of their means. How do you get the mean of all rows from the
#    means of batches?

# %%
# Solution 1
# ~~~~~~~~~~
# A row of ones from the left sums down the columns.

ones = torch.ones(1, 2)
print((ones @ scores).tolist())
assert torch.equal((ones @ scores)[0], scores.sum(0))

# %%
# Solution 2
# ~~~~~~~~~~
# With broadcasting the difference has a number for each pair and each feature. Multiplied out, :math:`\lVert p - q
# \rVert^2 = \lVert p \rVert^2 - 2 p^\top q + \lVert q \rVert^2`, only the pairs remain.

p, q = torch.randn(5, 3, generator=draws), torch.randn(7, 3, generator=draws)
differences = p[:, None, :] - q[None, :, :]
print("difference", tuple(differences.shape), " distances", tuple(differences.square().sum(-1).shape))
multiplied_out = p.square().sum(1, keepdim=True) - 2 * p @ q.T + q.square().sum(1)
assert torch.allclose(
    differences.square().sum(-1), multiplied_out, atol=1e-5
)  # small differences of larger numbers

# %%
# Solution 3
# ~~~~~~~~~~
# Each batch's mean counts as often as it has rows.

values = torch.arange(10.0)
batches = values.split(4)
means = torch.tensor([batch.mean() for batch in batches])
sizes = torch.tensor([float(len(batch)) for batch in batches])
print(
    "sizes",
    sizes.tolist(),
    " mean of means",
    means.mean().item(),
    " mean of all",
    values.mean().item(),
)
assert (means * sizes).sum() / sizes.sum() == values.mean()
assert means.mean() != values.mean()

# %%
# What you learned
# ----------------
# - Elementwise keeps the shape, a reduction drops an axis, a matrix product sums over the inner one.
# - A linear layer is ``X @ W.T + b``: the same numbers in loops, raw, in ``nn.Linear`` and here.
# - ``dim`` is the axis that goes away; ``keepdim=True`` where the result meets the tensor again.
#
# The next page: *Indexing and gather*.
