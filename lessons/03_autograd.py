"""
Autograd
========

**The question:** Where does a gradient come from?

Step 4 of every training step asks how the loss would change with each parameter. Torch answers for any expression, if
it has seen how it came about.
"""

import torch

import fivestep as fs

# %%
# The idea
# --------
# A tensor that asks for a gradient remembers the operation it came from, and this one remembers its inputs: a graph,
# from the result back to the beginnings. ``backward`` walks it once, from the end, and leaves at each beginning what
# the result changes by for a small change there. For :math:`z = x (a + b)`:

a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
x = torch.tensor(4.0, requires_grad=True)
z = x * (a + b)
z.backward()

print("z", z.item(), " dz/da", a.grad.item(), " dz/db", b.grad.item(), " dz/dx", x.grad.item())
assert z == 20
assert (a.grad, b.grad, x.grad) == (4, 4, 5)

# %%
# The graph of it is a product that came from a sum.

last = z.grad_fn
inner = [node for node, _ in last.next_functions if node is not None]
print(type(last).__name__, "<-", [type(node).__name__ for node in inner])
assert "Mul" in type(last).__name__
assert "Add" in type(inner[1]).__name__

# %%
# The formula
# -----------
# Every operation knows its own derivative, and the chain rule joins them. If :math:`z` depends on :math:`u` and
# :math:`u` on :math:`a`,
#
# .. math::
#   \frac{dz}{da} = \frac{dz}{du} \, \frac{du}{da}
#
# and where :math:`a` reaches :math:`z` along several paths, the paths add up. Here :math:`u = a + b`, so
# :math:`dz/du = x` and :math:`du/da = 1`.

v = torch.tensor(3.0, requires_grad=True)
(v * v + 2 * v).backward()  # three ways from v to the result: v + v + 2
print("d(v v + 2 v)/dv at 3:", v.grad.item())
assert v.grad == 3 + 3 + 2

# %%
# Raw and professional
# --------------------
# The gradient of a mean squared error through a linear layer, four ways. By hand, the derivation is three lines: with
# :math:`P = X W^\top + b` of shape :math:`(N, 1)`,
#
# .. math::
#   L &= \frac{1}{N} \sum_n (P_n - y_n)^2 \\
#   \frac{\partial L}{\partial P_n} &= \frac{2}{N} (P_n - y_n) \\
#   \frac{\partial L}{\partial W} &= \Big(\frac{\partial L}{\partial P}\Big)^{\top} X

data = fs.load_dataset("line").train
features, targets = data.x.double(), data.y.double().reshape(-1, 1)
w = torch.tensor([[0.5]], dtype=torch.float64)
bias = torch.tensor([0.1], dtype=torch.float64)

prediction = features @ w.T + bias
d_prediction = 2 * (prediction - targets) / len(features)
by_hand = {"0.weight": d_prediction.T @ features, "0.bias": d_prediction.sum(0)}

# %%
# By the definition, as a quotient of small differences; with raw tensors and autograd; and by two engines of this
# program, of which ``scratch`` has the derivation above in its source and ``nn`` uses torch's modules.


