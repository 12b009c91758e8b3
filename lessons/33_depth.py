"""
Deeper networks and their gradients
===================================

**The question:** What happens to a gradient on its way through many layers?

More layers can say more with fewer numbers. Whether they learn is decided by what is left of the gradient when it
reaches the first of them.
"""

import math

import torch
from torch import nn

import fivestep as fs

# %%
# The idea
# --------
# The chain rule multiplies. On its way down, the gradient is multiplied in every layer by the weights and by the slope
# of the activation. A product of many factors below one is next to nothing: the first layers *stand still*, although
# nothing is wrong with any line of the program. Factors above one make it grow instead.
#
# Three things help. An activation whose slope is one where it is on (ReLU), with initial weights of the right size for
# it. *Normalization*, which resets the size of the signal in every layer. And *residual connections*,
# :math:`y = x + f(x)`: they give the gradient a path around every layer.

# %%
# The formula
# -----------
# For :math:`a_k = f(z_k)` and :math:`z_k = W_k a_{k-1} + b_k`, the gradient at the input is a product over all layers:
#
# .. math::
#   \frac{\partial L}{\partial a_0} = W_1^\top D_1 \, W_2^\top D_2 \cdots W_n^\top D_n \,
#   \frac{\partial L}{\partial a_n}, \qquad D_k = \text{diag}\, f'(z_k)
#
# The slope of the sigmoid is :math:`s (1 - s)`, at most one quarter. With a residual connection the factor of a layer
# is :math:`1 + f'`: the one in it is the path around.

z = torch.linspace(-8, 8, 1601, dtype=torch.float64, requires_grad=True)
torch.sigmoid(z).sum().backward()
print(f"largest slope of the sigmoid {z.grad.max():.4f}; ten of these in a row {0.25**10:.1e}")
assert math.isclose(z.grad.max(), 0.25, abs_tol=1e-12)

# %%
# Raw and professional
# --------------------
# A residual block by hand, as a torch module, and as a layer of this program: :math:`x + \text{ReLU}(x W^\top + b)`.

