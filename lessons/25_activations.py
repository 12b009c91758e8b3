"""
The role of activations
=======================

**The question:** Which bend does a network need?

Almost any. But which one it is decides how gradients travel, what a unit can die of, and what a border looks like. And
what makes depth worth its price can be counted in kinks.
"""

import math
from dataclasses import replace

import torch

import fivestep as fs
from fivestep.find import find

# %%
# The idea
# --------
# An activation bends every number by itself. Two families are in use. *Saturating* ones, sigmoid and tanh, are steep in
# the middle and flat at both ends: a unit is a soft switch. *Rectifying* ones, relu and its smooth relatives (gelu,
# silu), let one side through and stop the other: a unit is a hinge.
#
# In the backward pass every gradient is multiplied by the activation's slope. Where it is flat, little passes. That is
# the whole trade: a hinge passes everything on one side, nothing on the other; a switch passes something everywhere,
# and much only in its middle.

# %%
# The formula
# -----------
#
# .. math::
#   \begin{aligned}
#   \mathrm{relu}(z) &= \max(z, 0) & \mathrm{relu}' &= [z > 0] \\
#   \sigma(z) &= 1 / (1 + e^{-z}) & \sigma' &= \sigma (1 - \sigma) \le \tfrac14 \\
#   \tanh(z) &= 2 \sigma(2z) - 1 & \tanh' &= 1 - \tanh^2 \le 1 \\
#   \mathrm{gelu}(z) &= z\, \Phi(z) & \mathrm{gelu}' &= \Phi(z) + z\, \varphi(z)
#   \end{aligned}
#
# with :math:`\Phi` and :math:`\varphi` the distribution function and the density of the normal distribution. In many
# models gelu is computed by a form without :math:`\Phi`:
#
# .. math::
#   \mathrm{gelu}(z) \approx \tfrac12 z \left(1 + \tanh\left(\sqrt{2 / \pi}\, (z + 0.044715\, z^3)\right)\right)

# %%
# Raw and professional
# --------------------
# By hand, and compared with torch and with the items of this program, which are found by their names:

z = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], dtype=torch.float64)
by_hand = {
    "relu": z.clamp(min=0),
    "sigmoid": 1 / (1 + torch.exp(-z)),
    "tanh": 2 / (1 + torch.exp(-2 * z)) - 1,
    "gelu": z * 0.5 * (1 + torch.erf(z / math.sqrt(2))),
    "gelu_tanh": 0.5 * z * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
}
functional = torch.nn.functional
professional = {
    "relu": torch.relu(z),
    "sigmoid": torch.sigmoid(z),
    "tanh": torch.tanh(z),
    "gelu": functional.gelu(z),
    "gelu_tanh": functional.gelu(z, approximate="tanh"),
}
for name, values in by_hand.items():
    print(f"{name:9}", [f"{value:7.4f}" for value in values.tolist()])
    assert torch.allclose(values, professional[name], rtol=0, atol=1e-15)  # float64
    assert torch.allclose(values, find("activations", name)().value(z), rtol=0, atol=1e-15)
assert by_hand["relu"].tolist() == [0, 0, 0, 0.5, 2]
assert torch.allclose(
    by_hand["gelu"], torch.tensor([-0.0455, -0.1543, 0, 0.3457, 1.9545]).double(), atol=5e-5
)  # 4 digits

# %%
# The two forms of gelu are not the same function. How far apart they are at most:

fine = torch.linspace(-6, 6, 100_001, dtype=torch.float64)
apart = (functional.gelu(fine) - functional.gelu(fine, approximate="tanh")).abs()
print(f"at most {apart.max():.6f}, at z = {abs(fine[apart.argmax()]):.2f}")
assert apart.max() < 5e-4

# %%
# What came out
# -------------
# The moons with eight hidden units, from ten starts each. Tanh and sigmoid end close together from every start. Relu
# does not:

SEEDS = 10  # quick: 3
data = fs.load_dataset("moons")
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=1000)
plans = [replace(plan, seed=seed) for seed in range(SEEDS)]
ends = {}
for name in ("tanh", "sigmoid", "relu"):
    members = fs.fit_many(fs.MLP(2, 8, 1, activation=name), data, plans, engine="scratch", device="cpu")
    ends[name] = [member.history[-1].train_loss for member in members]
    print(f"{name:8}", [f"{loss:.3f}" for loss in ends[name]])
assert max(ends["tanh"]) < 0.036  # the last digit may be another one on another processor
assert 0.038 < min(ends["sigmoid"]) < max(ends["sigmoid"]) < 0.052

# %%
# Some of the relu networks are caught at a loss several times as high. Is it that units have died, which means that
# they give 0 for every row? The count says that this alone is not it: there are dead units in good networks, too.