def loss_at(weight: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """The loss as a function of the two parameters."""
    return (features @ weight.T + offset - targets).square().mean()


STEP = 1e-5
quotient = (loss_at(w + STEP, bias) - loss_at(w - STEP, bias)) / (2 * STEP)

w_auto, bias_auto = w.clone().requires_grad_(), bias.clone().requires_grad_()
loss_at(w_auto, bias_auto).backward()

gradients = {}
for name in ("scratch", "nn"):
    engine = fs.make_engine(
        name, fs.LinearRegression(1), fs.TrainPlan(loss="mse"), dtype="float64", device="cpu"
    )
    engine.load_weights({"0.weight": w, "0.bias": bias})
    engine.loss(engine.forward(features), targets)
    engine.zero_grad()
    engine.backward()
    gradients[name] = engine.named_gradients()["0.weight"].clone()

# %%
# What came out
# -------------
# All of them agree; the quotient to about ten digits, because a difference of two nearly equal numbers keeps few of
# theirs, the others to the last digit or two of ``float64``.

exact = by_hand["0.weight"]
for name, value in [("quotient", quotient), ("autograd", w_auto.grad), *gradients.items()]:
    print(f"{name:9} {value.item():+.12f}")
assert torch.isclose(quotient, exact, rtol=1e-8)  # rounding of the loss, 1e-16, over the step of the quotient
assert torch.allclose(w_auto.grad, exact, rtol=1e-12)
assert torch.allclose(bias_auto.grad, by_hand["0.bias"], rtol=1e-12)
assert all(torch.allclose(value, exact, rtol=1e-12) for value in gradients.values())

# %%
# ``.grad`` is a number at the point where the parameters are now, no formula: at another point it is another number,
# and has to be found again. This is why a training loop finds it in every step.

w_moved = (w - 0.1 * exact).requires_grad_()
loss_at(w_moved, bias).backward()
print("gradient here", f"{exact.item():+.4f}", " after a step", f"{w_moved.grad.item():+.4f}")
assert w_moved.grad.abs().item() < exact.abs().item()

# %%
# The update is not part of the graph. A parameter that is changed in place while it is watched would have to be its own
# result, and torch refuses; under ``no_grad`` nothing is watched.

try:
    w_auto -= 0.1 * w_auto.grad
except RuntimeError as error:
    print(error)
with torch.no_grad():
    w_auto -= 0.1 * w_auto.grad
assert torch.allclose(w_auto, w_moved)

# %%
# ``no_grad`` saves memory, because nothing has to be kept for a backward pass. What is kept can be counted:
# torch hands every tensor that it keeps for ``backward`` to a pair of hooks.


def bytes_kept(function) -> int:
    """What a call keeps for its backward pass."""
    kept = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        function()
    return sum(kept.values())


net = torch.nn.Sequential(torch.nn.Linear(100, 100), torch.nn.Tanh(), torch.nn.Linear(100, 1))
batch = torch.zeros(64, 100)
watched = bytes_kept(lambda: net(batch).sum())
with torch.no_grad():
    unwatched = bytes_kept(lambda: net(batch).sum())
print(f"kept for backward: {watched:,} bytes, under no_grad {unwatched:,}")
assert watched > 0
assert unwatched == 0

# %%
# Evaluation mode is another thing: it changes what layers such as dropout *compute*, and says nothing about the graph.

dropout = torch.nn.Dropout(0.5).eval()
ones = torch.ones(4, requires_grad=True)
assert torch.equal(dropout(ones), ones)  # nothing is dropped
assert dropout(ones * 2).requires_grad  # and everything is still watched

# %%
# A picture
# ---------
# The graph that torch builds for the loss of a small network, with a hidden layer of eight ReLU units: the loss at the
# top, the parameters where the ways end. ``backward`` follows the arrows.

fs.plot("moons", "autograd_graph", title="What the loss of a small network remembers")

# %%
# The classic mistake
# -------------------
# ``backward`` *adds* to ``.grad``. Without step 3, each step walks along the sum of all gradients so far, and the loss
# behaves like a ball with too much speed. Two calls show it:

u = torch.tensor(3.0, requires_grad=True)
(u * u).backward()
first = u.grad.item()
(u * u).backward()
print("after one backward", first, " after two", u.grad.item())
assert u.grad == 2 * first

# %%
# Every engine here adds as well, so that step 3 is real. Left out on purpose, and then at the wrong place:


def losses_of(order: str, steps: int = 20) -> list[float]:
    """Trains the two moons by single steps: f forward, l loss, z zero_grad, b backward, u update."""
    moons = fs.load_dataset("moons").train
    plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="sgd", lr=0.5, batch_size=None)
    engine = fs.make_engine(
        "scratch", fs.MLP(2, 8, 1, activation="tanh"), plan, dtype="float64", device="cpu"
    )
    x, y, losses = moons.x.double(), moons.y.double(), []
    for _ in range(steps):
        for step in order:
            if step == "f":
                logits = engine.forward(x)
            elif step == "l":
                losses.append(engine.loss(logits, y).item())
            else:
                {"z": engine.zero_grad, "b": engine.backward, "u": engine.update}[step]()
    return losses


right = losses_of("flzbu")
for order, what in [("zflbu", "cleared before forward"), ("flbuz", "cleared after the update")]:
    assert losses_of(order) == right  # the same bits
    print(f"{what:36} {losses_of(order)[-1]:.4f}")
print(f"{'cleared before backward':36} {right[-1]:.4f}")
print(f"{'never cleared':36} {losses_of('flbu')[-1]:.4f}")
print(f"{'cleared between backward and update':36} {losses_of('flbzu')[-1]:.4f}")
assert losses_of("flbu") != right
assert len(set(losses_of("flbzu"))) == 1  # a step along a gradient of zero goes nowhere

# %%
# The program finds such a mistake for you: ``fs.verify`` runs two engines in lockstep, or your own module against ours,
# and names the step after which they part. See *Numerical against analytical gradients*.
#
# Exercises
# ---------
# 1. What is the gradient of :math:`\sum_i x_i^2` at (1, -2, 3), and what of their mean?
# 2. ``relu`` has no derivative at zero. What does torch take there?
# 3. How do you find the derivative of a derivative?

# %%
# Solution 1
# ~~~~~~~~~~
# Each place by itself: :math:`2 x_i`. The mean divides everything by the count.

places = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
places.square().sum().backward()
print(places.grad.tolist())
assert places.grad.tolist() == [2.0, -4.0, 6.0]
places.grad = None
places.square().mean().backward()
assert torch.allclose(places.grad, torch.tensor([2.0, -4.0, 6.0]) / 3)

# %%
# Solution 2
# ~~~~~~~~~~
# Zero, the slope from the left. Both slopes would do: no step is likely to land there exactly.

zero = torch.tensor(0.0, requires_grad=True)
torch.relu(zero).backward()
print("slope of relu at 0:", zero.grad.item())
assert zero.grad == 0

# %%
# Solution 3
# ~~~~~~~~~~
# Ask for a graph of the gradient itself. The third power has the second derivative :math:`6 x`.

point = torch.tensor(2.0, requires_grad=True)
(slope,) = torch.autograd.grad(point**3, point, create_graph=True)
(curvature,) = torch.autograd.grad(slope, point)
print("slope", slope.item(), " curvature", curvature.item())
assert slope == 3 * 2**2
assert curvature == 6 * 2

# %%
# What you learned
# ----------------
# - A result remembers how it came about; ``backward`` applies the chain rule along that graph, once.
# - ``.grad`` is a number at the current point, and is added to until it is cleared.
# - The update stands outside the graph; ``no_grad`` is about memory, evaluation mode about what layers compute.
#
# The next page: *Building blocks*.
