"""
Regularization and overfitting
==============================

**The question:** When has a network learned the rows instead of the rule?

A network with enough units can memorize any rows, even with labels drawn at random. Its training loss then says
nothing. Only rows that it has not seen can tell what it knows.
"""

from dataclasses import replace

import numpy as np
import torch
from sklearn.datasets import load_digits, make_moons

import fivestep as fs

# %%
# The idea
# --------
# Rows are a rule plus noise. At first, training finds the rule, because it is what all rows have in common, and the
# loss falls on all rows, seen and unseen. Later it finds the noise of the rows that it sees. The training loss goes on
# falling; the loss on unseen rows turns and rises. That is *overfitting*, and the gap between the two losses is its
# size.
#
# *Regularization* is anything that makes the rule cheaper than the noise:
#
# - more rows, the best of all;
# - fewer units, so that there is no room for noise;
# - a price on large weights (*weight decay*, *L2*), for sharp bends need them;
# - *dropout*: in every step a random part of the hidden units is silent, so that none can rely on another one;
# - *early stopping*: end where the held-out loss is lowest.

# %%
# The formula
# -----------
# With an L2 term the loss is
#
# .. math::
#   L(w) + \frac{\lambda}{2} |w|^2 \qquad \text{with the gradient} \qquad \nabla L + \lambda w
#
# so every step shrinks every weight a little. Dropout with probability :math:`p` multiplies each number by a mask and
# scales what is left:
#
# .. math::
#   y = \frac{m\, x}{1 - p} \qquad m = 0 \text{ with probability } p \text{, else } 1 \qquad
#   \mathrm{E}[y] = x \qquad \mathrm{var}[y] = \frac{p}{1 - p}\, x^2
#
# Because the mean is kept, nothing has to be scaled in evaluation, where dropout does nothing.

# %%
# Raw and professional
# --------------------
# Dropout by hand, and its expectation from many draws:

stream = torch.Generator().manual_seed(0)
p, DRAWS = 0.4, 20_000
x = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
masks = (torch.rand(DRAWS, 4, generator=stream, dtype=torch.float64) >= p).double()
y = masks * x / (1 - p)
print("x           ", x.tolist())
print("mean of y   ", [round(v, 3) for v in y.mean(0).tolist()])
variance = p / (1 - p) * x**2
assert ((y.mean(0) - x).abs() < 5 * (variance / DRAWS).sqrt()).all()  # five standard errors
assert torch.allclose(y.var(0), variance, rtol=0.05)  # of a sample of this size

# %%
# Torch's module and this program's layer do the same. Each has two modes: in training they draw, in evaluation they
# pass everything on.

module = torch.nn.Dropout(p)
module.eval()
assert torch.equal(module(x), x)
EPOCHS = 1500  # quick: 500
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.01, batch_size=None, epochs=EPOCHS)
engine = fs.make_engine("scratch", fs.MLP(2, 256, 1, dropout=0.5), plan, device="cpu")
print(engine.spec)

# %%
# ``l2`` of a plan is the strength for all rows together: :math:`\lambda` is ``l2`` divided by the rows of the batch,
# and it counts the matrices alone, not the biases. The loss of a step has it inside:

sixty = fs.Rows(torch.randn(60, 2, generator=stream), torch.arange(60) % 2)
with_price = replace(plan, l2=0.3, epochs=1)
priced = fs.make_engine("scratch", fs.MLP(2, 256, 1), with_price, dtype="float64", device="cpu")
plain = fs.evaluate(priced, sixty).loss
squares = sum(
    w.square().sum() for name, w in priced.named_parameters().items() if name.endswith("weight")
).item()
[step] = fs.steps(priced, fs.Dataset(sixty), with_price)
print(f"loss {plain:.6f}, with the price of its weights {step.loss.item():.6f}")
assert abs(step.loss.item() - (plain + 0.3 / 60 / 2 * squares)) < 1e-12  # float64

# %%
# What came out
# -------------
# First, what a network can memorize. Handwritten digits, but with labels drawn at random: there is no rule, so
# whatever is learned is noise.

