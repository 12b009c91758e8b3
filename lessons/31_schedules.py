"""
Learning-rate schedules
=======================

**The question:** Why should the step change its length?

A rate that is right at the start is too large at the end. A schedule is a plan for the rate, step by step, and the
range test finds the rate to begin with.
"""

import math
import warnings

import torch

import fivestep as fs

# %%
# The idea
# --------
# A mini-batch knows the gradient only roughly. Far from the minimum that does no harm: the mean of the steps points the
# right way. Near the minimum only the noise is left, and the weights keep hopping around, the further the larger the
# rate. A small rate from the start would be slow. So begin with a large one and let it fall.
#
# Some runs also begin with a *warm-up*, a few steps at rates that grow: the first gradients are often the largest, and
# a rule such as Adam knows little about them yet.

# %%
# The formula
# -----------
# The most common schedule is half a wave of a cosine, from the rate :math:`\eta_0` down to zero over :math:`T` steps:
#
# .. math::
#   \eta_t = \eta_0 \, \frac{1 + \cos(\pi t / T)}{2}, \qquad t = 0, \dots, T - 1
#
# How low a constant rate gets can be worked out for one weight with the loss :math:`h w^2 / 2` and a gradient with
# independent noise of variance :math:`\sigma^2`, :math:`w \leftarrow w - \eta (h w + \sigma \xi)`. After many steps the
# variance of :math:`w` no longer changes, :math:`V = (1 - \eta h)^2 V + \eta^2 \sigma^2`, and the mean loss has come to
# its floor:
#
# .. math::
#   \frac{h V}{2} = \frac{\eta\, \sigma^2}{2\, (2 - \eta h)}
#
# For small rates the floor is proportional to the rate.

# %%
# Raw and professional
# --------------------
# By hand a schedule is one line before the step. In torch it is an object that is stepped after each update. Here it is
# a word in the plan. All three give the same rates.

NUM_STEPS = 1000
by_hand = [0.2 * (1 + math.cos(math.pi * t / NUM_STEPS)) / 2 for t in range(NUM_STEPS)]

weight = torch.nn.Parameter(torch.zeros(1))
optimizer = torch.optim.SGD([weight], lr=0.2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=NUM_STEPS)
by_torch = []
for _ in range(NUM_STEPS):
    by_torch.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()


def rates_of(schedule, lr):
    """The rates of all steps, as the loop sets them."""
    item = fs.TrainPlan(schedule=schedule).build_schedule()
    return [lr * item.factor(step, NUM_STEPS) for step in range(NUM_STEPS)]


for others in (by_torch, rates_of("cosine", 0.2)):
    assert (
        max(abs(a - b) for a, b in zip(by_hand, others, strict=True)) < 1e-12
    )  # torch goes on from rate to rate
print("rates at the start, half way and near the end:", [round(by_hand[t], 6) for t in (0, 500, 999)])

# %%
# What came out
# -------------
# First the floor. Forty thousand weights that begin at 5, each with noise of its own, at two constant rates and on a
# cosine:

NUM_WEIGHTS = 40_000
stream = torch.Generator().manual_seed(0)


def mean_losses(rates):
    """The mean loss over the weights, before each step and after the last, with h = 1 and noise of variance 1."""
    w, found = torch.full((NUM_WEIGHTS,), 5.0), []
    for rate in rates:
        found.append(w.square().mean().item() / 2)
        w = w - rate * (w + torch.randn(NUM_WEIGHTS, generator=stream))
    return [*found, w.square().mean().item() / 2]


runs = {
    "constant 0.2": mean_losses(rates_of("constant", 0.2)),
    "constant 0.02": mean_losses(rates_of("constant", 0.02)),
    "cosine from 0.2": mean_losses(rates_of("cosine", 0.2)),
}
for name, losses in runs.items():
    print(f"{name:15}  after 30 steps {losses[30]:.4f}  at the end {losses[-1]:.4f}")
