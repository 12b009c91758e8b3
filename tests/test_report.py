"""`report.html`: what stands on it, that it stands alone, and that a browser has nothing to complain about."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import fivestep as fs
from fivestep import report as report_module
from fivestep.check import InputError
from fivestep.pictures._base import Subject
from fivestep.pictures._plot import subject_of
from fivestep.pictures.importance import Importance
from fivestep.pictures.predictions import Predictions
from fivestep.report import PATIENCE, Recent, _by_target, _figure, last_update, report_html, write_report
from tests.browser import tab
from tests.pictures.tables import houses, questions
from tests.samples import moons, three_classes
from tests.tolerances import EXACT, distance

pytestmark = pytest.mark.slow  # a report draws a dozen pictures


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> fs.Run:
    _, data, plan = moons("scratch", epochs=30)
    path = tmp_path_factory.mktemp("run") / "moons-1"
    return fs.fit(fs.MLP(2, 8, 1, activation="tanh"), data, plan, "scratch", device="cpu", out=path)


@pytest.fixture(scope="module")
def report(run: fs.Run) -> Path:
    return write_report(run)


@pytest.fixture(scope="module")
def text(report: Path) -> str:
    return report.read_text(encoding="utf-8")


def test_it_stands_in_the_folder_of_the_run(run: fs.Run, report: Path) -> None:
    assert report == run.path / "report.html"
    assert not (run.path / "report.html.part").exists()


def test_it_is_small_and_fetches_nothing(report: Path, text: str) -> None:
    assert report.stat().st_size < 2_000_000
    assert not re.search(r"https?://|<script|@import|url\(", text)


def test_the_results_are_those_of_evaluate(run: fs.Run, text: str) -> None:
    data = fs.load_dataset("moons")
    assert data.test is not None
    for rows in (data.train, data.test):
        loss, accuracy, _ = fs.evaluate(run.engine, rows)
        assert f'<td class="number">{loss:.4f}</td><td class="number">{accuracy:.4f}</td>' in text


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_drawn(
    run: fs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fivestep.report.report_html", lambda *_: pytest.fail("the page was made"))
    with pytest.raises(fs.InputError, match="out must be a file that can be written"):
        write_report(run, out="nowhere/page.html")


def test_it_says_whether_the_network_learns(run: fs.Run, text: str) -> None:
    found = fs.diagnose(run)
    assert f"has the training loss {found.constant_loss:.4g}." in text
    assert re.findall(r"<li>\n<b>(.+?)</b>:", text) == [one.sign for one in found.findings]


def test_of_a_long_training_it_says_how_to_ask(run: fs.Run) -> None:
    subject = subject_of(run)
    long = replace(subject, history=tuple(replace(epoch, seconds=PATIENCE) for epoch in subject.history))
    assert f"<code>fivestep diagnose {run.path}</code>" in report_html(run, long)


def test_pictures_have_words_for_those_who_do_not_see_them(text: str) -> None:
    alts = re.findall(r'<img src="data:image/png;base64,[^"]+" alt="([^"]+)"', text)
    assert "What a classifier answers at every place of two features." in alts
    assert len(alts) == len(set(alts)) >= 10


def test_the_numbers_of_a_picture_stand_below_it(tmp_path: Path) -> None:
    subject = houses(tmp_path)
    page = _figure(subject, Importance(repeats=1))
    growth = Importance(repeats=1).numbers(subject)["area"]["mean"]
    assert f'<tr><td>area</td><td class="number">{growth:.4f}</td>' in page.replace("\n", "")
    assert page.count("<details>") == 1


def test_a_picture_without_numbers_has_none_below_it(tmp_path: Path) -> None:
    assert "<details>" not in _figure(houses(tmp_path), Predictions())


@pytest.mark.parametrize("name", ["confusion", "calibration"])
def test_each_of_several_questions_has_its_picture(tmp_path: Path, name: str) -> None:
    alts = re.findall('alt="([^"]+)"', "".join(_by_target(questions(tmp_path), name)))
    assert [alt.partition(":")[0] for alt in alts] == ["wet", "windy"]


def test_each_of_several_numbers_has_its_picture_up_to_a_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "MOST_TARGETS", 1)
    subject = houses(tmp_path, ("price", "area"))
    first, others = _by_target(subject, "predictions")
    assert 'alt="price: numbers that were predicted' in first
    assert "Of the other 1:" in others
    assert "fivestep plot runs/houses-1 predictions:target=area" in others
    assert list(_by_target(subject, "confusion")) == []


def test_one_target_has_no_pictures_by_target(tmp_path: Path) -> None:
    assert list(_by_target(houses(tmp_path), "confusion")) == []


def test_the_configuration_is_all_there(run: fs.Run, text: str) -> None:
    for key, value in tomllib.loads((run.path / "config.toml").read_text(encoding="utf-8"))["plan"].items():
        if value not in (None, (), [], {}):
            assert f"<td>{key}</td><td>{value}</td>" in text


def test_the_last_update_ends_with_the_weights_of_the_run(run: fs.Run) -> None:
    found = last_update(subject_of(run))
    assert found is not None
    number, sections = found
    assert number == 30
    new = {entry.name: entry.tensor for entry in sections[4].entries}
    assert distance(new["new W2"], run.engine.named_parameters()["2.weight"]) == EXACT


def test_a_recent_state_leads_to_the_same_update() -> None:
    engine, data, plan = moons("scratch", epochs=20, optimizer="adam")
    recent, history = Recent(engine), []
    for epoch in fs.train(engine, data, plan, every=8):
        history.append(epoch)
        recent.note()
    subject = Subject(engine, data, tuple(history), "moons")
    state = recent.before(20)
    assert state is not None
    assert state.num_updates == 16
    pairs = [last_update(subject, recent), last_update(subject)]
    entries = [[entry.tensor for section in found[1] for entry in section.entries] for found in pairs if found]
    assert len(entries) == 2
    assert all(torch.equal(one, other) for one, other in zip(*entries, strict=True))


def test_a_run_without_an_update_has_none() -> None:
    engine, data, _ = moons("scratch")
    assert last_update(subject_of(engine, data)) is None


def test_of_a_run_that_diverged_before_its_first_evaluation_it_says_so(tmp_path: Path) -> None:
    _, data, plan = moons("scratch", epochs=30)
    wild = replace(plan, lr=1e30, batch_size=50)  # the first of four steps of the epoch leads to it
    path = tmp_path / "wild"
    with pytest.raises(fs.DivergenceError):
        fs.fit(fs.MLP(2, 8, 1), data, wild, "scratch", device="cpu", out=path)
    run = fs.Run.load(path, "cpu")
    found = report_html(run, subject_of(run, data))
    assert "not trained yet" not in found
    assert "with weights whose loss is not finite" in found
    assert f"fivestep diagnose {path}" in found


def test_a_long_training_is_not_repeated_for_it(run: fs.Run) -> None:
    subject = subject_of(run)
    slow = replace(subject, history=tuple(replace(epoch, seconds=PATIENCE) for epoch in subject.history))
    assert last_update(slow) is None
    assert f"fivestep explain {run.path}" in report_html(run, slow)


def test_data_of_ones_own_are_asked_for(tmp_path: Path) -> None:
    data = three_classes(valid=20)
    own = fs.fit(fs.MLP(4, 6, 3), data, fs.TrainPlan(batch_size=16, epochs=2), device="cpu", out=tmp_path / "own")
    with pytest.raises(InputError, match="data must be given for a run on 'data', which is no task"):
        write_report(own)
    assert "confusion" not in write_report(own, data).name


@pytest.mark.parametrize("width", [1200, 380])
def test_a_browser_shows_it_without_a_complaint(chromium: Any, report: Path, width: int) -> None:
    with tab(chromium, report, width) as (page, complaints, asked_for):
        assert page.title() == "moons: MLP 2-8-1, tanh"
        assert [step.split()[1] for step in page.locator("h3").all_inner_texts()] == [
            *("predict", "measure", "forget", "find", "step"),
        ]
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints == []
        assert all(address.startswith(("file:", "data:")) for address in asked_for)
