"""`fs.plot`: what can be drawn, where it goes, and what is said when it cannot be."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

import fivestep as fs
from fivestep.find import names
from fivestep.pictures._plot import plot
from tests.samples import moons, three_classes


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> fs.Run:
    _, data, plan = moons("scratch", epochs=5)
    return fs.fit(
        fs.MLP(2, 8, 1, activation="tanh"), data, plan, device="cpu", out=tmp_path_factory.mktemp("run") / "a"
    )


def test_every_plot_has_its_picture_and_every_picture_its_plot() -> None:
    """But for the one of a sweep, which is of many networks."""
    lacking = {*names("pictures"), "parallel_coordinates"} ^ set(names("plots"))
    assert not lacking, f"pictures/ and plots/ must have files of the same names, one of them lacks {sorted(lacking)}"


def test_a_run_in_memory_and_its_folder_give_the_same_picture(run: fs.Run) -> None:
    drawn = [plot(source).axes[0].get_lines()[0].get_xydata().tolist() for source in (run, run.path, str(run.path))]
    assert drawn[0] == drawn[1] == drawn[2]


def test_a_task_is_drawn_with_its_network_at_the_start() -> None:
    assert plot("moons", "network").get_suptitle() == "moons: MLP 2-8-1, relu: 33 parameters"


def test_an_engine_is_drawn_with_its_data() -> None:
    engine, data, _ = moons("nn")
    assert isinstance(plot(engine, "landscape-1d:places=3", data=data), Figure)
    with pytest.raises(fs.InputError, match="data must be the data of the engine, got None"):
        plot(engine, "points")


def test_an_engine_that_was_trained_is_drawn_as_a_run_is() -> None:
    engine, data, plan = moons("nn", epochs=3)
    for _ in fs.train(engine, data, plan):
        pass
    assert plot(engine, "boundary:grid=5", data=data).axes
    assert len(plot(engine, "gradient-flow:count=9", data=data).axes[0].get_lines()[1].get_xdata()) == 3
    sentence = "curves must be used with a run, or a network of fit_many, which keep their history, got an engine; for"
    with pytest.raises(fs.InputError, match=sentence):
        plot(engine, "curves", data=data)


def test_networks_of_a_fleet_are_drawn_with_their_history() -> None:
    _, data, plan = moons("scratch", epochs=4)
    fleet = fs.fit_many(fs.MLP(2, 8, 1, activation="tanh"), data, [plan, replace(plan, seed=1), plan], every=2)
    assert plot(fleet[0]).axes[0].get_lines()[0].get_xdata().tolist() == [2, 4]
    labels = [line.get_label() for line in plot(fleet, "side-by-side").axes[0].get_lines()]
    assert [label.partition(" (")[0] for label in labels] == ["1: seed 0", "seed 1", "3: seed 0"]


def test_several_runs_can_be_given_names(run: fs.Run) -> None:
    lines = plot({"one": run, "other": run.path}, "side-by-side").axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["one", "other"]


def test_several_runs_are_drawn_side_by_side(run: fs.Run, tmp_path: Path) -> None:
    other = shutil.copytree(run.path, tmp_path / "other")
    assert len(plot([run, other], "side-by-side").axes) == 4


def test_data_of_ones_own_must_be_given_again(tmp_path: Path) -> None:
    data = three_classes(valid=20)
    plan = fs.TrainPlan(batch_size=16, epochs=2)
    own = fs.fit(fs.MLP(4, 6, 3), data, plan, dtype="float64", device="cpu", out=tmp_path / "own")
    with pytest.raises(fs.InputError, match="data must be given for a run on 'data', which is no task, got None"):
        plot(own, "confusion")
    assert plot(own, "confusion", data=data).axes


@pytest.mark.slow
@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_a_picture_is_written_in_the_format_of_its_ending(run: fs.Run, tmp_path: Path, name: str, magic: bytes) -> None:
    plot(run, "boundary:grid=20", out=tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(magic)


@pytest.mark.slow
def test_a_boundary_in_motion_is_a_gif(run: fs.Run, tmp_path: Path) -> None:
    plot(run, "boundary:grid=20,frames_shown=3", out=tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 3


def test_a_graph_can_be_had_as_text(run: fs.Run, tmp_path: Path) -> None:
    plot(run, "autograd-graph", out=tmp_path / "a.mmd")
    assert (tmp_path / "a.mmd").read_text().startswith("flowchart TD\n")


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("curves", "a.gif", r"out must end in one of .png, .svg, .pdf for this picture, got 'a.gif'"),
        ("boundary", "a.jpg", r"out must end in one of .png, .svg, .pdf, .gif for this picture, got 'a.jpg'"),
        ("autograd-graph", "a", r"out must end in one of .png, .svg, .pdf, .mmd for this picture, got 'a'"),
        ("curves", "nowhere/a.png", r"out must be a file that can be written, got '.*a.png' \(No such file"),
        ("curvs", "a.png", r"picture must be one of .*, got 'curvs'; did you mean 'curves'\?"),
        ("curves:color=red", "a.png", "option of picture 'curves' must be one of gradient, got 'color'"),
        ("mistakes", "a.png", r"mistakes must be used with rows that are square images.*there are .*boundary, calib"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_sentence_and_writes_nothing(
    run: fs.Run, tmp_path: Path, kind: str, name: str, sentence: str
) -> None:
    with pytest.raises(fs.InputError, match=sentence) as caught:
        plot(run, kind, out=tmp_path / name)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_drawn(
    run: fs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fivestep.pictures._plot.picture_for", lambda *_: pytest.fail("it was drawn"))
    with pytest.raises(fs.InputError, match="out must be a file that can be written"):
        fs.plot(run, "curves", out="nowhere/a.png")


def test_a_source_that_is_not_there_gets_the_nearest_name() -> None:
    with pytest.raises(fs.InputError, match=r"a run's folder or a task's name, got 'mons'; did you mean 'moons'\?"):
        plot("mons")


def test_of_an_untrained_network_a_picture_of_its_training_says_what_to_run() -> None:
    with pytest.raises(fs.InputError, match="run fivestep train moons first, then fivestep plot runs/moons-1 curves"):
        plot("moons")


def test_a_run_of_other_rows_warns(run: fs.Run) -> None:
    data = fs.load_dataset("moons")
    moved = fs.Dataset(fs.Rows(data.train.x.flip(0) * 3, data.train.y), name="moons")
    with pytest.warns(UserWarning, match="a picture over time must repeat the run's training"):
        plot(run, "gradient-flow:count=2", data=moved)


def test_drawing_leaves_the_run_as_it_is(run: fs.Run) -> None:
    before = run.engine.params.flat.clone()
    for kind in ("gradient-flow", "landscape-2d:places=3", "boundary:grid=5"):
        plot(run, kind)
    assert torch.equal(run.engine.params.flat, before)
