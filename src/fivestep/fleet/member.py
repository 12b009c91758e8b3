"""One network of a fleet, and what the rank that trained it sends to the others."""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple, final

import numpy as np
import torch

from ..datasets._base import Dataset
from ..engines._engine import Engine
from ..epoch import Epoch
from ..net import NetSpec
from ..plan import TrainPlan
from ..progress import Progress
from ..saved.checkpoint import history_of, position_of
from ..saved.resumption import fill
from .alike import PackMember, Pattern, goes_by_epochs

TO_PREDICT = "to_predict"
"""The name of the weights to predict with, where they differ from those that train."""


class Trained(NamedTuple):
    """The result of training a network, as arrays: pickling a tensor takes as long as 100 small steps."""

    arrays: dict[str, np.ndarray]
    position: dict[str, Any]
    history: list[Epoch]
    diverged: str | None

    def put_into(self, engine: Engine, progress: Progress) -> None:
        """Puts an engine and its progress into the state in which the network was trained."""
        tensors = {name: torch.from_numpy(array) for name, array in self.arrays.items()}
        to_predict = tensors.pop(TO_PREDICT, None)
        fill(engine, progress, {**tensors, **history_of(self.history)}, self.position)
        if to_predict is not None:
            engine.params.training = engine.params.flat.clone()
            engine.params.flat.copy_(to_predict)


@final
class LazyTrained:
    """A `Trained` that `make(number)` assembles on demand."""

    __slots__ = ("_make", "_number")

    def __init__(self, make: Callable[[int], Trained], number: int) -> None:
        self._make, self._number = make, number

    def assembled(self) -> Trained:
        """The assembled record."""
        return self._make(self._number)


class Packed(NamedTuple):
    """Trained networks as one array (K, ...) for each name, which takes a tenth of the time to pickle."""

    epochs: list[Epoch]
    state: dict[str, np.ndarray]
    gradients: np.ndarray


def packed(networks: Sequence[Trained | PackMember]) -> Sequence[Trained | PackMember] | Packed:
    """Trained networks to be sent to another rank, as one `Packed` if possible."""
    in_packs = [network for network in networks if isinstance(network, PackMember)]
    packs = [[*of_pack] for _, of_pack in groupby(in_packs, lambda member: id(member.state))]
    shapes = {tuple((name, rows.shape[1:]) for name, rows in pack[0].state.items()) for pack in packs}
    if len(in_packs) < len(networks) or len(shapes) != 1:
        return networks
    places = [[member.place for member in pack] for pack in packs]
    state = {name: _joined([pack[0].state[name] for pack in packs], places) for name in in_packs[0].state}
    return Packed([member.epoch for member in in_packs], state, _joined([pack[0].gradients for pack in packs], places))


def _joined(arrays: Sequence[np.ndarray], places: Sequence[list[int]]) -> np.ndarray:
    """The elements of each array at some indices."""
    return np.concatenate([array[of_array] for array, of_array in zip(arrays, places, strict=True)])


def unpacked(networks: Sequence[Trained | PackMember] | Packed) -> Sequence[Trained | PackMember]:
    """The networks of a pack, which share its memory."""
    if not isinstance(networks, Packed):
        return networks
    return [PackMember(epoch, networks.state, networks.gradients, k) for k, epoch in enumerate(networks.epochs)]


@final
class Member:
    """One network of a fleet: its trained engine, the history of its epochs, and how it ended.

    `engine` may be a function that makes it on first access. `diverged` is the message if the loss was no longer
    finite; the engine then holds the weights from before.
    """

    pattern: Pattern | None = None
    """The pattern that trains it together with those that are alike."""

    kind: Hashable = None
    """Members of the same kind may be trained as one batch (`batched/`)."""

    how: str = "by itself"
    """How it was trained, as a phrase."""

    def __init__(self, data: Dataset, plan: TrainPlan, engine: Engine | Callable[[], Engine]) -> None:
        self.data, self.plan = data, plan
        self.diverged: str | None = None
        self.sized: NetSpec | None = None
        """The sized spec, where it is known before the engine is made."""

        self.has_engine = isinstance(engine, Engine)
        """Whether its engine has been made."""

        self._engine = engine
        self._trained: Trained | PackMember | LazyTrained | None = None

    def __repr__(self) -> str:
        """Its data, its seed, and its last epoch or why it diverged; its engine is not made."""
        made = vars(self).get("_engine_and_progress")
        held: Trained | PackMember | Progress | None = made[1] if self.trained is None and made else self.trained
        history = [] if held is None else held.history
        failure = self.diverged or (None if self.trained is None else self.trained.diverged)
        state = f"diverged: {failure}" if failure else str(history[-1]) if history else "no epoch yet"
        return f"Member({self.data.name}, seed {self.plan.seed}, {state})"

    def take_result(self, result: Trained | PackMember | LazyTrained) -> None:
        """Takes over the result of another rank or engine, into its own engine if that exists."""
        if self.has_engine:
            result = result.assembled() if isinstance(result, LazyTrained) else result
            result.put_into(self.engine, self.progress)
        else:
            self._trained = result
        if not isinstance(result, LazyTrained):
            self.diverged = result.diverged

    @property
    def is_trained_elsewhere(self) -> bool:
        """Whether it holds such a result, and its own engine has not been accessed since."""
        return self._trained is not None

    @property
    def trained(self) -> Trained | PackMember | None:
        """The result of another rank or engine, until its own engine is accessed."""
        if isinstance(self._trained, LazyTrained):
            self._trained = self._trained.assembled()
        return self._trained

    def new_engine(self) -> Engine:
        """A new engine like its own, before the first step."""
        assert not isinstance(self._engine, Engine), "given as what makes it"
        return self._engine()

    def adopt(self, engine: Engine) -> None:
        """Adopts an engine that `new_engine` has made."""
        self._engine, self.has_engine = engine, True

    @cached_property
    def _engine_and_progress(self) -> tuple[Engine, Progress]:
        engine = self._engine if isinstance(self._engine, Engine) else self._engine()
        progress, self.has_engine = Progress(engine, self.plan), True
        if self.trained is not None:
            self.trained.put_into(engine, progress)
            self._trained = None
        return engine, progress

    @property
    def engine(self) -> Engine:
        """The trained engine."""
        return self._engine_and_progress[0]

    @property
    def progress(self) -> Progress:
        """What the loop remembers of this network."""
        return self._engine_and_progress[1]

    @property
    def spec(self) -> NetSpec:
        """The network's spec, with all its sizes."""
        return self.engine.spec if self.sized is None else self.sized

    @property
    def history(self) -> list[Epoch]:
        """Its evaluated epochs."""
        return self.progress.history if self.trained is None else [*self.trained.history]

    @property
    def evaluates_each(self) -> bool:
        """Whether training depends on each epoch's evaluation: for stopping, best weights or the learning rate."""
        return goes_by_epochs(self.plan)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train: its epochs are done, it stopped early, or its loss is not finite."""
        return self.diverged is not None or self._trained is not None or self.progress.is_over()


def result_of(member: Member) -> Trained | PackMember:
    """What to send to the other ranks about a network that was trained here."""
    if member.trained is not None:
        return member.trained
    position, tensors = position_of(member.engine, member.progress)
    params = member.engine.params
    if params.training is not None:
        tensors[TO_PREDICT] = params.flat
    arrays = {name: tensor.numpy(force=True) for name, tensor in tensors.items()}
    return Trained(arrays, position, member.history, member.diverged)
