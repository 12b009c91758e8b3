"""Reasons for step 5: each engine's update in terms of the gradient, the last update and the weights."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..engines._update import rule_of
from ..optim._base import Optimizer
from ._moments import Key
from ._result import indexed
from ._scene import CLOSE, Scene, as_text, fitted, is_factor
from ._stream import lengthened


def update_reasons(scene: Scene) -> Iterator[str]:
    """The reasons that fit, the most specific first."""
    mine, its = updates(scene)
    gradient, its_last = _gradient(scene), _last_update(scene)
    if not mine.any():
        yield f"{scene.names[0]} leaves {scene.key} where it was: it is not updated"
        return
    if gradient is not None and _is(mine, -gradient, its):
        yield "the gradient itself is taken away: it is not multiplied by the learning rate"
    yield from _elements_that_stay(mine, its)
    c = scene.ratio(mine, its)
    if c is not None:
        yield _factor(scene, c)
    if its_last is not None and _is(mine, its_last, its):
        yield "this is the update of the step before: what the rule remembers is one step old"
    if gradient is not None:
        yield from _small_gradients(scene, mine, its, gradient)
        yield from _combination(scene, mine, its, gradient, its_last)
    yield from _decay(scene, mine, its)


def updates(scene: Scene) -> tuple[Tensor, Tensor]:
    """What step 5 added to the differing parameter, in both engines."""
    before = scene.lock.before[scene.key].double()
    return scene.one - before, scene.other - before


def _elements_that_stay(mine: Tensor, its: Tensor) -> Iterator[str]:
    """Whether some elements are not updated, and only these differ."""
    stay = (mine == 0) & (its != 0)
    if stay.any() and _is(mine, its.where(~stay, 0.0), its):
        first = tuple(stay.nonzero()[0].tolist())
        yield f"{int(stay.sum())} of {stay.numel()} elements are not updated, {indexed(first)} the first"


def _decay(scene: Scene, mine: Tensor, its: Tensor) -> Iterator[str]:
    """Whether the updates differ by a multiple of the weights, in a rule with decoupled weight decay."""
    weights = scene.lock.before[scene.key].double()
    found = fitted(its - mine, {"the weights": weights})
    if found is None or not _is(mine, its - found["the weights"] * weights, its):
        return
    due = _decay_due(scene)
    taken = due + found["the weights"]
    if abs(taken) <= CLOSE * due:
        yield f"weight decay is missing: {due:.4g} times the weights is due to be taken away"
    else:
        yield f"weight decay takes {taken:.4g} times the weights away, where {due:.4g} times is due"


def _decay_due(scene: Scene) -> float:
    """The share of this parameter that decoupled weight decay removes: lr times weight decay."""
    engine = scene.engine
    group = next(part.group for part in engine.params.parts(matrices_apart=True) if scene.key.name in part.names)
    rule = rule_of(group, engine.optimizer, None)
    return scene.upcoming.lr * group.lr_factor * rule.weight_decay


def _gradient(scene: Scene) -> Tensor | None:
    """The gradient after step 4, before the update."""
    if scene.part != 5:
        return None
    return scene.now(1, 4)[Key("gradient", scene.key.name)].double()


def _last_update(scene: Scene) -> Tensor | None:
    """What the second engine added in the step before."""
    last = scene.last(1, 5)
    if last is None:
        return None
    return last[scene.key].double() - scene.lock.records[1].last[4][scene.key].double()


def _is(one: Tensor, candidate: Tensor, other: Tensor) -> bool:
    return bool((one - candidate).abs().max() <= CLOSE * (one - other).abs().max())


def _factor(scene: Scene, c: float) -> str:
    """The meaning of one update being c times the other."""
    if is_factor(c, -1):
        return "the sign is wrong: the step goes uphill"
    rule, number, lr = scene.engine.optimizer, scene.upcoming.number, scene.upcoming.lr
    for other, words in ((-1, "before"), (1, "after")):
        rate = _rate(scene, number + other)
        if rate is not None and rate != lr and is_factor(c, rate / lr):
            return f"the learning rate is that of the step {words}, {rate:.4g}, where {lr:.4g} is due"
    step = scene.step
    for t, words in ((None, "is missing"), (step - 1, "counts steps from 0"), (step + 1, "is one step ahead")):
        if _corrected(rule, t) != _corrected(rule, step) and is_factor(c, _corrected(rule, t) / _corrected(rule, step)):
            return f"the correction of the bias of the means {words} (times {c:.4g} at step {step})"
    clip = _clip_of_this_tensor(scene)
    if clip is not None and clip != 1 and is_factor(c, clip):
        return "the gradient is clipped by the norm of each tensor, where the norm of all of them is due"
    if is_factor(c, 2):
        return "the update is done twice, or with twice the learning rate"
    factors = {
        "the number of rows": len(scene.upcoming.batch.x),
        "the learning rate": lr,
        "1 / the learning rate": 1 / lr,
    }
    meaning = next((f", {name}" for name, value in factors.items() if is_factor(c, value)), "")
    return f"the update is {as_text(c)} times what is due{meaning}"


def _rate(scene: Scene, number: int) -> float | None:
    """The learning rate of another step of the same run."""
    lock = scene.lock
    plan = lengthened(scene.engine.plan, lock.data, lock.num_steps)
    num_steps = plan.num_steps(len(lock.data.train))
    return plan.lr * plan.build_schedule().factor(number - 1, num_steps) if 1 <= number <= num_steps else None


def _corrected(rule: Optimizer, step: int | None) -> float:
    """Adam's factor sqrt(1 - beta2^t) / (1 - beta1^t), as a factor of the update; 1 for None or a rule without."""
    betas = vars(rule).get("betas")
    if betas is None or not step:
        return 1.0
    return float(math.sqrt(1 - betas[1] ** step) / (1 - betas[0] ** step))


