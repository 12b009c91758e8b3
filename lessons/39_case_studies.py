"""
Case studies
============

**The question:** How does it go on real tables?

Four small cases, each with the same five lines at its head: what is asked, what a guess is worth, how it is measured,
what came out, and what follows. Not every one is won by the network.
"""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fivestep as fs

# %%
# The idea
# --------
# A number says nothing without the one beside it. So, for every case:
#
# - *The baseline first.* What does the most frequent class get, and what a linear model?
# - *Honest rows.* What is reported is measured on rows that had no part in anything: not in the weights, not in the
#   choice of a setting, not in a mean that scales a column.
# - *More than one split.* With few rows the split decides as much as the model, so several splits are averaged.

# %%
# The formula
# -----------
# Cross-validation with :math:`k` folds: each row is tested once, by a model that was trained on the other folds, with
# :math:`s` for the score of a fold.
#
# .. math::
#   \bar s = \frac{1}{k} \sum_{i=1}^{k} s_i
#
# A column is scaled by the mean and the deviation of the *training* rows, :math:`x' = (x - m) / d`, and the test rows
# by the same two numbers.

# %%
# Raw and professional
# --------------------
# The first case is a table of 569 tumors with 30 measurements each: benign or malignant? By hand: split, scale, train,
# measure.

X, y = load_breast_cancer(return_X_y=True)
assert X.shape == (569, 30)
order = np.random.default_rng(0).permutation(len(X))
train, test = order[:400], order[400:]
m, d = X[train].mean(0), X[train].std(0)
table = fs.Dataset(
    fs.Rows((X[train] - m) / d, y[train].astype(float)),
    test=fs.Rows((X[test] - m) / d, y[test].astype(float)),
)
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.01, batch_size=32, epochs=10)
(member,) = fs.fit_many(fs.MLP(30, 16, 1), table, plan)
print(f"by hand: accuracy on the test rows {fs.evaluate(member.engine, table.test).accuracy:.3f}")

# %%
# With the tools, the whole of it is one object: it scales with the training rows' numbers, trains, and remembers both.

ours = fs.MLPClassifier(random_state=0).fit(X[train], y[train])
print(f"MLPClassifier: accuracy on the test rows {ours.score(X[test], y[test]):.3f}")
assert ours.score(X[test], y[test]) > 0.9

# %%
# The same class can do scikit-learn's own arithmetic. From the same seed it comes to the same weights.

scaled = StandardScaler().fit_transform(X)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # both warn that so few epochs are no end
    theirs = MLPClassifier(max_iter=20, random_state=0).fit(scaled, y)
    same = fs.MLPClassifier(recipe="sklearn", **theirs.get_params()).fit(scaled, y)
gap = max(abs(a - b).max() for a, b in zip(theirs.coefs_, same.coefs_, strict=True))
print(f"largest difference of a weight from scikit-learn's after 20 epochs: {gap:.0e}")
assert gap < 1e-10  # float64 rounding

# %%
# What came out
# -------------
# **Case 1: tumors.** Asked: benign or malignant. A guess: the more frequent class. Measured: the mean over
# the folds.

NUM_FOLDS = 5  # quick: 2


def compared(models, rows, targets, score=None):
    """The mean score of each model over the folds, printed and returned."""
    found = {
        name: cross_val_score(model, rows, targets, cv=NUM_FOLDS, scoring=score)
        for name, model in models.items()
    }
    for name, scores in found.items():
        print(f"{name:20} {scores.mean():.3f}   folds", *(f"{s:.3f}" for s in scores))
    return {name: scores.mean() for name, scores in found.items()}


print(f"most frequent class  {max(y.mean(), 1 - y.mean()):.3f}")
tumors = compared(
    {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        "network": fs.MLPClassifier(random_state=0),
    },
    X,
    y,
)
assert (
    abs(tumors["network"] - tumors["logistic regression"]) < 0.03
)  # no more than folds differ among themselves

# %%
# *What follows:* nearly all of the thirty measures grow with malignancy, each by itself, so their weighted sum says
# what there is to say, and that is a linear model. The network costs more and explains less. Take the linear one.

growing = sum(np.corrcoef(column, 1 - y)[0, 1] > 0 for column in X.T)  # in y, malignant is 0
print(f"measures that grow with malignancy: {growing} of {X.shape[1]}")
assert growing > 25