images = load_digits()
pixels = torch.from_numpy(images.data / 16).float()
chance = torch.randint(10, (len(pixels),), generator=stream)
noise = fs.Dataset(fs.Rows(pixels[:500], chance[:500]), fs.Rows(pixels[500:], chance[500:]), num_outputs=10)
memorizing = fs.TrainPlan(optimizer="adam", lr=0.003, batch_size=50, epochs=150)
for width in (8, 64, 256):
    [member] = fs.fit_many(fs.MLP(64, width, 10), noise, memorizing, engine="scratch", device="cpu")
    last = member.history[-1]
    seen, unseen = last.train_accuracy, last.valid_accuracy
    print(f"{width:3} units: accuracy {seen:.3f} on its rows, {unseen:.3f} on others")
    assert last.valid_accuracy < 0.15
assert last.train_accuracy == 1.0

# %%
# 256 units have memorized five hundred rows; on others they are right one time in ten, like a guess. Now rows with a
# rule and with much noise: sixty points of two moons, a thousand others to hold back and a thousand to judge by at the
# end.


def moons(num_rows: int, state: int) -> fs.Rows:
    """Two moons with more noise than in the task of that name."""
    x, y = make_moons(num_rows, noise=0.3, random_state=state)
    return fs.Rows(x.astype(np.float32), y.astype(np.float32))


few = fs.Dataset(
    moons(60, 0), moons(1000, 1), moons(1000, 2), name="sixty moons", class_names=("upper", "lower")
)
wide = fs.MLP(2, 256, 1)
choices = {
    "nothing": (wide, plan),
    "8 units": (fs.MLP(2, 8, 1), plan),
    "L2 0.3": (wide, replace(plan, l2=0.3)),
    "dropout 0.5": (replace(wide, layers=fs.MLP(2, 256, 1, dropout=0.5).layers), plan),
    "early stopping": (wide, replace(plan, patience=10, restore_best=True)),
}
SEEDS = 3  # quick: 1
WORSE = 2.0  # quick: 1.3
found: dict[str, list[fs.Member]] = {}
losses = {}
for name, (spec, of_choice) in choices.items():
    seeds = [replace(of_choice, seed=seed) for seed in range(SEEDS)]
    found[name] = fs.fit_many(spec, few, seeds, engine="scratch", device="cpu", every=10)
    measured = [
        [fs.evaluate(member.engine, rows) for member in found[name]] for rows in (few.train, few.test)
    ]
    seen, unseen = (sum(one.loss for one in part) / SEEDS for part in measured)
    accuracy = sum(one.accuracy for one in measured[1]) / SEEDS
    losses[name] = seen, unseen
    print(f"{name:14}  loss on its rows {seen:.3f}, on others {unseen:.3f}, accuracy {accuracy:.3f}")
assert losses["nothing"][0] == min(seen for seen, _ in losses.values())
assert losses["nothing"][1] > WORSE * max(unseen for name, (_, unseen) in losses.items() if name != "nothing")

# %%
# Without regularization the loss on the network's own rows is the lowest of all, and on others the highest: it has
# learned the noise, and is sure of it. How much each remedy helps depends on the rows: for some other sixty points
# dropout helps hardly at all.

# %%
# A picture
# ---------
# The held-out losses over the training, and the borders in the end. Where nothing holds it back, the border winds
# between the points until each is on its own side, and the network is sure right up to it.

shown = {name: found[name][0] for name in ("nothing", "dropout 0.5", "L2 0.3")}
fs.plot(shown, "side-by-side", title="Sixty points, 256 units: what holds them back")

# %%
# The classic mistake
# -------------------
# Thinking that ``no_grad`` is evaluation. They are two different things. ``no_grad`` says that no gradient will be
# asked for; ``eval`` says that dropout is silent. A network that is measured under ``no_grad`` but in training mode
# still draws masks:

network = torch.nn.Sequential(
    torch.nn.Linear(2, 256), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(256, 1)
)
points = few.test.x
network.train()
with torch.no_grad():
    twice = (network(points) - network(points)).abs().max().item()
network.eval()
silent = network(points)
print(f"no_grad in training mode: two answers differ by up to {twice:.3f}")
apart = (silent - network(points)).abs().max().item()
print(f"evaluation mode: by {apart}; watched for a gradient: {silent.requires_grad}")
assert twice > 0.01
assert torch.equal(silent, network(points))
assert silent.requires_grad

