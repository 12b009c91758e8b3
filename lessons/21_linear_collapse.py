"""
Two linear layers collapse into one
===================================

**The question:** Why does depth need an activation?

A stack of linear layers looks like a deep network, has the parameters of one, costs the time of one, and can do no more
than a single linear layer.
"""

from dataclasses import replace

import torch

import fivestep as fs

# %%
# The idea
# --------
# A linear layer stretches, turns and shifts. Stretch, turn and shift twice, and the result is again a stretch, a turn
# and a shift: there is one layer that does both at once. So a second layer adds nothing unless something that is *not*
# linear happens in between. That something is the activation, and any bend will do, as long as it is not a straight
# line itself.

# %%
# The formula
# -----------
# Put the first layer's output into the second one and multiply out:
#
# .. math::
#   (x W_1^T + b_1) W_2^T + b_2 = x\, (W_2 W_1)^T + (W_2 b_1 + b_2)
#
# On the right stands one linear layer with the weight :math:`W_2 W_1` and the bias :math:`W_2 b_1 + b_2`. With more
# layers, multiply on.

# %%
# Raw and professional
# --------------------
# By hand, two layers from 4 numbers over 16 to 3:

stream = torch.Generator().manual_seed(0)
x = torch.randn(100, 4, generator=stream, dtype=torch.float64)
W1, b1 = torch.randn(16, 4, generator=stream).double(), torch.randn(16, generator=stream).double()
W2, b2 = torch.randn(3, 16, generator=stream).double(), torch.randn(3, generator=stream).double()
two = (x @ W1.T + b1) @ W2.T + b2
one = x @ (W2 @ W1).T + (W2 @ b1 + b2)
print("largest difference", (two - one).abs().max().item())
assert torch.allclose(two, one, rtol=0, atol=1e-12)  # sums of sixteen products in float64

# %%
# With the tools: any number of layers goes into one. ``named_parameters`` gives the weights, layer by layer.


