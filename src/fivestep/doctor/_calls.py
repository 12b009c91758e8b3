"""Functions around the five steps that no hook and no mode of torch shows: they are replaced until the loop ends."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.utils.data import DataLoader

from ._events import Clipped
from ._functions import is_recorded
from ._place import here

if TYPE_CHECKING:
    from ._watcher import Watcher

Call = Callable[..., Any]

CLIPS = ("clip_grad_norm_", "clip_grad_value_")
"""Functions of `torch.nn.utils`, often imported from there."""


@contextmanager
def calls_seen(watcher: "Watcher") -> Iterator[None]:
    """A context in which clipping, the scaler of mixed precision, schedules and loaders are seen."""
    with ExitStack() as stack:
        for owner, name, around in (
            *((owner, clip, _clip) for clip in CLIPS for owner in _owners(clip)),
            (GradScaler, "scale", _scale),
            (GradScaler, "unscale_", _unscale),
            (GradScaler, "step", _step_scaled),
            (LRScheduler, "step", _step_schedule),
            (ReduceLROnPlateau, "step", _step_schedule),  # has its own
            (DataLoader, "__iter__", _begin_rows),
        ):
            stack.enter_context(_replaced(owner, name, around, watcher))
        yield


def _owners(name: str) -> list[Any]:
    """All modules that refer to this torch function, including those that imported it before the watch began."""
    own = getattr(nn.utils.clip_grad, name)
    return [module for module in list(sys.modules.values()) if getattr(module, "__dict__", {}).get(name) is own]


@contextmanager
def _replaced(owner: Any, name: str, around: Call, watcher: "Watcher") -> Iterator[None]:
    """A context in which `around(watcher, own, args, kwargs)` replaces the function."""
    own = getattr(owner, name)

    @wraps(own)
    def call(*args: Any, **kwargs: Any) -> Any:
        if watcher.is_busy or is_recorded() or not watcher.is_own_thread:
            return own(*args, **kwargs)
        return around(watcher, own, args, kwargs)

    setattr(owner, name, call)
    try:
        yield
    finally:
        if getattr(owner, name) is call:
            setattr(owner, name, own)


def _clip(watcher: "Watcher", own: Call, args: Any, kwargs: Any) -> Any:
    if not watcher.is_watching or not (args or "parameters" in kwargs):
        return own(*args, **kwargs)
    args, kwargs = list(args), dict(kwargs)
    first = args.pop(0) if args else kwargs.pop("parameters")
    parameters = [first] if isinstance(first, Tensor) else list(first)
    limit = args[0] if args else kwargs.get("max_norm", kwargs.get("clip_value"))
    seen = watcher.note(_before_clipping, parameters, limit)  # before: clipping changes them
    result = own((p for p in parameters) if isinstance(first, GeneratorType) else parameters, *args, **kwargs)
    if seen is not None:
        watcher.note(_remember_clipped, seen, result)
    return result


def _before_clipping(watcher: "Watcher", parameters: list[Tensor], limit: Any) -> Clipped:
    own = frozenset(map(watcher.registry.leaf, parameters))
    leaves = [(watcher.registry.leaf(p), p) for p in parameters if p.grad is not None]
    is_used = bool(leaves) and all(watcher.gradients.is_used(leaf, p) for leaf, p in leaves)
    is_empty = not any(bool(p.grad.any()) for _, p in leaves if p.grad is not None)
    scale = watcher.scaling.scale_of(leaves)
    return Clipped(watcher.record.num_updates, here(), own, float(limit), float("nan"), is_used, is_empty, scale)


def _remember_clipped(watcher: "Watcher", seen: Clipped, result: Any) -> None:
    norm = float(result) if isinstance(result, Tensor) else float("nan")
    watcher.record.events.append(seen._replace(norm=norm))


def _scale(watcher: "Watcher", own: Call, args: Any, kwargs: Any) -> Any:
    result = own(*args, **kwargs)
    if watcher.is_watching:
        watcher.note(_remember_scale, args[0], result)
    return result


def _remember_scale(watcher: "Watcher", scaler: GradScaler, result: Any) -> None:
    if scaler.is_enabled():
        for loss in (result,) if isinstance(result, Tensor) else tuple(result):
            watcher.scaling.scaled(loss, scaler.get_scale())


def _unscale(watcher: "Watcher", own: Call, args: Any, kwargs: Any) -> Any:
    result = own(*args, **kwargs)
    watcher.note(_remember_unscaled, args[1] if len(args) > 1 else kwargs["optimizer"])
    return result


def _remember_unscaled(watcher: "Watcher", optimizer: torch.optim.Optimizer) -> None:
    watcher.scaling.unscaled(p for group in optimizer.param_groups for p in group["params"])


def _step_scaled(watcher: "Watcher", own: Call, args: Any, kwargs: Any) -> Any:
    watcher.scaling.is_at_work = watcher.record.has_scaler = True
    try:
        return own(*args, **kwargs)
    finally:
        watcher.scaling.is_at_work = False


def _step_schedule(watcher: "Watcher", own: Call, args: Any, kwargs: Any) -> Any:
    watcher.note(lambda watcher: watcher.schedules.before_step(args[0]))
    return own(*args, **kwargs)


def _begin_rows(watcher: "Watcher", own: Call, args: Any, kwargs: Any) -> Any:
    watcher.note(lambda watcher: watcher.successors.began(args[0].dataset))
    watcher.note(lambda watcher: watcher.loaders.began(args[0]))
    return own(*args, **kwargs)
