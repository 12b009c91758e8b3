"""
Initialization
==============

**The question:** Why does it matter where a network begins?

Descent goes on from where it is put. Some starting points are dead ends, and in a deep network nearly all of them are.
"""

import math
import warnings

import torch
from torch import nn

import fivestep as fs

# %%
# The idea
# --------
# A network is a chain of layers, and each layer multiplies the size of what goes through it by some factor. If that
# factor is a half, a thousandth is left after ten layers; if it is two, it has grown a thousandfold. The gradient takes
# the same chain in the other direction. So the weights should begin at a size that keeps both as they are.
#
# And they must begin *different*: two units of a layer with the same weights get the same gradient, make the same step,
# and stay the same unit for ever.

# %%
# The formula
# -----------
# A unit adds up :math:`I` products, :math:`z = \sum_i w_i a_i`. With independent weights of mean zero,
#
# .. math::
#   \text{E}[z^2] = I \cdot \text{Var}(w) \cdot \text{E}[a^2]
#
# The :math:`z` are as often negative as positive. ReLU sets the negative half to zero, and with it half of the mean
# square. So a ReLU layer multiplies the mean square by :math:`I\, \text{Var}(w) / 2`, and keeps it with
#
# .. math::
#   \text{Var}(w) = \frac{2}{I} \quad \text{(Kaiming)}
#
# where an activation that is nearly the identity around zero, as tanh is, needs :math:`1/I` (LeCun). Backwards the same
# sum has :math:`O` terms; :math:`2/(I + O)` is the compromise of the two (Xavier). The default of ``nn.Linear`` is
# uniform with variance :math:`1/(3I)`.

# %%
# Raw and professional
# --------------------
# Kaiming's start three times. Raw, it is a factor on standard normal numbers. In torch one walks over the modules of
# the network and fills those that are linear. Here it is a word in the description of the network.

shapes = [(128, 64), (128, 128), (10, 128)]
stream = torch.Generator().manual_seed(0)
raw = [torch.randn(O, I, generator=stream) * math.sqrt(2 / I) for O, I in shapes]

module = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
stream = torch.Generator().manual_seed(0)
for part in module.modules():  # the network itself, then every layer in it
    if isinstance(part, nn.Linear):
        nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=stream)
        nn.init.zeros_(part.bias)

spec = fs.MLP(64, 128, 128, 10, init="kaiming")
plan = fs.TrainPlan(optimizer="adam", lr=0.003, batch_size=32, epochs=5)
engine = fs.make_engine("scratch", spec, plan)

for name, by_hand in zip(("0.weight", "2.weight", "4.weight"), raw, strict=True):
    ours = engine.named_parameters()[name]
    torch.testing.assert_close(by_hand, ours)  # the same draws: one rounding in the factor
    assert torch.equal(module.state_dict()[name], ours)
    print(f"{name}  deviation {ours.std():.4f}, by the formula {math.sqrt(2 / ours.shape[1]):.4f}")

# %%
# With ``init="torch"``, the default, a network begins with the numbers of ``torch.manual_seed`` and ``nn.Sequential``,
# to the last bit.

with torch.random.fork_rng(devices=[]):
    torch.manual_seed(7)
    module = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
engine = fs.make_engine("scratch", fs.MLP(64, 128, 10), fs.TrainPlan(seed=7))
assert all(torch.equal(module.state_dict()[name], w) for name, w in engine.named_parameters().items())
print("nn.Sequential and init='torch': the same bits")

# %%
# What came out
# -------------
# Ten ReLU layers of a thousand units, without biases, for four variances of the weights. By the formula each layer has
# the factor :math:`I\, \text{Var}(w)/2`; the measured one is the tenth root of what ten layers did.

