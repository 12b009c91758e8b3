"""How a network is trained: loss, update rule, learning rate, batches, epochs, seed."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, final

from .check import PLAIN, AtMost, InputError, at_least, in_unit_interval, not_negative, one_of, plain, positive, refuse
from .find import Choice, build, check_usable, find, names, option_names
from .group import Group

if TYPE_CHECKING:
    from .datasets._base import Dataset
    from .losses._base import Loss
    from .metrics._base import AnyMetric
    from .net import NetSpec
    from .optim._base import Optimizer
    from .schedules._base import Schedule

UNSET = {
    "batch_size": "None (--batch-size full) takes all rows at once",
    "micro_batch_size": "leave it out to do each batch as a whole",
    "patience": "leave it out to train to the last epoch",
}
"""What to write for a setting of which nothing is wanted."""


USUAL_BATCH = AtMost(256)


@final
@dataclass(frozen=True)
class TrainPlan:
    """A training run as plain data, validated once; vary it with `dataclasses.replace`.

    `lr` is the learning rate per step. `batch_size` is by default 256, or all rows where there are fewer; a plan with a
    written batch_size=256 is equal to it and looks like it, but is refused there, as is any chosen size larger than the
    data; None means the full batch, which is not shuffled. `micro_batch_size` splits each batch into parts whose
    gradients add up before one update: the same step in less memory. `clip_norm` and `clip_value` bound the gradient's
    Euclidean norm over all parameters, or each of its elements, before the update. `patience` stops after that many
    evaluated epochs without a lower validation loss, and `restore_best` ends with the weights of the best one;
    `temperature_scaling` then divides the logits by the temperature that suits the validation part best, labels as they
    are (`temperature.py`), where there is one: `fit` does all three, `train` leaves them to its caller.
    `momentum`, `nesterov` and `weight_decay` are passed on to an update rule that has them. `l2` adds l2 |w|^2 / 2 over
    the matrices to the loss of each batch, divided by the batch's rows or the sum of their weights, so that every row
    contributes the same share of it in an epoch, as in scikit-learn. `ema` in [0, 1) predicts with an exponential
    moving average of the weights over the steps. `lr_factors` multiplies the learning rate of some parameters, and
    `no_decay` spares some from weight decay; both name them in full ("0.bias"), by their own name ("bias") or by their
    layer ("layer_norm"); the most specific name wins. `metrics` are measured beside the loss ("f1", "top_k:k=3");
    `monitor` is what `patience`, `restore_best` and the schedule "plateau" watch: "loss", or one of the metrics.
    `class_weight` weighs the training rows by class, with one number for each class or, for "balanced", with n / (C
    n_c): the loss of the steps is that of `nn.CrossEntropyLoss(weight=...)`, while all that is shown and monitored
    weighs every row alike.
    """

    loss: str | Choice = "cross_entropy"
    optimizer: str | Choice = "sgd"
    lr: float = 0.1
    batch_size: int | None = USUAL_BATCH
    epochs: int = 10
    seed: int = 0
    momentum: float | None = None
    nesterov: bool | None = None
    weight_decay: float | None = None
    l2: float = 0.0
    schedule: str | Choice = "constant"
    micro_batch_size: int | None = None
    clip_norm: float | None = None
    clip_value: float | None = None
    patience: int | None = None
    restore_best: bool = False
    temperature_scaling: bool = False
    ema: float | None = None
    lr_factors: Mapping[str, float] = field(default_factory=dict, hash=False)
    no_decay: str | Sequence[str] = ()
    metrics: str | Sequence[str] = ()
    monitor: str = "loss"
    class_weight: Literal["balanced"] | tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if type(value) not in PLAIN:
                object.__setattr__(self, name, plain(value))  # replaces an existing attribute, so the loop stays valid
        for name in ("loss", "optimizer", "schedule"):
            object.__setattr__(self, name, Choice.parse(getattr(self, name)))
        self._check_items()
        positive("lr", self.lr, "0.1 is usual for sgd, 0.001 for adam")
        at_least("epochs", self.epochs, 1, "one epoch visits every row once")
        at_least("seed", self.seed, 0, "0 is usual")
        for name in ("batch_size", "micro_batch_size", "patience"):
            if getattr(self, name) is not None:
                at_least(name, getattr(self, name), 1, UNSET[name])
        not_negative("l2", self.l2, "0 switches it off")
        for name in ("clip_norm", "clip_value"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name), "leave it out to clip nothing")
        if self.ema is not None:
            in_unit_interval("ema", self.ema, "0.999 is usual")
        self._normalize_groups()
        object.__setattr__(self, "class_weight", _class_weight(self.class_weight))
        if self.batch_size and self.micro_batch_size and self.micro_batch_size > self.batch_size:
            raise InputError(
                f"micro_batch_size must be at most batch_size={self.batch_size}, got {self.micro_batch_size}; "
                f"it is a part of a batch."
            )
        self._check_rule()
        self._normalize_metrics()
        self._check_temperature()

    def _check_items(self) -> None:
        """Refuses a loss, an update rule or a schedule that cannot be built."""
        check_usable("losses", self.loss)
        check_usable("schedules", self.schedule)
        if self._shared_options():
            self.build_optimizer()
        else:
            check_usable("optim", self.optimizer)

    def _shared_options(self) -> dict[str, Any]:
        """The options of the update rule that are fields of the plan, as far as they are set."""
        shared = {"momentum": self.momentum, "nesterov": self.nesterov, "weight_decay": self.weight_decay}
        return {name: value for name, value in shared.items() if value is not None}

    def _normalize_groups(self) -> None:
        """Refuses invalid factors, and normalizes the names."""
        if not isinstance(self.lr_factors, Mapping):
            raise refuse("lr_factors", self.lr_factors, "a factor for each name", 'write for example {"bias": 2.0}')
        for key, factor in self.lr_factors.items():
            positive(f"lr_factors[{key!r}]", factor, "1 is the plan's own rate")
        object.__setattr__(self, "lr_factors", {key: plain(factor) for key, factor in self.lr_factors.items()})
        object.__setattr__(self, "no_decay", _as_tuple("no_decay", self.no_decay))

    def _normalize_metrics(self) -> None:
        """Normalizes the metrics, each once, with the monitored one; refuses one that does not exist or fit."""
        given = list(_as_tuple("metrics", self.metrics))
        if not given and self.monitor == "loss":
            object.__setattr__(self, "metrics", ())
            return
        if self.monitor != "loss":
            one_of("monitor", Choice.parse(self.monitor).name, ("loss", *names("metrics")))
            object.__setattr__(self, "monitor", str(Choice.parse(self.monitor)))
            given.append(self.monitor)
        object.__setattr__(self, "metrics", tuple(dict.fromkeys(str(Choice.parse(metric)) for metric in given)))
        self.build_metrics()

    def _check_rule(self) -> None:
        """Refuses settings that do not go with an update rule that repeats steps, or that averages by itself."""
        rule: type[Optimizer] = find("optim", Choice.parse(self.optimizer).name)
        fields: tuple[str, ...] = ()
        reason = ""
        if rule.repeats:
            fields = ("micro_batch_size", "clip_norm", "clip_value", "lr_factors", "no_decay", "l2")
            reason = "which moves all weights along one line"
        elif rule.averages:
            fields, reason = ("ema",), "which averages by itself"
        for name in fields:
            if getattr(self, name):
                expected = f"left out with optimizer {str(self.optimizer)!r}, {reason}"
                raise refuse(name, getattr(self, name), expected, "leave it out, or use another optimizer")

    def _check_temperature(self) -> None:
        """Refuses a temperature for a loss whose logits are no probabilities of classes."""
        if self.temperature_scaling and "label_smoothing" not in option_names("losses", Choice.parse(self.loss).name):
            raise refuse(
                "temperature_scaling", True, "used with a loss of classes, such as cross_entropy", "leave it out"
            )

    def group(self, name: str, kinds: Sequence[str], shape: tuple[int, ...]) -> Group:
        """The group of a parameter such as "0.bias"; `kinds` are those of its layers, the innermost first."""
        known = aliases(name, kinds)
        factor = next((self.lr_factors[key] for key in known if key in self.lr_factors), 1.0)
        return Group(len(shape) == 2, factor, decays=not any(key in self.no_decay for key in known))

    def check_names(self, known: Iterable[str]) -> None:
        """Raises an `InputError` if `lr_factors` or `no_decay` has a name that the network does not know."""
        for argument in ("lr_factors", "no_decay"):
            for name in getattr(self, argument):
                one_of(f"a name in {argument}", name, sorted(known))

    def build_loss(self) -> "Loss":
        """The loss, made with its options."""
        loss: Loss = build("losses", self.loss)
        return loss

    def build_metrics(self) -> "dict[str, AnyMetric]":
        """The metrics by name, made with their options."""
        from .metrics._base import build_metrics

        return build_metrics(self.metrics, find("losses", self.loss.name).target)  # type: ignore[union-attr]  # parsed

    def build_optimizer(self) -> "Optimizer":
        """The update rule, made with its options and those of `momentum`, `nesterov`, `weight_decay` that are set."""
        optimizer: Optimizer = build("optim", self.optimizer, **self._shared_options())
        return optimizer

    def build_schedule(self) -> "Schedule":
        """The learning-rate schedule, made with its options."""
        schedule: Schedule = build("schedules", self.schedule)
        return schedule

    def sized(self, spec: "NetSpec", data: "Dataset") -> "NetSpec":
        """The network with the sizes that the data and the loss ask for; raises an `InputError` if it has others."""
        return spec.sized(data.in_features_for(spec.in_features), data.outputs_for(self.build_loss()))

    def for_rows(self, num_rows: int) -> "TrainPlan":
        """The plan as it is written for a run on so many rows: with the batch size that the default means there.

        A micro-batch that would be larger is the whole batch, as it is in the steps.
        """
        if not isinstance(self.batch_size, AtMost):
            return self
        batch, part = min(int(self.batch_size), num_rows), self.micro_batch_size
        return replace(self, batch_size=batch, micro_batch_size=None if part is None else min(part, batch))

    def num_steps(self, num_rows: int) -> int:
        """The number of updates in the whole run over `num_rows` rows."""
        return self.epochs * self.steps_per_epoch(num_rows)

    def steps_per_epoch(self, num_rows: int) -> int:
        """The number of updates in one epoch: ceil(N / B), or 1 for the full batch."""
        return -(-num_rows // self.batch_size) if self.batch_size else 1

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values, for a configuration file; `from_dict` reads it back."""
        chosen = {"loss": str(self.loss), "optimizer": str(self.optimizer), "schedule": str(self.schedule)}
        return asdict(self) | chosen

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainPlan":
        """The plan that `to_dict` wrote."""
        return cls(**{"batch_size": None, **values})  # a file leaves out what is None


