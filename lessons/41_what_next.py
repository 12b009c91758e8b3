"""
What comes next
===============

**The question:** What is there beyond these networks?

Images have neighbors and texts have an order, and an MLP knows of neither. The layers that do are made of what this
course has shown, and the loop around them is the same.
"""

import math

import torch
from torch import nn

import fivestep as fs

# %%
# The idea
# --------
# A dense layer has a weight of its own for each pair of an input and an output. Two ideas make it smaller and wiser.
#
# *Share weights over places* (convolution): a small detector that moves over the image, the same everywhere. It is a
# linear layer still: most of its weights are zero, and the others repeat a few numbers.
#
# *Let the data choose the weights* (attention): each token looks at the others and decides by their contents how much
# of each to take. It is a weighted mean with weights that are computed anew for every input.

# %%
# The formula
# -----------
# A convolution with :math:`k \times k` weights, at the place :math:`(i, j)`:
#
# .. math::
#   z_{ij} = \sum_{a, b} w_{ab}\, x_{i + a,\, j + b}
#
# Attention makes from each token three vectors by linear layers, a query :math:`q`, a key :math:`k` and a value
# :math:`v` of :math:`d` numbers each. Token :math:`t` takes
#
# .. math::
#   \sum_s p_{ts}\, v_s, \qquad p_t = \text{softmax}_s \Big( \frac{q_t \cdot k_s}{\sqrt d} \Big)
#
# A model that shall write may look at what came before only: :math:`s \le t` (*causal mask*).

# %%
# Raw and professional
# --------------------
# A convolution is a linear layer: here is the matrix, column by column, by asking what it makes of each single pixel.

stream = torch.Generator().manual_seed(0)
kernel = torch.randn(1, 1, 3, 3, generator=stream, dtype=torch.float64)
image = torch.randn(1, 1, 8, 8, generator=stream, dtype=torch.float64)
single = torch.eye(64, dtype=torch.float64).view(64, 1, 8, 8)  # each image has one pixel on
matrix = nn.functional.conv2d(single, kernel).flatten(1).T  # (36, 64)
torch.testing.assert_close(
    matrix @ image.flatten(), nn.functional.conv2d(image, kernel).flatten(), rtol=1e-12, atol=1e-12
)  # another order of sums
print(
    f"as a matrix {tuple(matrix.shape)}: {matrix.numel()} entries, {int((matrix != 0).sum())} of them not zero, "
    f"{len(matrix[matrix != 0].unique())} different ones"
)
assert len(matrix[matrix != 0].unique()) == 9

# %%
# Attention by hand, in five lines, and torch's.


def attention(q, k, v, causal=True):
    """(N, T, d) three times to (N, T, d), and the weights (N, T, T)."""
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
    if causal:
        later = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, -math.inf)
    p = scores.softmax(-1)
    return p @ v, p


q, k, v = (torch.randn(2, 5, 8, generator=stream, dtype=torch.float64) for _ in range(3))
theirs = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
torch.testing.assert_close(attention(q, k, v)[0], theirs, rtol=1e-10, atol=1e-12)
order = torch.tensor([3, 0, 4, 1, 2])
mixed = attention(q[:, order], k[:, order], v[:, order], causal=False)[0]
torch.testing.assert_close(mixed, attention(q, k, v, causal=False)[0][:, order], rtol=1e-10, atol=1e-12)
print("attention by hand and by torch: equal; without a mask it does not know the order of the tokens")

# %%
# What came out
# -------------
# A transformer in its smallest form, on the text of the task ``next-token``: embeddings of letters and of positions,
# one attention, one feed-forward block, both with a way past them. It answers at all four positions, each with the
# letter that comes after it.

data = fs.load_dataset("next-token")
entropy, unigram = data.known_losses["entropy"], data.known_losses["unigram"]
EPOCHS = 6  # quick: 2
WIDTH = 64


class Transformer(nn.Module):
    """Letters (N, 4) to logits (N, 4, 16)."""

    def __init__(self, causal=True, positions=True):
        super().__init__()
        self.causal = causal
        self.letters = nn.Embedding(16, WIDTH)
        self.positions = nn.Embedding(4, WIDTH) if positions else None
        self.norm = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.block = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )
        self.out = nn.Linear(WIDTH, 16)
        self.weights = None

    def forward(self, ids):
        """What `weights` holds afterwards is who looked at whom."""
        x = self.letters(ids)
        if self.positions is not None:
            x = x + self.positions.weight
        taken, self.weights = attention(*self.qkv(self.norm(x)).chunk(3, -1), causal=self.causal)
        x = x + self.mix(taken)
        x = x + self.block(x)
        return self.out(x)


