"""
Linear regression
=================

**The question:** When is a line the answer, and how near does descent come to it?

Linear regression is the one network whose best weights can be computed without any training. That makes it the place to
see how good descent is: the answer is known, and the distance to it can be measured at every step.
"""

import math
import warnings
from dataclasses import replace

import numpy as np
import torch
from sklearn.linear_model import LinearRegression

import fivestep as fs

# %%
# The idea
# --------
# A linear model multiplies each number of a row by a weight of its own, adds up, and adds a bias. It is the right model
# where every input counts for itself: one more of this changes the answer by so much, whatever the other inputs are. It
# cannot say "this, but only if that"; the pages on networks are about that.
#
# The loss, the mean squared error, is a bowl: it has one lowest point and no other place where it is flat, unless one
# input is a weighted sum of the others and a constant. From anywhere, downhill leads there.

# %%
# The formula
# -----------
# For rows :math:`X` of shape :math:`(N, I)`, weights :math:`W` of shape :math:`(O, I)` and biases :math:`b` of shape
# :math:`(O)`,
#
# .. math::
#   Z = X W^T + b
#
# is the prediction, of shape :math:`(N, O)`. With a column of ones beside :math:`X` the bias is a weight like the
# others; call the columns together :math:`A` and the weights of one output :math:`v`. Loss and gradient are
#
# .. math::
#   L(v) = \frac{1}{N} |A v - y|^2 \qquad \nabla L = \frac{2}{N} A^T (A v - y)
#
# and the gradient is zero where :math:`A^T A v = A^T y`, the *least-squares* solution :math:`v^*`. A step of descent
# shrinks the distance to it:
#
# .. math::
#   v_{t+1} - v^* = (1 - \eta H)(v_t - v^*) \qquad H = \frac{2}{N} A^T A
#
# Along each eigenvector of :math:`H` that is a factor :math:`1 - \eta \lambda`, the same at every step. The smallest
# :math:`\lambda` is the slowest: in the end it alone is left.

# %%
# Raw and professional
# --------------------
# ``nn.Linear`` is that formula and nothing else. Its weight has the shape :math:`(O, I)`, as everywhere in this
# program.

stream = torch.Generator().manual_seed(0)
rows = torch.randn(5, 3, generator=stream)
layer = torch.nn.Linear(3, 2)
with torch.no_grad():
    by_hand = rows @ layer.weight.T + layer.bias
    print("largest difference", (layer(rows) - by_hand).abs().max().item())
    # sums of four numbers near 1, in float32
    assert torch.allclose(layer(rows), by_hand, rtol=0, atol=1e-6)

# %%
# The ten points of the first page again. The best line four times: from the equation, from numpy, from scikit-learn,
# and from 3000 steps of descent.

data = fs.load_dataset("line")
A = torch.cat([data.train.x, torch.ones_like(data.train.x)], dim=1).double()  # (N, 2): x and a column of ones
y = data.train.y.double()
exact = torch.linalg.solve(A.T @ A, A.T @ y)
lstsq = np.linalg.lstsq(A.numpy(), y.numpy(), rcond=None)[0]
fitted = LinearRegression().fit(data.train.x.numpy(), y.numpy())

plan = fs.TrainPlan(loss="mse", optimizer="sgd", lr=0.01, batch_size=None, epochs=3000)
engine = fs.make_engine("scratch", fs.LinearRegression(1), plan, device="cpu")
path = [engine.params.flat.clone().double()]
for _ in fs.steps(engine, data, plan):
    path.append(engine.params.flat.clone().double())
descended = path[-1]

print(f"{'equation':13} w {exact[0]:.6f}   b {exact[1]:.6f}")
print(f"{'numpy':13} w {lstsq[0]:.6f}   b {lstsq[1]:.6f}")
print(f"{'scikit-learn':13} w {fitted.coef_[0]:.6f}   b {fitted.intercept_:.6f}")
print(f"{'3000 steps':13} w {descended[0]:.6f}   b {descended[1]:.6f}")