for rate in (0.2, 0.02):
    floor = rate / (2 * (2 - rate))
    print(f"the formula's floor at {rate}: {floor:.4f}")
    assert math.isclose(
        runs[f"constant {rate}"][-1], floor, rel_tol=5 * math.sqrt(2 / NUM_WEIGHTS)
    )  # five times the error of a variance that is taken from that many weights
assert runs["constant 0.02"][30] > 10 * runs["cosine from 0.2"][30]  # the small rate is slow
assert runs["cosine from 0.2"][-1] < runs["constant 0.02"][-1] / 2  # the falling one ends below both

# %%
# Then a real task: handwritten digits, three hidden layers, Adam at a rate that is on the high side. Five seeds with
# each schedule; the validation part says which is better.

EPOCHS = 10
data = fs.load_dataset("digits")
spec = fs.MLP(64, 128, 128, 128, 10, init="kaiming")
schedules = ["constant", "cosine", "warmup:steps=0.1,then=cosine"]


def plan_with(schedule, seed=0):
    """The plan with that schedule."""
    return fs.TrainPlan(optimizer="adam", lr=0.01, batch_size=16, epochs=EPOCHS, schedule=schedule, seed=seed)


members, mean_loss, mean_accuracy = {}, {}, {}
for schedule in schedules:
    plans = [plan_with(schedule, seed) for seed in range(5)]
    members[schedule] = fs.fit_many(spec, data, plans, every=1)
    ends = [member.history[-1] for member in members[schedule]]
    mean_loss[schedule] = sum(end.valid_loss for end in ends) / len(ends)
    mean_accuracy[schedule] = sum(end.valid_accuracy for end in ends) / len(ends)
    print(f"{schedule:28}  validation loss {mean_loss[schedule]:.3f}  accuracy {mean_accuracy[schedule]:.3f}")
assert mean_loss["cosine"] < 0.75 * mean_loss["constant"]
assert mean_accuracy["cosine"] > mean_accuracy["constant"]

# %%
# The warm-up is no gain here. It is a remedy for runs that break in their first steps, and this one does not break.

# %%
# A picture
# ---------
# The floor: the large rate is fast, the small one ends lower, the falling one does both.

canvas = fs.Canvas("The mean loss of 40,000 weights with noisy gradients", height=3.8)
axes = canvas.axes(x="step", y="mean loss")
for k, (name, losses) in enumerate(runs.items()):
    axes.semilogy(losses, color=canvas.color(k), lw=1.6, label=name)
canvas.legend(axes)
canvas.figure

# %%
# One run of each kind on the digits, side by side:

fs.plot({name: members[name][0] for name in ("constant", "cosine")}, "side-by-side")

# %%
# Which rate to begin with? The range test makes a hundred steps at rates that grow by a factor each. The loss stays
# where it is while the rate is too small, falls where it is right, and rises where it is too large. The suggestion is a
# tenth of the rate at which the smoothed loss was smallest. A copy of the network makes the steps, the network itself
# stays as it is.

plan = fs.TrainPlan(optimizer="adam", batch_size=32, epochs=10, schedule="cosine")
engine = fs.make_engine("scratch", spec, plan)
before = engine.params.flat.clone()
found = fs.lr_range_test(engine, data, plan)
print(f"suggested rate: {found.suggestion:.1g}")
assert torch.equal(engine.params.flat, before)
assert 1e-4 < found.suggestion < 1e-2  # within a factor of ten of Adam's usual 0.001
fs.plot(engine, "lr-range", data=data)

# %%
# The classic mistake
# -------------------
# A schedule that counts in other units than it is stepped in. Here ``T_max`` was meant in epochs, but the scheduler is
# stepped after every batch. ``CosineAnnealingLR`` is a wave without an end: after ten *batches* the rate is zero, after
# twenty it is back at the top, and so on through the whole run. Nothing complains. A drawing of the rates shows it at
# once; in this program a schedule learns the number of steps from the plan.

