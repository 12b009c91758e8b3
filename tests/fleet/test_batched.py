"""A batch of networks: network k is the network trained alone, whatever the others do."""

import pickle
from functools import partial
from typing import Any

import pytest
import torch

from fivestep import draws
from fivestep.check import DivergenceError
from fivestep.datasets._base import Dataset, Rows
from fivestep.datasets._folds import folds
from fivestep.datasets._load import load_dataset
from fivestep.engines._batched import ahead
from fivestep.engines._batched.given import StepsAhead
from fivestep.engines._batched.networks import Networks
from fivestep.engines._make import make_engine
from fivestep.epoch import Epoch
from fivestep.find import Choice, names
from fivestep.fleet import fit_many, train_members
from fivestep.fleet.batched import kinds
from fivestep.fleet.batched.batch import Batch
from fivestep.fleet.batched.kinds import kind_of, obstacle
from fivestep.fleet.batched.records import Records
from fivestep.fleet.batched.start import initial_rows, rounds_once
from fivestep.fleet.member import Member, Trained, result_of
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.contracts.cases import Item, over
from tests.samples import numbers, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, distance

DATA = three_classes(40, valid=20)
WEIGHTED = three_classes(40, valid=20, weighted=True)
Fleet = list[tuple[NetSpec, Dataset, TrainPlan]]

OWN: list[dict[str, Any]] = [{"seed": 1}, {"seed": 2, "lr": 0.03}, {"seed": 1, "lr": 0.01}]
"""What the networks of a batch differ in."""


def new_member(spec: NetSpec, data: Dataset, plan: TrainPlan) -> Member:
    """One that has no engine yet."""
    sized = plan.sized(spec, data)
    made = Member(data, plan, partial(make_engine, "scratch", sized, plan, dtype="float64", device="cpu"))
    made.sized = sized
    return made


def alone(spec: NetSpec, data: Dataset, plan: TrainPlan, every: int | None = None) -> Member:
    """The same network, trained by itself."""
    one = Member(data, plan, make_engine("scratch", plan.sized(spec, data), plan, dtype="float64", device="cpu"))
    try:
        for _ in train(one.engine, data, plan, every or plan.epochs, one.progress):
            if one.progress.is_over():
                break
        one.progress.best.restore(one.engine)
    except DivergenceError as error:
        one.diverged = str(error)
    return one


def assert_the_same(one: Member, other: Member) -> None:
    """All that anyone can see of a trained network."""
    mine, theirs = one.engine.state() | {"held": one.engine.params.flat}, other.engine.state()
    theirs["held"] = other.engine.params.flat
    assert {name: distance(mine[name], theirs[name]) < ENGINES_FLOAT64 for name in mine} == dict.fromkeys(theirs, True)
    assert (one.engine.num_updates, one.engine.lr) == (other.engine.num_updates, other.engine.lr)
    assert [epoch.index for epoch in one.history] == [epoch.index for epoch in other.history]
    for epoch, expected in zip(one.history, other.history, strict=True):
        assert figures_of(epoch) == pytest.approx(figures_of(expected), rel=1e-9)
        assert (epoch.step, epoch.lr) == (expected.step, expected.lr)
        assert epoch.running_loss == pytest.approx(expected.running_loss, rel=1e-9)


def figures_of(epoch: Epoch) -> dict[str, float]:
    """Those that there are."""
    return {name: value for name, value in epoch.figures().items() if value is not None}


def check(fleet: Fleet, every: int | None = None) -> list[Member]:
    """Trains them as one batch, and each alone."""
    members = [new_member(*one) for one in fleet]
    assert len({kind_of(one.spec, one.data, one.plan) for one in members}) == 1
    assert obstacle(members[0].spec, members[0].data, members[0].plan) is None
    assert Batch(members, every).train() == []
    for member, one in zip(members, fleet, strict=True):
        assert_the_same(member, alone(*one, every))
    return members


