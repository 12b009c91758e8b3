"""
Tensors
=======

**The question:** What is a tensor, and what do its shape and its type say?

A *network* turns rows of numbers, its inputs, into other numbers, its answers, by formulas with many numbers of its
own, its *parameters*. *Training* changes these, step by step, until the *loss*, one number for how wrong the answers
are, is small. All of these are tensors, and most errors of a first training loop are a shape or a type that was not the
expected one. So both are worth ten minutes before anything is trained. What the words of the field mean is also
answered, in brief, on the last page, *Questions answered*.
"""

import torch

import fivestep as fs

# %%
# The idea
# --------
# A tensor is a block of numbers in rows and columns, with as many directions (*axes*) as you like. Two things describe
# it: its *shape*, the number of places along each axis, and its *type*, what each number is stored as. A third thing,
# its *device*, says which memory holds it. A single number has no axis, a list has one, a table has two, a pile of
# tables has three.

number = torch.tensor(3.0)
row = torch.tensor([1.0, 2.0, 3.0])
table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
pile = torch.zeros(4, 2, 3)

for name, tensor in [("number", number), ("row", row), ("table", table), ("pile", pile)]:
    print(
        f"{name:6}  axes {tensor.dim()}  shape {tuple(tensor.shape)!s:9}  numbers {tensor.numel():2}  {tensor.dtype}"
    )

# %%
# Data have the rows first: ``x`` of shape :math:`(N, I)` is :math:`N` rows of :math:`I` numbers each. The two moons, a
# small task of this program, are points in a plane, each with a label ``y`` that says on which of the moons it lies.

data = fs.load_dataset("moons")
print("x", tuple(data.train.x.shape), data.train.x.dtype)
print("y", tuple(data.train.y.shape), data.train.y.dtype)
assert data.train.x.shape == (200, 2)

# %%
# The formula
# -----------
# In memory there is one line of numbers. The shape and the *strides* say where a place of the block lies on that line.
# A table with :math:`O` rows and :math:`I` columns has the strides :math:`(I, 1)`, and its element :math:`(o, i)` is at
#
# .. math::
#   \text{place}(o, i) = o \cdot I + i
#
# So a tensor can be given another shape without touching a number, as long as the count stays the same.

line = torch.arange(12)
block = line.view(3, 4)
print(block)
print("strides", block.stride())
for o in range(3):
    for i in range(4):
        assert block[o, i] == line[o * 4 + i]

# %%
# A view is the same memory under another shape: what is written through one is seen through the other. The transpose is
# a view as well, with the strides exchanged.

block[0, 0] = 100
assert line[0] == 100
assert block.T.stride() == (1, 4)
assert block.T.data_ptr() == line.data_ptr()
line[0] = 0
print("the transpose:", tuple(block.T.shape), "strides", block.T.stride(), "same memory")

# %%
# Raw and professional
# --------------------
# The same idea carries this whole program: all parameters of a network are *one* line of numbers, and what each layer
# multiplies by and adds, its *weights* and *biases*, are views of it. By hand, for a network that turns two numbers
# into three, in its *hidden layer*, and these three into its one answer:

widths = [(3, 2), (3,), (1, 3), (1,)]
flat = torch.arange(13.0)
views, start = [], 0
for shape in widths:
    count = torch.Size(shape).numel()
    views.append(flat[start : start + count].view(shape))
    start += count
print([tuple(view.shape) for view in views])

# %%
# With the tools: the network is described by its sizes, the engine makes the line and the views.

plan = fs.TrainPlan(loss="binary_cross_entropy")
engine = fs.make_engine("scratch", fs.MLP(2, 3, 1), plan)
for name, parameter in engine.named_parameters().items():
    print(f"{name:9} {tuple(parameter.shape)}")
flat = engine.params.flat
print("the line:", tuple(flat.shape))

# %%
# What came out
# -------------
# The sizes add up, and the views are views: doubling the line doubles every weight. The rule for the update of a
# network needs no loop over layers because of this.

assert flat.numel() == 3 * 2 + 3 + 1 * 3 + 1 == engine.spec.num_parameters
before = engine.named_parameters()["0.weight"].clone()
flat.mul_(2)
assert torch.equal(engine.named_parameters()["0.weight"], 2 * before)
print("number of parameters", flat.numel())

# %%
# The type decides what a number can be. ``float32`` keeps about seven decimal digits, ``float64`` about sixteen; whole
# numbers are ``int64`` unless they are written with a point. Labels of classes are whole numbers; parameters are
# floating point, because training moves them by small amounts. So torch finds a *gradient*, how fast the loss changes
# with each number, of such tensors only.