WIDTH = 32
block = fs.Choice("residual", layers=(f"linear:out_features={WIDTH}", "relu"))
spec = fs.NetSpec((block, fs.Choice("linear")), WIDTH, 10)
engine = fs.make_engine("scratch", spec, fs.TrainPlan(), dtype="float64")
w = {name: value.clone() for name, value in engine.named_parameters().items()}
x = torch.randn(20, WIDTH, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
y = torch.arange(20) % 10


class Block(nn.Module):
    """A layer and the way past it."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU())

    def forward(self, x):
        """(N, 32) to (N, 32)."""
        return x + self.body(x)


module = nn.Sequential(Block(), nn.Linear(WIDTH, 10)).double()
module.load_state_dict(w)  # the names are the same: "0.body.0.weight", ...
nn.functional.cross_entropy(module(x), y).backward()

z = x @ w["0.body.0.weight"].T + w["0.body.0.bias"]
a = x + z.clamp(min=0)  # the way past, and the layer
logits = a @ w["1.weight"].T + w["1.bias"]
dlogits = logits.softmax(1)
dlogits[torch.arange(20), y] -= 1
dlogits /= 20
da = dlogits @ w["1.weight"]
dz = da * (z > 0)
raw = dz.T @ x

engine.loss(engine.forward(x), y)
engine.zero_grad()
engine.backward()
ours = engine.named_gradients()["0.body.0.weight"]
for other in (raw, module[0].body[0].weight.grad):
    torch.testing.assert_close(other, ours, rtol=1e-10, atol=1e-15)  # rounding of float64
print("three ways to the gradient of", tuple(ours.shape), "weights in the block: equal")

# %%
# What came out
# -------------
# Networks of 2, 5, 10 and 20 hidden layers on handwritten digits, before any training. The table has the size of the
# gradient in the first layer, divided by that in the last one.

data = fs.load_dataset("digits")
plan = fs.TrainPlan(optimizer="adam", lr=0.003, batch_size=32, epochs=5)


def network(kind, depth):
    """A network of that many hidden layers of 32 units."""
    if kind == "residual":
        body = fs.Choice("residual", layers=("layer_norm", f"linear:out_features={WIDTH}", "relu"))
        first = fs.Choice("linear", out_features=WIDTH)
        return fs.NetSpec(
            (first, *[body] * (depth - 1), fs.Choice("linear")),
            64,
            10,
            "kaiming",
            "residual network",
        )
    activation, init, norm = KINDS[kind]
    return fs.MLP(64, *[WIDTH] * depth, 10, activation=activation, init=init, norm=norm)


KINDS = {
    "sigmoid, Xavier": ("sigmoid", "xavier", None),
    "ReLU, nn.Linear's own": ("relu", "torch", None),
    "ReLU, Kaiming": ("relu", "kaiming", None),
    "ReLU, batch norm": ("relu", "torch", "batch_norm"),
    "residual": None,
}
DEPTHS = (2, 5, 10, 20)


def gradient_sizes(spec):
    """The root mean square of the gradient of each matrix, from the first layer to the last, on all training rows."""
    engine = fs.make_engine("scratch", spec, plan)
    engine.loss(engine.forward(data.train.x), data.train.y)
    engine.zero_grad()
    engine.backward()
    return [float(g.square().mean().sqrt()) for g in engine.named_gradients().values() if g.dim() == 2]


sizes = {(kind, depth): gradient_sizes(network(kind, depth)) for kind in KINDS for depth in DEPTHS}
print(f"{'hidden layers':22}", *(f"{depth:8}" for depth in DEPTHS))
for kind in KINDS:
    print(
        f"{kind:22}",
        *(f"{sizes[kind, depth][0] / sizes[kind, depth][-1]:8.1e}" for depth in DEPTHS),
    )
assert sizes["sigmoid, Xavier", 20][0] < 1e-10 * sizes["sigmoid, Xavier", 20][-1]
for kind in ("ReLU, Kaiming", "residual"):
    assert 0.05 < sizes[kind, 20][0] / sizes[kind, 20][-1] < 20

# %%
# And what becomes of them in five epochs. A network that gives all ten classes the same probability has the loss log
# 10.

losses = {}
for kind in KINDS:
    for depth in (2, 20):
        (member,) = fs.fit_many(network(kind, depth), data, [plan])
        losses[kind, depth] = member.history[-1].train_loss
    print(
        f"{kind:22} training loss with 2 layers {losses[kind, 2]:.3f}, with 20 layers {losses[kind, 20]:.3f}"
    )
print(f"log 10 = {math.log(10):.3f}")
for kind in ("sigmoid, Xavier", "ReLU, nn.Linear's own"):
    assert math.isclose(losses[kind, 20], math.log(10), abs_tol=0.02)  # it has learned nothing
assert losses["residual", 20] < 0.5

# %%
# What is depth good for, then? For functions that are made of the same step again and again. The function "twice as
# far, and back from the middle on", :math:`t(x) = 1 - |2x - 1|` on [0, 1], is one tooth; it takes two ReLU units. Put
# into itself, it has two teeth, then four: each time the number doubles, while a layer of two units is added.
#
# A single hidden layer bends at most once for every unit. The 16 teeth below are 32 straight pieces, so it needs 31
# units or more; five layers of two do it with 10. Both are set by hand, and both are exact.

NUM_LAYERS = 5
tooth = (
    torch.tensor([[2.0], [2.0]]),
    torch.tensor([0.0, -1.0]),
    torch.tensor([[1.0, -2.0]]),
)  # 2x, 2x - 1; a - 2b
deep = fs.make_engine("scratch", fs.MLP(1, *[2] * NUM_LAYERS, 1), fs.TrainPlan(loss="mse"), dtype="float64")
up, bend, down = tooth
weights = {"0.weight": up, "0.bias": bend}
for k in range(2, 2 * NUM_LAYERS, 2):
    weights |= {f"{k}.weight": up @ down, f"{k}.bias": bend}
deep.load_weights({**weights, f"{2 * NUM_LAYERS}.weight": down, f"{2 * NUM_LAYERS}.bias": torch.zeros(1)})

NUM_PIECES = 2**NUM_LAYERS
slope = (
    torch.tensor([2.0, *[-4.0, 4.0] * (NUM_PIECES // 2)])[:NUM_PIECES] * NUM_PIECES / 2
)  # the changes of slope
wide = fs.make_engine("scratch", fs.MLP(1, NUM_PIECES, 1), fs.TrainPlan(loss="mse"), dtype="float64")
wide.load_weights(
    {
        "0.weight": torch.ones(NUM_PIECES, 1),
        "0.bias": -torch.arange(NUM_PIECES) / NUM_PIECES,  # a bend at the start of each piece
        "2.weight": slope[None],
        "2.bias": torch.zeros(1),
    }
)

grid = torch.linspace(0, 1, 1025, dtype=torch.float64)[:, None]  # 1024 = 2^10 steps: exact in floating point
teeth = grid.clone()
for _ in range(NUM_LAYERS):
    teeth = 1 - (2 * teeth - 1).abs()
assert torch.equal(deep.predict(grid), teeth)
assert torch.equal(wide.predict(grid), teeth)
signs = (teeth.diff(dim=0) > 0).flatten()
print(f"pieces: {1 + int((signs[1:] != signs[:-1]).sum())}")
print(f"numbers in the deep network {deep.spec.num_parameters}, in the wide one {wide.spec.num_parameters}")
assert 1 + int((signs[1:] != signs[:-1]).sum()) == NUM_PIECES == 32

# %%
# That a network *can* do something is not that training finds it. From random starts neither of the two shapes comes
# near, and not for lack of units: the gradient does not lead there.

points = fs.Dataset(fs.Rows(grid.float(), teeth.float()), name="teeth")
searched = fs.TrainPlan(loss="mse", optimizer="adam", lr=0.01, batch_size=64, epochs=50, schedule="cosine")
for found in fs.fit_many([deep.spec, wide.spec], points, searched):
    print(f"{found.spec.sizes_text()}: trained {found.history[-1].train_loss:.4f}, by hand 0")
    assert found.history[-1].train_loss > 0.05
print(f"a constant: {teeth.var(correction=0):.4f}")

# %%
# A picture
# ---------
# The size of the gradient in each layer of 20 hidden layers, at the start. On a logarithmic axis a product of equal
# factors is a straight line.

canvas = fs.Canvas("The gradient on its way through 20 hidden layers", height=4.0)
axes = canvas.axes(x="linear layer, from the input to the output", y="gradient, root mean square")
for k, kind in enumerate(KINDS):
    axes.semilogy(range(1, 22), sizes[kind, 20], marker="os^Dv"[k], ms=5, color=canvas.color(k), label=kind)
axes.set_xticks([1, 5, 10, 15, 20])
canvas.legend(axes)
canvas.figure

# %%
# The 16 teeth, and what two, three and four layers of the same kind give:

canvas = fs.Canvas("Every layer of two units doubles the number of teeth", height=3.2)
teeth = grid.clone()
for k in range(1, NUM_LAYERS + 1):
    teeth = 1 - (2 * teeth - 1).abs()
    if k > 1:
        axes = canvas.axes(1, 4, k - 1, title=f"{k} layers", x="x", y="y" if k == 2 else "")
        axes.plot(grid[:, 0], teeth[:, 0], color=canvas.color(0), lw=1.2)
canvas.figure

# %%
# The classic mistake
# -------------------
# Sigmoids in every layer of a deep network, trained with SGD. There is no error and no warning: the loss goes to log 10
# in the first steps, when the last bias has learned how frequent the classes are, and there it stays. The picture of
# the gradients shows why: the lines of the first layers lie several powers of ten below the last one's.

by_descent = fs.TrainPlan(optimizer="sgd", lr=0.1, batch_size=32, epochs=5)
(dead,) = fs.fit_many(network("sigmoid, Xavier", 5), data, [by_descent])
print(f"5 sigmoid layers with SGD: {dead.history[-1].train_loss:.4f}")
assert math.isclose(dead.history[-1].train_loss, math.log(10), abs_tol=0.02)
fs.plot(dead, "gradient_flow:count=30")

# %%
# Adam divides every gradient by its own size, so small gradients move the first layers as far as large ones. It can
# train these 5 layers. In the table above it could not train 20, where hardly anything but rounding arrives: it is a
# remedy for the symptom.

longer = fs.TrainPlan(optimizer="adam", lr=0.003, batch_size=32, epochs=20)
(rescued,) = fs.fit_many(network("sigmoid, Xavier", 5), data, [longer])
print(f"the same with 20 epochs of Adam: {rescued.history[-1].train_loss:.4f}")
assert rescued.history[-1].train_loss < 1.5

# %%
# Exercises
# ---------
# 1. Give the 5 sigmoid layers residual connections, train them with SGD, and change nothing else. Do they learn?
# 2. A gradient can also grow. Without an activation, what does Kaiming's start do to it, layer by layer?
# 3. How many units does one hidden layer need for :math:`2^k` teeth, and how many do :math:`k + 1` layers of two need,
#    for :math:`k = 10`?

# %%
# Solution 1
# ~~~~~~~~~~
# They do.

body = fs.Choice("residual", layers=(f"linear:out_features={WIDTH}", "sigmoid"))
saved = fs.NetSpec(
    (fs.Choice("linear", out_features=WIDTH), *[body] * 4, fs.Choice("linear")), 64, 10, "xavier"
)
(alive,) = fs.fit_many(saved, data, [by_descent])
print(f"with residual connections: {alive.history[-1].train_loss:.4f}")
assert alive.history[-1].train_loss < 1.0

# %%
# Solution 2
# ~~~~~~~~~~
# Without ReLU nothing is halved, so variance :math:`2/I` doubles the mean square of what goes through a layer, in both
# directions. From the last hidden layer to the first there are nine layers: the root mean square of the gradient that
# arrives grows by :math:`2^{9/2}`.

stream = torch.Generator().manual_seed(0)
da = before = torch.randn(200, 1000, generator=stream)
for _ in range(9):
    da = da @ (torch.randn(1000, 1000, generator=stream) * math.sqrt(2 / 1000))
growth = (da.square().mean() / before.square().mean()).sqrt().item()
print(f"grown by {growth:.1f}, by the formula {2**4.5:.1f}")
assert math.isclose(growth, 2**4.5, rel_tol=0.1)  # a thousand units: each layer is known to some percent

# %%
# Solution 3
# ~~~~~~~~~~
# There are :math:`2^{k+1}` straight pieces, with a bend between each two of them.

k = 10
print(
    f"{2**k} teeth: one layer of {2 ** (k + 1) - 1} units at least, or {k + 1} layers with {2 * (k + 1)} units in all"
)

# %%
# What you learned
# ----------------
# - The chain rule multiplies, so a gradient shrinks or grows by a factor for every layer it passes.
# - ReLU with fitting weights, normalization and residual connections keep it alive.
# - Depth can save exponentially many units; that a network can do something is not that training finds it.
#
# The next page: *Fashion-MNIST two ways*.
