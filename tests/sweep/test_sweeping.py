"""A sweep from its first network to the run of its best one."""

import csv
import math
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch

import fivestep as fs
from fivestep.check import InputError
from fivestep.datasets._base import Rows
from fivestep.fleet import fit_many
from fivestep.sweep import Candidates, Space, Sweep, SweepPlan, start, sweep, sweeping
from fivestep.sweep.attempts import Attempt
from fivestep.sweep.halving import survivors
from tests.samples import small_plan, three_classes
from tests.sweep.sweeps import DATA, HOW, PLAN, SPACE, remains, swept, trials


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return swept(tmp_path_factory.mktemp("sweep") / "one")


def test_every_network_comes_to_its_end_once(found: Sweep) -> None:
    assert sorted(one.network for one in trials(found)) == [*range(24)]
    assert {one.state for one in found.ranking} == {"done", "pruned"}


def test_a_network_of_a_sweep_is_the_network_trained_alone(found: Sweep) -> None:
    """Its figure is that of the same plan and network, by `fit_many`, to the bit."""
    best = found.ranking[0]
    settings = found.space.settings(best.drawn)
    spec = fs.MLP(4, *settings["hidden"], 3, activation=settings["activation"])
    plan = replace(PLAN, lr=settings["lr"])
    (alone,) = fit_many(spec, DATA, plan, "scratch", dtype="float64", device="cpu")
    assert alone.history[-1].valid_loss == best.value == best.figures["valid_loss"]


def test_halving_is_that_of_each_fleet_and_all_before_it(found: Sweep) -> None:
    """Told again from what was noted: who went on from each rung, fleet by fleet."""
    attempts = {one.network: one for one in found.ranking}
    for rung in (1, 3):
        for first in (0, 8, 16):
            here = {k: attempts[k].rungs[rung] for k in range(first, first + 8) if rung in attempts[k].rungs}
            earlier = [attempts[k].rungs[rung] for k in range(first) if rung in attempts[k].rungs]
            went_on = {k for k in here if attempts[k].figures["epochs"] > rung}
            assert went_on == survivors(here, earlier, 3)


def test_the_best_network_is_a_run_like_any_other(found: Sweep) -> None:
    assert found.best is not None
    run = fs.Run.load(found.best.path, device="cpu")
    assert fs.evaluate(run.engine, DATA.valid or DATA.train).loss == pytest.approx(found.ranking[0].value, abs=0)
    assert run.info["network"] == found.ranking[0].network
    assert run.history[-1].index == PLAN.epochs


def test_the_table_holds_the_ranked_networks_with_all_their_numbers(found: Sweep) -> None:
    rows = list(csv.DictReader((found.path / "sweep.csv").read_text(encoding="utf-8").splitlines()))
    assert [int(row["network"]) for row in rows] == [one.network for one in found.ranking]
    assert [float(row["value"]) for row in rows] == [one.value for one in found.ranking]
    assert [float(row["lr"]) for row in rows] == [one.drawn["lr"] for one in found.ranking]
    assert not any("test" in column for column in rows[0])
    assert (found.path / "sweep.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("monitor", "axis"), [("loss", "validation loss"), ("accuracy", "1 - validation accuracy")])
def test_the_picture_says_what_the_networks_are_ranked_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, monitor: str, axis: str
) -> None:
    draw = Mock()
    monkeypatch.setattr(sweeping, "find", lambda _family, _name: draw)
    monkeypatch.setattr(sweeping, "replacing", nullcontext)
    plan = small_plan(epochs=1, monitor=monitor)
    sweep(DATA, {"lr": [0.1, 0.2], "hidden": (3,)}, plan, replace(HOW, models=None), out=tmp_path / "a")
    assert draw.call_args.kwargs["value"] == axis


def test_the_same_call_again_trains_nothing_and_finds_the_same(found: Sweep) -> None:
    again = swept(found.path)
    assert remains(again) == remains(found)
    assert len(trials(again)) == 24


