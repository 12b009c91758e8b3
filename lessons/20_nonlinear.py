"""
From linear to nonlinear
========================

**The question:** What can a line not do?

Two half moons lie in each other's arms. No straight line separates them, however long one trains. One layer of eight
bent units in between is enough.
"""

import math
import warnings
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import linprog
from sklearn.linear_model import LogisticRegression

import fivestep as fs

# %%
# The idea
# --------
# A linear classifier adds up its inputs, each times a weight, and asks whether the sum is above zero. The border
# between yes and no is where the sum *is* zero, and that is a straight line: yes on one side, no on the other, for any
# weights whatever.
#
# A network puts a layer in between. Each of its *hidden units* is such a sum, bent: relu, for instance, cuts off what
# is below zero. A unit draws its own line and is silent on one side of it. The last layer adds the bent pieces up, and
# a sum of pieces with different lines can go round a corner.

# %%
# The formula
# -----------
# With :math:`f` the *activation*, which bends every number by itself, a network with one hidden layer is
#
# .. math::
#   a_1 = f(x W_1^T + b_1) \qquad z = a_1 W_2^T + b_2
#
# with :math:`W_1` of shape :math:`(H, I)` for :math:`H` hidden units and :math:`W_2` of shape :math:`(O, H)`. Without
# :math:`f` it is linear again; the next page is about that. The smallest case that needs it are four points, *exclusive
# or*: yes where exactly one of the two inputs is 1. A line would have to satisfy
#
# .. math::
#   b \le 0, \quad w_1 + b > 0, \quad w_2 + b > 0, \quad w_1 + w_2 + b \le 0
#
# The two in the middle add up to :math:`w_1 + w_2 + 2b > 0`, the two outside to :math:`w_1 + w_2 + 2b \le 0`. Both
# cannot be.

# %%
# A solver for linear inequalities finds the same (it looks for a line with some room on both sides):

corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
signs = np.array([-1, 1, 1, -1])  # exclusive or
rows = -signs[:, None] * np.c_[corners, np.ones(4)]  # sign * (w x + b) >= 1
answer = linprog(np.zeros(3), A_ub=rows, b_ub=-np.ones(4), bounds=[(None, None)] * 3)
print("a line for exclusive or:", answer.message.split(".")[0])
assert answer.status == 2  # infeasible

# %%
# Two relu units do it, with weights that can be written down:

x = torch.tensor(corners, dtype=torch.float32)
hidden = torch.relu(x @ torch.tensor([[1.0, 1.0], [1.0, 1.0]]).T + torch.tensor([0.0, -1.0]))
z = hidden @ torch.tensor([1.0, -2.0])
print("two relu units:", z.tolist())
assert z.tolist() == [0, 1, 1, 0]

# %%
# Raw and professional
# --------------------
# The moons: 200 points, half of them in each. First a network 2-8-1 in raw tensors, with autograd for the gradients, a
# thousand steps of plain descent:

data = fs.load_dataset("moons")
x, y = data.train.x, data.train.y[:, None]  # (N, 2), (N, 1)
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=1000)
start = fs.make_engine("scratch", fs.MLP(2, 8, 1), plan, device="cpu").named_parameters()
W1, b1, W2, b2 = weights = [weight.clone().requires_grad_() for weight in start.values()]
for _ in range(1000):
    a1 = torch.relu(x @ W1.T + b1)  # 1  (N, 8)
    z = a1 @ W2.T + b2  # (N, 1)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)  # 2
    for weight in weights:  # 3
        weight.grad = None
    loss.backward()  # 4
    with torch.no_grad():  # 5
        for weight in weights:
            weight.sub_(0.5 * weight.grad)
print(f"raw, descent: loss {loss.item():.3f}")

# %%
# The program's own networks, a linear one and one with eight hidden units, each with the task's reference settings.
# ``fit_many`` trains several networks and keeps what came out of their epochs.

linear_plan = replace(plan, optimizer="sgd", lr=0.1)
[linear] = fs.fit_many(fs.LinearRegression(2, 1), data, linear_plan, engine="scratch", device="cpu", every=10)
[network] = fs.fit_many(fs.MLP(2, 8, 1), data, plan, engine="scratch", device="cpu", every=10)
print(network.spec)

# %%
# What came out
# -------------

for name, member in (("linear", linear), ("2-8-1", network)):
    last = member.history[-1]
    test = fs.evaluate(member.engine, data.test)
    accuracies = f"{last.train_accuracy:.3f}, on 1000 others {test.accuracy:.3f}"
    print(f"{name:7} loss {last.train_loss:.3f}   accuracy {accuracies}")
assert network.history[-1].train_loss < 0.1
on_others = [fs.evaluate(member.engine, data.test).accuracy for member in (linear, network)]
assert on_others[1] > on_others[0] + 0.05

# %%
# Eight relu units do not come this far from every start: some end little better than the line. *The role of
# activations* counts them.

# %%
# The linear one did not stop early: it is nearly as good as any line can be. Its best possible loss, from
# scikit-learn's solver:

best = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x.double().numpy(), data.train.y.numpy())
z = torch.from_numpy(best.decision_function(x.double().numpy()))
optimum = torch.nn.functional.binary_cross_entropy_with_logits(z, data.train.y.double()).item()
print(f"reached {linear.history[-1].train_loss:.4f}, possible {optimum:.4f}")
assert optimum < linear.history[-1].train_loss < optimum + 0.005

# %%
# A picture
# ---------
# How the losses fell, and what each of the two answers everywhere. The colors are mixed by the probabilities; the
# solid border is where both classes are equally likely.

fs.plot([linear, network], "side-by-side", title="Two moons: a line, and eight units")

# %%
# The classic mistake
# -------------------
# A sigmoid at the end of the network, and a loss that takes logits. It looks right, for the answer should be a
# probability. But the loss has a sigmoid inside, so there are two of them, and the second one sees numbers from 0 to 1
# only. Nothing complains in torch. Here there is a warning when the engine is made:

twice = fs.NetSpec((*fs.MLP(2, 8, 1).layers, fs.Choice("sigmoid")), 2, 1)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    engine = fs.make_engine("scratch", twice, plan, device="cpu")
print(caught[0].message)

# %%
# How it shows: the loss gets stuck, and the accuracy is exactly a half. A sigmoid is never below zero, so every
# answer counts as yes. The best that two sigmoids can do is 1 for the rows of one class and 0 for those of the other,
# and that is far from a loss of zero:

*_, last = fs.train(engine, data, plan, every=1000)
floor = (math.log(1 + math.exp(-1)) + math.log(2)) / 2  # half the rows at z = 1, half at z = 0
print(f"loss {last.train_loss:.4f}, never below {floor:.4f}; accuracy {last.train_accuracy}")
assert floor < last.train_loss < floor + 0.1
assert last.train_accuracy == 0.5

# %%
# The reason why losses take logits is also one of digits. A sigmoid of 200 is 1 to the last digit, and the logarithm of
# what is left to 1 is gone; torch's loss on probabilities gives up at 100, where the loss on logits still knows the
# truth.

certain, truth = torch.tensor([200.0]), torch.tensor([0.0])
on_probability = torch.nn.functional.binary_cross_entropy(certain.sigmoid(), truth).item()
on_logit = torch.nn.functional.binary_cross_entropy_with_logits(certain, truth).item()
print(f"on the probability {on_probability}, on the logit {on_logit}")
assert (on_probability, on_logit) == (100, 200)

# %%
# Exercises
# ---------
# 1. Swap the activation: train 2-8-1 with tanh and with sigmoid instead of relu. What changes in the border?
# 2. Take 32 hidden units instead of 8. What happens to the loss on the training points, and on the others?
# 3. Take the hidden layer away, or keep it and take its activation away. Does either get below what a line can do?

# %%
# Solution 1
# ~~~~~~~~~~
# All three separate the moons. Relu makes a border of straight pieces; tanh and sigmoid make a smooth one.

bends = [fs.MLP(2, 8, 1, activation=name) for name in ("tanh", "sigmoid")]
swapped = [network, *fs.fit_many(bends, data, plan, engine="scratch", device="cpu", every=10)]
for member in swapped:
    print(f"{member.spec.layers[1]!s:8} loss {member.history[-1].train_loss:.3f}")
    assert member.history[-1].train_accuracy > 0.96
fs.plot(swapped, "side-by-side", title="Three activations")

# %%
# Solution 2
# ~~~~~~~~~~
# The training loss falls further. On the other points nothing is gained any more: the moons overlap, and what is left
# there is their noise.

wide = fs.fit_many(
    [fs.MLP(2, 8, 1), fs.MLP(2, 32, 1)], data, plan, engine="scratch", device="cpu", every=1000
)
for member in wide:
    test = fs.evaluate(member.engine, data.test)
    last = member.history[-1]
    sizes = member.spec.sizes_text()
    print(f"{sizes:6} training loss {last.train_loss:.4f}, accuracy on others {test.accuracy:.3f}")
assert wide[1].history[-1].train_loss < wide[0].history[-1].train_loss
small, large = (fs.evaluate(member.engine, data.test).accuracy for member in wide)
assert large < small + 0.01  # a point at most, of 1000 rows

# %%
# Solution 3
# ~~~~~~~~~~
# Neither. The hidden layer without an activation has 33 numbers to turn instead of 3, and reaches the same optimum.

flat = fs.fit_many(
    [fs.LinearRegression(2, 1), fs.MLP(2, 8, 1, activation="identity")],
    data,
    plan,
    engine="scratch",
    device="cpu",
    every=1000,
)
for member in flat:
    loss = member.history[-1].train_loss
    print(f"{member.spec.num_parameters:2} parameters: loss {loss:.4f}, possible {optimum:.4f}")
    assert optimum - 1e-5 < loss < optimum + 0.001  # float32 below, the last of the way above

# %%
# What you learned
# ----------------
# - The border of a linear classifier is straight, whatever its weights.
# - A hidden layer bends: two relu units do exclusive or, eight separate the moons.
# - More units fit the training points more closely, which is not the same as better.
# - A network ends with logits; the loss applies the sigmoid or the softmax itself, once.
#
# The next page: *Two linear layers collapse into one*.