def settings_but(own: Sequence[str]) -> Callable[[TrainPlan], Hashable]:
    """A function that returns all settings of a plan except its `own` fields, for comparing plans.

    It is made once: a fleet asks for each of its networks.
    """
    settings = attrgetter(*(name for name in TrainPlan.__dataclass_fields__ if name not in (*own, "lr_factors")))
    return lambda plan: (str(plan.lr_factors) if plan.lr_factors else "", settings(plan))


def aliases(name: str, kinds: Sequence[str]) -> tuple[str, ...]:
    """The names by which a plan may call a parameter such as "0.bias": in full, its own name, those of its layers."""
    return (name, name.rpartition(".")[2], *kinds)


def _as_tuple(argument: str, given: str | Sequence[str]) -> tuple[str, ...]:
    """Several texts, or one by itself."""
    if not isinstance(given, Iterable):
        raise refuse(argument, given, "a name or a list of names", "write () for none")
    return (given,) if isinstance(given, str) else tuple(given)


def _class_weight(given: Any) -> Literal["balanced"] | tuple[float, ...] | None:
    """What was given; a mapping {0: 1, 1: 5} becomes a tuple in the order of the classes."""
    if given is None or (isinstance(given, str) and given == "balanced"):
        return given  # type: ignore[return-value]  # None or the text
    numbers: Any = [given.get(k) for k in range(len(given))] if isinstance(given, Mapping) else given
    is_list = isinstance(numbers, Iterable) and not isinstance(numbers, str)
    numbers = tuple(plain(number) for number in numbers) if is_list else ()
    if not numbers or None in numbers:
        raise refuse("class_weight", given, "'balanced' or one number for each class", "write for example (1, 5)")
    for number in numbers:
        positive("class_weight", number, "a class of weight 1 counts as it is")
    return numbers  # type: ignore[no-any-return]  # checked one by one