def test_it_repeats_to_the_bit_and_another_seed_does_not(found: Sweep, tmp_path: Path) -> None:
    assert remains(swept(tmp_path / "a", replace(HOW, num_threads=3))) == remains(found)
    assert remains(swept(tmp_path / "b", replace(HOW, sampler_seed=1))) != remains(found)


def test_it_begins_at_once_however_many_networks_are_asked_for(found: Sweep, tmp_path: Path) -> None:
    how = replace(HOW, models=10**12)
    training = Sweep(tmp_path, found.candidates, Space.of(SPACE), how, tmp_path / "j").train()
    assert next(training).num_models == 10**12


def test_more_networks_can_be_asked_for_later(found: Sweep, tmp_path: Path) -> None:
    swept(tmp_path / "a", replace(HOW, models=8))
    more = swept(tmp_path / "a")
    assert remains(more) == remains(found)
    assert more.best is not None
    assert (tmp_path / "a" / f"best-{more.ranking[0].network}" / "model.safetensors").exists()


def test_a_sweep_that_is_left_in_the_middle_goes_on(tmp_path: Path, found: Sweep) -> None:
    broken = start(found.candidates, Space.of(SPACE), HOW, tmp_path / "a")
    status = next(status for status in broken.train() if status.num_over > 8)
    assert status.num_over < 16, "in the middle of a fleet"
    assert remains(swept(tmp_path / "a")) == remains(found)


def test_it_pauses_at_each_rung_and_networks_in_training_are_ranked_by_their_last_figure(
    tmp_path: Path, found: Sweep
) -> None:
    halved = Sweep(tmp_path, found.candidates, Space.of(SPACE), replace(HOW, fleet=12), tmp_path / "j")
    training = halved.train()
    at_first_rung = next(training)
    assert at_first_rung.num_over == len(halved.ranking) == 8
    assert {one.state for one in halved.ranking} == {"pruned"}
    so_far = halved.standing
    assert sorted(one.network for one in so_far) == [*range(12)]
    assert so_far[0].state == "running"
    assert [one.value for one in so_far] == sorted(one.rungs[1] for one in halved.attempts.values())
    assert {one.figures["epochs"] for one in so_far} == {1}


@pytest.mark.parametrize(("sampler", "together"), [("tpe", 6), ("random", 24)])
def test_a_sampler_that_learns_sees_results_before_most_of_the_networks(
    tmp_path: Path, found: Sweep, sampler: str, together: int
) -> None:
    how = replace(HOW, fleet=None, sampler=sampler)
    asked = Sweep(tmp_path, found.candidates, Space.of(SPACE), how, tmp_path / "j")
    assert f", {together} together" in asked.described