CAUGHT = 0.2
x = data.train.x
relus, caught = members, [member for member in members if member.history[-1].train_loss > CAUGHT]


def dead_units(engine: fs.Engine) -> int:
    """The hidden units that give 0 for every training row."""
    weights = engine.named_parameters()
    return int((x @ weights["0.weight"].T + weights["0.bias"] <= 0).all(0).sum())


for member in relus:
    loss, dead = member.history[-1].train_loss, dead_units(member.engine)
    print(f"seed {member.plan.seed}: loss {loss:.3f}, dead units {dead} of 8")
free = [member for member in relus if member not in caught]
assert 0.1 < len(caught) / SEEDS < 0.7
assert min(dead_units(member.engine) for member in caught) <= max(
    dead_units(member.engine) for member in free
)

# %%
# Nor is it a lack of time. Many more steps leave them where they are: a hollow with no way down, although there are
# deeper ones.

LONG = 5000  # quick: 1200
again = fs.fit_many(
    fs.MLP(2, 8, 1),
    data,
    [replace(member.plan, epochs=LONG) for member in caught],
    engine="scratch",
    device="cpu",
)
for before, after in zip(caught, again, strict=True):
    losses = before.history[-1].train_loss, after.history[-1].train_loss
    print(f"seed {after.plan.seed}: {losses[0]:.4f} after 1000 steps, {losses[1]:.4f} after {LONG}")
    assert 0.26 < losses[1] <= losses[0] + 0.001

# %%
# More units are the simplest remedy: of the networks with 32 none is caught.

for name in ("tanh", "sigmoid", "relu"):
    members = fs.fit_many(fs.MLP(2, 32, 1, activation=name), data, plans, engine="scratch", device="cpu")
    wide = [member.history[-1].train_loss for member in members]
    print(f"{name:8} 32 units: from {min(wide):.4f} to {max(wide):.4f}")
    assert max(wide) < 0.05

# %%
# What depth does can be counted. A relu unit on one input is a kink. :math:`H` of them in one layer make at most
# :math:`H + 1` straight pieces. But a layer *folds* what comes before it: two units make the tent :math:`t(x) =
# 2\,\mathrm{relu}(x) - 4\,\mathrm{relu}(x - \tfrac12)`, which goes up and down once over the interval, and a tent of a
# tent goes up and down twice. :math:`k` layers of two units have :math:`2^k` pieces, a saw with :math:`2^{k-1}` teeth
# (Telgarsky 2016). One layer needs :math:`2^k` units for it: one for each of the :math:`2^k - 1` kinks, and one for the
# slope with which it begins.


def saw(num_layers: int) -> fs.Engine:
    """A network 1-2-...-2-1 that folds the interval [0, 1] so many times."""
    own = fs.make_engine(
        "scratch",
        fs.MLP(1, *[2] * num_layers, 1),
        fs.TrainPlan(loss="mse"),
        dtype="float64",
        device="cpu",
    )
    fold = torch.tensor([[2.0, -4.0], [2.0, -4.0]])
    weights = {}
    for k in range(num_layers):
        weights[f"{2 * k}.weight"] = torch.ones(2, 1) if k == 0 else fold
        weights[f"{2 * k}.bias"] = torch.tensor([0.0, -0.5])
    weights[f"{2 * num_layers}.weight"], weights[f"{2 * num_layers}.bias"] = (
        fold[:1],
        torch.zeros(1),
    )
    own.load_weights(weights)
    return own


grid = torch.arange(4097, dtype=torch.float64)[:, None] / 4096
print("layers  units  pieces  units of one layer")
for num_layers in range(1, 9):
    slopes = saw(num_layers).predict(grid).diff(dim=0).flatten() * 4096
    pieces = 1 + int((slopes.diff() != 0).sum())
    print(f"{num_layers:6}  {2 * num_layers:5}  {pieces:6}  {2**num_layers:18}")
    assert pieces == 2**num_layers
    assert slopes.abs().unique().tolist() == [2**num_layers]

# %%
# A picture
# ---------
# Every activation of this program with its slope.

fs.plot("moons", "activation_functions")

# %%
# The saw of two, four and six layers of two units each:

canvas = fs.Canvas("Two units a layer, folded again and again", height=3.0)
for k, num_layers in enumerate((2, 4, 6)):
    axes = canvas.axes(1, 3, k + 1, title=f"{num_layers} layers, {2 * num_layers} units", x="x")
    axes.plot(grid, saw(num_layers).predict(grid), color=canvas.color(k), lw=1.2)
canvas.figure