def _clip_of_this_tensor(scene: Scene) -> float | None:
    """The factor between clipping this tensor alone and clipping the whole gradient."""
    bound, gradient = scene.engine.plan.clip_norm, _gradient(scene)
    if bound is None or gradient is None:
        return None
    squares = [value.double().square().sum() for key, value in scene.now(1, 4).items() if key.kind == "gradient"]
    own, whole = float(gradient.norm()), math.sqrt(float(torch.stack(squares).sum()))
    return min(1.0, bound / (own + 1e-6)) / min(1.0, bound / (whole + 1e-6)) if own and whole else None


def _small_gradients(scene: Scene, mine: Tensor, its: Tensor, gradient: Tensor) -> Iterator[str]:
    """Whether the updates differ more for smaller gradients: then eps is in another place or has another value."""
    used = (gradient != 0) & (its != 0)
    if "eps" not in vars(scene.engine.optimizer) or used.sum() < 3:
        return
    off = ((mine - its) / its)[used].abs().log()
    size = gradient[used].abs().log()
    if off.isfinite().all() and bool(torch.corrcoef(torch.stack([off, size]))[0, 1] < -0.9):
        yield "the smaller the gradient, the larger the difference: eps stands in another place, or is another number"


def _combination(scene: Scene, mine: Tensor, its: Tensor, gradient: Tensor, last: Tensor | None) -> Iterator[str]:
    """Both updates as linear combinations of the gradient, the last update and the weights, if they are."""
    terms = {"the gradient": gradient, "the last update": torch.zeros_like(its) if last is None else last}
    terms["the weights"] = scene.lock.before[scene.key].double()
    of_mine, of_its = fitted(mine, terms), fitted(its, terms)
    if of_mine is None or of_its is None:
        return
    used = [name for name in of_its if bool(terms[name].any())]
    for found, update in ((of_mine, mine), (of_its, its)):
        if not _is(
            update,
            sum((found[name] * terms[name] for name in used), torch.zeros_like(its)),
            its if update is mine else mine,
        ):
            return
    largest = {name: terms[name].abs().max() / its.abs().max() for name in used}
    different = [name for name in used if abs(of_mine[name] - of_its[name]) * largest[name] > 1e-6]
    if different:
        words = " and ".join(f"{_times(of_mine[name])} {name} (due: {_times(of_its[name])})" for name in different)
        yield f"the update has {words}"


def _times(number: float) -> str:
    return f"{number:.4g} times" if abs(number) > 1e-9 else "0 times"