def fleet_of(spec: NetSpec, data: Dataset = DATA, **options: Any) -> Fleet:
    return [(spec, data, small_plan(**{**options, **own})) for own in OWN]


PLANS: dict[str, dict[str, Any]] = {
    "mini-batches": {},
    "full batch": {"batch_size": None, "epochs": 40},
    "batch of all rows": {"batch_size": 40},
    "one row left over": {"batch_size": 13},
    "schedule": {"schedule": "cosine"},
    "clipped": {"clip_norm": 0.1},
    "clipped by value": {"clip_value": 0.01, "optimizer": "adam"},
    "L2": {"l2": 0.3},
    "averaged": {"ema": 0.7, "optimizer": "adam"},
    "rates of parameters": {"lr_factors": {"bias": 2.0}, "optimizer": "adam", "ema": 0.5},
    "spared from decay": {"no_decay": "bias", "optimizer": "adamw:weight_decay=0.3"},
    "balanced classes": {"class_weight": "balanced"},
}


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in PLANS.items()])
@pytest.mark.parametrize("data", [pytest.param(DATA, id="plain"), pytest.param(WEIGHTED, id="weighted")])
def test_network_k_of_a_batch_is_the_network_trained_alone(data: Dataset, options: dict[str, Any]) -> None:
    check(fleet_of(small_net(), data, **options), every=2)


RULES = [name for name in names("optim") if obstacle(small_net(), DATA, TrainPlan(optimizer=name)) is None]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_every_rule_moves_each_network_by_its_own_rate_and_decay(name: str, momentum: float) -> None:
    rule: dict[str, Any] = {"optimizer": name, "epochs": 2}
    if name in ("sgd", "rmsprop", "momentum"):
        rule["momentum"] = momentum
    plans = [small_plan(**{**rule, **own, "weight_decay": 0.1 * k}) for k, own in enumerate(OWN)]
    check([(small_net(), DATA, plan) for plan in plans])


def test_these_rules_have_a_batched_form() -> None:
    known = {"adadelta", "adagrad", "adam", "adam_hat", "adamax", "adamw", "lion", "momentum", "radam", "rmsprop"}
    assert {*known, "rprop", "sgd"} <= set(RULES)


@pytest.mark.parametrize("decoupled", [True, False])
def test_decay_outside_the_gradient_is_each_networks_own(decoupled: bool) -> None:
    rules = [f"adam:weight_decay={decay},decoupled_weight_decay={decoupled}" for decay in (0.0, 0.1, 0.2)]
    check([(small_net(), DATA, small_plan(optimizer=rule, ema=0.5)) for rule in rules])


LAYERS = ["linear", "dropout", "layer_norm", "rms_norm", "batch_norm", "scale", "standardize", "ntk_linear"]
OPTIONS = {"linear": {"out_features": 6}, "ntk_linear": {"out_features": 6}, "standardize": {"mean": 0.5, "std": 2.0}}


def with_layer(name: str, **options: Any) -> NetSpec:
    return NetSpec(
        (Choice("linear", out_features=6), Choice(name, **OPTIONS.get(name, {}), **options), Choice("linear")), 4, 3
    )


@pytest.mark.parametrize("name", [*names("activations"), *LAYERS])
def test_every_layer_with_a_batched_form_is_its_own_formula(name: str) -> None:
    check(fleet_of(with_layer(name), batch_size=20, epochs=2))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("linear", {"bias": False}),
        ("layer_norm", {"elementwise_affine": False}),
        ("rms_norm", {"elementwise_affine": False}),
        ("batch_norm", {"affine": False}),
        ("batch_norm", {"momentum": None}),
    ],
)
def test_options_of_layers(name: str, options: dict[str, Any]) -> None:
    check(fleet_of(with_layer(name, **options), batch_size=20, epochs=2))