# %%
# **Case 2: diabetes.** Asked: how far the disease will have gone in a year, from ten measures of 442 patients. A guess:
# the mean. Measured: the share of the variance that is explained, over the folds.

X2, y2 = load_diabetes(return_X_y=True)
assert X2.shape == (442, 10)
print("the mean             0.000")
diabetes = compared({"ridge regression": RidgeCV(), "network": fs.MLPRegressor(random_state=0)}, X2, y2, "r2")
assert diabetes["ridge regression"] > 0.4
assert diabetes["network"] < diabetes["ridge regression"] + 0.03

# %%
# *What follows:* neither model explains more than about half of the variance with these ten numbers. Better measures
# are a better bet than a larger network.

# %%
# **Case 3: a rule that is no sum.** Asked: whether two of six numbers have the same sign; the other four mean nothing.
# A guess: a coin. Measured: the folds of 1000 rows.

stream = np.random.default_rng(0)
X3 = stream.standard_normal((1000, 6))
y3 = (X3[:, 0] * X3[:, 1] > 0).astype(int)
signs = compared(
    {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        "network": fs.MLPClassifier(random_state=0),
    },
    X3,
    y3,
)
assert signs["logistic regression"] < 0.6
assert signs["network"] > 0.85

# %%
# *What follows:* neither number says anything alone, only both together do. This is what a hidden layer is for. If
# somebody knows the rule, one more column, the product, would do as well.

# %%
# **Case 4: handwriting.** Asked: which digit. A guess: one in ten. Measured: the task's own test part, five seeds.

digits = fs.load_dataset("digits")
SEEDS = range(5)  # quick: range(2)
reference = {
    "softmax regression": (fs.SoftmaxRegression(64, 10), {"lr": 1e-2}),
    "network": (fs.MLP(64, 256, 10, init="kaiming"), {"lr": 3e-3}),
}
handwriting, runs = {}, {}
for name, (spec, settings) in reference.items():
    plans = [
        fs.TrainPlan(optimizer="adam", batch_size=32, epochs=30, seed=seed, **settings) for seed in SEEDS
    ]
    runs[name] = fs.fit_many(spec, digits, plans)
    scores = [fs.evaluate(run.engine, digits.test).accuracy for run in runs[name]]
    handwriting[name] = sum(scores) / len(scores)
    print(f"{name:20} {handwriting[name]:.3f}   seeds", *(f"{s:.3f}" for s in scores))
assert handwriting["network"] > handwriting["softmax regression"]

# %%
# *What follows:* a pixel means something only beside others, as in case 3, and there is something to win.

# %%
# A picture
# ---------
# The four cases, each with the linear model and the network.

cases = {
    "tumors": tuple(tumors.values()),
    "diabetes": tuple(diabetes.values()),
    "signs": tuple(signs.values()),
    "digits": tuple(handwriting.values()),
}
canvas = fs.Canvas("Linear model and network on held-out rows", height=3.6)
axes = canvas.axes(y="accuracy; explained variance for diabetes")
for k, name in enumerate(("linear model", "network")):
    places = [place + 0.38 * k - 0.19 for place in range(4)]
    axes.bar(places, [pair[k] for pair in cases.values()], width=0.36, color=canvas.color(k), label=name)
axes.set_xticks(range(4), cases)
axes.set_ylim(0, 1.25)
canvas.legend(axes, loc="upper center", ncols=2)
canvas.figure

# %%
# The network of case 4: how often it is as sure as it is right.

fs.plot(runs["network"][0], "calibration")

# %%
# The classic mistake
# -------------------
# Choosing before the split. Here are 60 rows of 5000 columns, all random, and random labels: nothing can be
# learned. Somebody first takes the 20 columns that go best with the labels, *with all rows*, and then cross-validates
# as carefully as can be. The test rows have helped to choose, and the result is a sensation.

X5, y5 = stream.standard_normal((60, 5000)), stream.integers(0, 2, 60)
chosen = SelectKBest(f_classif, k=20).fit_transform(X5, y5)
wrong = cross_val_score(LogisticRegression(), chosen, y5, cv=NUM_FOLDS).mean()
inside = make_pipeline(SelectKBest(f_classif, k=20), LogisticRegression())
right = cross_val_score(inside, X5, y5, cv=NUM_FOLDS).mean()
print(f"chosen before the split {wrong:.3f}, within each training part {right:.3f}")
assert wrong > 0.8
assert right < 0.7  # chance, to within what 60 rows can say