def test_a_sweep_that_goes_on_with_other_threads_draws_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is drawn depends on how many are taken together, and that on the threads, where nobody says."""
    monkeypatch.setattr(Candidates, "fleet_size", lambda _self, _space, num_threads: 4 * num_threads)
    how = replace(HOW, fleet=None)
    whole = swept(tmp_path / "whole", how)
    broken = start(whole.candidates, Space.of(SPACE), how, tmp_path / "a")
    assert next(status for status in broken.train() if not broken.members).num_over == 4
    assert remains(swept(tmp_path / "a", replace(how, num_threads=2))) == remains(whole)
    assert remains(swept(tmp_path / "b", replace(how, num_threads=2))) != remains(whole)


def test_who_only_looks_leaves_the_size_of_fleets_to_who_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Sweep
) -> None:
    monkeypatch.setattr(Candidates, "fleet_size", lambda _self, _space, num_threads: 2 * num_threads)
    how = replace(HOW, fleet=None, name="a")
    looks, trains = (
        Sweep(tmp_path, found.candidates, Space.of(SPACE), replace(how, num_threads=count), tmp_path / "j")
        for count in (1, 2)
    )
    looks.watch()
    trains.open_ledger("one")
    assert "4 together" in trains.described
    looks.open_ledger("two")
    assert "4 together" in looks.described


def test_lists_are_a_grid_of_every_combination(tmp_path: Path) -> None:
    space = {"hidden": [(3,), (5, 4)], "lr": [0.1, 0.5], "seed": [1, 2, 3]}
    found = swept(tmp_path / "a", replace(HOW, models=None, halving=None), space)
    assert len({str(one.drawn) for one in found.ranking}) == 12
    assert {one.state for one in found.ranking} == {"done"}
    assert found.ranking == sorted(found.ranking, key=lambda one: one.value)


def test_networks_that_diverge_are_last_and_have_no_figure(tmp_path: Path) -> None:
    data = replace(DATA, train=Rows(DATA.train.x, DATA.train.x[:, :3]), valid=Rows(DATA.train.x, DATA.train.x[:, :3]))
    space = {"lr": [0.01, 1e6, 0.02], "hidden": (3,)}
    plan = small_plan(loss="mse", epochs=60)
    found = sweep(data, space, plan, replace(HOW, models=None, halving=None), out=tmp_path / "a")
    assert [one.state for one in found.ranking] == ["done", "done", "diverged"]
    assert found.ranking[-1].value == math.inf
    assert "the loss must stay finite" in found.ranking[-1].figures["why"]


def test_early_stopping_ranks_by_the_epoch_that_is_kept(tmp_path: Path) -> None:
    plan = small_plan(epochs=30, patience=3, restore_best=True)
    found = sweep(DATA, {"lr": [3.0, 0.1, 0.3], "hidden": (6,)}, plan, replace(HOW, models=None), out=tmp_path / "a")
    assert found.best is not None
    winner = next(one for one in found.ranking if one.state == "done")
    assert min(epoch.valid_loss or 9.0 for epoch in found.best.history) == winner.value


def test_without_a_validation_part_a_fifth_is_held_out(tmp_path: Path) -> None:
    found = sweep(three_classes(50), {"lr": [0.1, 0.2], "hidden": (3,)}, PLAN, HOW.__class__(), out=tmp_path / "a")
    assert len(found.candidates.data.train) == 40
    assert found.candidates.data.valid is not None


def test_no_more_networks_are_taken_together_than_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet is there at once; each network takes 22 kB: 64 parameters, and what 60 rows become on the way."""
    space, plan = {"hidden": (5, 4), "lr": "0.1:1"}, replace(PLAN, batch_size=None)
    how = replace(HOW, models=6, fleet=None, sampler="random")
    monkeypatch.setattr(sweeping, "memory_size", lambda: 10**6)
    assert "6 together" in sweep(DATA, space, plan, how, out=tmp_path / "a").described
    monkeypatch.setattr(sweeping, "memory_size", lambda: 90_000)
    assert "4 together" in sweep(DATA, space, plan, how, out=tmp_path / "b").described
    with pytest.raises(InputError, match="fleet must be at most the 4 networks that fit into this machine's memory"):
        sweep(DATA, space, plan, replace(how, fleet=5), out=tmp_path / "c")


def test_the_initial_scale_multiplies_the_initial_weights() -> None:
    from fivestep.engines._engine import initial_weights
    from fivestep.sweep import Candidates

    candidates = Candidates(DATA, lambda settings: (fs.MLP(None, 3, None, init=settings["init"]), PLAN))
    spec, _ = candidates.make({"init": "xavier", "init_scale": 0.5})
    plain, _ = candidates.make({"init": "xavier"})
    half, whole = (initial_weights(one, 3)["0.weight"] for one in (spec, plain))
    assert torch.equal(half, whole / 2)


