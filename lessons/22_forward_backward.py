"""
Forward and backward passes
===========================

**The question:** How does the gradient reach the first layer?

The loss is measured at the end of the network, and the first layer is far away from it. Yet its weights learn at the
same time as all others. What brings the news to them is the chain rule, read from right to left.
"""

from itertools import pairwise

import torch

import fivestep as fs

# %%
# The idea
# --------
# A network is a chain of simple operations. Each of them can answer two questions. *Forward*: what comes out, for this
# input? *Backward*: if the loss answers to my output like this, how does it answer to my input, and to my weights?
#
# The forward pass asks the first question from left to right, and every operation keeps what it will need for the
# second. The backward pass begins at the loss, asks the second question from right to left, and hands each answer on to
# the operation before. One sweep, and every weight has its gradient. Only then does step 5 move them, all at once.

# %%
# The smallest example is three numbers: an addition and a multiplication.
#
# .. math::
#   s = a + b \qquad z = x\, s
#
# Forward, with :math:`a = 2, b = 3, x = 4`: :math:`s = 5`, :math:`z = 20`. Backward: the product tells each factor that
# it counts as much as the *other* factor, so :math:`\partial z / \partial x = s = 5` and :math:`\partial z / \partial s
# = x = 4`. The sum passes on what it gets to both of its terms: :math:`\partial z / \partial a = \partial z / \partial
# b = 4`.

a, b, x = (torch.tensor(value, requires_grad=True) for value in (2.0, 3.0, 4.0))
z = x * (a + b)
z.backward()
print(f"z {z.item()}   dz/da {a.grad.item()}   dz/db {b.grad.item()}   dz/dx {x.grad.item()}")
print("last operation", z.grad_fn.name())
print("before it", [fn.name() for fn, _ in z.grad_fn.next_functions])
assert (z.item(), a.grad.item(), b.grad.item(), x.grad.item()) == (20, 4, 4, 5)

# %%
# The formula
# -----------
# For the network 2-8-1 with :math:`N` rows, writing :math:`dv` for :math:`\partial L / \partial v`, which has the shape
# of :math:`v`. Forward:
#
# .. math::
#   z_1 = x W_1^T + b_1 \qquad a_1 = \tanh z_1 \qquad z_2 = a_1 W_2^T + b_2 \qquad
#   L = \frac{1}{N} \sum_n \bigl( \log(1 + e^{z_{2,n}}) - y_n z_{2,n} \bigr)
#
# Backward, from the loss to the first layer:
#
# .. math::
#   \begin{aligned}
#   dz_2 &= (\sigma(z_2) - y) / N \\
#   dW_2 &= dz_2^T a_1 \qquad db_2 = \textstyle\sum_n dz_2 \qquad da_1 = dz_2 W_2 \\
#   dz_1 &= da_1 \odot (1 - a_1^2) \\
#   dW_1 &= dz_1^T x \qquad\; db_1 = \textstyle\sum_n dz_1
#   \end{aligned}
#
# where :math:`\odot` multiplies element by element. Each layer uses what the layer after it has just passed back, and
# what the forward pass kept: :math:`a_1` and :math:`x`. The shapes leave no choice: :math:`dW_1` must be
# :math:`(8, 2)`, and :math:`dz_1^T x`, of :math:`(8, N)` times :math:`(N, 2)`, is the product that is.

# %%
# Raw and professional
# --------------------
# Forward and backward by hand, in float64, with the shape of each new tensor beside it:

data = fs.load_dataset("moons")
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None)
engine = fs.make_engine("scratch", fs.MLP(2, 8, 1, activation="tanh"), plan, dtype="float64", device="cpu")
W1, b1, W2, b2 = engine.named_parameters().values()
x, y = data.train.x.double(), data.train.y.double()[:, None]
N = len(x)

z1 = x @ W1.T + b1  # (N, 8)
a1 = torch.tanh(z1)  # (N, 8)
z2 = a1 @ W2.T + b2  # (N, 1)
loss = (torch.nn.functional.softplus(z2) - y * z2).mean()