@over("layers")
def test_no_layer_has_a_batched_form_that_is_not_tried(item: Item) -> None:
    around = (Choice("linear", out_features=5), item.choice, Choice("linear"))
    spec = NetSpec(item.case.layers or around, 6, 3)
    assert (obstacle(spec, DATA, small_plan()) is None) == (item.name in LAYERS)


TARGETS = {
    "numbers": numbers(60, 3),
    "yes_no": (numbers(60, 3) > 0).double(),
    "classes": numbers(60, 3).argmax(1),
}


def rows_for(target: str) -> Dataset:
    x, y = numbers(60, 4, seed=5), TARGETS[target]
    return Dataset(Rows(x[:40], y[:40]), Rows(x[40:], y[40:]), num_outputs=3)


@pytest.mark.parametrize("name", names("losses"))
def test_every_loss_measures_each_network_by_itself(name: str) -> None:
    loss = TrainPlan(loss=name).build_loss()
    data = rows_for(loss.target)
    if loss.target_range[0] >= 0 and loss.target == "numbers":
        data = Dataset(*(Rows(part.x, part.y.abs()) for part in (data.train, data.valid) if part), num_outputs=3)
    check(fleet_of(MLP(4, 6, None), data, loss=name, lr=0.01, epochs=2), every=1)


def test_masks_are_each_networks_own() -> None:
    spec = MLP(4, 6, 5, 3, activation="tanh", dropout=(0.3, 0.5))
    check(fleet_of(spec, batch_size=13))


def test_initial_values_may_be_drawn_in_other_ways() -> None:
    check([(small_net(init=init), DATA, small_plan()) for init in ("torch", "xavier", "normal:std=0.5", "orthogonal")])


def test_folds_are_one_batch_for_each_number_of_rows() -> None:
    parts = folds(DATA, 4)
    check([(small_net(), part, small_plan(seed=seed, epochs=2)) for seed, part in enumerate(parts)], every=1)
    check([(small_net(), part, small_plan(seed=seed, batch_size=None)) for seed, part in enumerate(parts)])


def test_fresh_rows_are_drawn_for_all() -> None:
    data = load_dataset("sum")
    plans = [TrainPlan(loss="mse", optimizer="adam", lr=0.01, batch_size=100, epochs=2, seed=seed) for seed in range(3)]
    check([(MLP(10, 8, 1), data, plan) for plan in plans])


def test_bytes_and_metrics() -> None:
    x = (numbers(60, 4).clamp(-3, 3) * 40 + 128).to(torch.uint8)
    y = x.double().argmax(1).clamp(max=2)
    data = Dataset(Rows(x[:40], y[:40], scale=1 / 255), Rows(x[40:], y[40:], scale=1 / 255), num_outputs=3)
    check(fleet_of(small_net(), data, metrics=("f1", "balanced_accuracy")), every=1)


@pytest.mark.parametrize("first", ["", "warmup:steps=3,then="])
def test_a_rate_that_answers_to_what_was_measured_is_each_networks_own(first: str) -> None:
    schedule = f'{first}"plateau:patience=0,threshold=0.05"' if first else "plateau:patience=0,threshold=0.05"
    members = check(fleet_of(small_net(), lr=0.5, epochs=20, schedule=schedule), every=1)
    assert len({member.engine.lr / member.plan.lr for member in members}) > 1


def test_those_that_stop_early_leave_and_the_others_close_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    trained = Batch._blocks

    def counting(self: Batch, goal: int) -> Any:
        sizes.append(len(self._networks))
        return trained(self, goal)

    monkeypatch.setattr(Batch, "_blocks", counting)
    plans = [
        small_plan(lr=lr, epochs=30, patience=2, restore_best=True, ema=ema)
        for lr in (3.0, 2.0, 4.0, 0.001, 5.0)
        for ema in (0.5,)
    ]
    members = check([(small_net(dropout=0.2), DATA, plan) for plan in plans], every=1)
    lengths = [member.history[-1].index for member in members]
    assert min(lengths) < max(lengths) == 30
    assert sizes[0] == 5
    assert sizes[-1] <= 2
    assert all(member.is_over for member in members)


