"""
Recap: foundations
==================

**The question:** What do all training loops share?

The pages so far trained lines through points, sums of numbers and handwritten digits. Here is the one loop that does
all of them, and what is left to choose.
"""

from collections.abc import Callable

import torch

import fivestep as fs

# %%
# The idea
# --------
# The loop does not know what it trains. It knows rows, a network that turns a row into numbers, a loss that turns these
# and the target into one number, and a rule for the step. Whether the answer is a price, a yes or no, or one of ten
# classes is decided by two things only: how many outputs the network has, and which loss reads them.
#
# - A *number*: as many outputs as targets, and the squared error.
# - *Yes or no*: one output, the *logit* of yes, and the binary cross-entropy.
# - *One of C classes*: :math:`C` outputs, the logits, and the cross-entropy of their softmax.

# %%
# The formula
# -----------
# For one row with outputs :math:`z` and target :math:`y`, the three losses and their gradients are
#
# .. math::
#   \begin{aligned}
#   \text{number:}\quad & (z - y)^2 & \partial / \partial z &= 2 (z - y) \\
#   \text{yes or no:}\quad & \log(1 + e^z) - y z & \partial / \partial z &= \sigma(z) - y \\
#   \text{classes:}\quad & \log \textstyle\sum_c e^{z_c} - z_y
#   & \partial / \partial z_c &= \mathrm{softmax}(z)_c - [c = y]
#   \end{aligned}
#
# where :math:`[c = y]` is 1 for the right class and 0 for the others. Every gradient is *what was said minus what is
# true* (for the square, twice that). Behind it the chain rule is the same for all.
#
# The softmax turns logits into shares that are positive and add up to 1. Two examples, to check by hand:

for logits in ([1.0, 3.0, 0.5, 1.5], [-1.0, 2.0, 1.0, 0.0]):
    shares = torch.tensor(logits).softmax(0)
    print(logits, "->", [round(share, 4) for share in shares.tolist()])
# four digits
assert torch.allclose(shares, torch.tensor([0.0321, 0.6439, 0.2369, 0.0871]), atol=5e-5)

# %%
# Raw and professional
# --------------------
# One function, raw tensors and autograd. What differs between tasks comes in as arguments:


def train_raw(
    x: torch.Tensor,
    y: torch.Tensor,
    num_outputs: int,
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    lr: float,
    num_steps: int,
) -> list[float]:
    """A linear model from zero by gradient descent on all rows; the loss of each step."""
    weight = torch.zeros(num_outputs, x.shape[1], requires_grad=True)
    bias = torch.zeros(num_outputs, requires_grad=True)
    losses = []
    for _ in range(num_steps):
        z = x @ weight.T + bias  # 1  predict: (N, O)
        loss = loss_of(z, y)  # 2  measure
        weight.grad = bias.grad = None  # 3  forget the last gradient
        loss.backward()  # 4  find the new one
        with torch.no_grad():  # 5  step downhill
            weight -= lr * weight.grad
            bias -= lr * bias.grad
        losses.append(loss.item())
    return losses


functional = torch.nn.functional
TASKS = {
    "line": ("mse", lambda z, y: functional.mse_loss(z[:, 0], y), 0.05),
    "moons": (
        "binary_cross_entropy",
        lambda z, y: functional.binary_cross_entropy_with_logits(z[:, 0], y),
        0.5,
    ),
    "breast-cancer": (
        "binary_cross_entropy",
        lambda z, y: functional.binary_cross_entropy_with_logits(z[:, 0], y),
        0.1,
    ),
    "iris": ("cross_entropy", functional.cross_entropy, 0.2),
    "digits": ("cross_entropy", functional.cross_entropy, 0.2),
}

# %%
# With the program, a task is data, a network and a plan, and the loop is the same line each time:

STEPS = 300
raw, professional = {}, {}
print(f"{'task':14} {'x':>10} {'outputs':>8}  {'loss':21} {'at first':>8} {'at last':>8}")
for task, (loss_name, loss_of, lr) in TASKS.items():
    data = fs.load_dataset(task)
    y = data.train.y if loss_name == "cross_entropy" else data.train.y.float()
    raw[task] = train_raw(data.train.x.float(), y, data.num_outputs, loss_of, lr, STEPS)

    plan = fs.TrainPlan(loss=loss_name, lr=lr, batch_size=None, epochs=STEPS)
    spec = fs.LinearRegression(data.in_features, data.num_outputs, init="zeros")
    engine = fs.make_engine("scratch", spec, plan, device="cpu")
    professional[task] = [step.loss.item() for step in fs.steps(engine, data, plan)]
    shape = str(tuple(data.train.x.shape))
    first, last = professional[task][0], professional[task][-1]
    print(f"{task:14} {shape:>10} {data.num_outputs:8}  {loss_name:21} {first:8.3f} {last:8.3f}")

# %%
# What came out
# -------------
# Five tasks, one loop, the same losses by hand and with the program, at every one of the steps. Each loss falls.

for task in TASKS:
    difference = max(abs(a - b) for a, b in zip(raw[task], professional[task], strict=True))
    print(f"{task:14} largest difference of the losses {difference:.1e}")
    assert difference < 1e-4  # 300 steps in float32, sums in another order
    assert professional[task][-1] < professional[task][0]

# %%
# Before it has learned anything, a classifier with zero weights gives every class the same chance. Its loss must then
# be the logarithm of the number of classes: worth a look at the start of every training, for a first loss far from it
# means that something is wrong already.

