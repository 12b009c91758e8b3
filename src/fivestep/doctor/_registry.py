"""Identifies modules, parameters and optimizers by a number for each, as long as it lives."""

import gc
import weakref
from collections import Counter
from typing import TypeGuard, final

from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from ._record import Leaf, Model, Record, Repeated, Rule

MODE_DEPENDENT = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm,
    nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip
"""Layers that behave differently in training and evaluation."""


@final
class Registry:
    """Numbers for objects, and their entries in the record. Keeps no object alive."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._keys: dict[int, tuple[weakref.ref[object], int]] = {}
        self._num_keys = 0
        self._tensors: dict[int, weakref.ref[Tensor]] = {}
        self._rules: dict[int, weakref.ref[Optimizer]] = {}

    def key(self, thing: object) -> int:
        """The number of an object: the next one if it is new."""
        reference, key = self._keys.get(id(thing), (None, 0))
        if reference is None or reference() is not thing:
            self._num_keys += 1
            key = self._num_keys
            self._keys[id(thing)] = weakref.ref(thing), key
        return key

    def model(self, module: nn.Module) -> int:
        """Records a module that was called from outside, with the names of its parameters."""
        key = self.key(module)
        if key not in self._record.models:
            name = type(module).__name__
            own = {self.leaf(p, f"{name}.{path}", key) for path, p in module.named_parameters()}
            own |= {self.leaf(p, f"{name}.{path} (no nn.Parameter)", key) for path, p in _plain_tensors(module)}
            self._containers(module, key)
            self._record.dropouts[key] = {path: part.p for path, part in module.named_modules() if _is_dropout(part)}
            self._record.models[key] = Model(name, own, sum(p.numel() for p in module.parameters()))
        return key

    def _containers(self, model: nn.Module, key: int) -> None:
        """Records paddings of embeddings, and layers with parameters that stand several times in one container."""
        for path, part in model.named_modules():
            if isinstance(part, nn.Embedding) and part.padding_idx is not None:
                self._record.paddings[part.num_embeddings] = part.padding_idx
            if isinstance(part, nn.Sequential | nn.ModuleList):
                for layer, times in Counter(part._modules.values()).items():
                    if times > 1 and layer is not None and next(layer.parameters(), None) is not None:
                        name = f"{path or 'the model'} ({type(part).__name__})"
                        is_chained = isinstance(part, nn.Sequential)
                        repeated = Repeated(described(layer), name, key, times, is_chained)
                        self._record.repeated[self.key(layer)] = repeated

    def part(self, module: nn.Module, model: nn.Module) -> None:
        """Records a module that another one called: its parameters may not be registered with that."""
        name = type(module).__name__
        for path, p in module.named_parameters(recurse=False):
            if self.key(p) not in self._record.leaves:
                self.leaf(p, f"{name}.{path} (no part of {type(model).__name__})", self.key(model))

    def leaf(self, tensor: Tensor, name: str = "", model: int | None = None) -> int:
        """Records a tensor that gets gradients."""
        key = self.key(tensor)
        known = self._record.leaves.get(key)
        if known is None or (name and not known.name):
            self._tensors[key] = weakref.ref(tensor)
            is_parameter = isinstance(tensor, nn.Parameter)
            entry = Leaf(name, tuple(tensor.shape), model, is_parameter, tensor.requires_grad)
            if known is not None:
                entry.first_mark, entry.last_mark = known.first_mark, known.last_mark
            self._record.leaves[key] = entry
        return key

    def rule(self, optimizer: Optimizer) -> int:
        """Records an optimizer with its current parameters."""
        key = self.key(optimizer)
        own = {self.leaf(p) for group in optimizer.param_groups for p in group["params"]}
        if key not in self._record.rules:
            self._record.rules[key] = Rule(type(optimizer).__name__, own)
            self._rules[key] = weakref.ref(optimizer)
        self._record.rules[key].leaves = own
        return key

    def tensor(self, leaf: int) -> Tensor | None:
        """The tensor with that number, if it is still alive."""
        return self._tensors[leaf]()

    def parameters(self) -> list[tuple[int, int, Tensor]]:
        """All parameters of all optimizers, with the numbers of both."""
        living = [(key, reference()) for key, reference in self._rules.items()]
        return [
            (rule, self.leaf(p), p)
            for rule, optimizer in living
            if optimizer is not None
            for group in optimizer.param_groups
            for p in group["params"]
        ]

    def rules_of_groups(self, optimizer: Optimizer) -> list[int]:
        """All optimizers that share one of its groups: itself, and one that it wraps."""
        groups = {id(group) for group in optimizer.param_groups}
        living = [(key, reference()) for key, reference in self._rules.items()]
        return [
            key for key, one in living if one is not None and any(id(group) in groups for group in one.param_groups)
        ]

    def find_rules(self) -> None:
        """Records every optimizer that is alive, called or not."""
        for thing in gc.get_objects():
            if issubclass(type(thing), Optimizer):
                self.rule(thing)

    def has_others(self, own: set[int], like: int) -> bool:
        """Whether other parameters of the same size as one of them are alive."""
        shape = self._record.leaves[like].shape
        gc.collect()  # uncollected garbage does not count
        return any(
            issubclass(type(thing), nn.Parameter) and thing.shape == shape and self.key(thing) not in own
            for thing in gc.get_objects()
        )


def _plain_tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Tensors with `requires_grad` that are plain attributes of a module, and so not registered as parameters."""
    return [
        (f"{path}.{name}" if path else name, value)
        for path, part in module.named_modules()
        for name, value in vars(part).items()
        if isinstance(value, Tensor) and value.is_leaf and value.requires_grad
    ]


def _is_dropout(module: nn.Module) -> TypeGuard[_DropoutNd]:
    return isinstance(module, _DropoutNd)


def named(model: nn.Module, module: nn.Module) -> str:
    """A module's name in its model, and its text."""
    name = next((path for path, part in model.named_modules() if part is module), "")
    return f"{name or 'the model'} = {described(module)}"


def described(module: nn.Module) -> str:
    """A module in words, on one line."""
    return f"{type(module).__name__}({module.extra_repr()})"


def modes(module: nn.Module) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Its layers in training mode and in evaluation mode, among those that behave differently."""
    layers = [(f"{path} ({type(layer).__name__})", layer) for path, layer in module.named_modules()]
    found = [
        (name, layer.training)
        for name, layer in layers
        if isinstance(layer, MODE_DEPENDENT) and _depends_on_mode(layer)
    ]
    return tuple(name for name, training in found if training), tuple(name for name, training in found if not training)


def _depends_on_mode(layer: nn.Module) -> bool:
    return bool(getattr(layer, "p", 1.0) > 0)