# %%
# Here the two passes have two names. ``forward`` is the training pass; ``predict`` evaluates, and keeps nothing for a
# gradient.

engine.loss(engine.forward(points), few.test.y)
engine.zero_grad()
engine.backward()
engine.update()
assert torch.equal(engine.predict(points), engine.predict(points))
assert not engine.predict(points).requires_grad

# %%
# The same confusion in curves: with dropout, the loss of the training steps may lie *above* the held-out loss. Nothing
# is wrong; it was measured with half of the units silent. Measured in the same mode, the training rows are the easier
# ones again.

easy = fs.Dataset(moons(500, 3), moons(1000, 1), name="moons")
with_dropout = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.01, batch_size=50, epochs=30)
[member] = fs.fit_many(
    fs.MLP(2, 64, 64, 1, dropout=0.5), easy, with_dropout, engine="scratch", device="cpu", every=30
)
last = member.history[-1]
print(f"in the steps {last.running_loss:.3f}, the same rows in evaluation {last.train_loss:.3f}")
print(f"held out {last.valid_loss:.3f}")
assert last.running_loss > last.train_loss

# %%
# And early stopping needs something to stop by:

try:
    fs.fit(fs.MLP(2, 8, 1), fs.Dataset(few.train), replace(plan, patience=10))
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. More rows are the best regularization. How do both losses of the 256 units change from 30 to 300 points?
# 2. The strength of L2 was chosen by you. On which rows must it be chosen, and on which reported?
# 3. What does weight decay do to a weight that no row needs? Compute it for a hundred steps.

# %%
# Solution 1
# ~~~~~~~~~~
# The training loss rises, for noise in many rows is hard to learn; the loss on others falls. They meet from both sides.

short = replace(plan, epochs=500)
gaps = []
for num_rows in (30, 300):
    more = fs.Dataset(moons(num_rows, 4), few.valid, few.test, name="moons")
    [member] = fs.fit_many(wide, more, short, engine="scratch", device="cpu")
    seen, unseen = member.history[-1].train_loss, fs.evaluate(member.engine, more.test).loss
    gaps.append(unseen - seen)
    print(f"{num_rows:3} points: loss on its rows {seen:.3f}, on others {unseen:.3f}")
assert gaps[1] < gaps[0] / 2

# %%
# Solution 2
# ~~~~~~~~~~
# Chosen on the validation rows, reported on the test rows. The strength that looks best on the validation rows looks a
# little better there than it is, since it was chosen for that; the test rows had no say.

strengths = (0.01, 0.1, 0.3, 1.0)
tried = fs.fit_many(wide, few, [replace(plan, l2=l2) for l2 in strengths], engine="scratch", device="cpu")
best = min(tried, key=lambda member: member.history[-1].valid_loss)
for member in tried:
    print(f"L2 {member.plan.l2:4}: validation loss {member.history[-1].valid_loss:.3f}")
print(f"reported: L2 {best.plan.l2}, test loss {fs.evaluate(best.engine, few.test).loss:.3f}")
assert fs.evaluate(best.engine, few.test).loss < fs.evaluate(tried[0].engine, few.test).loss

# %%
# Solution 3
# ~~~~~~~~~~
# It shrinks by the same factor at every step, :math:`1 - \eta \lambda`, toward 0. Only what the rows ask for holds out
# against that.

weight = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=0.1, weight_decay=0.05)
for _ in range(100):
    optimizer.zero_grad()
    (0 * weight).sum().backward()  # no row needs it
    optimizer.step()
print(f"after a hundred steps {weight.item():.6f}, by the formula {(1 - 0.1 * 0.05) ** 100:.6f}")
assert abs(weight.item() - (1 - 0.1 * 0.05) ** 100) < 1e-12  # float64

# %%
# What you learned
# ----------------
# - Training loss measures memory; held-out loss measures knowledge.
# - Enough units memorize anything, even random labels.
# - L2, dropout, fewer units and early stopping make noise dearer than the rule; more rows do it best.
# - Evaluation mode silences dropout, ``no_grad`` saves memory. One does not imply the other.
#
# The next page: *Recap: networks against linear regression*.