for task, classes in (("moons", 2), ("iris", 3), ("digits", 10)):
    expected = torch.tensor(float(classes)).log().item()
    print(f"{task:6} first loss {professional[task][0]:.4f}, log {classes} = {expected:.4f}")
    assert abs(professional[task][0] - expected) < 1e-5  # float32

# %%
# The program proves on request that its engines agree, step for step and tensor for tensor:

data = fs.load_dataset("iris")
plan = fs.TrainPlan(lr=0.2, batch_size=None)
engine = fs.make_engine("scratch", fs.SoftmaxRegression(4, 3), plan, dtype="float64", device="cpu")
report = fs.verify(engine, "nn", data)
print(report)
assert report.agrees

# %%
# A picture
# ---------
# The losses of all five, each as a share of its first one.

canvas = fs.Canvas("One loop, five tasks, one linear layer each")
axes = canvas.axes(x="step", y="loss, as a share of the first")
for k, (task, losses) in enumerate(professional.items()):
    axes.plot(
        range(1, STEPS + 1),
        [loss / losses[0] for loss in losses],
        color=canvas.color(k),
        lw=1.8,
        label=task,
    )
axes.set_yscale("log")
canvas.legend(axes, loc=(0.6, 0.2))
canvas.figure

# %%
# The classic mistake
# -------------------
# A loss that does not belong to the targets. Classes written as 0, 1, 2 are numbers to a computer, and the squared
# error takes them: it then teaches that iris 1 lies between iris 0 and iris 2. With one output nothing complains, in
# torch or here, for a whole number is a number:

plan = fs.TrainPlan(loss="mse", lr=0.1, batch_size=None)
engine = fs.make_engine("scratch", fs.LinearRegression(4, 1), plan, device="cpu")
print(f"one output for three classes: loss {next(fs.train(engine, data, plan)).train_loss:.3f}, no complaint")

# %%
# With an output for each class the numbers of outputs and targets do not fit. It is said before the first step, with
# the loss that belongs to them:

engine = fs.make_engine("scratch", fs.LinearRegression(4, 3), plan, device="cpu")
try:
    next(fs.train(engine, data, plan))
except fs.InputError as error:
    print(error)

# %%
# The other way round, a cross-entropy for targets that are no classes:

line = fs.load_dataset("line")
plan = fs.TrainPlan(loss="cross_entropy", lr=0.1, batch_size=None)
engine = fs.make_engine("scratch", fs.LinearRegression(1, 2), plan, device="cpu")
try:
    next(fs.train(engine, line, plan))
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. Which outputs and which loss belong to: tomorrow's temperature; whether a mail is junk; which of four seasons a
#    photograph shows; how many people will call in the next hour; which of twenty labels, any number of them, a text
#    should have?
# 2. Exactly which of the five steps change between gradient descent and Adam? Between ``line`` and ``digits``? Between
#    few rows and many?
# 3. Two classes can be one logit or two. Train ``moons`` both ways from zero and compare the probabilities.

# %%
# Solution 1
# ~~~~~~~~~~
# One output and ``mse``; one and ``binary_cross_entropy``; four and ``cross_entropy``; one and ``poisson``, whose
# output is the logarithm of a rate; twenty and ``binary_cross_entropy``, one question each. The program has them by
# these names.

for loss in ("mse", "binary_cross_entropy", "cross_entropy", "poisson"):
    fs.TrainPlan(loss=loss)

# %%
# Solution 2
# ~~~~~~~~~~
# Between descent and Adam, step 5. Between ``line`` and ``digits``, what steps 1 and 2 compute, and with them step 4,
# which differentiates what they did. Between few rows and many, none: the loop around the steps cuts the rows into
# batches.

# %%
# Solution 3
# ~~~~~~~~~~
# Two logits hold one number too many, since only their difference counts. Descent moves one up and the other down, each
# by as much as it would move the single logit, so their difference goes twice as fast. With half the rate it is the
# same run.

moons = fs.load_dataset("moons")
one_plan = fs.TrainPlan(loss="binary_cross_entropy", lr=0.5, batch_size=None, epochs=200)
two_plan = fs.TrainPlan(loss="cross_entropy", lr=0.25, batch_size=None, epochs=200)
labels = fs.Dataset(fs.Rows(moons.train.x, moons.train.y.long()), num_outputs=2)
one = fs.make_engine("scratch", fs.LinearRegression(2, init="zeros"), one_plan, device="cpu")
two = fs.make_engine("scratch", fs.SoftmaxRegression(2, 2, init="zeros"), two_plan, device="cpu")
for engine, data, plan in ((one, moons, one_plan), (two, labels, two_plan)):
    for _ in fs.steps(engine, data, plan):
        pass
p_one = one.predict(moons.train.x)[:, 0].sigmoid()
p_two = two.predict(moons.train.x).softmax(1)[:, 1]
print("largest difference of the probabilities", (p_one - p_two).abs().max().item())
assert torch.allclose(p_one, p_two, atol=1e-5)  # float32, two hundred steps

# %%
# What you learned
# ----------------
# - One loop trains everything; outputs and loss say what is asked.
# - The gradient at the outputs is what was said minus what is true.
# - The first loss is known in advance: log C for C classes.
# - A loss that does not belong to its targets can train without complaint. Where shapes or types betray it, it is
#   refused here in a sentence; where they do not, only you can know.
#
# The next page: *From linear to nonlinear*.
