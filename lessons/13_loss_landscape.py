"""
The loss landscape
==================

**The question:** What does descent descend on?

A loss is a number for every choice of the parameters, so it is a height over the space of all choices. Training is a
walk in that country, by night: at each place one sees the slope under one's feet, and nothing else.
"""

import math
from dataclasses import replace

import torch

import fivestep as fs

# %%
# The idea
# --------
# With two parameters the landscape can be drawn as a map. For a linear model and the squared error it is a bowl: one
# lowest point, and downhill leads there from everywhere. A network's landscape has as many directions as the network
# has parameters, and it is no bowl: there are many lowest points, ridges between them, and hollows from which every way
# leads up although deeper ones exist.
#
# What descent needs is little: that downhill exists, and that a step is short enough for the slope under one's feet to
# still be true at its end.

# %%
# The formula
# -----------
# Near a place :math:`w`, with the gradient :math:`g` and the matrix of second derivatives :math:`H`,
#
# .. math::
#   L(w + d) \approx L(w) + g \cdot d + \tfrac{1}{2}\, d \cdot H d
#
# Of all short steps :math:`d` of one length, :math:`-g` goes down the most. Step by :math:`d = -\eta g` and
#
# .. math::
#   L(w - \eta g) \approx L(w) - \eta |g|^2 + \tfrac{\eta^2}{2}\, g \cdot H g
#
# which is lower than :math:`L(w)` as long as :math:`\eta < 2 / \lambda`, where :math:`\lambda` is the largest
# eigenvalue of :math:`H`, the curvature of the sharpest bend. For the squared error of a linear model :math:`H` is the
# same everywhere, and :math:`\approx` is :math:`=`.

# %%
# Raw and professional
# --------------------
# Ten points around a line, and the loss at every place of a grid of slopes and intercepts, by hand:

data = fs.load_dataset("line")
x, y = data.train.x[:, 0].double(), data.train.y.double()
slopes = torch.linspace(-0.5, 4.5, 101).double()
intercepts = torch.linspace(-1.5, 3.5, 101).double()
z = slopes[None, :, None] * x + intercepts[:, None, None]  # (101, 101, N)
heights = (z - y).square().mean(-1)  # (101, 101)
lowest = divmod(int(heights.argmin()), 101)
w, b = slopes[lowest[1]], intercepts[lowest[0]]
print(f"lowest on the grid: {heights.min():.4f} at slope {w:.2f}, intercept {b:.2f}")

# %%
# The bowl's formula, from its lowest point :math:`v^*`, is the same numbers:

A = torch.stack([x, torch.ones_like(x)], dim=1)  # (N, 2)
best = torch.linalg.solve(A.T @ A, A.T @ y)
H = 2 / len(A) * A.T @ A
away = (
    torch.stack([slopes.expand(101, 101), intercepts[:, None].expand(101, 101)], dim=-1) - best
)  # (101, 101, 2)
bowl = (A @ best - y).square().mean() + 0.5 * torch.einsum("hwi,ij,hwj->hw", away, H, away)
assert torch.allclose(heights, bowl, rtol=1e-10)  # exact up to rounding in float64

# %%
# The walk on it, with an engine:

plan = fs.TrainPlan(loss="mse", lr=0.05, batch_size=None, epochs=60)
engine = fs.make_engine("scratch", fs.LinearRegression(1), plan, dtype="float64", device="cpu")
way = [engine.params.flat.clone()]
for _ in fs.steps(engine, data, plan):
    way.append(engine.params.flat.clone())
way = torch.stack(way)

canvas = fs.Canvas("The squared error of ten points, and sixty steps", height=5.2)
axes = canvas.axes(x="slope w", y="intercept b")
filled = axes.contourf(slopes, intercepts, heights.log10(), levels=18, cmap="cividis")
axes.plot(way[:, 0], way[:, 1], "o-", color="#ff7f2a", ms=3, lw=1.4, label="descent")
axes.plot(*best, "*", color="#ffffff", mec="#000000", ms=15, ls="none", label="least squares")
canvas.colorbar(filled, axes, "log10 of the loss")
canvas.legend(axes)
canvas.figure

