"""Settings for flattened images of clothes, digits and the like."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

from ..check import one_of, refuse
from ..find import Choice, find, names
from ..net import MLP, NetSpec
from ..plan import TrainPlan
from ._base import Facts, Preparation, Recipe, parted
from .standard import Standard

HIDDEN = (1024, 1024, 1024)
NETWORK_SETTINGS = ("hidden", "activation", "norm", "dropout", "init", "augment")


@final
class Image(Recipe):
    """One mean and one deviation for all pixels, three layers of 1024 with batch normalization, dropout, one cycle.

    The pixels are standardized by the first layer, `standardize`, with the constants of the training rows. Of a file,
    all columns beside the target are pixels, on one scale, those too that never change. `augment`, such as
    "shift_and_flip", is a layer that changes the images at random in training; it comes before all others.
    AdamW in batches of 256 for 100 epochs, its learning rate on one cycle up to 2e-3, its decay 0.05; labels smoothed
    by 0.1; dropout 0.5, or none with `augment`, which does its work.
    Smith and Topin 2018, "Super-convergence", for the cycle; Szegedy et al. 2016, "Rethinking the Inception
    architecture", section 7, for the labels. `benchmarks/image.py` prints what it reaches on Fashion-MNIST.
    """

    optimizer = "adamw"
    scales = False
    takes_pixels = True

    def prepare(self, model: str, settings: Mapping[str, Any], facts: Facts | None = None) -> tuple[NetSpec, TrainPlan]:
        if model != "mlp":
            return Standard().prepare(model, settings, facts)
        if settings.get("num_codes"):
            raise refuse("recipe", "image", "one that takes categories, as the table has some", "use 'tabular'")
        network, plan = parted("image", settings, NETWORK_SETTINGS)
        return _network(**network), _plan(plan, facts)

    def preparation(self, model: str, settings: Mapping[str, Any], facts: Facts) -> Preparation:
        if model != "mlp":
            return Standard().preparation(model, settings, facts)
        return Preparation(patience=math.inf, doubles=False)


def _network(augment: str | Choice | None = None, hidden: tuple[int, ...] = HIDDEN, **settings: Any) -> NetSpec:
    dropout = 0.5 if augment is None else 0.0
    body = MLP(None, *hidden, None, **{"norm": "batch_norm", "dropout": dropout, **settings})
    first = [Choice("standardize")]
    if augment is not None:
        able = [name for name in names("layers") if find("layers", name).augments]
        one_of("augment", Choice.parse(augment).name, able)
        first.insert(0, Choice.parse(augment))
    return replace(body, layers=(*first, *body.layers), title="MLP for images")


def _plan(settings: Mapping[str, Any], facts: Facts | None) -> TrainPlan:
    loss = Choice.parse(settings.get("loss", "cross_entropy"))
    smooths = loss.name == "cross_entropy" and not loss.options
    if smooths:
        loss = Choice("cross_entropy", label_smoothing=0.1)
    rule = Choice.parse(settings.get("optimizer", Image.optimizer))
    decay = {"weight_decay": 0.05, "no_decay": ("bias", "batch_norm")} if rule.name == "adamw" else {}
    batch_size = 256 if facts is None else min(256, facts.num_rows)
    usual: dict[str, Any] = {"epochs": 100, "lr": 2e-3, "schedule": "one_cycle", "batch_size": batch_size}
    usual |= {"temperature_scaling": smooths}
    return TrainPlan(**{**decay, **usual, **settings, "optimizer": rule, "loss": loss})
