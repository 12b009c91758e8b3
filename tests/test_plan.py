"""How it is trained, as plain data, refused where it cannot work."""

import math
import tomllib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tomli_w

from fivestep.check import InputError
from fivestep.find import Choice
from fivestep.losses.mse import MSE
from fivestep.optim.adam import Adam
from fivestep.optim.sgd import SGD
from fivestep.plan import TrainPlan, settings_but
from fivestep.schedules.cosine import Cosine


def test_the_default_is_the_reference_recipe() -> None:
    plan = TrainPlan()
    assert (str(plan.loss), str(plan.optimizer), plan.lr) == ("cross_entropy", "sgd", 0.1)
    assert (plan.batch_size, plan.epochs, plan.seed) == (256, 10, 0)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("lr", 0, "lr must be a finite number greater than 0, got 0; 0.1 is usual for sgd"),
        ("lr", -0.1, "lr must be a finite number greater than 0, got -0.1"),
        ("lr", math.nan, "lr must be a finite number greater than 0, got nan"),
        ("lr", math.inf, "lr must be a finite number greater than 0, got inf"),
        ("lr", "0.1", "lr must be a finite number greater than 0, got '0.1'"),
        ("epochs", 0, "epochs must be a whole number of at least 1, got 0; one epoch visits every row once"),
        ("epochs", 2.5, "epochs must be a whole number of at least 1, got 2.5"),
        ("seed", -1, "seed must be a whole number of at least 0, got -1"),
        (
            "batch_size",
            0,
            r"batch_size must be a whole number of at least 1, got 0; None \(--batch-size full\) takes all",
        ),
        ("micro_batch_size", 0, "micro_batch_size must be a whole number of at least 1"),
        ("micro_batch_size", 257, "micro_batch_size must be at most batch_size=256, got 257; it is a part of a batch"),
        ("patience", 0, "patience must be a whole number of at least 1"),
        ("clip_norm", 0, "clip_norm must be a finite number greater than 0, got 0; leave it out to clip nothing"),
        ("clip_value", -1, "clip_value must be a finite number greater than 0, got -1"),
        ("loss", "cross_entrpy", "loss must be one of .* did you mean 'cross_entropy'?"),
        ("optimizer", "adm", "optimizer must be one of .* did you mean 'adam'?"),
        ("schedule", "cosin", "schedule must be one of .* did you mean 'cosine'?"),
        ("optimizer", 3, "a choice must be a name"),
        ("metrics", ("f11",), "metric must be one of .* did you mean 'f1'?"),
        ("metrics", ("rmse",), "a metric for classes, .* must be one of accuracy, .*, got 'rmse'; choose one of them"),
        ("metrics", ("top_k:n=3",), "option of metric 'top_k' must be one of k, got 'n'"),
        ("metrics", ("accuracy:k=3",), "metric 'accuracy' must be used without options, got 'k'; leave it out"),
        ("monitor", "los", "monitor must be one of loss, accuracy, .* did you mean 'loss'?"),
        ("lr_factors", ["bias"], r"lr_factors must be a factor for each name, got \['bias'\]; write for"),
        ("lr_factors", {"bias": -1}, r"lr_factors\['bias'\] must be a finite number greater than 0, got -1; 1 is"),
        ("class_weight", 3, "class_weight must be 'balanced' or one number for each class, got 3; write for"),
        ("class_weight", "equal", "class_weight must be 'balanced' or one number for each class, got 'equal'"),
        ("class_weight", np.array([1, -2]), "class_weight must be a finite number greater than 0, got -2"),
        ("optimizer", "adam:beta3=1", "option of optimizer 'adam' must be .* got 'beta3'; did you mean 'betas'?"),
        ("loss", "huber:foo=1", "option of loss 'huber' must be one of delta, got 'foo'"),
        ("loss", "mse:foo=1", "loss 'mse' must be used without options, got 'foo'"),
        ("schedule", "step:sizes=3", "option of schedule 'step' must be one of every, gamma, got 'sizes'"),
        ("monitor", "r2", "a metric for classes, .* must be one of accuracy, .*, got 'r2'"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(option: str, value: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        TrainPlan(**{option: value})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"optimizer": "adam", "momentum": 0.9}, "option of optimizer 'adam' must be one of .* got 'momentum'"),
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\), got 1.0"),
        ({"nesterov": True}, "nesterov must be used with a momentum"),
        ({"optimizer": "adam:betas=(0.9, 1.0)"}, r"beta2 must be a number in \[0, 1\), got 1.0"),
        ({"optimizer": "adam:betas=0.9"}, r"betas must be a pair of numbers in \[0, 1\), got 0.9"),
        ({"optimizer": "adam:eps=0"}, "eps must be a finite number greater than 0, got 0"),
        ({"weight_decay": -0.1}, "weight_decay must be a finite number of at least 0, got -0.1"),
        ({"optimizer": "adam", "weight_decay": -0.1}, "weight_decay must be a finite number of at least 0, got -0.1"),
        ({"optimizer": "adamw:weight_decay=nan"}, "weight_decay must be a finite number of at least 0, got"),
        ({"loss": "huber:delta=-1"}, "delta must be a finite number greater than 0, got -1"),
        ({"loss": "cross_entropy:label_smoothing=2"}, r"label_smoothing must be a number in \[0, 1\), got 2"),
        ({"schedule": "step:every=-3"}, "every must be a whole number of steps, or a share .*, got -3"),
        ({"schedule": "warmup:then=cosin"}, "schedule must be one of .*, got 'cosin'; did you mean 'cosine'"),
        ({"schedule": "warmup:then='step:gamma=2'"}, r"gamma must be a number in \(0, 1\), got 2"),
    ],
)
def test_options_that_cannot_work_are_refused_when_the_plan_is_written(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        TrainPlan(**settings)


def test_parts_are_built_with_their_options() -> None:
    plan = TrainPlan(loss="mse", optimizer="adam:eps=1e-6", schedule="cosine:final=0.1", weight_decay=0.5)
    assert plan.build_loss() == MSE()
    assert plan.build_optimizer() == Adam(eps=1e-6, weight_decay=0.5)
    assert plan.build_schedule() == Cosine(0.1)


def test_momentum_of_the_plan_reaches_the_update_rule() -> None:
    assert TrainPlan(momentum=0.9, nesterov=True).build_optimizer() == SGD(momentum=0.9, nesterov=True)


@pytest.mark.parametrize(
    ("num_rows", "batch_size", "per_epoch"), [(60_000, 256, 235), (10, 5, 2), (11, 5, 3), (4, 5, 1), (11, None, 1)]
)
def test_an_epoch_has_as_many_steps_as_batches(num_rows: int, batch_size: int | None, per_epoch: int) -> None:
    plan = TrainPlan(batch_size=batch_size, epochs=10)
    assert plan.steps_per_epoch(num_rows) == per_epoch
    assert plan.num_steps(num_rows) == 10 * per_epoch


@pytest.mark.parametrize(
    "plan",
    [
        TrainPlan(),
        TrainPlan(loss="mse", optimizer=Choice("sgd", momentum=0.9), schedule="cosine:final=0.1", batch_size=None),
        TrainPlan(clip_norm=1.0, clip_value=0.5, patience=3, restore_best=True, micro_batch_size=32, weight_decay=1e-4),
    ],
    ids=["reference", "choices", "everything"],
)
def test_a_plan_survives_the_way_to_plain_values_and_back(plan: TrainPlan) -> None:
    values = plan.to_dict()
    assert TrainPlan.from_dict(values) == plan
    assert TrainPlan.from_dict({key: value for key, value in values.items() if value is not None}) == plan


def test_a_varied_plan_is_validated_again() -> None:
    with pytest.raises(InputError, match="epochs"):
        replace(TrainPlan(), epochs=0)


def test_the_monitored_metric_is_measured() -> None:
    plan = TrainPlan(metrics=("f1", "top-k: k=3"), monitor="top_k:k=3")
    assert plan.metrics == ("f1", "top_k:k=3")
    assert TrainPlan(metrics=["f1"], monitor="auc").metrics == ("f1", "auc")
    assert TrainPlan.from_dict(plan.to_dict()) == plan


def test_one_metric_or_name_may_stand_without_a_tuple() -> None:
    plan = TrainPlan(metrics="f1", no_decay="bias")
    assert (plan.metrics, plan.no_decay) == (("f1",), ("bias",))
    assert plan == TrainPlan(metrics=("f1",), no_decay=["bias"])


def test_numbers_of_numpy_are_taken_and_written_as_plain_ones() -> None:
    plan = TrainPlan(lr=np.float32(0.5), batch_size=np.int64(8), epochs=np.int32(3), seed=np.uint8(1))
    assert plan == TrainPlan(lr=0.5, batch_size=8, epochs=3, seed=1)
    assert {type(value) for value in plan.to_dict().values()} <= {str, int, float, bool, tuple, dict, type(None)}


@pytest.mark.parametrize(
    ("setting", "given", "kept"),
    [
        ("class_weight", np.array([1, 5]), (1, 5)),
        ("class_weight", [1.0, 5.0], (1.0, 5.0)),
        ("class_weight", {0: 1, 1: 5}, (1, 5)),
        ("lr_factors", {"bias": np.int64(2)}, {"bias": 2}),
        ("optimizer", Choice("sgd", momentum=np.float32(0.5)), Choice("sgd", momentum=0.5)),
    ],
)
def test_numbers_of_numpy_inside_a_setting_become_plain_ones(setting: str, given: Any, kept: Any) -> None:
    plan = TrainPlan(**{setting: given})
    assert getattr(plan, setting) == kept
    written = {key: value for key, value in plan.to_dict().items() if value is not None}
    assert TrainPlan.from_dict(tomllib.loads(tomli_w.dumps(written))) == plan


def test_plans_that_differ_in_their_own_settings_only_are_alike() -> None:
    of_others, plan = settings_but(("seed", "lr")), TrainPlan(lr_factors={"bias": 2.0})
    assert of_others(plan) == of_others(replace(plan, seed=1, lr=0.5))
    others = [replace(plan, epochs=3), replace(plan, lr_factors={"bias": 3.0}), replace(plan, lr_factors={})]
    assert len({of_others(one) for one in [plan, *others]}) == 4


def test_what_is_usable_in_one_place_of_a_plan_is_looked_at_again_in_another() -> None:
    rule = Choice("adam")
    TrainPlan(optimizer=rule)
    with pytest.raises(InputError, match=r"^loss must be one of .*, got 'adam'"):
        TrainPlan(optimizer=rule, loss=rule)