# %%
# What came out
# -------------
# Downhill is against the gradient. From one place, look a little way into 360 directions: the one that goes down the
# most is the gradient's opposite, to the degree.

here = torch.tensor([0.0, 0.5], dtype=torch.float64)
gradient = 2 / len(A) * A.T @ (A @ here - y)
angles = torch.arange(360).double() * math.pi / 180
looked = here + 1e-4 * torch.stack([angles.cos(), angles.sin()], dim=1)
around = (looked @ A.T - y).square().mean(1)
steepest = int(around.argmin())
against = math.degrees(math.atan2(-gradient[1], -gradient[0])) % 360
print(f"steepest way down: {steepest} degrees, against the gradient: {against:.1f} degrees")
assert abs(steepest - against) <= 1

# %%
# A network of two layers has more than one lowest point. Two of the same kind, from two starts, on the two moons:

EPOCHS = 1000  # quick: 300
moons = fs.load_dataset("moons")
moons_plan = fs.TrainPlan(
    loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=EPOCHS
)
plans = [moons_plan, replace(moons_plan, seed=1)]
first, second = fs.fit_many(fs.MLP(2, 8, 1, activation="tanh"), moons, plans, engine="scratch", device="cpu")
probe = fs.make_engine("scratch", first.spec, first.plan, device="cpu")


def loss_at(flat: torch.Tensor) -> float:
    """The training loss with these parameters."""
    probe.params.flat.copy_(flat)
    return fs.evaluate(probe, moons.train).loss


one, other = first.engine.params.flat.clone(), second.engine.params.flat.clone()
shares = torch.linspace(0, 1, 41)
between = [loss_at((1 - share) * one + share * other) for share in shares]
print(f"at the ends {between[0]:.3f} and {between[-1]:.3f}, between them up to {max(between):.3f}")
assert max(between) > 3 * max(between[0], between[-1])

# %%
# A ridge: the straight way from one good network to another leads over bad ones. In a bowl it cannot, for there no loss
# on the straight way between two places lies above the line that joins theirs. A single linear layer with the
# cross-entropy is of that kind (*convex*), and any two of its places show it:

linear = fs.make_engine("scratch", fs.LinearRegression(2), moons_plan, device="cpu")
stream = torch.Generator().manual_seed(0)
for _ in range(50):
    ends = 3 * torch.randn(2, 3, generator=stream)
    losses = []
    for flat in (ends[0], ends[1], ends.mean(0)):
        linear.params.flat.copy_(flat)
        losses.append(fs.evaluate(linear, moons.train).loss)
    assert losses[2] <= (losses[0] + losses[1]) / 2 + 1e-6  # the rounding of float32

# %%
# One reason for the many lowest points is plain. Exchange two hidden units, with all their weights, and the network is
# the same function: another place, the same height. Eight units have :math:`8!` orders, and as :math:`\tanh` is odd
# each unit may change all its signs too.

swapped = {name: weight.clone() for name, weight in first.engine.named_parameters().items()}
order = [1, 0, *range(2, 8)]
swapped |= {"0.weight": swapped["0.weight"][order], "0.bias": swapped["0.bias"][order]}
swapped["2.weight"] = swapped["2.weight"][:, order]
probe.load_weights(swapped)
twin = probe.params.flat.clone()
assert abs(loss_at(twin) - loss_at(one)) < 1e-5  # sums in another order, in float32
print(f"distance {(twin - one).norm():.2f}, losses {loss_at(one):.6f} and {loss_at(twin):.6f}")
print(f"places like it: {math.factorial(8) * 2**8:,}")
assert (twin - one).norm() > 1

# %%
# A picture
# ---------
# Thirty-three directions do not fit on paper. The picture shows the plane in which the training moved most, seen from
# its end, and the way projected onto it; everywhere else on the map is a network that was never visited.

fs.plot(first, "landscape-2d", title="Two moons, 2-8-1 with tanh: the plane of the training's path")

# %%
# The classic mistake
# -------------------
# Steps that are too long. The slope is true near one's feet only; with :math:`\eta > 2 / \lambda` each step lands on
# the other side of the valley, higher than it began. Just below that bound descent still arrives:

