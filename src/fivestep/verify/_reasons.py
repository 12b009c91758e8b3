"""The likely reason of a first difference, found by testing reasons on the tensors."""

from collections.abc import Iterator

import torch

from ..layers.batch_norm import BatchNorm
from ._backward_reasons import suspected_gradients
from ._forward_reasons import suspected_logits
from ._loss_reasons import suspected_losses
from ._moments import FIVE, WHOLE, Key
from ._replay import confirmed
from ._scene import Scene, as_text, fitted, is_factor
from ._update_reasons import update_reasons

COARSER = {
    "bfloat16": (torch.bfloat16, 2.0**-8),
    "float16": (torch.float16, 2.0**-11),
    "float32": (torch.float32, 2.0**-24),
}

CLOSE_TO_LARGEST = 1e-3
"""Elements that differ by less than this share of the largest difference do not count."""


def likely_reason(scene: Scene) -> str:
    """One sentence: the first reason that fits, or else the kind of difference."""
    return next(_reasons(scene))


def _reasons(scene: Scene) -> Iterator[str]:
    one, other = scene.one, scene.other
    if one.shape != other.shape:
        yield f"the shapes differ: {tuple(one.shape)}, where {tuple(other.shape)} is due"
        return
    if not one.isfinite().all() or not other.isfinite().all():
        yield _not_finite(scene)
        return
    if scene.key.kind == "parameter" and 1 <= scene.part <= 4:
        yield f"{FIVE[scene.part - 1]} has changed a parameter, which only the update may do"
        return
    by_part = {1: _of_forward, 2: _of_loss, 3: _of_clearing, 4: _of_backward, 5: update_reasons, WHOLE: _of_whole_step}
    yield from by_part[scene.part](scene)
    yield from _in_general(scene)


def _not_finite(scene: Scene) -> str:
    broken = [
        name for name, tensor in zip(scene.names, (scene.one, scene.other), strict=True) if not tensor.isfinite().all()
    ]
    return f"{' and '.join(broken)} computed a number that is not finite"


def _of_forward(scene: Scene) -> Iterator[str]:
    if scene.key.kind == "buffer":
        yield from _of_buffers(scene)
        return
    yield from _of_parts(scene)
    yield from _simple(scene)
    yield from confirmed(scene, suspected_logits(scene))


def _of_parts(scene: Scene) -> Iterator[str]:
    """Whether one engine takes the batch in parts through a layer that mixes rows."""
    sizes = {engine.plan.micro_batch_size for engine in (scene.lock.one, scene.lock.other)}
    k = next((k for k, layer in enumerate(scene.engine.layers) if isinstance(layer, BatchNorm)), None)
    if len(sizes) > 1 and k is not None:
        yield f"layer {k} (batch_norm) takes mean and variance of the rows that come together: parts train otherwise"


def _of_buffers(scene: Scene) -> Iterator[str]:
    before = scene.lock.before[scene.key].double()
    if torch.equal(scene.one, before):
        yield f"{scene.names[0]} does not keep {scene.key} up to date"
    rows = scene.now(1)[Key("logits")].flatten(0, -2).shape[0]
    layer = scene.engine.layers[int(scene.key.layer)]
    if isinstance(layer, BatchNorm) and layer.momentum is not None:
        momentum = layer.momentum
        new, kept = scene.other - (1 - momentum) * before, (1 - momentum) * before
        for sentence, value in (
            (f"the variance is divided by the {rows} rows, where it is due by one less", new * (rows - 1) / rows),
            (f"the variance is divided by one less than the {rows} rows, where all are due", new * rows / (rows - 1)),
        ):
            if scene.explains(kept + value):
                yield sentence
        if scene.explains(momentum * before + new / momentum * (1 - momentum)):
            yield "the momentum of the running statistics weighs the old, where it is due to weigh the new"


def _of_loss(scene: Scene) -> Iterator[str]:
    yield from confirmed(scene, suspected_losses(scene))


