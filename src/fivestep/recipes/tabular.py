"""The settings of state-of-the-art MLPs for tables, as one package."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, final

from ..check import in_unit_interval, warn
from ..find import Choice, find, option_names
from ..net import NetSpec, for_each
from ..plan import TrainPlan
from ._base import Facts, Preparation, Recipe, parted
from .standard import TOO_FEW_TO_DROP, Standard

HIDDEN = (256, 256, 256)
MOST_NUMBERS = 150
"""Columns up to which each number gets an embedding: with more of them, as in images, one is as good as another."""
FEW_ROWS = 800
"""Rows to train on below which the layers are those of `standard`: its own are too many for them."""
FEW_TO_SET_ASIDE = 1000
"""Rows, before some are set aside, below which one share of them is too small to choose an epoch by, and too large to
do without."""
SMALL_BATCH = 32
"""Rows of a step where there are few, half of what `standard` takes: what that is worth is in `docs/decisions.md`."""
FOLDS = 5
"""Networks of so few rows, each of which stops by another share of them."""
LEAST_RATE = 5e-3
"""Learning rates below it are meant for ordinary layers; those of this network are about sqrt(256) times larger."""

SMOOTHING = 0.1
"""Of labels: the share of a row that is of every class in equal parts."""
SMOOTHING_OF_FEW = 0.05
"""The same where there are few rows."""

SHARE = 0.2
"""Of the rows, set aside to tell which epoch was best."""

LR_FACTORS = {"scale": 6.0, "periodic": 0.1, "parametric": 0.1, "bias": 0.1}
"""Of the learning rate, by layer or by parameter."""

NETWORK_SETTINGS = ("hidden", "activation", "dropout", "norm", "num_codes")


@final
class Tabular(Recipe):
    """RealMLP's settings, which belong together, with `percentiles` beside its numbers and half of its epochs.

    Each number gets its percentile among the training rows beside it (`percentiles`), each of both becomes four
    (`periodic`), each feature gets a learned scale, then come three layers of 256 in the parametrization of the neural
    tangent kernel (`ntk_linear`) with a learned strength of their activation (`parametric`; selu for classes, mish for
    numbers) and dropout 0.15, and a last layer that begins as 0. AdamW with betas (0.9, 0.95) and a decay of 0.02, 128
    epochs in batches of 256 on a cosine in log-time (`coslog4`) from 0.04 for classes or 0.2 for numbers, times 6 for
    the scales, 0.1 for embeddings, strengths and biases; labels smoothed by 0.1; the best epoch on a fifth of the rows
    counts. Layers of 256 move with a rate r as ordinary ones do with r/16; one below 0.005 is a warning.

    Of fewer than 1,000 rows estimators train five networks, one for each fold; of fewer than 800 to train on, layers
    and settings are those of `standard` in batches of 32, with `percentiles` and `periodic` in front, and labels are
    smoothed by 0.05. Of fewer than 100, for another update rule than AdamW, for other initial weights, for residual
    layers, and for rates (`poisson`, `gamma`, `tweedie`, whose logarithm a step of 0.2 throws too far), network,
    settings and stopping are those of `standard`. Where labels are smoothed, probabilities get a temperature.
    Holzmueller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", table A.1. Left out: initial weights that look at the rows, dropout and decay that fall over the run, which
    showed nothing here; `docs/tabular.md` says what was found.
    """

    optimizer = "adamw"
    scales = True

    def prepare(self, model: str, settings: Mapping[str, Any], facts: Facts | None = None) -> tuple[NetSpec, TrainPlan]:
        if _is_for_standard(model, settings, facts):
            return Standard().prepare(model, settings, facts)
        if _are_few(facts):
            return _few_rows(settings, facts)
        loss, smooths = _smoothed(settings, SMOOTHING)
        rule = Choice.parse(settings.get("optimizer", self.optimizer))
        of_network, of_plan = parted("tabular", settings, NETWORK_SETTINGS)
        _warn_of_small_rate(settings.get("lr"))
        to_numbers = find("losses", loss.name).target == "numbers"
        embeds = facts is None or facts.num_features <= MOST_NUMBERS
        usual_network = {"activation": "mish" if to_numbers else "selu", "dropout": 0.15, "norm": None}
        layers = _layers({**usual_network, **of_network}, embeds=embeds)
        usual: dict[str, Any] = {
            "lr": 0.2 if to_numbers else 0.04,
            "lr_factors": {name: factor for name, factor in LR_FACTORS.items() if name in _names(layers)},
            "schedule": "coslog4",
            "epochs": 128,
            "batch_size": 256 if facts is None else min(256, facts.num_rows),
            "no_decay": ("bias",),
            "temperature_scaling": smooths,
            **({} if "weight_decay" in rule.options else {"weight_decay": 0.02}),
        }
        chosen = {
            "optimizer": Choice("adamw", **{"betas": (0.9, 0.95), **rule.options}),
            "loss": loss,
        }
        return NetSpec(layers, title="MLP for tables"), TrainPlan(**{**usual, **of_plan, **chosen})

    def preparation(self, model: str, settings: Mapping[str, Any], facts: Facts) -> Preparation:
        if _is_for_standard(model, settings, facts):
            return Standard().preparation(model, settings, facts)
        folds = FOLDS if facts.num_rows < FEW_TO_SET_ASIDE else None
        if _are_few(facts):
            return Standard().preparation(model, settings, facts)._replace(valid_fraction=SHARE, folds=folds)
        return Preparation(valid_fraction=SHARE, patience=math.inf, doubles=False, folds=folds)


def _is_for_standard(model: str, settings: Mapping[str, Any], facts: Facts | None) -> bool:
    """Whether the settings do not go with the package, so that the recipe "standard" replaces it as a whole."""
    loss = Choice.parse(settings.get("loss", "cross_entropy")).name
    is_of_rates = find("losses", loss).inverse_link == "exp"
    rule = Choice.parse(settings.get("optimizer", Tabular.optimizer)).name
    is_tiny = facts is not None and facts.num_rows < TOO_FEW_TO_DROP
    return model != "mlp" or is_tiny or rule != "adamw" or is_of_rates or bool({"init", "residual"} & settings.keys())


def _are_few(facts: Facts | None) -> bool:
    return facts is not None and facts.num_rows < FEW_ROWS


def _few_rows(settings: Mapping[str, Any], facts: Facts | None) -> tuple[NetSpec, TrainPlan]:
    """The settings of `standard` in smaller steps, with percentiles and periodic features of the numbers in front."""
    loss, smooths = _smoothed(settings, SMOOTHING_OF_FEW)
    usual = {"batch_size": SMALL_BATCH, "temperature_scaling": smooths}
    spec, plan = Standard().prepare("mlp", {**usual, **settings, "loss": loss}, facts)
    if facts is not None and facts.num_features > MOST_NUMBERS:
        return spec, plan
    num_embeddings = 1 if settings.get("num_codes") else 0
    of_numbers = Choice("percentiles"), Choice("periodic")
    layers = (*spec.layers[:num_embeddings], *of_numbers, *spec.layers[num_embeddings:])
    return replace(spec, layers=layers), plan


def _smoothed(settings: Mapping[str, Any], smoothing: float) -> tuple[Choice, bool]:
    """The loss, and whether its labels are smoothed here: where it has no options of its own."""
    loss = Choice.parse(settings.get("loss", "cross_entropy"))
    if loss.options or "label_smoothing" not in option_names("losses", loss.name):
        return loss, False
    return Choice(loss.name, label_smoothing=smoothing), True


def _warn_of_small_rate(lr: float | None) -> None:
    if isinstance(lr, float) and 0 < lr < LEAST_RATE:
        warn(
            f"the learning rate of recipe 'tabular' is usually 0.04 for classes and 0.2 for numbers, in units of its "
            f"own layers, got {lr:g}; try {16 * lr:g}, or use recipe 'standard'."
        )


def _layers(settings: Mapping[str, Any], *, embeds: bool) -> tuple[Choice, ...]:
    """Embeddings, scales, the hidden layers, and the last one."""
    codes, hidden = settings.get("num_codes"), settings.get("hidden", HIDDEN)
    layers = [Choice("embed_columns", num_embeddings=tuple(codes))] if codes else []
    layers += [Choice("percentiles"), Choice("periodic"), Choice("scale")] if embeds else [Choice("scale")]
    each = (for_each(name, settings[name], len(hidden)) for name in ("activation", "norm", "dropout"))
    for width, activation, norm, dropout in zip(hidden, *each, strict=True):
        layers.append(Choice("ntk_linear", out_features=width))
        layers += [] if norm is None else [Choice.parse(norm)]
        layers.append(Choice("parametric", activation=str(Choice.parse(activation))))
        in_unit_interval("dropout", dropout, "0 switches it off")
        layers += [Choice("dropout", p=dropout)] if dropout else []
    return (*layers, Choice("ntk_linear", zero_init=True))


def _names(layers: Sequence[Choice]) -> set[str]:
    """What a plan may call the parameters of these layers, as far as the factors name them."""
    return {"bias", *(layer.name for layer in layers)}