WIDTH, DEPTH = 1000, 10
variances = {
    "N(0, 0.01^2)": 0.01**2,
    "nn.Linear's own": 1 / (3 * WIDTH),
    "Xavier": 2 / (WIDTH + WIDTH),
    "Kaiming": 2 / WIDTH,
}
stream = torch.Generator().manual_seed(0)
for name, variance in variances.items():
    a = torch.randn(200, WIDTH, generator=stream)
    before = a.square().mean()
    for _ in range(DEPTH):
        w = torch.randn(WIDTH, WIDTH, generator=stream) * math.sqrt(variance)
        a = (a @ w.T).clamp(min=0)
    measured, expected = (a.square().mean() / before).item() ** (1 / DEPTH), WIDTH * variance / 2
    print(f"{name:15}  factor of a layer {measured:.4f}, by the formula {expected:.4f}")
    assert math.isclose(
        measured, expected, rel_tol=0.05
    )  # a thousand units: each layer is known to some percent

# %%
# ``N(0, 0.01^2)`` is what the reference network on Fashion-MNIST begins with. Two layers bear it; ten of them leave
# nothing. Here are networks of ten hidden layers on handwritten digits, five seeds for each start, five epochs of Adam.
# A network that gives every one of ten classes the same probability has the loss log 10; a dead one stays there.

data = fs.load_dataset("digits")
ends = {}
for init in ("normal", "torch", "xavier", "kaiming"):
    deep = fs.MLP(64, *[32] * 10, 10, init=init)
    plans = [
        fs.TrainPlan(optimizer="adam", lr=0.003, batch_size=32, epochs=5, seed=seed) for seed in range(5)
    ]
    ends[init] = [member.history[-1].train_loss for member in fs.fit_many(deep, data, plans)]
    print(f"{init:8} training loss", *(f"{loss:.3f}" for loss in sorted(ends[init])))
print(f"log 10 = {math.log(10):.4f}")
assert all(math.isclose(loss, math.log(10), abs_tol=0.01) for loss in ends["normal"])  # none has learned
assert max(ends["kaiming"]) < 1.0
assert sorted(ends["kaiming"])[2] < sorted(ends["torch"])[2]  # the medians

# %%
# A picture
# ---------
# Thirty ReLU layers of 128 units, at the start of training, for every scheme of this program. A scheme whose lines
# stay level in both halves keeps signals alive at any depth. Torch's stays level on the left only: what is left there
# are its biases, the same for every row.

fs.plot("digits", "init_depth")

# %%
# The classic mistake
# -------------------
# All weights zero. It sounds neutral, and for one layer it is: the loss of a linear model is convex, and every start
# leads to the same end. With a hidden layer it is a dead end. All hidden units are zero, so the last layer's weights
# get no gradient; these are zero, so the layers below get none. Only the last bias can move. On the moons, where both
# classes are equally frequent, not even that has a reason to: the loss stays at log 2.

moons = fs.load_dataset("moons")
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=300)
engine = fs.make_engine("scratch", fs.MLP(2, 8, 1, init="zeros"), plan)
with warnings.catch_warnings(record=True, action="always") as said:
    *_, last = fs.train(engine, moons, plan, every=300)
print("warned:", said[0].message)
print(f"after {last.step} steps: loss {last.train_loss:.4f}, log 2 = {math.log(2):.4f}")
for name, gradient in engine.named_gradients().items():
    print(f"{name:9} largest gradient {gradient.abs().max():.1e}")
assert math.isclose(last.train_loss, math.log(2), abs_tol=1e-6)  # float32
assert all(not engine.named_gradients()[name].any() for name in ("0.weight", "0.bias", "2.weight"))

# %%
# All weights *equal* is hardly better. The eight units remain copies of one, and the network learns little more than
# one unit can.

engine = fs.make_engine("scratch", fs.MLP(2, 8, 1, activation="tanh"), plan, dtype="float64")
engine.load_weights({name: torch.full_like(w, 0.5) for name, w in engine.named_parameters().items()})
*_, last = fs.train(engine, moons, plan, every=300)
first_layer = engine.named_parameters()["0.weight"]
print(first_layer[:3])
print(f"loss {last.train_loss:.4f}")
assert torch.allclose(first_layer, first_layer[0].expand(8, 2), rtol=1e-9)  # equal but for the order of sums

