"""
Five steps: raw against professional
====================================

**The question:** What do the tools do for you?

The loop of five steps can be written from raw tensors, or with the tools that everybody uses. Both do the same
arithmetic. The tools save lines and some mistakes, and they have rules of their own that are worth knowing.
"""

from dataclasses import replace

import torch
from torch import nn

import fivestep as fs

# %%
# The idea
# --------
# Each tool takes over one chore, and no magic is left when one looks at it alone.
#
# 1. *Predict.* Raw: ``x @ W.T + b`` and an activation, layer by layer. With tools: ``model(x)``.
# 2. *Measure.* Raw: the formula. With tools: ``loss_of(z, y)``.
# 3. *Forget.* Raw: ``dW.zero_()`` for every parameter. With tools: ``optimizer.zero_grad()``.
# 4. *Find the gradient.* Raw: the chain rule, layer by layer. With tools: ``loss.backward()``.
# 5. *Step downhill.* Raw: ``W -= lr * dW`` for every parameter. With tools: ``optimizer.step()``.
#
# *Autograd* does step 4: it watches step 1 and 2 and differentiates what was done. *Modules* do step 1 and know their
# parameters. *Optimizers* do 3 and 5 for all parameters that they were given.

# %%
# The formula
# -----------
# Nothing new: a linear layer is
#
# .. math::
#   \mathtt{nn.Linear}(x) = x W^T + b
#
# with :math:`W` of shape :math:`(O, I)`. On the same numbers, the two sides are equal up to the order in which a sum is
# added:

stream = torch.Generator().manual_seed(0)
layer = nn.Linear(50, 20)
rows = torch.randn(100, 50, generator=stream)
with torch.no_grad():
    difference = (layer(rows) - (rows @ layer.weight.T + layer.bias)).abs().max().item()
print("largest difference", difference)
assert difference < 1e-5  # fifty products near 1, in float32
double = layer.double()
with torch.no_grad():
    assert torch.allclose(
        double(rows.double()), rows.double() @ double.weight.T + double.bias, rtol=0, atol=1e-14
    )

# %%
# Raw and professional
# --------------------
# One network, 2-8-1 with relu, on the moons, from the same weights, trained three times by plain descent. Raw, with the
# gradients by hand:

data = fs.load_dataset("moons")
x, y = data.train.x.double(), data.train.y.double()[:, None]  # (N, 2), (N, 1)
STEPS, LR = 200, 0.5
plan = fs.TrainPlan(loss="binary_cross_entropy", lr=LR, batch_size=None, epochs=STEPS)
spec = fs.MLP(2, 8, 1)
start = {
    name: weight.clone()
    for name, weight in fs.make_engine("scratch", spec, plan, dtype="float64", device="cpu")
    .named_parameters()
    .items()
}

W1, b1, W2, b2 = (weight.clone() for weight in start.values())
raw = []
for _ in range(STEPS):
    z1 = x @ W1.T + b1  # 1  predict
    a1 = z1.clamp(min=0)
    z2 = a1 @ W2.T + b2
    raw.append((nn.functional.softplus(z2) - y * z2).mean().item())  # 2  measure
    # 3  nothing to forget: step 4 makes a new gradient each time
    dz2 = (z2.sigmoid() - y) / len(x)  # 4  find the gradient
    dz1 = dz2 @ W2 * (z1 > 0)
    W2 -= LR * dz2.T @ a1  # 5  step downhill
    b2 -= LR * dz2.sum(0)
    W1 -= LR * dz1.T @ x
    b1 -= LR * dz1.sum(0)

# %%
# With autograd, step 4 is one line, and step 3 appears, because ``backward`` adds:

weights = [weight.clone().requires_grad_() for weight in start.values()]
with_autograd = []
for _ in range(STEPS):
    V1, c1, V2, c2 = weights
    z2 = torch.relu(x @ V1.T + c1) @ V2.T + c2  # 1
    loss = nn.functional.binary_cross_entropy_with_logits(z2, y)  # 2
    for weight in weights:  # 3
        weight.grad = None
    loss.backward()  # 4
    with torch.no_grad():  # 5
        for weight in weights:
            weight -= LR * weight.grad
    with_autograd.append(loss.item())

# %%
# With modules and an optimizer:


