"""
What a training loop is
=======================

**The question:** How does a program learn two numbers?

Nobody tells the program what the two numbers are. It is shown ten points near a straight line and finds the slope and
the intercept by itself. What it does to find them is the same five steps that train every network in this course.
"""

from itertools import pairwise

import torch

import fivestep as fs

# %%
# The idea
# --------
# Begin with any two numbers, a slope and an intercept. They make a line, and the line predicts a :math:`y` for every
# :math:`x`. The predictions are wrong, and one number, the *loss*, says how wrong. Now ask of each of the two numbers:
# if it were a little larger, would the loss rise or fall, and how fast? That answer is its *gradient*. Move each number
# a little the way in which the loss falls, and begin again. One round is a *step*, and a step has five parts:
#
# 1. predict,
# 2. measure the loss,
# 3. forget the gradient of the last step,
# 4. find the gradient of this one,
# 5. move downhill.
#
# The data are ten points, drawn around the line :math:`y = 2x + 1` with some noise.

data = fs.load_dataset("line")
x, y = data.train.x[:, 0], data.train.y  # (N,), (N,)
for one, other in zip(x.tolist(), y.tolist(), strict=True):
    print(f"x {one:6.2f}   y {other:6.2f}")

# %%
# The formula
# -----------
# With :math:`N` rows, the slope :math:`w`, the intercept :math:`b` and the learning rate :math:`\eta`, the prediction
# :math:`z`, the loss :math:`L` (the mean squared error) and its two derivatives are
#
# .. math::
#   z_n = w x_n + b \qquad L = \frac{1}{N} \sum_n (z_n - y_n)^2
#
# .. math::
#   \frac{\partial L}{\partial w} = \frac{2}{N} \sum_n (z_n - y_n)\, x_n \qquad
#   \frac{\partial L}{\partial b} = \frac{2}{N} \sum_n (z_n - y_n)
#
# and the step downhill is
#
# .. math::
#   w \leftarrow w - \eta\, \frac{\partial L}{\partial w} \qquad b \leftarrow b - \eta\, \frac{\partial L}{\partial b}
#
# A derivative that is positive says that the loss rises with the number, so the number is made smaller: that is what
# the minus is for. The learning rate says how far to go.
#
# Raw and professional
# --------------------
# First by hand. ``dw`` and ``db`` are the two derivatives; step 4 *adds* to them, as all libraries do, which is why
# step 3 is there.

plan = fs.TrainPlan(loss="mse", optimizer="sgd", lr=0.01, batch_size=None, epochs=100)
engine = fs.make_engine("scratch", fs.LinearRegression(1), plan, device="cpu")
start = [
    parameter.item() for parameter in engine.named_parameters().values()
]  # so that all three begin alike

w, b = start
dw = db = 0.0
losses = []
for step in range(1, 101):
    z = w * x + b  # 1  predict
    losses.append(((z - y) ** 2).mean().item())  # 2  measure
    dw = db = 0.0  # 3  forget the last gradient
    dw += 2 * ((z - y) * x).mean().item()  # 4  find the new one
    db += 2 * (z - y).mean().item()
    w -= 0.01 * dw  # 5  step downhill
    b -= 0.01 * db
    if step in (1, 10, 50, 100):
        print(f"step {step:3}   loss {losses[-1]:.4f}   w {w:.4f}   b {b:.4f}")

# %%
# With torch's tools nobody writes a derivative: ``backward`` finds them all, whatever the network is.

model = torch.nn.Linear(1, 1)
with torch.no_grad():
    model.weight.fill_(start[0])
    model.bias.fill_(start[1])
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(100):
    z = model(x[:, None])  # 1  (N, 1)
    loss = torch.nn.functional.mse_loss(z, y[:, None])  # 2
    optimizer.zero_grad()  # 3
    loss.backward()  # 4
    optimizer.step()  # 5
print(f"w {model.weight.item():.4f}   b {model.bias.item():.4f}")

# %%
# And with this program. The engine holds the network and does the five steps, the loop hands out one *epoch* (one visit
# to all rows) after the other. Stopping is ``break`` and printing is ``print``. With all ten rows in one batch, an
# epoch is one step. Its loss is that after the step; the loss printed by hand above was measured before it, and is the
# larger one.

for epoch in fs.train(engine, data, plan, every=50):
    print(f"epoch {epoch.index:3}   loss {epoch.train_loss:.4f}")
learned = {name: parameter.item() for name, parameter in engine.named_parameters().items()}
print(learned)

# %%
# What came out
# -------------
# All three arrive at the same two numbers, because they did the same arithmetic. The loss fell at every step.

for name, number in (("0.weight", w), ("0.bias", b)):
    # a hundred steps in float32, each with a few roundings of 1e-7
    assert abs(number - learned[name]) < 1e-5
assert abs(model.weight.item() - learned["0.weight"]) < 1e-5  # the same
assert all(later < earlier for earlier, later in pairwise(losses))

# %%
# The slope is on its way to the one that the points were drawn with. It is not there yet, and with ten noisy points it
# will not get to exactly that one: the best line through *these* points (least squares) is a slightly different one.

for name, weights in data.known_weights.items():
    print(f"{name:13}  w {weights['0.weight'].item():.4f}   b {weights['0.bias'].item():.4f}")
print(f"{'after 100':13}  w {w:.4f}   b {b:.4f}")
assert abs(w - 2) < abs(start[0] - 2)

# %%
# A picture
# ---------
# The ten points, the line that was learned, and the two it is compared with.

fs.plot(engine, "fitted_line", data=data, title="A hundred steps on ten points")