def _of_clearing(scene: Scene) -> Iterator[str]:
    last = scene.last(0, 4)
    before = None if last is None else last[scene.key].double()
    if before is not None and torch.equal(scene.one, before):
        yield "the gradient is not cleared: what the last step left is still there, and step 4 will add to it"
    yield "the gradient is not zero after it was cleared"


def _of_backward(scene: Scene) -> Iterator[str]:
    last = scene.last(0, 4)
    if last is not None:
        before = last[scene.key].double()
        if scene.explains(scene.other + before):
            yield "the gradient is not cleared: it is the sum of this step's and the last one's"
        if scene.explains(before):
            yield "this is the gradient of the step before"
    yield from _simple(scene)
    yield from confirmed(scene, suspected_gradients(scene))
    w = scene.lock.before[Key("parameter", scene.key.name)].double()
    decay = fitted(scene.one - scene.other, {"w": w})
    if decay is not None and scene.explains(scene.other + decay["w"] * w):
        yield f"{decay['w']:.4g} times the weights is part of the gradient: weight decay, which belongs to the update"


def _of_whole_step(scene: Scene) -> Iterator[str]:
    if scene.key.kind == "parameter":
        yield from update_reasons(scene)
    elif scene.key.kind == "loss":
        yield from _simple(scene)


def _simple(scene: Scene) -> Iterator[str]:
    """Zero, a factor, a transposition, another order: reasons visible in the two tensors alone."""
    one, other = scene.one, scene.other
    if not one.any():
        yield f"{scene.names[0]} has 0 everywhere: it is never computed"
        return
    c = scene.ratio(one, other)
    if c is not None:
        yield _factor(scene, c)
    if one.dim() == 2 and one.numel() > 1:
        if one.shape[0] == one.shape[1] and scene.explains(other.T):
            yield "it is transposed"
        elif scene.explains(other.T.reshape(other.shape)):
            yield "it is transposed and then reshaped: the numbers stand in the wrong places"
        for shift in (1, -1):
            if scene.explains(other.roll(shift, 0)):
                yield f"the rows are moved by one {'down' if shift == 1 else 'up'}"
    if one.numel() > 1 and scene.explains_sorted():
        yield "the same numbers stand in another order"


def _factor(scene: Scene, c: float) -> str:
    """The meaning of one tensor being c times the other."""
    batch = scene.upcoming.batch
    rows, outputs = len(batch.x), scene.engine.spec.out_features or 1
    size = scene.engine.plan.batch_size or rows
    if is_factor(c, -1):
        return "the sign is wrong"
    named = {
        f"the number of rows: the division by {rows} is missing": rows,
        f"1 / {rows}: the division by the number of rows is done twice": 1 / rows,
        f"the number of outputs: the division by {outputs} is missing": outputs,
        f"1 / {outputs}: the division by the number of outputs is done twice": 1 / outputs,
        f"{rows} / {rows - 1}: it is divided by one less than the number of rows": rows / max(1, rows - 1),
        f"{rows} / {size}: {rows} rows are divided by the batch size, {size}": rows / size,
    }
    for meaning, value in named.items():
        if value != 1 and is_factor(c, value):
            return f"it is {as_text(c)} times what is due, {meaning}"
    return f"it is {as_text(c)} times what is due, in every element"


def _in_general(scene: Scene) -> Iterator[str]:
    """A general description of a difference without a known reason."""
    one, other = scene.one, scene.other
    for name, (dtype, unit) in COARSER.items():
        coarser = dtype != scene.engine.dtype and scene.lock.tolerance.precision != name
        if (
            coarser
            and torch.equal(one, one.to(dtype).double())
            and (one - other).abs().max() <= 64 * unit * other.abs().max()
        ):
            yield f"the numbers of {scene.names[0]} are rounded to {name}"
    different = ((one - other).abs() > CLOSE_TO_LARGEST * (one - other).abs().max()).sum()
    if one.numel() > 1:
        zeros = ((one == 0) != (other == 0)).sum()
        if zeros and scene.part in (1, 4):
            yield f"{int(zeros)} elements are 0 on one side only: a different mask, or a different activation"
    yield f"none of the known ones fits; {int(different)} of {one.numel()} elements differ"