optimizer = torch.optim.SGD([weight], lr=0.2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)  # meant: epochs
rates = []
for _ in range(40):  # stepped: batches
    rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()
print("rates at batches 0, 10, 20, 30:", [round(abs(rates[k]), 4) for k in (0, 10, 20, 30)])
assert abs(rates[10]) < 1e-9
assert math.isclose(rates[20], 0.2, rel_tol=1e-6)  # torch goes on from rate to rate, with rounding

# %%
# A warm-up that is longer than the run: the rate never arrives. The program says so before the first step.

short = fs.TrainPlan(optimizer="adam", lr=0.01, batch_size=None, epochs=5, schedule="warmup:steps=100")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    list(fs.train(fs.make_engine("scratch", spec, short), data, short))
print(said[0].message)
assert "never reached" in str(said[0].message)

# %%
# And a rate that is far too high. The loss does not fall slowly then, it leaves the numbers that there are.

wild = fs.TrainPlan(optimizer="sgd", lr=1000.0, batch_size=32, epochs=10)
try:
    list(fs.train(fs.make_engine("scratch", spec, wild), data, wild))
except fs.DivergenceError as error:
    message = str(error)
print(message)
assert "the loss must stay finite" in message

# %%
# Exercises
# ---------
# 1. Write the schedule "a tenth of the run upward on a straight line, then half a cosine" by hand, and compare it with
#    ``warmup:steps=0.1,then=cosine``.
# 2. The mean over four times as many rows has a quarter of the noise's variance. Which rate has then the same floor as
#    before, and up to where is that true?
# 3. Ask the range test about SGD. Is its suggestion larger or smaller than Adam's?

# %%
# Solution 1
# ~~~~~~~~~~
# With :math:`S` steps of warm-up the first one has :math:`1/(S+1)` of the rate: no step is wasted at rate zero.

S, T = NUM_STEPS // 10, NUM_STEPS
own = [(t + 1) / (S + 1) if t < S else (1 + math.cos(math.pi * (t - S) / (T - S))) / 2 for t in range(T)]
gaps = [abs(a - b) for a, b in zip(own, rates_of("warmup:steps=0.1,then=cosine", 1.0), strict=True)]
assert max(gaps) < 1e-12  # rounding
print("first, last of the warm-up, first of the cosine:", [round(own[t], 4) for t in (0, S - 1, S)])

# %%
# Solution 2
# ~~~~~~~~~~
# While :math:`\eta h` is small the floor is proportional to :math:`\eta \sigma^2`: four times the rate. This is known
# as the linear scaling rule. Where :math:`\eta h` is near 2, above which nothing converges, it does not hold.


def floor(rate, variance):
    """The formula above with h = 1."""
    return rate * variance / (2 * (2 - rate))


for rate in (0.01, 0.4):
    print(
        f"rate {rate}: {floor(rate, 1.0):.4f}   four times the rate and the rows: {floor(4 * rate, 0.25):.4f}"
    )
assert math.isclose(floor(0.01, 1.0), floor(0.04, 0.25), rel_tol=0.02)  # 2 - 0.04 in place of 2 - 0.01
assert floor(1.6, 0.25) > 3 * floor(0.4, 1.0)

# %%
# Solution 3
# ~~~~~~~~~~
# Larger: SGD multiplies the rate by gradients that are small, Adam by numbers of about one.

plan = fs.TrainPlan(optimizer="sgd", batch_size=32, epochs=10)
asked = fs.lr_range_test(fs.make_engine("scratch", spec, plan), data, plan, high=100.0)
print(f"SGD {asked.suggestion:.1g}, Adam {found.suggestion:.1g}")
assert asked.suggestion > 5 * found.suggestion

# %%
# What you learned
# ----------------
# - At a constant rate the noise of the mini-batches leaves a floor; a rate that falls gets below it.
# - The range test finds a rate to begin with in a hundred steps.
# - A schedule must count in what it is stepped in. Draw the rates once.
#
# The next page: *Initialization*.
