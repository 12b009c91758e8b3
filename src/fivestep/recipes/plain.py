"""The reference recipe: exactly the settings given."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, final

from ..check import InputError, one_of
from ..net import MLP, LinearRegression, NetSpec, SoftmaxRegression
from ..plan import TrainPlan
from ._base import Recipe


@final
class Plain(Recipe):
    """Every setting goes where its name says: `hidden` or `activation` to the network, `lr` or `epochs` to the plan."""

    def prepare(self, model: str, settings: Mapping[str, Any]) -> tuple[NetSpec, TrainPlan]:
        one_of("model", model, NETWORK_SETTINGS)
        of_plan = {field.name for field in fields(TrainPlan)}
        of_network = {key: value for key, value in settings.items() if key not in of_plan}
        for key in of_network:
            if key not in NETWORK_SETTINGS[model]:
                raise InputError(
                    f"model {model!r} must be used with {', '.join(NETWORK_SETTINGS[model])} only, got {key!r}; "
                    f"leave it out, or use model 'mlp'."
                )
        plan = TrainPlan(**{key: value for key, value in settings.items() if key in of_plan})
        return _network(model, **of_network), plan


NETWORK_SETTINGS = {
    "linear": ("init",),
    "softmax": ("init",),
    "mlp": ("hidden", "activation", "dropout", "init"),
}
"""The settings that each model's network takes."""


def _network(model: str, **settings: Any) -> NetSpec:
    if model == "mlp":
        return MLP(None, *settings.pop("hidden", ()), None, **settings)
    if model == "linear":
        return LinearRegression(None, None, **settings)
    return SoftmaxRegression(None, None, **settings)
