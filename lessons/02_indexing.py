"""
Indexing and gather
===================

**The question:** How are some numbers picked out of many?

A batch is some rows of a table, a loss needs the score of the right class from each row, a word is a row of a table of
vectors. All of them are picked by index.
"""

import torch

import fivestep as fs

# %%
# The idea
# --------
# Places are counted from zero, axis by axis, rows first. A number picks one place and drops the axis, ``start:end``
# picks a stretch and keeps it, ``:`` picks all.

table = torch.arange(12).view(3, 4)
print(table)
print(
    "row 1",
    table[1].tolist(),
    " column 2",
    table[:, 2].tolist(),
    " element (1, 3)",
    table[1, 3].item(),
)
assert table[1].tolist() == [4, 5, 6, 7]
assert table[:, 2].tolist() == [2, 6, 10]
assert table[1, 3] == 7

# %%
# A *mask* is a tensor of yes and no. It picks where it says yes. How many these are is not known in advance, so the
# result is always one line, whatever the shape of the table.

numbers = torch.arange(8).view(2, 4)
print("greater than 3:", numbers[numbers > 3].tolist())
assert numbers[numbers > 3].tolist() == [4, 5, 6, 7]
assert numbers[numbers > 3].dim() == 1

# %%
# The formula
# -----------
# ``gather`` picks along one axis, with an index for every place of the result. Along ``dim=1``,
#
# .. math::
#   \text{out}_{nk} = \text{table}_{n, \, \text{index}_{nk}}
#
# One column for each row, a different one in each, is the case that a loss needs.

rows = torch.tensor([[10, 11, 12, 13], [20, 21, 22, 23], [30, 31, 32, 33]])
columns = torch.tensor([2, 0, 3])
picked = rows.gather(1, columns[:, None])[:, 0]
print("columns", columns.tolist(), "give", picked.tolist())
assert picked.tolist() == [12, 20, 33]
assert torch.equal(rows[torch.arange(3), columns], picked)  # the same, with an index for each axis

# %%
# Its inverse asks where something is. ``argmax`` gives the place of the largest number of each row, ``topk`` the
# largest few with their places.

scores = torch.tensor([[10, 0, 5, 20, 1], [1, 30, 2, 5, 0]])
values, places = scores.topk(3)
print("argmax", scores.argmax(1).tolist(), " top 3", values.tolist(), "at", places.tolist())
assert scores.argmax(1).tolist() == [3, 1]
assert values.tolist() == [[20, 10, 5], [30, 5, 2]]
assert places.tolist() == [[3, 0, 2], [1, 3, 2]]

# %%
# Raw and professional
# --------------------
# The loss of a classifier is a ``gather``. A network gives each class a score, called a *logit*. For the logits
# :math:`z` of a row and its class :math:`y`, with the logarithm of the sum of exponentials over the classes,
#
# .. math::
#   L = -z_y + \log \sum_c e^{z_c}
#
# It is small where the score of the right class is far above all others. By hand, that score is picked from each row:

draws = torch.Generator().manual_seed(0)
logits = torch.randn(6, 4, generator=draws)
classes = torch.tensor([0, 3, 1, 1, 2, 0])
right = logits.gather(1, classes[:, None])[:, 0]
raw = (logits.logsumexp(1) - right).mean()

# %%
# With torch's function, and with the loss of this program. A network that answers with what it is given, a linear layer
# with the identity for its weight, lets us pass the logits in.

professional = torch.nn.functional.cross_entropy(logits, classes)
engine = fs.make_engine(
    "scratch", fs.SoftmaxRegression(4, 4), fs.TrainPlan(loss="cross_entropy"), device="cpu"
)
engine.load_weights({"0.weight": torch.eye(4), "0.bias": torch.zeros(4)})
ours = engine.loss(engine.forward(logits), classes)

# %%
# What came out
# -------------

print(f"by hand {raw.item():.7f}   torch {professional.item():.7f}   fivestep {ours.item():.7f}")
assert torch.isclose(raw, professional, rtol=1e-6)  # one mean of six numbers in float32
assert torch.isclose(raw, ours, rtol=1e-6)

# %%
# Rows picked by a list of indices are a batch. An epoch goes through all rows in a shuffled order, batch by batch,
# which is nothing but an order of the row numbers, cut in pieces.

data = fs.load_dataset("moons").train
order = torch.randperm(len(data), generator=draws)
batches = order.split(64)
print("rows of each batch", [len(batch) for batch in batches])
first = data.x[batches[0]]
assert first.shape == (64, 2)
assert torch.equal(torch.cat(batches).sort().values, torch.arange(200))  # every row once