def collapsed(engine: fs.Engine) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of the one layer that does what all linear layers of the engine do, one after the other."""
    weights = engine.named_parameters()
    width = engine.spec.in_features
    weight, bias = torch.eye(width, dtype=engine.dtype), torch.zeros(width, dtype=engine.dtype)
    for name in weights:
        if name.endswith("weight"):
            W, b = weights[name], weights[name.replace("weight", "bias")]
            weight, bias = W @ weight, W @ bias + b
    return weight, bias


plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=1000)
deep = fs.make_engine(
    "scratch", fs.MLP(2, 8, 8, 8, 1, activation="identity"), plan, dtype="float64", device="cpu"
)
data = fs.load_dataset("moons")
*_, last = fs.train(deep, data, plan, every=1000)
weight, bias = collapsed(deep)
rows = data.test.x.double()
print(f"{deep.spec.sizes_text()} without activations: {deep.spec.num_parameters} parameters")
print("as one layer: weight", [round(w, 4) for w in weight[0].tolist()], f"bias {bias.item():.4f}")
# products of trained weights
assert torch.allclose(deep.predict(rows), rows @ weight.T + bias, rtol=0, atol=1e-9)

# %%
# What came out
# -------------
# One linear layer, four layers without an activation, and four with one. The first two end at the same loss, the best
# that a line can reach; four layers only took longer to compute it.

specs = {
    "one linear layer": fs.LinearRegression(2, 1),
    "four, no activation": deep.spec,
    "four with tanh": fs.MLP(2, 8, 8, 8, 1, activation="tanh"),
}
members = fs.fit_many(list(specs.values()), data, plan, engine="scratch", device="cpu", every=10)
losses = {}
for name, member in zip(specs, members, strict=True):
    losses[name] = member.history[-1].train_loss
    print(f"{name:20} {member.spec.num_parameters:4} parameters   loss {losses[name]:.4f}")
# both close to the optimum of a line
assert abs(losses["one linear layer"] - losses["four, no activation"]) < 0.002
assert losses["four with tanh"] < 0.05

# %%
# A narrow layer in between can only take away. From 10 numbers over 1 to 10, the product of the two weights is one
# column times one row, of *rank* 1: whatever goes in, all outputs are multiples of one vector (and a shift, the bias).

wide = torch.randn(10, 1, generator=stream).double()
narrow = torch.randn(1, 10, generator=stream).double()
assert torch.linalg.matrix_rank(wide @ narrow) == 1
print("rank of a 10 x 10 weight over one unit:", int(torch.linalg.matrix_rank(wide @ narrow)))

# %%
# A picture
# ---------
# The border of the first two is the same straight line; with tanh in between it bends.

fs.plot(members, "side-by-side", title="Depth without and with an activation")

# %%
# The classic mistake
# -------------------
# Defining the activation and forgetting to call it. The module below has a ``relu``; ``print`` shows it, the loss
# falls, and yet the network is a line.


class Forgetful(torch.nn.Module):
    """A network 2-8-1 whose author forgot something in the last line."""

    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(2, 8)
        self.relu = torch.nn.ReLU()
        self.output = torch.nn.Linear(8, 1)

    def forward(self, x):
        return self.output(self.hidden(x))


torch_plan = replace(plan, lr=0.01)
engine = fs.make_engine("scratch", fs.MLP(2, 8, 1), torch_plan, dtype="float64", device="cpu")
print(Forgetful())

# %%
# What it looks like: a loss that falls as it should and then stays where a line would stay. Compared with the network
# that was meant, it is found in the first pass:

report = fs.verify(Forgetful().double(), engine, data)
print(report)
assert not report.agrees

# %%
# Exercises
# ---------
# 1. Which of these keep two layers from collapsing: dropout in evaluation, ``layer_norm``, multiplying by 2,
#    ``leaky_relu``, adding the input again (a residual connection)?
# 2. A relu network *is* linear around each single point. Find the one layer that it equals there.
# 3. The gradient of the two-layer form is another one than that of the single layer, although they are the same
#    function. Show it.

# %%
# Solution 1
# ~~~~~~~~~~
# A function that is a straight line or a matrix itself does not: dropout in evaluation is the identity, doubling is a
# matrix, and :math:`x + x W^T` is :math:`x (I + W)^T`. ``layer_norm`` divides by the row's own deviation and leaky relu
# has a kink: both are no straight lines. The test: for a linear function with a shift, the middle between two inputs
# goes to the middle between their outputs.


def is_straight(layer: str, **options) -> bool:
    """Whether a network with that layer between two linear ones maps middles to middles."""
    middle = fs.Choice(layer, **options)
    layers = (fs.Choice("linear", out_features=6), middle, fs.Choice("linear"))
    own = fs.make_engine("scratch", fs.NetSpec(layers, 4, 3), fs.TrainPlan(), dtype="float64", device="cpu")
    one, other = x[:50], x[50:]
    half = own.predict((one + other) / 2)
    return torch.allclose(half, (own.predict(one) + own.predict(other)) / 2, rtol=0, atol=1e-12)  # float64


answers = {
    "dropout": is_straight("dropout", p=0.5),
    "layer_norm": is_straight("layer_norm"),
    "leaky_relu": is_straight("leaky_relu"),
    "residual": is_straight("residual", layers=("linear:out_features=6",)),
}
print(answers)
assert answers == {"dropout": True, "layer_norm": False, "leaky_relu": False, "residual": True}

# %%
# Solution 2
# ~~~~~~~~~~
# Near a point, relu either passes a unit or blocks it. That is a diagonal matrix :math:`D` of ones and zeros, and with
# it the layers collapse: :math:`W_2 D W_1`. Elsewhere other units pass, so it is another line: the network is one made
# of many.

bent = fs.make_engine("scratch", fs.MLP(4, 16, 3), fs.TrainPlan(), dtype="float64", device="cpu")
U1, c1, U2, c2 = bent.named_parameters().values()
point = x[:1]
D = torch.diag((point @ U1.T + c1 > 0)[0].double())
near = point + 1e-6 * torch.randn(20, 4, generator=stream).double()
local = near @ (U2 @ D @ U1).T + (U2 @ D @ c1 + c2)
assert torch.allclose(bent.predict(near), local, rtol=0, atol=1e-12)  # float64
assert not torch.allclose(bent.predict(x), x @ (U2 @ D @ U1).T + (U2 @ D @ c1 + c2), atol=1e-3)
print(f"around this point {int(D.trace())} of 16 units pass")

# %%
# Solution 3
# ~~~~~~~~~~
# A small step :math:`\eta` in :math:`W_1` and :math:`W_2` moves the product by :math:`W_2\, dW_1 + dW_2\, W_1`, which
# depends on where the factors stand. Descent therefore takes another way, though the functions that it can reach are
# the same.

target = torch.randn(100, 3, generator=stream).double()
factors = [W1.clone().requires_grad_(), W2.clone().requires_grad_()]
((x @ factors[0].T @ factors[1].T - target) ** 2).mean().backward()
product = (W2 @ W1).requires_grad_()
((x @ product.T - target) ** 2).mean().backward()
with torch.no_grad():
    moved = factors[1] @ factors[0].grad + factors[1].grad @ factors[0]
    cosine = torch.nn.functional.cosine_similarity(moved.flatten(), product.grad.flatten(), dim=0)
print(f"the angle between the two moves: {torch.rad2deg(torch.arccos(cosine)):.0f} degrees")
assert 0.1 < cosine < 0.99

# %%
# What you learned
# ----------------
# - Linear layers in a row are one linear layer: multiply the weights.
# - The activation between them is what makes depth count.
# - A stack without it trains without complaint and stops where a line stops.
# - A relu network is a line around every point, and another one around the next.
#
# The next page: *Forward and backward passes*.