# %%
# What came out
# -------------
# The three that solve the equation agree to the rounding of float64. Descent, in float32, ends as near as float32 lets
# it: it stands still where a step is smaller than the last digit of the number it should move.

assert np.allclose(exact, lstsq, rtol=1e-12)  # float64, well-conditioned: a few roundings of 1e-16
assert np.allclose(fitted.coef_, lstsq[:1], rtol=1e-6)  # scikit-learn got x in float32
gap = (descended - exact).abs().max().item()
print(f"largest gap after 3000 steps: {gap:.1e}")
assert gap < 5e-5  # where a gradient's rounding, 1e-7 of its terms, is as large as the gradient

# %%
# The formula said how fast that goes. Predicted from the smallest eigenvalue, and measured between two late steps:

H = 2 / len(A) * A.T @ A
slowest, fastest = torch.linalg.eigvalsh(H)
distances = torch.stack(path).sub(exact).norm(dim=1)
measured = (distances[500] / distances[400]) ** (1 / 100)
print(f"factor at each step: {measured:.5f}, predicted {1 - plan.lr * slowest:.5f}")
# what is left of the other direction, and float32
assert abs(measured - (1 - plan.lr * slowest)) < 1e-4
print(f"halved every {math.log(0.5) / math.log(measured):.0f} steps")

# %%
# Over ten other draws of ten points: does the slope come nearer to the true 2 in a hundred steps, and the intercept to
# the true 1? With descent and with Adam, another rule for step 5, the slope always does. The intercept could begin so
# close to 1, by luck, that it moves away.

truth = torch.tensor([2.0, 1.0])
for optimizer in ("sgd", "adam"):
    closer = torch.zeros(2)
    for seed in range(10):
        drawn = fs.load_dataset("line", seed=seed)
        short = replace(plan, optimizer=optimizer, epochs=100, seed=seed)
        own = fs.make_engine("scratch", fs.LinearRegression(1), short, device="cpu")
        before = (own.params.flat - truth).abs()
        for _ in fs.steps(own, drawn, short):
            pass
        closer += (own.params.flat - truth).abs() < before
    nearer = [int(count) for count in closer]
    print(f"{optimizer:4} nearer in {nearer[0]} draws (slope) and {nearer[1]} (intercept) of 10")
    assert closer[0] == 10
    assert closer[1] > 5

# %%
# A picture
# ---------
# The distance to the least-squares solution, step by step, and the prediction. On a logarithmic axis a constant factor
# is a straight line. At the end float32 has no smaller steps.

canvas = fs.Canvas("Descent on ten points: how far from the best line")
axes = canvas.axes(x="step", y="distance to least squares")
steps = np.arange(len(path))
axes.plot(steps, distances, color=canvas.color(0), lw=2, label="measured")
predicted = distances[400].item() * (1 - plan.lr * slowest.item()) ** (steps - 400.0)
axes.plot(steps, predicted, "--", color=canvas.color(1), lw=1.6, label="the slowest direction, predicted")
axes.set_yscale("log")
axes.set_ylim(1e-6, 10)
canvas.legend(axes)
canvas.figure

# %%
# The classic mistake
# -------------------
# *The* shape mistake. A network with one output predicts a column :math:`(N, 1)`; targets often are a list
# :math:`(N,)`. Their difference is neither: it is a table :math:`(N, N)` of every prediction minus every target. The
# task ``sum`` shows what that does: rows of ten random numbers, new ones at every step, and their sum as the target. A
# linear model can learn it exactly.

STEPS = 5000  # quick: 600
RATE = 1e-3  # quick: 1e-2
SETTLED = 1e-6  # quick: 0.1