member, single = fs.fit_many(
    [fs.MLP(2, 8, 1, activation="tanh"), fs.MLP(2, 1, 1, activation="tanh")], moons, plan
)
print(
    f"eight different units {member.history[-1].train_loss:.4f}, one unit {single.history[-1].train_loss:.4f}"
)
assert math.isclose(
    last.train_loss, single.history[-1].train_loss, abs_tol=0.01
)  # neither has come to its end yet
assert member.history[-1].train_loss < last.train_loss / 3

# %%
# The other side: weights that are far too large. The first loss shows it before any training. It should be near
# log 10 for ten classes; with standard normal weights the network is sure of itself, and wrong.

for init in ("torch", "kaiming", "normal:std=1.0"):
    engine = fs.make_engine("scratch", fs.MLP(64, 128, 10, init=init), fs.TrainPlan())
    first = fs.evaluate(engine, data.train)
    print(f"{init:14} first loss {first.loss:7.3f}")
assert first.loss > 10 * math.log(10)

# %%
# Exercises
# ---------
# 1. Which start keeps the mean square through ten layers *without* an activation, and which factor has Kaiming's there?
# 2. Make a start whose first loss is log 10 exactly, although the hidden layers begin with Kaiming's weights, and show
#    that it learns.
# 3. Orthogonal matrices keep the length of every vector. What does ``init="orthogonal"`` do to twenty linear layers?

# %%
# Solution 1
# ~~~~~~~~~~
# Without ReLU nothing is halved: variance :math:`1/I` keeps the mean square, and Kaiming's doubles it in each layer.

stream = torch.Generator().manual_seed(1)
for name, variance, expected in (("1/I", 1 / WIDTH, 1.0), ("2/I", 2 / WIDTH, 2.0)):
    a = torch.randn(200, WIDTH, generator=stream)
    before = a.square().mean()
    for _ in range(DEPTH):
        a = a @ (torch.randn(WIDTH, WIDTH, generator=stream) * math.sqrt(variance)).T
    measured = (a.square().mean() / before).item() ** (1 / DEPTH)
    print(f"variance {name}: factor of a layer {measured:.3f}")
    assert math.isclose(measured, expected, rel_tol=0.05)

# %%
# Solution 2
# ~~~~~~~~~~
# A last layer of zeros: all logits are zero, all classes equally probable. This is no dead end, because the units below
# differ, so the last layer's weights get different gradients and move, and from the second step on the others do.

plan = fs.TrainPlan(optimizer="adam", lr=0.003, batch_size=32, epochs=5)
engine = fs.make_engine("scratch", fs.MLP(64, 128, 10, init="kaiming"), plan)
start = engine.named_parameters()
engine.load_weights({**start, "2.weight": torch.zeros(10, 128), "2.bias": torch.zeros(10)})
first = fs.evaluate(engine, data.train).loss
*_, last = fs.train(engine, data, plan, every=5)
print(f"first loss {first:.4f}, after five epochs {last.train_loss:.4f}")
assert math.isclose(first, math.log(10), rel_tol=1e-6)  # float32
assert last.train_loss < 0.3

# %%
# Solution 3
# ~~~~~~~~~~
# Nothing: the lengths stay as they are, to rounding.

a = torch.randn(5, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
linear = fs.MLP(64, *[64] * 19, 64, activation="identity", init="orthogonal")
engine = fs.make_engine("scratch", linear, fs.TrainPlan(loss="mse"), dtype="float64")
ratio = engine.predict(a).norm(dim=1) / a.norm(dim=1)
print("length after twenty layers over length before:", [round(r, 6) for r in ratio.tolist()])
assert torch.allclose(ratio, torch.ones_like(ratio), rtol=1e-5)  # the weights are drawn in float32

# %%
# What you learned
# ----------------
# - Each layer multiplies the size of signals; variance :math:`2/I` keeps it through ReLU layers.
# - Weights must begin different; all zero or all equal is a dead end.
# - Look at the first loss: log of the number of classes is right, much more is a start that is too large.
#
# The next page: *Deeper networks and their gradients*.