def trained(**settings):
    """The module after the training, and its mean loss on the test rows at each of the four positions."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = Transformer(**settings)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.003)
    ids, following = sequences(data.train)
    num_steps = EPOCHS * (len(ids) // 250)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    stream = torch.Generator().manual_seed(0)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(ids), generator=stream).split(250):
            logits = module(ids[rows])  # 1  predict
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), following[rows].flatten())  # 2  measure
            optimizer.zero_grad()  # 3  forget the last gradient
            loss.backward()  # 4  find the new one
            optimizer.step()  # 5  step downhill
            scheduler.step()
    module.eval()
    with torch.no_grad():
        ids, following = sequences(data.test)
        losses = nn.functional.cross_entropy(module(ids).transpose(1, 2), following, reduction="none")
    return module, losses.mean(0)


def sequences(rows):
    """Four letters, and the four that come after each of them: the next three of the row, and its label."""
    ids = rows.x.long()
    return ids, torch.cat([ids[:, 1:], rows.y[:, None]], dim=1)


model, kept = trained()
print(f"entropy {entropy:.3f}, unigram {unigram:.3f}")
print("loss after one letter, two, three, four:", [f"{loss:.3f}" for loss in kept.tolist()])
assert kept[0] > kept[1] + 0.3  # the source looks at two letters: after one, much is open
assert entropy < kept[1:].min()
assert kept[1:].max() < unigram - 0.3

# %%
# A picture
# ---------
# Whom does the last position look at? The source decides by the last two letters, and the attention has found that out:
# nobody told it.

with torch.no_grad():
    model(data.test.x.long())
looks = model.weights.mean(0)
canvas = fs.Canvas("Attention: who looks at whom, mean over the test rows", width=6.0, height=4.2)
axes = canvas.axes(x="position looked at", y="position that looks")
shown = axes.imshow(looks.numpy(), cmap=canvas.ramp(), vmin=0, vmax=1)
axes.set_xticks(range(4), range(1, 5))
axes.set_yticks(range(4), range(1, 5))
axes.grid(visible=False)
for row in range(4):
    for column in range(row + 1):
        share = looks[row, column].item()
        color = canvas.theme.ground if share > 0.5 else canvas.theme.ink
        axes.text(column, row, f"{share:.2f}", ha="center", va="center", color=color)
canvas.colorbar(shown, axes, "weight")
canvas.figure

# %%
print("the last position looks at", [f"{share:.2f}" for share in looks[3].tolist()])
assert looks[3, 2:].sum() > 0.6
assert torch.allclose(looks.sum(1), torch.ones(4))  # every row is a mean

# %%
# The classic mistake
# -------------------
# The forgotten mask. Each of the first three positions can then see the very letter that it shall predict, copies it,
# and the training loss is wonderful. The text has an entropy, below which no honest loss can be: whoever is below it
# has seen the answer. It is the same mistake as a column of a table that contains the target.

_, losses = trained(causal=False)
print("without the mask:", [f"{loss:.3f}" for loss in losses.tolist()], f"entropy {entropy:.3f}")
assert losses[:3].max() < entropy / 2
assert losses[3] > entropy  # the last one had nothing to copy

# %%
# Exercises
# ---------
# 1. How many weights has a convolution with 32 detectors of 3 x 3 on a gray image of 28 x 28, and how many a dense
#    layer with as many outputs?
# 2. Take away the embeddings of the positions. What does the model lose, and why does the causal mask save a part of
#    it, most of it after two letters?
# 3. Which of the five steps changed on this page?

# %%
# Solution 1
# ~~~~~~~~~~
# A convolution of 3 x 3 has 26 places in each direction.

shared, dense = 32 * 9, (28 * 28) * (32 * 26 * 26)
print(f"{shared} against {dense:,}")
assert nn.Conv2d(1, 32, 3, bias=False).weight.numel() == shared

# %%
# Solution 2
# ~~~~~~~~~~
# The last letter it still knows, because the way past the attention brings it by itself. Of the letters before, it
# knows which there were, not in what order. The mask leaves one of them at the second position, so there it must be the
# last but one; at the third there are two to choose from, and at the fourth three. The source asks for the last two, so
# the loss rises from position to position.

_, lost = trained(positions=False)
for count in (2, 3, 4):
    print(f"after {count} letters: with positions {kept[count - 1]:.3f}, without {lost[count - 1]:.3f}")
assert kept[1] < lost[1] < lost[2] < lost[3] < unigram

# %%
# Solution 3
# ~~~~~~~~~~
# None: the five lines in ``trained`` are those of the first page with a loop. What changed is what ``forward`` does.

five = ("predict", "measure", "forget the last gradient", "find the new one", "step downhill")
print(", ".join(five))

# %%
# What you learned
# ----------------
# - A convolution is a linear layer that shares weights; attention is a mean whose weights the data choose.
# - A transformer is attention and the feed-forward block of this course, with ways past both.
# - A loss below the entropy has seen the answer.
#
# From here: read ``engines/scratch.py`` again, put your own table in, or write a layer of your own; a new one is a file
# and its test.
#
# The next page: *Questions answered*.