# %%
# The classic mistake
# -------------------
# Leave out step 3, and every new gradient is added to all the old ones. The numbers then move by the *sum* of
# everything so far, like a ball that rolls through the valley, up the other side, and back again: nothing slows it
# down.

forgetful = fs.make_engine("scratch", fs.LinearRegression(1), plan, device="cpu")
rolling = []
for _ in range(400):
    logits = forgetful.forward(data.train.x)  # 1
    rolling.append(forgetful.loss(logits, y).item())  # 2
    forgetful.backward()  # 4, without 3
    forgetful.update()  # 5

careful = fs.make_engine("scratch", fs.LinearRegression(1), plan, device="cpu")
falling = [careful.train_step(data.train.x, y).item() for _ in range(400)]

canvas = fs.Canvas("Ten points around a line, learning rate 0.01")
axes = canvas.axes(x="step", y="loss")
axes.plot(range(1, 401), falling, color=canvas.color(0), lw=2, label="all five steps")
axes.plot(range(1, 401), rolling, color=canvas.color(1), lw=2, label="without step 3")
canvas.legend(axes)
canvas.figure

# %%
# Nothing complains, and at first the loss even falls faster. It is a known update rule in disguise: momentum that never
# decays. The two give the same numbers.

momentum = torch.optim.SGD(model.parameters(), lr=0.01, momentum=1.0)
with torch.no_grad():
    model.weight.fill_(start[0])
    model.bias.fill_(start[1])
for k in range(400):
    loss = torch.nn.functional.mse_loss(model(x[:, None]), y[:, None])
    assert abs(loss.item() - rolling[k]) < 1e-4 * max(rolling)  # 400 steps in float32, without damping
    momentum.zero_grad()
    loss.backward()
    momentum.step()
late = rolling[200:]
print(f"steps 201 to 400: loss between {min(late):.3f} and {max(late):.3f}")
print(f"with all five steps: {falling[-1]:.4f}")
assert max(late) > 50 * falling[-1]
assert rolling[10] < falling[10]

# %%
# The order matters as well. A gradient of a loss that nobody has measured does not exist, and the program says so.

try:
    fs.make_engine("scratch", fs.LinearRegression(1), plan).backward()
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. Step 3 could stand elsewhere: before step 1, before step 4, or after step 5. Which places give the same numbers,
#    and what happens if it stands between 4 and 5?
# 2. Change step 5 so that both numbers move by 0.01 in the direction that is downhill, whatever the gradient's size.
#    Where does that end?
# 3. How many steps does the loop need until both numbers are within 0.001 of the best line through the ten points?

# %%
# Solution 1
# ~~~~~~~~~~
# The gradient must be empty when step 4 begins and untouched when step 5 reads it. Three places do that, and they give
# the same bits; the fourth one throws away what was just found, and nothing moves at all.


def parameters_after(order: list[str], num_steps: int = 50) -> torch.Tensor:
    own = fs.make_engine("scratch", fs.LinearRegression(1), plan, device="cpu")
    logits = torch.empty(0)
    for _ in range(num_steps):
        for part in order:
            if part == "predict":
                logits = own.forward(data.train.x)
            elif part == "measure":
                own.loss(logits, y)
            else:
                getattr(own, part)()
    return own.params.flat.clone()


usual = parameters_after(["predict", "measure", "zero_grad", "backward", "update"])
assert torch.equal(usual, parameters_after(["zero_grad", "predict", "measure", "backward", "update"]))
assert torch.equal(usual, parameters_after(["predict", "measure", "backward", "update", "zero_grad"]))
nothing = parameters_after(["predict", "measure", "backward", "zero_grad", "update"])
assert nothing.tolist() == start
for name, numbers in (
    ("three places", usual),
    ("between 4 and 5", nothing),
    ("the start", torch.tensor(start)),
):
    print(f"{name:16} w {numbers[0]:.4f}   b {numbers[1]:.4f}")

# %%
# Solution 2
# ~~~~~~~~~~
# Only the sign of the gradient is used. Far away this is fast, but it can never end: at the best place each number
# steps to and fro over it, by up to the length of a step.

w, b = start
places = []
for _ in range(400):
    error = w * x + b - y
    w -= 0.01 * (error * x).mean().sign().item()
    b -= 0.01 * error.mean().sign().item()
    places.append((w, b))
best = data.known_weights["least squares"]
last = places[-50:]
print(f"w is between {min(w for w, _ in last):.4f} and {max(w for w, _ in last):.4f}")
assert all(abs(w - best["0.weight"].item()) < 0.01 and abs(b - best["0.bias"].item()) < 0.01 for w, b in last)
assert len({round(w, 4) for w, _ in last}) > 1

# %%
# Solution 3
# ~~~~~~~~~~
# Many more than a hundred: the nearer the valley's floor, the smaller the gradient, and the smaller the steps.

patient = fs.make_engine("scratch", fs.LinearRegression(1), plan, device="cpu")
target = torch.cat([best["0.weight"].flatten(), best["0.bias"]]).float()
while (patient.params.flat - target).abs().max() > 0.001:
    patient.train_step(data.train.x, y)
print(patient.num_updates, "steps")
assert 100 < patient.num_updates < 1500

# %%
# What you learned
# ----------------
# - A training loop repeats five steps: predict, measure, forget, find the gradient, step downhill.
# - The gradient says, for each number, how the loss answers to it; the step goes against it.
# - Step 4 adds. Without step 3 the loop rolls to and fro and nothing complains.
# - By hand, with torch's tools or with an engine: the same five steps give the same numbers.
#
# The next page: *Linear regression*.