def test_one_that_diverges_is_as_it_was_alone_and_touches_no_other() -> None:
    data = Dataset(Rows(DATA.train.x, DATA.train.x[:, :3]), num_outputs=3)
    fleet = [
        (MLP(4, 6, 3), data, small_plan(loss="mse", lr=lr, epochs=300, batch_size=None)) for lr in (0.01, 1e6, 0.02)
    ]
    members = [new_member(*one) for one in fleet]
    assert Batch(members).train() == [members[1]]
    for k in (0, 2):
        assert_the_same(members[k], alone(*fleet[k]))
    train_members([members[1]])
    expected = alone(*fleet[1])
    assert members[1].diverged == expected.diverged
    assert members[1].diverged is not None
    assert_the_same(members[1], expected)


def test_one_whose_last_step_is_one_too_many_is_reported_whatever_its_best_epoch_was() -> None:
    """Losses and weights are finite up to the end; the training loss after the last step is not."""
    data = Dataset(Rows(DATA.train.x, DATA.train.x[:, :3]), num_outputs=3)
    spec = NetSpec((Choice("linear"),), 4, 3)

    def fleet(epochs: int) -> Fleet:
        options: dict[str, Any] = {"loss": "mse", "batch_size": None, "epochs": epochs, "restore_best": True}
        return [(spec, data, small_plan(**options, lr=lr)) for lr in (0.01, 1e30)]

    last = next(epochs for epochs in range(2, 20) if alone(*fleet(epochs)[1], 1).diverged)
    members = [new_member(*one) for one in fleet(last)]
    assert Batch(members, 1).train() == [members[1]]
    train_members([members[1]], 1)
    expected = [alone(*one, 1) for one in fleet(last)]
    assert members[1].diverged == expected[1].diverged
    assert members[1].diverged is not None
    for member, other in zip(members, expected, strict=True):
        assert_the_same(member, other)


def test_all_may_diverge() -> None:
    data = Dataset(Rows(DATA.train.x, DATA.train.x[:, :3]), num_outputs=3)
    plans = [small_plan(loss="mse", lr=lr, epochs=300, batch_size=None) for lr in (1e6, 1e7)]
    members = [new_member(MLP(4, 6, 3), data, plan) for plan in plans]
    assert Batch(members).train() == members
    train_members(members)
    for member, plan in zip(members, plans, strict=True):
        assert member.diverged is not None
        assert member.diverged == alone(MLP(4, 6, 3), data, plan).diverged


def test_the_best_epoch_has_its_own_running_statistics() -> None:
    plans = [small_plan(lr=lr, epochs=6, restore_best=True) for lr in (0.5, 3.0, 9.0)]
    members = check([(small_net(norm="batch_norm"), DATA, plan) for plan in plans], every=1)
    figures = [[epoch.valid_loss for epoch in member.history] for member in members]
    assert any(losses.index(min(losses)) < len(losses) - 1 for losses in figures)  # type: ignore[type-var]


