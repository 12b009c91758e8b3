r"""
Learning-rate schedules
=======================

**The question.** Why should the learning rate change while training goes on, and how do you find the one to begin with?

**The idea.** A mini-batch knows the gradient only roughly. Far from the minimum that does no harm: the mean of the steps points the right
way. Near the minimum there is nothing but noise left, and the weights keep hopping around it, the further the larger the rate. A small
rate from the start would be too slow; so begin with a large one and let it fall. Some runs also begin with a *warm-up*, a few steps at
rates that grow, because the first gradients are the largest, and rules like Adam know little about them yet.

**The formula** of the most common schedule, half a cosine wave from the rate :math:`\eta_0` down to zero over :math:`T` steps:

.. math::

    \eta_t = \eta_0 \, \frac{1 + \cos(\pi t / T)}{2}, \qquad t = 0, \dots, T - 1
"""

# %%
# The floor that the noise makes
# ------------------------------
#
# One weight, the loss :math:`h w^2 / 2`, and a gradient with noise of variance :math:`\sigma^2`: :math:`w \leftarrow w - \eta (h w + \sigma
# \xi)`. After many steps the variance of :math:`w` stays the same from step to step, :math:`V = (1 - \eta h)^2 V + \eta^2 \sigma^2`, which
# gives the mean loss
#
# .. math::
#
#     \frac{h V}{2} = \frac{\eta\, \sigma^2}{2\,(2 - \eta h)}
#
# For small rates it is proportional to the rate: a tenth of the rate, a tenth of the floor. Forty thousand such weights, all at once:

import math
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import torch

import fivestep as fs

h, sigma, num_steps = 1.0, 1.0, 1000
noise = torch.Generator().manual_seed(0)


def mean_losses(rates, num_weights=40_000):
    """The mean loss of weights that begin at 5 and make one noisy step at each of the rates."""
    w = torch.full((num_weights,), 5.0)
    losses = []
    for rate in rates:
        losses.append(float((h * w.square() / 2).mean()))
        w = w - rate * (h * w + sigma * torch.randn(num_weights, generator=noise))
    return [*losses, float((h * w.square() / 2).mean())]


def rates_of(schedule, lr=0.2):
    """The rates of all steps, from this program's own schedule."""
    item = fs.TrainPlan(schedule=schedule).build_schedule()
    return [lr * item.factor(step, num_steps) for step in range(num_steps)]


runs = {
    "constant 0.2": mean_losses(rates_of("constant")),
    "constant 0.02": mean_losses(rates_of("constant", lr=0.02)),
    "cosine from 0.2": mean_losses(rates_of("cosine")),
}
for name, losses in runs.items():
    print(f"{name:16} after 30 steps {losses[30]:.4f}   at the end {losses[-1]:.6f}")

# %%
# The variance of a sample of :math:`n` normal numbers is known to within :math:`\sqrt{2/n}`, here 0.7 percent; five times that is the
# tolerance.

for lr in (0.2, 0.02):
    floor = lr * sigma**2 / (2 * (2 - lr * h))
    print(f"rate {lr}: floor by the formula {floor:.6f}")
    assert math.isclose(runs[f"constant {lr}"][-1], floor, rel_tol=5 * math.sqrt(2 / 40_000))
assert runs["constant 0.02"][30] > 10 * runs["cosine from 0.2"][30]  # the small rate is slow
assert runs["cosine from 0.2"][-1] < runs["constant 0.02"][-1] / 2  # and the falling one ends lower than both

figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
for (name, losses), style in zip(runs.items(), ("-", "--", "-."), strict=True):
    axes.semilogy(losses, style, label=name)
axes.set(xlabel="step", ylabel="mean loss", title="A large rate is fast, a small one is exact, a falling one is both")
axes.grid(alpha=0.3)
axes.legend()
figure  # noqa: B018  (shown)

# %%
# The raw form and the professional one
# -------------------------------------
#
# By hand a schedule is one line before the step. In torch it is an object that is stepped after each update; here it is a word in the
# plan. All three give the same rates.

by_hand = [0.2 * (1 + math.cos(math.pi * t / num_steps)) / 2 for t in range(num_steps)]

weight = torch.nn.Parameter(torch.zeros(1))
optimizer = torch.optim.SGD([weight], lr=0.2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=num_steps)
by_torch = []
for _ in range(num_steps):
    by_torch.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()

for others in (by_torch, rates_of("cosine")):
    assert max(abs(a - b) for a, b in zip(by_hand, others, strict=True)) < 1e-12  # torch multiplies step by step: rounding

# %%
# On a real task
# --------------
#
# Handwritten digits, three hidden layers, Adam at a rate that is a little too high, ten epochs; five seeds with a constant rate and five
# with a cosine. The validation part says which is better.

data = fs.load_dataset("digits")
spec = fs.MLP(64, 128, 128, 128, 10, init="kaiming")


def five_seeds(schedule):
    plans = [
        fs.TrainPlan(optimizer="adam", lr=0.01, batch_size=16, epochs=10, schedule=schedule, seed=seed) for seed in range(5)
    ]
    return [member.history[-1] for member in fs.fit_many(spec, data, plans)]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


results = {schedule: five_seeds(schedule) for schedule in ("constant", "cosine", "warmup:steps=0.1,then=cosine")}
for schedule, epochs in results.items():
    loss, accuracy = mean(e.valid_loss for e in epochs), mean(e.valid_accuracy for e in epochs)
    print(f"{schedule:30} validation loss {loss:.3f}   accuracy {accuracy:.3f}")

falling, constant = results["cosine"], results["constant"]
assert mean(e.valid_loss for e in falling) < 0.75 * mean(e.valid_loss for e in constant)
assert mean(e.valid_accuracy for e in falling) > mean(e.valid_accuracy for e in constant)