third = torch.tensor(1.0) / 3
print(f"float32 {third.item():.17f}")
print(f"float64 {(torch.tensor(1.0, dtype=torch.float64) / 3).item():.17f}")
assert torch.tensor([1, 2]).dtype == torch.int64
assert (torch.tensor([1, 2]) / 2).dtype == torch.float32  # a division of whole numbers gives floating point
assert torch.tensor(2.0**24) + 1 == 2.0**24  # one more than the last whole number up to which float32 has all
try:
    torch.tensor([1, 2], requires_grad=True)
except RuntimeError as error:
    print(error)

# %%
# A picture
# ---------
# An image is a tensor too: one number for each pixel. ``digits`` holds them flattened, a row of numbers each; seen as a
# square, they are handwriting again.

digits = fs.load_dataset("digits")
print("x", tuple(digits.train.x.shape), "labels", digits.train.y.dtype)
fs.plot("digits", "sample_images", title="A row of each class, as an image")

# %%
# The classic mistake
# -------------------
# A shape that nearly fits. Torch stretches an axis of one place to any length and adds axes on the left
# (*broadcasting*), which is what lets a bias be added to all rows. But a prediction of shape :math:`(N, 1)` minus a
# target of shape :math:`(N,)` is then a table :math:`(N, N)`: every prediction against every target. Nothing complains,
# and the mean is a number that looks like a loss.

prediction = torch.tensor([[1.0], [2.0], [3.0]])
target = torch.tensor([1.0, 2.0, 3.0])
difference = prediction - target
print("shape of the difference", tuple(difference.shape))
print("mean square", (difference**2).mean().item(), "although every prediction is right")
assert difference.shape == (3, 3)
assert (difference**2).mean() > 1
assert (prediction[:, 0] - target).square().mean() == 0

# %%
# Here a loss never stretches anything. A column :math:`(N, 1)` and a list :math:`(N,)` of the same length are matched,
# element by element; anything else is refused with a sentence.

line_plan = fs.TrainPlan(loss="mse")
regression = fs.make_engine("scratch", fs.LinearRegression(1), line_plan)
logits = regression.forward(prediction)
assert torch.isclose(
    regression.loss(logits, target), (logits[:, 0] - target).square().mean()
)  # the same sum, one rounding
try:
    regression.loss(logits, target[:2])
except fs.InputError as error:
    print(error)

# %%
# The second classic: a type that does not fit. Bytes from an image file are no numbers on the scale of the training
# rows, and the network says so.

try:
    regression.predict(torch.tensor([[200]], dtype=torch.uint8))
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. What are the shape and the strides of ``torch.arange(24).view(2, 3, 4)``, and at which place of the line is its
#    element (1, 2, 3)?
# 2. Why can the transpose of a table not always be viewed as a line, and what does ``reshape`` do then?
# 3. How many numbers has a network 784-256-10, and how many of them are weights?

# %%
# Solution 1
# ~~~~~~~~~~
# The strides are products of the sizes to their right.

cube = torch.arange(24).view(2, 3, 4)
print(tuple(cube.shape), cube.stride())
assert cube.stride() == (12, 4, 1)
assert cube[1, 2, 3] == 1 * 12 + 2 * 4 + 3 * 1 == 23

# %%
# Solution 2
# ~~~~~~~~~~
# Read along its rows, the transpose jumps about in memory: no single step leads from each number to the next. ``view``
# refuses, ``reshape`` copies.

try:
    block.T.view(12)
except RuntimeError as error:
    print(str(error).split(".")[0])
copy = block.T.reshape(12)
assert copy.data_ptr() != block.data_ptr()
print(copy.tolist())

# %%
# Solution 3
# ~~~~~~~~~~
# Of a linear layer from :math:`I` to :math:`O` numbers, :math:`O \cdot I` are weights and :math:`O` biases.

network = fs.MLP(784, 256, 10)
weights = 784 * 256 + 256 * 10
print(f"{network.num_parameters:,} numbers, {weights:,} of them weights")
assert network.num_parameters == weights + 256 + 10 == 203_530

# %%
# What you learned
# ----------------
# - A tensor is a line of numbers with a shape, a type and a device.
# - A view is the same memory; all parameters of a network here are views of one line.
# - Rows come first: :math:`(N, I)` in, :math:`(N, O)` out; a weight is :math:`(O, I)`.
# - Broadcasting is useful for a bias and fatal for a loss: look at shapes before you look at numbers.
#
# The next page: *Operations and reductions*.