def train_on_sums(num_steps: int, *, mistaken: bool) -> tuple[torch.nn.Linear, list[float]]:
    """A linear model on `sum`, with the target as a list, or put into the prediction's shape."""
    stream = torch.Generator().manual_seed(1)
    model = torch.nn.Linear(10, 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.3, 0.3, generator=stream)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    losses = []
    for _ in range(num_steps):
        x = torch.randn(100, 10, generator=stream)
        target = x.sum(1)  # (100,)
        z = model(x)  # (100, 1)
        loss = ((z - (target if mistaken else target[:, None])) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


ignorant, wrong = train_on_sums(STEPS, mistaken=True)
model, right = train_on_sums(STEPS, mistaken=False)
tail = sum(wrong[-200:]) / 200
print(f"(100, 1) minus (100,):   loss {wrong[0]:.1f} at first, {tail:.1f} at the end")
print(f"(100, 1) minus (100, 1): loss {right[0]:.1f} at first, {right[-1]:.1e} at the end")
assert 8 < tail < 12
assert right[-1] < SETTLED

# %%
# Nothing complained: it is a loss, it is finite, it has a gradient. What it measures is something else. The mean over
# the table is
#
# .. math::
#   \frac{1}{N^2} \sum_{n,m} (z_n - y_m)^2 = \frac{1}{N} \sum_n (z_n - \bar y)^2 + \mathrm{var}(y)
#
# so it asks of *every* row to predict the mean :math:`\bar y` of all targets. The best model for that ignores its
# inputs, and the loss stays at the variance of the targets, here the 10 of a sum of ten standard normals. The weights
# should all be 1; what they became:

print("weights", [round(w, 2) for w in ignorant.weight[0].tolist()])
assert ignorant.weight.abs().max() < 0.5

z = torch.randn(100, 1, generator=stream).double()
target = torch.randn(100, generator=stream).double()
table = (z - target).square().mean()
assert (z - target).shape == (100, 100)
assert torch.isclose(
    table, (z - target.mean()).square().mean() + target.var(correction=0), rtol=1e-12
)  # float64

# %%
# ``torch.nn.functional.mse_loss`` warns at least; written out as above, nothing does.

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert torch.nn.functional.mse_loss(z, target) == table
print(str(caught[0].message).split(". ")[0])

# %%
# Here a loss never broadcasts. A list beside a column is what people mean by it, so the two are matched row by row;
# whatever else does not fit is refused.

summing = fs.load_dataset("sum")
own = fs.make_engine("scratch", fs.LinearRegression(10), fs.TrainPlan(loss="mse"), device="cpu")
logits = own.forward(summing.train.x[:100])
assert own.loss(logits, summing.train.y[:100]) == own.loss(logits, summing.train.y[:100, None])
try:
    own.loss(logits, summing.train.y[:99])
except fs.InputError as error:
    print(error)

# %%
# Trained on ``sum`` with matched shapes, the linear model is not just close: its weights are all 1 and its bias is 0.

print("weights", [round(w, 4) for w in model.weight[0].tolist()])
print("bias", round(model.bias.item(), 6))
assert (model.weight - 1).abs().max() < 5e-5  # float32, as above
assert model.bias.abs().max() < 5e-5

# %%
# Exercises
# ---------
# 1. Fit the table ``diabetes`` (ten measurements of a patient, how far the disease has gone a year later) with least
#    squares and with descent. Do both reach the same error on patients that were not shown?
# 2. Multiply the input of ``line`` by 100 and train again with a rate that does not diverge. Why is descent so slow
#    now, and what does scaling the input back to deviation 1 repair?
# 3. Two inputs that are equal: what is left of the one lowest point, and which solution does descent find from zero?

# %%
# Solution 1
# ~~~~~~~~~~
# The targets come scaled to mean 0 and deviation 1, so an error of 1 is what the mean alone would make.

diabetes = fs.load_dataset("diabetes")
ols = LinearRegression().fit(diabetes.train.x.numpy(), diabetes.train.y.numpy())
error = ((ols.predict(diabetes.test.x.numpy()) - diabetes.test.y.numpy()) ** 2).mean()
plan10 = fs.TrainPlan(loss="mse", optimizer="sgd", lr=0.05, batch_size=None, epochs=2000)
ten = fs.make_engine("scratch", fs.LinearRegression(diabetes.in_features), plan10, device="cpu")
for _ in fs.steps(ten, diabetes, plan10):
    pass
own_error = fs.evaluate(ten, diabetes.test).loss
print(f"least squares {error:.3f}, descent {own_error:.3f}")
assert abs(error - own_error) < 0.01  # two thousand steps leave the flattest direction unfinished

# %%
# Solution 2
# ~~~~~~~~~~
# The bowl becomes a ravine: along the slope :math:`\lambda` is ten thousand times as large, so the rate must be that
# much smaller, and the bias, whose :math:`\lambda` has not changed, hardly moves. Inputs of deviation 1 make the bowl
# round again. A hundred steps each from zero, at the rate of one over the largest :math:`\lambda`, and how far the loss
# is above the least:


def eigenvalues(x: torch.Tensor) -> tuple[float, float]:
    """The smallest and the largest of H; the slowest direction needs about as many steps as their quotient."""
    A = torch.cat([x, torch.ones_like(x)], dim=1).double()
    low, high = torch.linalg.eigvalsh(2 / len(A) * A.T @ A).tolist()
    return low, high


inflated = 100 * data.train.x
scaled = (inflated - inflated.mean()) / inflated.std(correction=0)
least = (A @ exact - y).square().mean().item()
condition, above = {}, {}
for name, x in (("as it was", data.train.x), ("times 100", inflated), ("scaled", scaled)):
    low, high = eigenvalues(x)
    careful = fs.TrainPlan(loss="mse", lr=1 / high, batch_size=None, epochs=100)
    own = fs.make_engine(
        "scratch", fs.LinearRegression(1, init="zeros"), careful, dtype="float64", device="cpu"
    )
    rows = fs.Dataset(fs.Rows(x, data.train.y))
    for _ in fs.steps(own, rows, careful):
        pass
    condition[name], above[name] = high / low, fs.evaluate(own, rows.train).loss - least
    print(f"{name:10} largest over smallest {condition[name]:9,.2f}, loss above the least {above[name]:.1e}")
assert condition["times 100"] > 1000 * condition["as it was"]
# a column of mean 0 and deviation 1 beside one of ones, from float32
assert abs(condition["scaled"] - 1) < 1e-3
assert above["times 100"] > 1000 * max(above["as it was"], above["scaled"])

# %%
# Solution 3
# ~~~~~~~~~~
# Only the sum of the two weights matters, so the bottom of the bowl is a line. From zero both weights get the same
# gradient and stay equal: descent ends at the point of that line that is nearest to zero, the solution of smallest
# norm.

double = torch.cat([data.train.x, data.train.x], dim=1)
two = fs.make_engine("scratch", fs.LinearRegression(2, init="zeros"), plan, device="cpu")
for _ in fs.steps(two, fs.Dataset(fs.Rows(double, data.train.y)), plan):
    pass
weights = two.named_parameters()["0.weight"][0]
print("weights", [round(w, 5) for w in weights.tolist()])
print(f"their sum {weights.sum():.5f}, the weight of one input alone {exact[0]:.5f}")
assert weights[0] == weights[1]
assert abs(weights.sum() - exact[0]) < 5e-5  # as above
smallest = np.linalg.lstsq(np.c_[double.double(), np.ones(len(double))], y.numpy(), rcond=None)[0]
# numpy gives the solution of smallest norm
assert np.allclose(two.params.flat, smallest, atol=5e-5)

# %%
# What you learned
# ----------------
# - A linear layer is :math:`X W^T + b`; ``nn.Linear`` does the same, to rounding.
# - For the squared error the best weights solve an equation, and descent goes there by a constant factor a step.
# - How fast depends on the inputs: on one scale the bowl is round.
# - A column minus a list is a table. Its mean looks like a loss and teaches the model to ignore its inputs.
#
# The next page: *Batch against stochastic descent*.