sharpest = torch.linalg.eigvalsh(H)[-1].item()
bound = 2 / sharpest
print(f"the largest eigenvalue is {sharpest:.3f}, so the rate must stay below {bound:.3f}")
for share in (0.5, 0.98, 1.02):
    rate = replace(plan, lr=share * bound)
    engine = fs.make_engine("scratch", fs.LinearRegression(1), rate, dtype="float64", device="cpu")
    losses = [step.loss.item() for step in fs.steps(engine, data, rate)]
    print(f"rate {share:.2f} of the bound: from {losses[0]:.3f} to {losses[-1]:.3f} in sixty steps")
    assert (losses[-1] < losses[0]) == (share < 1)

# %%
# Further beyond the bound the loss soon is larger than any number that ``float32`` holds. The loop looks for that, goes
# back, and names the step:

wild = replace(plan, lr=1.5 * bound, epochs=1000)
engine = fs.make_engine("scratch", fs.LinearRegression(1), wild, device="cpu")
try:
    for _ in fs.train(engine, data, wild, every=100):
        pass
except fs.DivergenceError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. In a network with relu, multiply the weights and biases of the hidden layer by 10 and divide the output's weights
#    by 10. What happens to the loss? What does that say about calling one minimum "flat" and another one "sharp"?
# 2. Is the straight way from the network to its twin with exchanged units flat?
# 3. Draw the loss along three random directions through the trained network. Does it look like a bowl?

# %%
# Solution 1
# ~~~~~~~~~~
# Nothing: relu passes a positive factor through, so it is the same function at another place. But there the same small
# step in the output's weights changes the loss ten times as much. Sharpness measured in raw weights depends on the
# scale that was chosen; pictures of landscapes therefore measure distances in sizes of the weights (*filter
# normalization*), as those of this program do.

relu = fs.make_engine("scratch", fs.MLP(2, 8, 1), moons_plan, device="cpu")
for _ in range(200):
    relu.train_step(moons.train.x, moons.train.y)
scale = {"0.weight": 10, "0.bias": 10, "2.weight": 0.1, "2.bias": 1}
base = {name: weight.clone() for name, weight in relu.named_parameters().items()}
scaled = {name: scale[name] * weight for name, weight in base.items()}


def rise(weights: dict[str, torch.Tensor]) -> tuple[float, float]:
    """The loss there, and how far a step of 0.01 in one output weight raises or lowers it."""
    relu.load_weights(weights)
    loss = fs.evaluate(relu, moons.train).loss
    relu.named_parameters()["2.weight"][0, 0] += 0.01
    return loss, abs(fs.evaluate(relu, moons.train).loss - loss)


(loss, change), (same, changed) = rise(base), rise(scaled)
print(f"losses {loss:.6f} and {same:.6f}")
print(f"a step of 0.01 in one output weight changes them by {change:.2e} and {changed:.2e}")
assert changed > 5 * change
assert abs(loss - same) < 1e-5  # float32

# %%
# Solution 2
# ~~~~~~~~~~
# No, although both ends are the same function. Half-way, the two exchanged units are equal, and the network has lost
# one.

way_to_twin = [loss_at((1 - share) * one + share * twin) for share in shares]
print(f"at the ends {way_to_twin[0]:.4f}, on the way up to {max(way_to_twin):.4f}")
assert max(way_to_twin) > 1.2 * way_to_twin[0]
halfway = (one + twin) / 2
probe.params.flat.copy_(halfway)
unit_0, unit_1 = probe.named_parameters()["0.weight"][:2]
assert torch.allclose(unit_0, unit_1)

# %%
# Solution 3
# ~~~~~~~~~~
# Close to the end, yes; further away, no. And three directions of so many say little about the others.

fs.plot(first, "landscape-1d", title="Two moons, 2-8-1 with tanh: three random directions")

# %%
# What you learned
# ----------------
# - The loss is a height over the space of the parameters; the gradient points up the steepest way.
# - A linear model's landscape is convex. A network's has many lowest points, some of them the same network in other
#   clothes.
# - A rate above 2 over the sharpest curvature climbs instead of descending.
# - A picture of the landscape is a slice: it shows what it shows, in the scale that was chosen.
#
# The next page: *Numerical against analytical gradients*.
