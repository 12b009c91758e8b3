"""`fivestep plot`."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.fixture
def moons(fivestep: Command) -> str:
    """A short run in this folder."""
    assert fivestep("train", "moons", "--epochs", 5, "--out", "runs/moons-1").code == 0
    return "runs/moons-1"


def test_a_picture_of_a_run_goes_into_its_folder(fivestep: Command, moons: str, tmp_path: Path) -> None:
    code, out, err = fivestep("plot", moons, "boundary:grid=20")
    assert (code, out, err) == (0, "The picture is in runs/moons-1/boundary.png\n", "")
    assert (tmp_path / "runs/moons-1/boundary.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_a_task_is_drawn_with_the_network_asked_for(fivestep: Command, tmp_path: Path) -> None:
    code, out, _ = fivestep("plot", "moons", "network", "--hidden", 4, 3, "--out", "net.svg")
    assert (code, out) == (0, "The picture is in net.svg\n")
    assert "moons: MLP 2-4-3-1, relu" in (tmp_path / "net.svg").read_text()


def test_a_terminal_says_what_is_waited_for(fivestep: Command, moons: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert "Drawing curves ..." in fivestep("plot", moons, "curves").err


def test_without_a_kind_all_are_listed(fivestep: Command, moons: str) -> None:
    out = fivestep("plot", moons).out
    can, _, needs = out.partition("needs a run, other data, or options")
    assert ("boundary" in can, "mistakes" in can, "mistakes" in needs) == (True, False, True)


def test_the_list_is_data_too(fivestep: Command) -> None:
    report = json.loads(fivestep("plot", "moons", "--json").out)
    assert (report["points"]["suited"], report["curves"]["suited"]) == (True, False)
    assert report["boundary"]["description"] == "what a classifier answers at every place of two features"


def test_the_importance_of_columns_is_printed_too_and_is_data(fivestep: Command) -> None:
    fivestep("train", "iris", "--epochs", 20)
    report = json.loads(fivestep("plot", "runs/iris-1", "importance", "--json").out)
    numbers = report.pop("numbers")
    assert report == {"source": "runs/iris-1", "kind": "importance", "picture": "runs/iris-1/importance.png"}
    means = [of["mean"] for of in numbers.values()]
    assert (len(means), means) == (4, sorted(means, reverse=True))
    out = fivestep("plot", "runs/iris-1", "importance").out
    assert out.endswith("\n\nThe picture is in runs/iris-1/importance.png\n")
    for name, of in numbers.items():
        assert re.search(rf"^{re.escape(name)} +{of['mean']:.4f} +{of['deviation']:.4f}$", out, re.MULTILINE)


def test_runs_stand_side_by_side(fivestep: Command, moons: str, tmp_path: Path) -> None:
    fivestep("train", "moons", "--model", "linear", "--epochs", 5, "--out", "runs/line")
    report = json.loads(fivestep("plot", moons, "runs/line", "side-by-side", "--json", "--dark").out)
    assert report == {"source": moons, "kind": "side-by-side", "picture": "runs/moons-1/side-by-side.png"}
    assert (tmp_path / report["picture"]).exists()


@pytest.mark.slow
@pytest.mark.usefixtures("moons")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mons", "points"], "did you mean 'moons'?"),
        (["moons", "pionts"], "did you mean 'points'?"),
        (["moons", "curves"], "run fivestep train moons first, then fivestep plot runs/moons-1 curves"),
        (["runs/moons-1", "mistakes"], "mistakes must be used with rows that are square images"),
        (["runs/moons-1", "boundary", "--hidden", "3"], "options of network and training must be left out for a run"),
        (["runs/moons-1", "runs/moons-1"], "the last word must be the KIND of picture, got 'runs/moons-1'"),
        (["moons", "points", "--out", "x.bmp"], "out must end in one of .png, .svg, .pdf for this picture"),
        (["moons", "points:features=(0,7)"], "features must be two different numbers from 0 to 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_sentence(fivestep: Command, arguments: list[str], sentence: str) -> None:
    code, out, err = fivestep("plot", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err


@pytest.mark.slow
def test_the_report_of_a_run_is_written_on_request(fivestep: Command, tmp_path: Path) -> None:
    fivestep("train", "moons", "--epochs", 2)
    assert not (tmp_path / "runs" / "moons-1" / "report.html").exists()
    assert fivestep("plot", "runs/moons-1", "report")[:2] == (0, "The page is runs/moons-1/report.html\n")
    assert "The five steps of the last update" in (tmp_path / "runs" / "moons-1" / "report.html").read_text("utf-8")


def test_a_report_goes_where_it_is_asked_for(fivestep: Command, moons: str, tmp_path: Path) -> None:
    report = fivestep("plot", moons, "report", "-o", "page.html", "--json").report
    assert report == {"source": moons, "report": "page.html"}
    assert (tmp_path / "page.html").stat().st_size > 10_000
    assert not (tmp_path / moons / "report.html").exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("-o", "page.png"), "out must be a file that ends in .html for a report, got 'page.png'"),
        (("-o", "nowhere/page.html"), "out must be a file that can be written, got 'nowhere/page.html' (No such"),
        (("--title", "Mine"), "a report must be of one run as it is, got 'runs/moons-1' with more runs or options"),
        (("--hidden", 3), "a report must be of one run as it is, got 'runs/moons-1' with more runs or options"),
    ],
)
def test_what_a_report_does_not_take_is_one_sentence(
    fivestep: Command, moons: str, more: tuple[object, ...], sentence: str
) -> None:
    code, out, err = fivestep("plot", moons, "report", *more)
    assert (code, out, sentence in err) == (2, "", True), err


def test_a_report_of_a_task_is_refused(fivestep: Command) -> None:
    code, _, err = fivestep("plot", "moons", "report")
    assert code == 2
    assert "RUN must be the folder of a run" in err


def test_a_file_is_told_where_it_can_go(fivestep: Command, tmp_path: Path) -> None:
    (tmp_path / "houses.csv.gz").touch()
    for words in (("houses.csv.gz", "points"), ("there.parquet",)):
        code, out, err = fivestep("plot", *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"got {words[0]!r}; a file is for fivestep train, sweep and lr." in err


def test_without_a_run_the_last_one_is_proposed(fivestep: Command, tmp_path: Path) -> None:
    code, out, err = fivestep("plot")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "RUN or TASK must name what to draw, got nothing; write for example fivestep plot runs/moons-1 for" in err
    (tmp_path / "runs" / "line-3").mkdir(parents=True)
    (tmp_path / "runs" / "line-3" / "config.toml").touch()
    assert "fivestep plot runs/line-3 curves for one" in fivestep("plot").err