# %%
# An *embedding* is a table of vectors, one for each word, and words are picked by number: the ids of :math:`N` texts of
# :math:`T` words, of shape :math:`(N, T)`, become vectors of :math:`d` numbers, of shape :math:`(N, T, d)`.

words = torch.nn.Embedding(10, 3)
ids = torch.tensor([[1, 4, 4, 0]])
vectors = words(ids)
print("ids", tuple(ids.shape), " vectors", tuple(vectors.shape))
assert vectors.shape == (1, 4, 3)
assert torch.equal(vectors[0, 1], words.weight[4])

# %%
# A picture
# ---------
# ``argmax`` of the scores, for each image, is the answer of a classifier. Counted by the true class, the answers make a
# table: right ones lie on the diagonal. For a classifier of handwritten digits:

EPOCHS = 20  # quick: 3
digits = fs.load_dataset("digits")
plan = fs.TrainPlan(loss="cross_entropy", optimizer="adam", lr=0.01, batch_size=64, epochs=EPOCHS)
classifier = fs.make_engine("scratch", fs.SoftmaxRegression(64, 10), plan, device="cpu")
for _ in fs.train(classifier, digits, plan, every=EPOCHS):
    pass
answers = classifier.predict(digits.test.x).argmax(1)
counts = torch.zeros(10, 10, dtype=torch.int64)
counts.index_put_((digits.test.y, answers), torch.tensor(1), accumulate=True)
assert counts.diagonal().sum() == (answers == digits.test.y).sum()
print("right", counts.diagonal().sum().item(), "of", len(answers))
fs.plot(classifier, "confusion", data=digits, title="Answers by true class: digits, softmax regression")

# %%
# The classic mistake
# -------------------
# Picking with two lists means pairs, not a block: ``rows[[0, 2], [1, 3]]`` are two numbers. For the block of two rows
# and two columns, pick twice.

pairs = rows[[0, 2], [1, 3]]
block = rows[[0, 2]][:, [1, 3]]
print("pairs", pairs.tolist(), " block", block.tolist())
assert pairs.tolist() == [11, 33]
assert block.tolist() == [[11, 13], [31, 33]]

# %%
# The other one is an index that is not there. Classes are counted from zero, so a label of ten with ten classes is one
# too many. Torch says that something is out of bounds; here a check before the first step says which.

try:
    logits.gather(1, torch.full((6, 1), 4))
except RuntimeError as error:
    print(error)
bad = fs.Dataset(fs.Rows(logits, torch.tensor([0, 3, 1, 1, 4, 0])))
try:
    next(fs.train(engine, bad, fs.TrainPlan(loss="cross_entropy", batch_size=None)))
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. How do you turn labels into rows of zeros with a single one (*one-hot*), and how do you write the loss above with
#    them?
# 2. What do ids of shape (1, 4) into a table of ten rows and three columns give, and with which matrix product would it
#    be the same?
# 3. Sum numbers by group: given values and the group of each, without a loop.

# %%
# Solution 1
# ~~~~~~~~~~
# Comparing the labels with all class numbers broadcasts to a table of yes and no.

one_hot = (classes[:, None] == torch.arange(4)).float()
print(one_hot.tolist()[:2])
assert torch.equal(one_hot.argmax(1), classes)
with_one_hot = (logits.logsumexp(1) - (logits * one_hot).sum(1)).mean()
assert torch.isclose(with_one_hot, raw, rtol=1e-6)

# %%
# Solution 2
# ~~~~~~~~~~
# One-hot rows times the table: the ones pick, the zeros drop. It is the same, and a waste, because nearly all factors
# are zero.

picking = (ids[..., None] == torch.arange(10)).float()
print(
    tuple(picking.shape),
    "times",
    tuple(words.weight.shape),
    "is",
    tuple((picking @ words.weight).shape),
)
assert torch.equal(picking @ words.weight, vectors)

# %%
# Solution 3
# ~~~~~~~~~~
# ``index_add_`` goes the other way: it adds each value to the sum of its group. So is the gradient of an embedding
# computed: what comes back to a word is added to its row.

amounts, groups = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0, 2, 0, 2])
print(torch.zeros(3).index_add_(0, groups, amounts).tolist())
assert torch.zeros(3).index_add_(0, groups, amounts).tolist() == [4.0, 0.0, 6.0]

# %%
# What you learned
# ----------------
# - A number drops its axis, a stretch keeps it, a mask gives a line.
# - ``gather`` picks with an index for each place: the score of the right class, row by row.
# - A batch is rows by index; an embedding is rows by index; so is its gradient, the other way round.
#
# The next page: *Autograd*.
