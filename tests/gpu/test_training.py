"""What surrounds the steps on a CUDA device is as on the CPU: early stopping, runs, streams, copies, measurements."""

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import fivestep as fs
from fivestep.steps import steps
from tests.samples import small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, distance
from tests.windows import streamed

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")


def test_a_run_stops_where_it_stops_on_the_cpu_and_measures_the_same() -> None:
    plan = small_plan(lr=2.0, epochs=30, patience=2, restore_best=True, ema=0.9, metrics=("f1",))
    data = three_classes(40, valid=20, weighted=True)
    cpu, device = (
        fs.fit(small_net(), data, plan, engine, dtype="float64", device=place)
        for engine, place in (("scratch", "cpu"), ("auto", "cuda"))
    )
    assert len(device.history) == len(cpu.history) < 30
    for mine, theirs in zip(device.history, cpu.history, strict=True):
        assert mine.valid_loss == pytest.approx(theirs.valid_loss)
        assert mine.valid_metrics == pytest.approx(theirs.valid_metrics)
    assert distance(device.engine.params.flat.cpu(), cpu.engine.params.flat) < ENGINES_FLOAT64


def test_a_run_goes_on_from_its_folder_and_predicts_on_the_cpu(tmp_path: Path) -> None:
    data, plan = three_classes(40, valid=20), small_plan(epochs=6, optimizer="adam", ema=0.9)
    whole = fs.fit(small_net(dropout=0.2), data, plan, device="cuda", dtype="float64")
    fs.fit(small_net(dropout=0.2), data, replace(plan, epochs=3), device="cuda", dtype="float64", out=tmp_path / "run")
    run = fs.fit(small_net(dropout=0.2), data, plan, device="cuda", dtype="float64", resume=tmp_path / "run")
    assert torch.equal(run.engine.params.flat, whole.engine.params.flat)
    on_cpu = fs.Run.load(tmp_path / "run", device="cpu").engine
    x = data.train.x
    assert distance(on_cpu.predict(x), run.engine.predict(x.to("cuda")).cpu()) < ENGINES_FLOAT64


def test_a_stream_is_read_as_on_the_cpu() -> None:
    data, plan = streamed(three_classes(40), 13), small_plan(batch_size=8)
    engines = [fs.make_engine(n, small_net(), plan, dtype="float64", device=d) for n, d in ENGINES]
    for engine in engines:
        for _ in steps(engine, data, plan):
            pass
    assert distance(*(engine.params.flat.cpu() for engine in engines)) < ENGINES_FLOAT64


ENGINES = (("scratch", "cpu"), ("fused", "cuda"))


def test_a_copy_of_an_engine_trains_on_by_itself() -> None:
    data, plan = three_classes(40), small_plan(epochs=6, optimizer="adam")
    engine = fs.make_engine("fused", small_net(), plan, device="cuda")
    for epoch in fs.train(engine, data, plan):
        if epoch.index == 3:
            break
    copies = [copy.deepcopy(engine), pickle.loads(pickle.dumps(engine))]
    for one in (engine, *copies):
        for _ in steps(one, data, plan, one.num_updates):
            pass
    assert all(torch.equal(one.params.flat, engine.params.flat) for one in copies)
    assert all(one.params.flat.is_cuda for one in copies)


def test_rows_that_are_on_the_device_stay_there() -> None:
    data, plan = three_classes(40), small_plan()
    rows = data.train
    there = fs.Dataset(fs.Rows(rows.x.to("cuda"), rows.y.to("cuda")), num_outputs=3)
    engines = [fs.make_engine("fused", small_net(), plan, device="cuda") for _ in range(2)]
    for engine, own in zip(engines, (data, there), strict=True):
        for _ in fs.train(engine, own, plan):
            pass
    assert torch.equal(*(engine.params.flat for engine in engines))
    members = fs.fit_many(small_net(), there, [small_plan(seed=seed) for seed in range(2)], device="cuda")
    assert all(member.engine.params.flat.is_cuda for member in members)