def refusals() -> list[Any]:
    return [
        ({"how": {"models": 0}}, "models must be a whole number of at least 1, got 0; 64 is usual"),
        ({"how": {"halving": 1}}, "halving must be a whole number of at least 2, got 1; 3 is usual"),
        ({"how": {"sampler": "grd"}}, "did you mean 'grid'"),
        ({"how": {"sampler": "grid"}}, "sampler 'grid' must be used with lists of values only, got a range for lr"),
        (
            {"how": {"sampler": "grid", "models": 9}, "space": {"lr": [1, 2]}},
            "models must be at most the 2 combinations of the listed values, got 9",
        ),
        ({"how": {"every": 0}}, "every must be a whole number of at least 1, got 0"),
        ({"how": {"engine": "fusd"}}, "did you mean 'fused'"),
        ({"how": {"dtype": "float16"}}, "dtype must be one of float32, float64, got 'float16'"),
        ({"space": {"lr": "1:0.1"}}, "a range must be from a smaller to a larger number"),
        (
            {"space": {"lr": [0.1, -1.0]}},
            "lr -1 must be of use for every network of the sweep: lr must be a finite number",
        ),
        ({"space": {"batch_size": [16, 99]}}, "batch_size 99 must be of use for every network"),
        ({"space": {"optimizer": ["adam", "adm"]}}, "optimizer adm must be of use .* did you mean 'adam'"),
        ({"space": {"depth": [1, 2]}}, "model 'mlp' must be used with"),
        (
            {"space": {"hidden": [(3,), (200_000, 200_000)]}},
            r"every network of the sweep must fit into this machine's \d+ GiB, got 4-200000-200000-3 of 40,00",
        ),
        ({"space": {"hidden": "8:9000000000"}}, "every network of the sweep must fit into this machine's"),
    ]


@pytest.mark.parametrize(("asked", "sentence"), refusals())
def test_what_cannot_be_is_refused_before_a_folder_is_made(
    tmp_path: Path, asked: dict[str, Any], sentence: str
) -> None:
    def ask() -> None:
        how = SweepPlan(**{"models": 4, **asked.get("how", {})})
        sweep(DATA, asked.get("space", SPACE), PLAN, how, out=tmp_path / "a")

    with pytest.raises(InputError, match=sentence):
        ask()
    assert not (tmp_path / "a").exists()


def test_another_sweep_in_the_folder_and_a_folder_of_something_else_are_refused(tmp_path: Path) -> None:
    swept(tmp_path / "a", replace(HOW, models=1), {"lr": "0.1:1"})
    with pytest.raises(InputError, match=r"must hold this sweep, got another one, with lr 0.1:1 \(here 0.1:2\)"):
        swept(tmp_path / "a", replace(HOW, models=1), {"lr": "0.1:2"})
    with pytest.raises(InputError, match=r"must hold this sweep, got another one, with epochs 9 \(here 8\)"):
        sweep(DATA, {"lr": "0.1:1"}, replace(PLAN, epochs=8), replace(HOW, models=1), out=tmp_path / "a")
    with pytest.raises(InputError, match=r"the folder '.*a' must hold this sweep, .* with name data \(here mine"):
        swept(tmp_path / "a", replace(HOW, models=1, name="mine"), {"lr": "0.1:1"})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").touch()
    with pytest.raises(InputError, match="out must be a folder that is new, empty or of a sweep"):
        swept(tmp_path / "b", replace(HOW, models=1))


@pytest.mark.parametrize("storages", [("one", None), (None, "one"), ("one", "other")])
def test_the_folder_of_another_sweep_is_refused_wherever_its_storage_lies(
    tmp_path: Path, storages: tuple[str | None, str | None]
) -> None:
    first, second = (None if name is None else str(tmp_path / name) for name in storages)
    found = swept(tmp_path / "a", replace(HOW, models=1), {"lr": "0.1:1"}, first)
    with pytest.raises(InputError, match=r"the folder '.*a' must hold this sweep, got another one, with lr 0.1:1"):
        swept(tmp_path / "a", replace(HOW, models=1), {"lr": "0.1:2"}, second)
    assert remains(swept(tmp_path / "a", replace(HOW, models=1), {"lr": "0.1:1"}, first)) == remains(found)


def test_a_network_in_training_stands_where_it_was_at_the_last_comparison() -> None:
    running = Attempt(0, 0, "", "running", {}, {1: 0.1, 3: 0.5})
    assert (running.so_far.value, running.so_far.figures) == (0.5, {"epochs": 3})
    over = replace(running, state="done", value=0.4, figures={"epochs": 9})
    assert over.so_far is over