dz2 = (torch.sigmoid(z2) - y) / N  # (N, 1)
dW2, db2 = dz2.T @ a1, dz2.sum(0)  # (1, 8), (1,)
da1 = dz2 @ W2  # (N, 8)
dz1 = da1 * (1 - a1**2)  # (N, 8)
dW1, db1 = dz1.T @ x, dz1.sum(0)  # (8, 2), (8,)
by_hand = {"0.weight": dW1, "0.bias": db1, "2.weight": dW2, "2.bias": db2}
for name, gradient in by_hand.items():
    print(f"d{name:9} {tuple(gradient.shape)!s:7} first element {gradient.flatten()[0]:9.6f}")

# %%
# Autograd records the chain as a graph during the forward pass, and walks it backward:

own = {name: weight.clone().requires_grad_() for name, weight in engine.named_parameters().items()}
logits = torch.tanh(x @ own["0.weight"].T + own["0.bias"]) @ own["2.weight"].T + own["2.bias"]
torch.nn.functional.binary_cross_entropy_with_logits(logits, y).backward()

# %%
# The engine ``scratch`` does what was done by hand, one layer's ``backward`` after the other. It also shows it:
# ``explain`` does one step and gives every tensor with its formula, here those of step 4 for four rows. On the command
# line it is ``fivestep explain moons``.

sections = fs.explain(engine, data.train.take(slice(4)))
for entry in sections[3].entries[:8]:
    print(f"{entry.name:12} {entry.shape!s:8} {entry.formula}")

# %%
# What came out
# -------------
# By hand, by autograd and by the engine: the same gradient, to rounding.

engine = fs.make_engine("scratch", engine.spec, plan, dtype="float64", device="cpu")
engine.loss(engine.forward(x), y)
engine.zero_grad()
engine.backward()
for name, gradient in by_hand.items():
    # sums of 200 rows in float64
    assert torch.allclose(gradient, own[name].grad, rtol=0, atol=1e-15)
    assert torch.allclose(gradient, engine.named_gradients()[name], rtol=0, atol=1e-15)
print("largest element of the first layer's gradient", by_hand["0.weight"].abs().max().item())

# %%
# What a backward pass costs: each linear layer does one product forward, and two backward, one for its weights and one
# to hand on, of the same size. The first layer has nobody to hand on to. For 784-256-10, in multiplications for each
# row:

sizes = (784, 256, 10)
pairs = list(pairwise(sizes))
forward = sum(fan_in * fan_out for fan_in, fan_out in pairs)
backward = 2 * forward - pairs[0][0] * pairs[0][1]
num_gradients = fs.MLP(*sizes).num_parameters
print(f"forward {forward:,}, backward {backward:,}, for {num_gradients:,} gradients")
assert backward < 2 * forward

# %%
# And what it costs in memory: the forward pass must keep :math:`x` and :math:`a_1` until the backward pass has used
# them. For predictions alone there is ``no_grad``, with which nothing is kept. Counted by a hook that sees everything
# autograd saves:


def bytes_kept(x: torch.Tensor, *, gradients: bool) -> int:
    """What a forward pass through torch's own layers keeps for the backward pass, the weights aside."""
    model = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    weights, kept = {weight.data_ptr() for weight in model.parameters()}, {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.set_grad_enabled(gradients),
    ):
        model(x)
    return sum(kept.values())


images = torch.zeros(256, 784)
kept, without = (bytes_kept(images, gradients=gradients) for gradients in (True, False))
print(f"kept with gradients {kept:,} bytes, without {without}")
assert kept == 256 * (784 + 256) * 4  # x and the hidden layer's output, 4 bytes each
assert without == 0

# %%
# A picture
# ---------
# The graph that autograd builds for this network, with the loss as this program computes it. Reading it downward is the
# backward pass.

fs.plot(engine, "autograd_graph", data=data, title="What autograd remembers of one loss")

# %%
# The classic mistake
# -------------------
# Changing the weights between the forward and the backward pass. The backward pass then mixes activations of the old
# weights with the new weights, and the result is the gradient of nothing. Torch counts the changes to the tensors that
# it has kept, and refuses:


def loss_of(weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """The loss as a function of the weights."""
    hidden = torch.tanh(x @ weights["0.weight"].T + weights["0.bias"])
    logits = hidden @ weights["2.weight"].T + weights["2.bias"]
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, y)


def fresh() -> dict[str, torch.Tensor]:
    """The weights again, without a gradient."""
    return {name: weight.detach().clone().requires_grad_() for name, weight in own.items()}