# %%
# Here the warm-up makes little difference in either direction: it is a remedy for runs that break in their first steps, and this one does
# not. Do not take a remedy for a disease that you have not seen.
#
# One run of each kind, side by side:

with tempfile.TemporaryDirectory() as folder:
    plans = {
        name: fs.TrainPlan(optimizer="adam", lr=0.01, batch_size=16, epochs=10, schedule=name) for name in ("constant", "cosine")
    }
    kept = [fs.fit(spec, data, plan, out=Path(folder) / name) for name, plan in plans.items()]
    picture = fs.plot(kept, "side-by-side")
picture  # noqa: B018  (shown)

# %%
# Which rate to begin with: the range test
# ----------------------------------------
#
# A hundred steps at rates that grow by a factor each: the loss stays flat where the rate is too small, falls where it is right, and rises
# where it is too large. The suggestion is a tenth of the rate at which the smoothed loss was smallest. The network that is asked does not
# change: a copy of it does the steps.

plan = fs.TrainPlan(optimizer="adam", batch_size=32, epochs=10, schedule="cosine")
engine = fs.make_engine("scratch", spec, plan)
before = engine.params.flat.clone()
found = fs.lr_range_test(engine, data, plan)
print(f"suggested rate: {found.suggestion:.2g}")
assert torch.equal(engine.params.flat, before)
assert 1e-4 < found.suggestion < 1e-2  # a decade around Adam's usual 0.001

fs.plot(engine, "lr-range", data=data)

# %%
# The classic mistakes
# --------------------
#
# **A rate that is far too high.** The loss does not fall slowly, it explodes. The program stops at the step that breaks, names it, and
# keeps the weights from before it.

wild = fs.TrainPlan(optimizer="sgd", lr=1000.0, batch_size=32, epochs=10)
try:
    list(fs.train(fs.make_engine("scratch", spec, wild), data, wild))
    raise AssertionError("it should have diverged")
except fs.DivergenceError as error:
    print(error)
    assert "the loss must stay finite" in str(error)

# %%
# **A schedule that counts in other units than it is stepped in.** ``T_max`` is given in epochs, but the scheduler is stepped after every
# batch. ``CosineAnnealingLR`` is a wave that has no end: after ten *batches* the rate is zero, after twenty it is back at the top, and so
# on through the run. Nothing complains; a drawing of the rates shows it at once. Here a schedule knows the number of steps from the plan.

optimizer = torch.optim.SGD([weight], lr=0.2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)  # meant: epochs
rates = []
for _ in range(40):  # stepped: batches
    rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()
print("rates at batches 0, 10, 20, 30:", [round(abs(rates[k]), 4) for k in (0, 10, 20, 30)])
assert rates[10] < 1e-9 and math.isclose(rates[20], 0.2, rel_tol=1e-6)

# %%
# **A warm-up that is longer than the run.** The rate never arrives. The program says so before the first step.

short = fs.TrainPlan(optimizer="adam", lr=0.01, batch_size=None, epochs=5, schedule="warmup:steps=100")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    list(fs.train(fs.make_engine("scratch", spec, short), data, short))
print(said[0].message)
assert "never reached" in str(said[0].message)

# %%
# Exercises
# ---------
#
# **1. Write the schedule** "a tenth of the run upward on a straight line, then half a cosine" by hand and hold it against
# ``warmup:steps=0.1,then=cosine``.
#
# *Solution.* With :math:`S` steps of warm-up the first rate is :math:`1/(S+1)` of the full one, so no step is wasted at rate zero.

S, T = 100, 1000
own = [(t + 1) / (S + 1) if t < S else (1 + math.cos(math.pi * (t - S) / (T - S))) / 2 for t in range(T)]
assert max(abs(a - b) for a, b in zip(own, rates_of("warmup:steps=0.1,then=cosine", lr=1.0), strict=True)) < 1e-12

# %%
# **2. Four times the batch.** The noise of a mean over four times as many rows has a quarter of the variance. Which rate has the same floor
# as before?
#
# *Solution.* By the formula the floor is proportional to :math:`\eta \sigma^2` for small rates: four times the rate. That is the linear
# scaling rule, and where :math:`\eta h` is no longer small it does not hold any more.

small, large = 0.01 * 1.0 / (2 * (2 - 0.01)), 0.04 * 0.25 / (2 * (2 - 0.04))
print(f"floor {small:.6f} with one row, {large:.6f} with four rows at four times the rate")
assert abs(large / small - 1) < 0.02
assert (1.6 * 0.25 / (2 - 1.6)) / (0.4 * 1.0 / (2 - 0.4)) > 3  # from 0.4 to 1.6 the floor is not the same at all

# %%
# **3. Ask the range test about SGD.** Is the suggestion larger or smaller than Adam's, and does that fit what the page on optimizers found?
#
# *Solution.* Larger: SGD multiplies its rate by gradients that are small, Adam by numbers of about one.

slow = fs.TrainPlan(optimizer="sgd", batch_size=32, epochs=10)
asked = fs.lr_range_test(fs.make_engine("scratch", spec, slow), data, slow, high=100.0)
print(f"SGD {asked.suggestion:.2g}, Adam {found.suggestion:.2g}")
assert asked.suggestion > 5 * found.suggestion

# %%
# What you learned
# ----------------
#
# - At a constant rate the noise of the mini-batches leaves a floor, proportional to the rate; a rate that falls gets below it.
# - The range test finds a rate to begin with in a hundred steps.
# - A schedule must count what it is stepped in. Draw the rates once.
#
# Next: :ref:`sphx_glr_lessons_32_initialisation.py`, where the weights begin.