class Moons(nn.Module):
    """2-8-1. A layer that is given to ``self`` is registered, and so are its parameters; the names are free."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 8)
        self.output = nn.Linear(8, 1)

    def forward(self, x):
        return self.output(torch.relu(self.hidden(x)))


model = Moons().double()
model.load_state_dict(dict(zip(model.state_dict(), start.values(), strict=True)))
optimizer = torch.optim.SGD(model.parameters(), lr=LR)
loss_of = nn.BCEWithLogitsLoss()
professional = []
for _ in range(STEPS):
    z2 = model(x)  # 1
    loss = loss_of(z2, y)  # 2
    optimizer.zero_grad()  # 3
    loss.backward()  # 4
    optimizer.step()  # 5
    professional.append(loss.item())

# %%
# What came out
# -------------
# Four loops (the fourth is this program's own), the same losses at each of two hundred steps.

engine = fs.make_engine("scratch", spec, plan, dtype="float64", device="cpu")
own = [step.loss.item() for step in fs.steps(engine, data, plan)]
for name, losses in (("autograd", with_autograd), ("modules", professional), ("fivestep", own)):
    difference = max(abs(a - b) for a, b in zip(losses, raw, strict=True))
    print(f"{name:9} last loss {losses[-1]:.6f}, largest difference from raw {difference:.1e}")
    assert difference < 1e-10  # sums in another order in float64, carried along for 200 steps

# %%
# ``verify`` proves this for the module above, after each of the five steps:

report = fs.verify(
    Moons().double(), fs.make_engine("scratch", spec, plan, dtype="float64", device="cpu"), data
)
print(str(report).partition("\n\nLargest")[0])
assert report.agrees

# %%
# Left to itself, a module begins with weights of its own, and it is another run with other numbers, as here from two
# seeds. To compare two loops, copy the weights first.

other = fs.make_engine("scratch", spec, replace(plan, seed=1), dtype="float64", device="cpu")
others = [step.loss.item() for step in fs.steps(other, data, other.plan)]
print(f"seed 0: {own[-1]:.4f}   seed 1: {others[-1]:.4f}")
assert abs(own[-1] - others[-1]) > 1e-4

# %%
# The rules of modules, each in a line. ``model(x)`` calls ``forward``, and hooks besides. A ``Parameter`` registers
# itself; a plain tensor does not, and neither does a list of layers: what is not registered is not trained.

assert torch.equal(model(x), model.forward(x))


class Careless(nn.Module):
    """Three things that look like parameters; one is."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.shift = torch.zeros(1, requires_grad=True)
        self.layers = [nn.Linear(2, 8), nn.Linear(8, 1)]


print("registered:", [name for name, _ in Careless().named_parameters()])
assert [name for name, _ in Careless().named_parameters()] == ["scale"]
assert len(list(nn.ModuleList(Careless().layers).parameters())) == 4

# %%
# Parameters are floating-point numbers, for a gradient is a small change. Integers refuse:

try:
    torch.tensor([1, 2, 3], requires_grad=True)
except RuntimeError as error:
    print(error)

# %%
# A picture
# ---------
# The network with the shapes of its tensors.

fs.plot(engine, "network", data=data)

# %%
# The classic mistake
# -------------------
# Making the update part of the graph. Autograd watches everything that is done to a tensor with ``requires_grad``,
# also step 5. An update in place of such a tensor is refused:

W = torch.ones(3, requires_grad=True)
(W**2).sum().backward()
try:
    W -= 0.1 * W.grad
except RuntimeError as error:
    print(error)

# %%
# The obvious way around it is worse. ``W = W - ...`` makes a *new* tensor, the result of an operation. It is no
# parameter any more: the next ``backward`` writes its gradient to the old one, and ``W.grad`` is gone.

old = W
W = W - 0.1 * W.grad
(W**2).sum().backward()
print("a leaf of the graph:", W.is_leaf)
print("gradient of the old tensor:", [round(g, 2) for g in old.grad.tolist()])
assert not W.is_leaf
assert old.grad[0] > 2  # 2 from before, and what was added through the update

# %%
# Right is ``with torch.no_grad():`` around step 5, as above; optimizers do it inside. In this program the parameters
# are plain numbers to the update, and the weights that an engine hands out are views of them:

weight = engine.named_parameters()["0.weight"]
assert not weight.requires_grad
print("0.weight", tuple(weight.shape), "requires_grad", weight.requires_grad)

# %%
# Exercises
# ---------
# 1. Write the module as ``nn.Sequential``. Which names have its parameters, and where have you seen them before?
# 2. A module has its layers in a plain list, and nothing else. What does an optimizer say that gets its parameters?
# 3. ``nn.Linear`` and the raw product agree on a row. Do they agree on tokens, ``x`` of shape :math:`(N, T, I)`?

# %%
# Solution 1
# ~~~~~~~~~~
# They are numbered by place, activations counted: ``0.weight``, ``0.bias``, ``2.weight``, ``2.bias``. This program
# names its own the same way, so weights go from one to the other.

sequential = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)).double()
assert list(sequential.state_dict()) == list(engine.named_parameters())
sequential.load_state_dict(engine.named_parameters())
# float64, sums in another order
assert torch.allclose(sequential(x), engine.predict(x), rtol=0, atol=1e-12)
print(list(sequential.state_dict()))

# %%
# Solution 2
# ~~~~~~~~~~
# An empty list of parameters, and the optimizer says so. With one registered parameter beside the list there would be
# no error at all, and the layers would stay as they were drawn.

only_a_list = nn.Module()
only_a_list.layers = [nn.Linear(2, 1)]
try:
    torch.optim.SGD(only_a_list.parameters(), lr=0.1)
except ValueError as error:
    print(error)

# %%
# Solution 3
# ~~~~~~~~~~
# Yes. All axes but the last are rows to a linear layer.

tokens = torch.randn(4, 7, 50, generator=stream).double()
assert torch.allclose(double(tokens), tokens @ double.weight.T + double.bias, rtol=0, atol=1e-13)
assert torch.allclose(double(tokens)[2, 3], double(tokens[2, 3]), rtol=0, atol=1e-13)
print(tuple(double(tokens).shape))

# %%
# What you learned
# ----------------
# - The tools do the same five steps; from the same weights the numbers are the same.
# - Autograd watches everything. The update is none of its business.
# - What a module does not register, no optimizer moves.
# - To compare two loops, copy the weights, then look at every step.
#
# The next page: *The role of activations*.