def test_training_in_parts_is_training_at_once() -> None:
    fleet = fleet_of(small_net(dropout=0.3), epochs=9, ema=0.5, restore_best=True, patience=9)
    parts = [
        Member(data, plan, make_engine("scratch", spec, plan, dtype="float64", device="cpu"))
        for spec, data, plan in fleet
    ]
    for until in (2, 5, None):
        assert Batch(parts, 1).train(until) == []
        assert {part.progress.epochs for part in parts} == {until or 9}
    for part, one in zip(parts, fleet, strict=True):
        assert_the_same(part, alone(*one, 1))


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches on the CPU too, where they usually are none."""
    monkeypatch.setattr(kinds, "DEVICES", ("cpu", "cuda"))


@pytest.mark.usefixtures("on_cpu")
def test_fit_many_makes_batches_and_says_how_each_was_trained() -> None:
    specs = [small_net(), small_net(), MLP(4, 5, 3), small_net(), MLP(4, 5, 3), small_net()]
    plans = [small_plan(seed=seed) for seed in range(5)] + [small_plan(optimizer="muon")]
    members = fit_many(specs, DATA, plans, "scratch", dtype="float64", device="cpu")
    together = ["in a batch of 3 on cpu, step by step", "in a batch of 2 on cpu, step by step"]
    assert [member.how for member in members[:5]] == [together[k] for k in (0, 0, 1, 0, 1)]
    assert members[5].how == "by itself: optimizer 'muon' takes matrix by matrix"
    for member, spec, plan in zip(members, specs, plans, strict=True):
        assert_the_same(member, alone(spec, DATA, plan))


@pytest.mark.parametrize("spec", [small_net(), MLP(4, 9, 7, 3), small_net(init="xavier"), small_net(norm="layer_norm")])
def test_initial_values_are_those_of_one_network_to_the_bit(spec: NetSpec) -> None:
    (pattern,) = fit_many(spec, DATA, small_plan(epochs=1), "scratch", device="cpu")
    drawn = [(pattern.spec, seed) for seed in (0, 1, 2**40, 5)]
    rows, _ = initial_rows(pattern.engine, drawn)
    for row, (sized, seed) in zip(rows, drawn, strict=True):
        alone = make_engine("scratch", sized, small_plan(seed=seed), device="cpu")
        assert torch.equal(row, alone.params.flat)


def test_orders_are_the_same_by_compiled_code(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for many in (1, 10**9):
        monkeypatch.setattr(ahead, "MANY_ORDERS", many)
        monkeypatch.setattr(ahead, "TOGETHER", 2)
        members = check(fleet_of(small_net(), batch_size=7))
        found.append(torch.stack([member.engine.params.flat for member in members]))
    assert torch.equal(*found)


def test_what_draws_orders_is_loaded_only_where_an_order_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "MANY_ORDERS", 1)
    fresh = Dataset(DATA.train, num_outputs=3, fresh=lambda _epoch: DATA.train)
    compiled = []
    for data, size in ((DATA, None), (DATA, 40), (fresh, 7), (DATA, 7)):
        batch = Batch([new_member(*one) for one in fleet_of(small_net(), data, batch_size=size)])
        compiled.append(batch._ahead._draw_orders is not draws.draw_orders)
    assert compiled == [False, False, False, True]


def test_places_in_large_tables_have_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for most in (120, 119):  # rows of three tables
        monkeypatch.setattr(ahead, "MOST_SHORT", most)
        parts = [three_classes(40), three_classes(40, weighted=False), three_classes(40)]
        fleet = [(small_net(), part, small_plan(batch_size=7, epochs=2)) for part in parts]
        found.append(Batch([new_member(*one) for one in fleet])._ahead._orders(range(1)).dtype)
        check(fleet)
    assert found == [torch.int32, torch.int64]


def test_memory_that_runs_out_in_the_kernel_is_not_taken_for_a_kernel_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Scarce:
        def train(self, _ahead: StepsAhead) -> None:
            raise torch.OutOfMemoryError

    monkeypatch.setattr(Networks, "_kernel_for", lambda *_: Scarce())
    with pytest.raises(torch.OutOfMemoryError):
        Batch([new_member(*one) for one in fleet_of(small_net())]).train()


def test_this_torch_rounds_uniform_numbers_once() -> None:
    """Else initial values are drawn tensor by tensor, which is right too and takes three times as long."""
    assert rounds_once()


@pytest.mark.usefixtures("on_cpu")
def test_what_came_of_a_network_is_put_together_when_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    of = Records.of
    monkeypatch.setattr(Records, "of", lambda records, r: asked.append(r) or of(records, r))
    members = fit_many(small_net(), DATA, [small_plan(seed=seed) for seed in range(9)], "scratch", device="cpu")
    assert asked == [0]  # the first one's engine, which the others were made like
    history = members[4].history
    assert asked == [0, 4]
    sent: Trained = pickle.loads(pickle.dumps(result_of(members[4])))
    assert [*sent.history] == history == members[4].history
    assert members[4].engine.num_updates == history[-1].step
    assert members[5].is_over
    assert asked == [0, 4]


@pytest.mark.usefixtures("on_cpu")
def test_a_fleet_that_is_too_large_for_the_device_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = fit_many(small_net(), DATA, small_plan(), "scratch", dtype="float64", device="cpu")
    each = kinds.bytes_of(first)
    monkeypatch.setattr(kinds, "free_memory", lambda _device: 2.5 * each / kinds.SHARE_OF_MEMORY)
    members = fit_many(
        small_net(), DATA, [small_plan(seed=seed) for seed in range(5)], "scratch", dtype="float64", device="cpu"
    )
    assert (
        sorted(member.how for member in members)
        == ["in a batch of 1 on cpu, step by step"] + ["in a batch of 2 on cpu, step by step"] * 4
    )
    for member in members:
        assert_the_same(member, alone(small_net(), DATA, member.plan))


@pytest.mark.usefixtures("on_cpu")
def test_a_batch_for_which_memory_runs_out_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    init = Batch.__init__

    def scarce(self: Batch, members: list[Member], every: int | None = None) -> None:
        if len(members) > 2:
            raise torch.OutOfMemoryError
        init(self, members, every)

    monkeypatch.setattr(Batch, "__init__", scarce)
    members = fit_many(
        small_net(), DATA, [small_plan(seed=seed) for seed in range(4)], "scratch", dtype="float64", device="cpu"
    )
    assert {member.how for member in members} == {"in a batch of 2 on cpu, step by step"}
    assert all(member.history for member in members)


@pytest.mark.usefixtures("on_cpu")
def test_memory_may_run_out_when_some_have_come_further_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = Batch._measure

    def scarce(self: Batch, goal: int) -> None:
        if len(self._standings) > 2:
            raise torch.OutOfMemoryError
        measure(self, goal)

    monkeypatch.setattr(Batch, "_measure", scarce)
    plans = [small_plan(seed=seed) for seed in range(4)]
    members = fit_many(small_net(), DATA, plans, "scratch", dtype="float64", device="cpu")
    for member, plan in zip(members, plans, strict=True):
        theirs = alone(small_net(), DATA, plan)
        assert member.engine.num_updates == theirs.engine.num_updates
        assert distance(member.engine.params.flat, theirs.engine.params.flat) < ENGINES_FLOAT64


@pytest.mark.usefixtures("on_cpu")
def test_memory_may_run_out_when_the_last_epoch_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights are then still those of the last epoch, which is measured again, not those of the best."""
    evaluated, plans = Batch._evaluated, [small_plan(lr=lr, epochs=6, restore_best=True) for lr in (0.5, 3.0, 9.0, 2.0)]
    failed: list[str] = []

    def scarce(self: Batch, part: str) -> Any:
        if len(self._standings) > 2 and self._done == 6 * 3:
            failed.append(part)
            raise torch.OutOfMemoryError
        return evaluated(self, part)

    monkeypatch.setattr(Batch, "_evaluated", scarce)
    members = fit_many(small_net(), DATA, plans, "scratch", dtype="float64", device="cpu")
    assert len(failed) == 1
    for member, plan in zip(members, plans, strict=True):
        assert_the_same(member, alone(small_net(), DATA, plan, 1))


def test_on_the_cpu_each_is_trained_by_itself() -> None:
    members = fit_many(small_net(), DATA, [small_plan(seed=seed) for seed in range(2)], device="cpu")
    assert {member.how for member in members} == {"by itself"}