# %%
# The classic mistake
# -------------------
# Killing relu units with steps that are too long. One such step throws a unit's line past all the data. From then on it
# gives 0 for every row, its slope is 0, so its gradient is 0, and no later step can bring it back, however small.

for lr in (1.0, 5.0, 20.0):
    own_plan = replace(plan, optimizer="sgd", lr=lr, epochs=50)
    engine = fs.make_engine("scratch", fs.MLP(2, 8, 1), own_plan, device="cpu")
    for _ in range(50):
        loss = engine.train_step(x, data.train.y).item()
    print(f"rate {lr:4}: {dead_units(engine)} of 8 units dead after 50 steps, loss {loss:.3f}")
assert dead_units(engine) >= 5

weights = engine.named_parameters()
dead = (x @ weights["0.weight"].T + weights["0.bias"] <= 0).all(0)
engine.loss(engine.forward(x), data.train.y)
engine.zero_grad()
engine.backward()
assert (engine.named_gradients()["0.weight"][dead] == 0).all()
largest = engine.named_gradients()["0.weight"][dead].abs().max().item()
print("largest gradient of a dead unit's weights:", largest)

# %%
# An activation is chosen by name, and a name that is nearly right gets the right one in return:

try:
    fs.MLP(2, 8, 1, activation="leakyrelu")
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. A tanh network and a sigmoid network of the same shape can be the same function. Find the weights of one from those
#    of the other.
# 2. The square :math:`z^2` is a bend as well. What can a network with one hidden layer of squares learn, and what does
#    more width change?
# 3. The largest slope of sigmoid is a quarter. What is left of a gradient after ten layers of it, at best, apart from
#    the weights?

# %%
# Solution 1
# ~~~~~~~~~~
# :math:`\tanh(z) = 2 \sigma(2z) - 1`: double the first layer, double the second layer's weights, and let its bias take
# off their old sum.

tanh = fs.make_engine("scratch", fs.MLP(2, 8, 1, activation="tanh"), plan, dtype="float64", device="cpu")
sigmoid = fs.make_engine(
    "scratch", fs.MLP(2, 8, 1, activation="sigmoid"), plan, dtype="float64", device="cpu"
)
W1, b1, W2, b2 = tanh.named_parameters().values()
sigmoid.load_weights({"0.weight": 2 * W1, "0.bias": 2 * b1, "2.weight": 2 * W2, "2.bias": b2 - W2.sum(1)})
rows = x.double()
assert torch.allclose(tanh.predict(rows), sigmoid.predict(rows), rtol=0, atol=1e-14)  # float64
print("largest difference", (tanh.predict(rows) - sigmoid.predict(rows)).abs().max().item())

# %%
# Solution 2
# ~~~~~~~~~~
# Parabolas. A sum of squares of straight lines is a polynomial of degree two, however many there are. The best fit to a
# wave is the same with 3 units and with 50. One hidden layer can come as near as you like to every continuous function
# if, and only if, its activation is *not* a polynomial (Leshno et al. 1993).

line = torch.linspace(-1, 1, 201, dtype=torch.float64)
wave = torch.sin(3 * math.pi * line)
stream = torch.Generator().manual_seed(0)
for num_units in (3, 50):
    slope, shift = (torch.randn(num_units, generator=stream).double() for _ in range(2))
    hidden = {
        "square": (line[:, None] * slope + shift).square(),
        "relu": (line[:, None] * slope + shift).relu(),
    }
    for name, columns in hidden.items():
        A = torch.cat([columns, torch.ones(201, 1).double()], dim=1)
        fit = A @ torch.linalg.lstsq(A, wave[:, None], driver="gelsd").solution
        error = (fit[:, 0] - wave).square().mean().sqrt()
        print(f"{num_units:2} units of {name:6}: root mean square error {error:.4f}")
        if name == "square":
            parabola = torch.stack([line**2, line, torch.ones_like(line)], dim=1)
            best = parabola @ torch.linalg.lstsq(parabola, wave[:, None]).solution
            # least squares in float64, 50 columns of rank 3
            assert torch.allclose(fit, best, atol=1e-6)
assert (fit[:, 0] - wave).square().mean() < (best[:, 0] - wave).square().mean() / 4

# %%
# Solution 3
# ~~~~~~~~~~
# A quarter to the tenth: about a millionth. This is the vanishing gradient, in its simplest form.

left = 0.25**10
print(f"{left:.1e}")
assert left < 1e-6

# %%
# What you learned
# ----------------
# - The activation's slope is a factor of every gradient that passes through it.
# - Relu units can die, and a relu network can be caught in a hollow even without; width helps.
# - Layers fold: pieces multiply with depth and only add up with width.
# - A name such as gelu may stand for two forms. They differ in the fourth decimal.
#
# The next page: *Mini-batches and data pipelines*.