# %%
# Scaling the test rows by their own mean and deviation is the same mistake. It often shows little, which is why it
# stays; but it is another model for every set of rows that is asked about. Asked about a single row, it says nothing at
# all: the row minus itself, divided by zero.

row = X[test][:1]
with np.errstate(invalid="ignore"):
    by_itself = (row - row.mean(0)) / row.std(0)
print(
    "one row, scaled by itself:",
    by_itself[0, :3],
    "  by the training rows:",
    ((row - m) / d)[0, :3].round(2),
)
assert np.isnan(by_itself).all()
few = test[:3]
own = fs.Rows((X[few] - X[few].mean(0)) / X[few].std(0), y[few].astype(float))
differ = (member.engine.predict(own.x.float()) - member.engine.predict(table.test.x[:3].float())).abs().max()
print(f"three rows, scaled by themselves: the logits change by up to {differ:.1f}")
assert differ > 0.5

# %%
# And a column that knows the answer, because it was filled in afterwards. The program looks for it when it reads a
# table.

with tempfile.TemporaryDirectory() as folder:
    lines = ["size,texture,treatment,malignant"]
    lines += [
        f"{a:.2f},{b:.2f},{'surgery' if c == 0 else 'none'},{1 - c}"
        for a, b, c in zip(X[:, 0], X[:, 1], y, strict=True)
    ]
    path = Path(folder) / "tumors.csv"
    path.write_text("\n".join(lines))
    command = [
        sys.executable,
        "-m",
        "fivestep",
        "train",
        str(path),
        "--target",
        "malignant",
        "--epochs",
        "1",
    ]
    said = subprocess.run(
        [*command, "--out", str(Path(folder) / "run")], capture_output=True, text=True, check=True
    )
note = next(line for line in (said.stdout + said.stderr).splitlines() if "alone predicts" in line)
print(note)

# %%
# Exercises
# ---------
# 1. Give the linear model of case 3 the column it needs.
# 2. How much do the folds of case 1 differ when only the order of the rows changes?
# 3. Choose the number of hidden units for case 4 by the validation part, among 4, 16 and 64, and report the test part
#    of the chosen one.

# %%
# Solution 1
# ~~~~~~~~~~
# With the product of the two numbers the rule is the sign of a column.

with_product = np.column_stack([X3, X3[:, 0] * X3[:, 1]])
score = cross_val_score(
    make_pipeline(StandardScaler(), LogisticRegression()), with_product, y3, cv=NUM_FOLDS
).mean()
print(f"logistic regression with the product: {score:.3f}")
assert score > 0.95

# %%
# Solution 2
# ~~~~~~~~~~
# Single folds differ by more than the two models do, so one split could not tell which of these is better. The means of
# all folds move much less: that is what several splits are for.

means = []
for seed in range(5):
    mixed = np.random.default_rng(seed).permutation(len(X))
    model = make_pipeline(StandardScaler(), LogisticRegression())
    means.append(cross_val_score(model, X[mixed], y[mixed], cv=NUM_FOLDS))
print(
    f"means {np.mean(means, axis=1).round(3)}, single folds from {np.min(means):.3f} to {np.max(means):.3f}"
)
between_models = abs(tumors["network"] - tumors["logistic regression"])
print(f"the two models differ by {between_models:.3f}")
assert np.ptp(means) > max(0.02, between_models)
assert np.ptp(np.mean(means, axis=1)) < np.ptp(means) / 2

# %%
# Solution 3
# ~~~~~~~~~~
# The test part is asked once, after the choice.

plan = fs.TrainPlan(optimizer="adam", lr=3e-3, batch_size=32, epochs=30)
widths = (4, 16, 64)
tried = fs.fit_many([fs.MLP(64, width, 10, init="kaiming") for width in widths], digits, plan)
valid = [run.history[-1].valid_accuracy for run in tried]
for width, accuracy in zip(widths, valid, strict=True):
    print(f"{width:2} units: validation {accuracy:.3f}")
best = max(range(3), key=valid.__getitem__)
print(f"chosen {widths[best]}: test {fs.evaluate(tried[best].engine, digits.test).accuracy:.3f}")
assert widths[best] != 4

# %%
# What you learned
# ----------------
# - Begin with a guess and a linear model; a network is worth its price where columns mean something only together.
# - Everything that is learned from rows, a scale or a choice of columns too, is learned from the training rows.
# - Report what was measured on rows without any part in it, over several splits or seeds.
#
# The next page: *From two parameters to eight billion*.
