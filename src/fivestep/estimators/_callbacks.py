"""scikit-learn's callbacks (1.9 and later): they follow a fit epoch by epoch, and may end it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar, cast, final

from ._network import Network

__all__ = ["CallbackSupportMixin", "Callbacks", "copied", "with_callbacks"]

try:
    from sklearn import callback
except ImportError:  # scikit-learn 1.8 and before has none
    callback = None
CallbackSupportMixin: Any = object if callback is None else callback.CallbackSupportMixin
Method = TypeVar("Method", bound=Callable[..., Any])


def with_callbacks(method: Method) -> Method:
    """scikit-learn's own decorator if there is one, typed so that the method keeps its signature."""
    return method if callback is None else cast(Method, callback.with_callbacks(method))


TASK = "epoch"


@final
@dataclass
class Callbacks:
    """The callbacks of one fit, if there are any: a task for the fit, and one in it for each epoch."""

    of: Any
    fit: Any = None
    rows: dict[str, Any] = field(default_factory=dict)
    epoch: Any = None

    @classmethod
    def of_fit(cls, of: Any, X: Any, y: Any, sample_weight: Any, num_epochs: int) -> Self:
        """Announces the fit, with its maximum number of epochs, or 0 if epochs are not reported."""
        if not hasattr(of, "_skl_callbacks") and not hasattr(of, "_parent_callback_ctx"):
            return cls(of)
        weights = None if sample_weight is None else {"sample_weight": sample_weight}
        rows = {"X": X, "y": y, "metadata": weights}
        fit = of._init_callback_context(max_subtasks=num_epochs)
        fit.call_on_fit_task_begin(estimator=of, **rows)
        return cls(of, fit, rows)

    def epoch_begins(self) -> None:
        """Announces an epoch."""
        if self.fit is not None:
            self.epoch = self.fit.subcontext(task_name=TASK).call_on_fit_task_begin(estimator=self.of, **self.rows)

    def epoch_ended(self, so_far: Callable[[], dict[str, Any]]) -> bool:
        """Reports the end of an epoch; returns whether a callback ends the fit.

        `so_far` are the attributes that the estimator would have had if it had ended here, for those who ask: with a
        copy of the network, which stays as it was.
        """
        if self.fit is None:
            return False
        return bool(self.epoch.call_on_fit_task_end(estimator=self.of, **self.rows, reconstruction_attributes=so_far))

    def fit_ended(self) -> None:
        """Reports the end of the fit, and what was learned."""
        if self.fit is not None:
            self.fit.call_on_fit_task_end(
                estimator=self.of, **self.rows, reconstruction_attributes=lambda: {"_network": copied(self.of._network)}
            )


def copied(network: Network) -> Network:
    """A separate copy of a network."""
    return copy.deepcopy(network)