weights = fresh()
loss = loss_of(weights)
with torch.no_grad():
    weights["2.weight"].mul_(2)
try:
    loss.backward()
except RuntimeError as error:
    print(str(error).split(":")[0])

# %%
# Through ``.data``, an old habit, the change goes unseen, and so does the wrong gradient:

weights = fresh()
loss = loss_of(weights)
weights["2.weight"].data.mul_(2)
loss.backward()
wrong = weights["0.weight"].grad
share = (wrong - by_hand["0.weight"]).norm() / by_hand["0.weight"].norm()
print(f"off by {share:.0%} in the first layer")
assert torch.allclose(wrong, 2 * by_hand["0.weight"])  # da1 = dz2 W2 saw the doubled W2
assert torch.allclose(weights["2.weight"].grad, by_hand["2.weight"])  # which itself needs a1 only

# %%
# In this program the five steps stand in one place and in one order. Called by hand out of order, the engine says what
# is missing:

engine = fs.make_engine("autograd", fs.MLP(2, 8, 1), plan, device="cpu")
try:
    engine.backward()
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. Put a second hidden layer of 5 tanh units in between and find all six gradients by hand. How many new rules do you
#    need?
# 2. For ten classes the loss is :math:`\log \sum_c e^{z_c} - z_y`. Derive the gradient of a row's logits and check it.
# 3. Cut the chain with ``detach`` between the two layers. Who still gets a gradient?

# %%
# Solution 1
# ~~~~~~~~~~
# None. Each layer does to the one before it what the last one did.

deep = fs.make_engine("scratch", fs.MLP(2, 8, 5, 1, activation="tanh"), plan, dtype="float64", device="cpu")
V1, c1, V2, c2, V3, c3 = deep.named_parameters().values()
h1 = torch.tanh(x @ V1.T + c1)  # (N, 8)
h2 = torch.tanh(h1 @ V2.T + c2)  # (N, 5)
du3 = (torch.sigmoid(h2 @ V3.T + c3) - y) / N  # (N, 1)
du2 = du3 @ V3 * (1 - h2**2)  # (N, 5)
du1 = du2 @ V2 * (1 - h1**2)  # (N, 8)
six = [du1.T @ x, du1.sum(0), du2.T @ h1, du2.sum(0), du3.T @ h2, du3.sum(0)]
deep.loss(deep.forward(x), y)
deep.backward()  # a new engine's gradient is zero
for gradient, expected in zip(six, deep.named_gradients().values(), strict=True):
    assert torch.allclose(gradient, expected, rtol=0, atol=1e-15)  # float64
print("six gradients by hand, six that agree")

# %%
# Solution 2
# ~~~~~~~~~~
# The derivative of :math:`\log \sum_c e^{z_c}` by :math:`z_c` is :math:`e^{z_c} / \sum_k e^{z_k}`, the softmax. The
# second term takes 1 from the right class: :math:`dz_c = p_c - [c = y]`.

z = torch.randn(6, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
labels = torch.tensor([0, 3, 9, 9, 1, 4])
torch.nn.functional.cross_entropy(z, labels, reduction="sum").backward()
expected = z.detach().softmax(1) - torch.nn.functional.one_hot(labels, 10)
assert torch.allclose(z.grad, expected, rtol=0, atol=1e-15)  # float64
print("each row of it sums to", round(z.grad.sum(1).abs().max().item(), 12))

# %%
# Solution 3
# ~~~~~~~~~~
# Only what comes after the cut. The first layer gets no gradient and would never learn.

weights = fresh()
hidden = torch.tanh(x @ weights["0.weight"].T + weights["0.bias"]).detach()
logits = hidden @ weights["2.weight"].T + weights["2.bias"]
torch.nn.functional.binary_cross_entropy_with_logits(logits, y).backward()
print({name: weight.grad is not None for name, weight in weights.items()})
assert weights["0.weight"].grad is None
assert torch.allclose(weights["2.weight"].grad, by_hand["2.weight"])

# %%
# What you learned
# ----------------
# - Forward from left to right, and every operation keeps what it will need; backward from right to left, and each hands
#   the gradient on.
# - One sweep gives all gradients, for less than two forward passes.
# - What is kept takes memory; ``no_grad`` keeps nothing.
# - Between forward and backward the weights must stay where they are.
#
# The next page: *A network from scratch*.
