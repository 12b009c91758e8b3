"""The page does what its buttons say, and gives the numbers that its own lines of Python and its command give."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import torch

import fivestep as fs
from fivestep.cli._app import run
from tests.browser import Opened, tab
from tests.tolerances import PLAYGROUND, distance

ROOT = Path(__file__).parents[2]


@pytest.fixture
def page(browser: Opened) -> Any:
    """The page as it is opened, without what a test before this one chose."""
    browser.page.evaluate("playground.begin({...defaultsOf('moons')})")
    browser.page.emulate_media(reduced_motion="no-preference", color_scheme="light")
    browser.page.set_viewport_size({"width": 1200, "height": 900})
    return browser.page


def choose(page: Any, **settings: Any) -> None:
    page.evaluate("(settings) => playground.begin({...playground.training.settings, ...settings})", settings)


def until(page: Any, condition: str) -> None:
    """Waits for what is true in the page; Playwright's own way needs `eval`, which the page's policy refuses."""
    page.evaluate(
        f"new Promise((done) => {{ const look = () => {condition} ? done() : setTimeout(look, 10); look(); }})"
    )


def count(page: Any, name: str) -> str:
    """A number of the bar, by the word above it."""
    return str(page.locator("#counts div", has=page.locator(f"dt:text-is('{name}')")).locator("dd").inner_text())


def test_nothing_is_asked_for_and_nothing_complained_of(chromium: Any, page_file: Path) -> None:
    with tab(chromium, page_file) as fresh:
        for name in ("epoch", "step", "line"):
            fresh.page.click(f"#{name}")
        fresh.page.select_option("#of-task", "line")
        assert fresh.complaints == []
        assert fresh.asked_for == [page_file.resolve().as_uri()]


@pytest.mark.parametrize(
    ("button", "steps"), [("step", 1), ("epoch", 4), ("line", 0)], ids=["one step", "one epoch", "next of the five"]
)
def test_a_button_does_as_many_steps_as_it_says(page: Any, button: str, steps: int) -> None:
    choose(page, batchSize=50)
    page.click(f"#{button}")
    assert count(page, "step") == str(steps)
    assert count(page, "epoch") == str(steps // 4)


def test_five_times_the_next_line_is_one_step(page: Any) -> None:
    for _ in range(5):
        page.click("#line")
    by_line = page.evaluate("[...playground.training.engine.w]")
    page.click("#again")
    page.click("#step")
    assert page.evaluate("[...playground.training.engine.w]") == by_line
    assert count(page, "step") == "1"


def test_run_goes_on_until_pause(page: Any) -> None:
    page.click("#run")
    until(page, "playground.training.engine.numUpdates >= 3")
    page.click("#run")
    steps = page.evaluate("playground.training.engine.numUpdates")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("playground.training.engine.numUpdates") == steps
    assert page.inner_text("#run") == "Run"


def test_with_less_motion_it_runs_all_the_same(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.click("#run")
    until(page, "playground.training.engine.numUpdates >= 2")
    page.click("#run")


def test_each_line_shows_what_it_made_by_the_names_of_explain(page: Any) -> None:
    page.click("#step")
    shown = []
    for line in page.locator("#lines button").all():
        line.click()
        shown.append(page.locator("#tensors .entry b").all_inner_texts())
    kept = ["m of", "v of"]
    updated = [f"{word} {name}" for name in ("W0", "b0", "W2", "b2") for word in ("old", *kept, "new")]
    assert shown[0] == ["x", "W0", "b0", "z0", "a1", "W2", "b2", "logits"]
    assert shown[1] == ["y", "p", "l", "loss"]
    assert shown[2] == ["dW0", "db0", "dW2", "db2"]
    assert shown[3] == ["dlogits", "dW2", "db2", "da1", "f'(z0)", "dz0", "dW0", "db0"]
    assert [name for name in shown[4] if not name.startswith("d")] == updated


def test_numbers_shown_are_those_of_explain(page: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The first four rows are the same there; what is the same for any number of rows can be compared."""
    page.click("#step")
    page.locator("#lines button").first.click()
    assert run(["explain", "moons"]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    shown = [line.split() for block in page.locator("#tensors pre").all_inner_texts() for line in block.splitlines()]
    rows = [line for line in shown if line[0] != "..."]
    assert len(rows) > 20
    assert [line for line in rows if line not in printed] == []


PLANS = {
    "as it opens": {},
    "batches": {"batchSize": 64, "seed": 2, "hidden": [5, 3], "activation": "tanh", "init": "xavier"},
    "sgd": {"optimizer": "sgd", "lr": 0.3, "momentum": 0.9, "weightDecay": 0.001, "loss": "hinge"},
    "no hidden layer": {"hidden": [], "optimizer": "sgd", "lr": 0.1},
    "two inputs, drawn": {"task": "xor", "activation": "softplus", "hidden": [8], "lr": 0.03},
    "one input, a curve": {"task": "line", "hidden": [6], "activation": "tanh", "loss": "huber", "lr": 0.02},
    "a wave": {"task": "wave"},
    "three classes": {"task": "three-spirals", "batchSize": 100, "seed": 0},
    "softmax regression": {"task": "three-spirals", "hidden": [], "optimizer": "sgd", "lr": 0.2},
    "one input": {"task": "line", "hidden": [], "loss": "mse", "optimizer": "sgd", "lr": 0.01, "init": "torch"},
}


def trained(page: Any, settings: dict[str, Any], epochs: int = 3) -> torch.Tensor:
    """The losses of both parts after each epoch, (E, 2)."""
    choose(page, **settings)
    losses = []
    for _ in range(epochs):
        page.click("#epoch")
        losses.append(
            page.evaluate("[playground.training.history.at(-1).train, playground.training.history.at(-1).valid]")
        )
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize("settings", PLANS.values(), ids=PLANS)
def test_its_python_gives_its_numbers(page: Any, settings: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    expected = trained(page, settings)
    exec(compile(page.inner_text("#python"), "page", "exec"), {})
    printed = [[float(word) for word in line.split()[1:]] for line in capsys.readouterr().out.splitlines()]
    assert distance(torch.tensor(printed, dtype=torch.float64), expected) <= PLAYGROUND


@pytest.mark.parametrize("settings", PLANS.values(), ids=PLANS)
def test_its_command_gives_its_numbers(
    page: Any, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = trained(page, settings)
    words = shlex.split(page.inner_text("#command"))
    assert words[0] == "fivestep"
    assert run([*words[1:], "--every", "1", "--out", "run"]) == 0
    lines = (tmp_path / "run" / "history.csv").read_text(encoding="utf-8").splitlines()
    table = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    got = [[float(row["train_loss"]), float(row["valid_loss"])] for row in table]
    assert distance(torch.tensor(got, dtype=torch.float64), expected) <= PLAYGROUND


def test_where_the_command_line_refuses_the_loss_python_alone_is_shown(page: Any) -> None:
    choose(page, loss="mse")
    assert not page.is_visible("#command")
    assert 'loss="mse"' in page.inner_text("#python")
    assert "takes no loss for numbers" in page.inner_text("#cautions")


def test_pause_shows_the_step_where_it_stopped(page: Any) -> None:
    page.click("#run")
    until(page, "playground.training.engine.numUpdates >= 3")
    page.click("#run")
    assert f"--epochs {count(page, 'step')} " in page.inner_text("#command")


def test_a_link_brings_back_the_setting(page: Any) -> None:
    choose(page, task="circles", hidden=[4, 4], activation="silu", lr=0.2, mistake="units_alike")
    settings, address = page.evaluate("[playground.training.settings, location.href]")
    assert "#task=circles&hidden=4,4" in address
    page.goto("about:blank")
    page.goto(address)
    assert page.evaluate("playground.training.settings") == settings


@pytest.mark.parametrize(
    "text",
    [
        "task=none",
        "hidden=0",
        "hidden=8,x",
        "activation=constructor",
        "lr=-1",
        "lr=nan",
        "seed=-3",
        "mistake=no",
        "loss=mae",
    ],
)
def test_a_link_to_nonsense_leaves_the_usual_in_its_place(page: Any, text: str) -> None:
    assert page.evaluate(f"fromHash('#task=moons&{text}')") == page.evaluate("defaultsOf('moons')")


def test_what_a_link_asks_for_in_vain_is_said(page: Any) -> None:
    page.evaluate("location.hash = 'task=moons&hidden=0&lr=0.10&batchSize=100000&units=3'")
    until(page, "playground.at.told.textContent !== ''")
    assert "asks for hidden=0, batchSize=100000, units=3, which cannot be had" in page.inner_text("#told")
    assert page.evaluate("playground.training.settings.lr") == 0.1
    page.click("#again")
    assert page.inner_text("#told") == ""


def test_a_link_that_can_be_followed_needs_no_word(page: Any) -> None:
    asked = "task=circles&hidden=4,4&activation=silu&mistake=units_alike&batchSize=0"
    assert page.evaluate(f"refusalOf('#{asked}')") == ""
    assert page.evaluate("refusalOf('')") == ""


def test_a_rate_that_is_changed_on_the_way_takes_effect_and_is_told(page: Any) -> None:
    page.click("#step")
    page.fill("#of-lr", "0.5")
    page.press("#of-lr", "Enter")
    assert count(page, "step") == "1"
    assert page.evaluate("playground.training.engine.settings.lr") == 0.5
    assert "Begin anew" in page.inner_text("#cautions")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("of-lr", "-1", "This must be a number above 0, of at most 1000000, got -1; the last one stays."),
        ("of-hidden-0", "99", "This must be a whole number from 1 to 64, got 99; the last one stays."),
        ("of-seed", "2.5", "This must be a whole number of at least 0, got 2.5; the last one stays."),
        ("of-weightDecay", "", "This must be a number of at least 0, below 1000, got nothing; the last one stays."),
    ],
)
def test_a_value_that_is_not_possible_changes_nothing(page: Any, field: str, value: str, sentence: str) -> None:
    before = page.evaluate("playground.training.settings")
    page.fill(f"#{field}", value)
    page.press(f"#{field}", "Enter")
    assert page.evaluate("(id) => document.getElementById(id).validationMessage", field) == sentence
    assert page.evaluate("playground.training.settings") == before


def test_a_layer_more_and_a_layer_less(page: Any) -> None:
    page.click("#of-more")
    assert page.evaluate("playground.training.settings.hidden") == [8, 8]
    assert page.locator(".unit").count() == 2 + 8 + 8 + 1
    page.click("#of-less")
    page.click("#of-less")
    assert page.evaluate("playground.training.engine.layers.length") == 1


def test_a_loss_that_is_no_number_ends_the_run_and_is_told(page: Any) -> None:
    choose(page, task="line", hidden=[], loss="mse", optimizer="sgd", lr=100.0)
    page.select_option("#speed", "0")
    page.click("#run")
    until(page, "document.getElementById('told').textContent !== ''")
    assert "no finite number" in page.inner_text("#told")
    assert page.inner_text("#run") == "Run"
    page.select_option("#speed", "1")


def test_at_full_speed_it_is_told_near_the_step_that_broke(page: Any) -> None:
    """At most the step whose own loss is the first that is not finite, and one more that is looked at."""
    choose(page, task="line", hidden=[], loss="mse", optimizer="sgd", lr=100.0)
    first = page.evaluate("""() => {
        const { training } = playground;
        while (training.look() && training.isFinite) training.step();
        return training.engine.numUpdates;
    }""")
    page.click("#again")
    page.select_option("#speed", "0")
    page.click("#run")
    until(page, "document.getElementById('told').textContent !== ''")
    assert first <= page.evaluate("playground.training.engine.numUpdates") <= first + 2
    page.select_option("#speed", "1")


def test_a_unit_says_its_weights_to_the_keyboard_and_shows_itself_on_the_plane(page: Any) -> None:
    page.locator(".unit").nth(3).focus()
    assert page.inner_text("#hint").startswith("unit 1 of layer 1: W0[1] = (-0.5820, -0.5204), b0[1] = 0.4243")
    assert page.inner_text("#plane-title") == "What unit 1 of layer 1 answers"


@pytest.mark.parametrize("width", [320, 360, 700, 740, 800, 1000, 1300, 1700])
def test_no_window_is_too_narrow(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.click("#step")
    page.mouse.move(0, 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("hint.scrollHeight <= hint.clientHeight")  # the words below the network are all there


def test_on_the_site_it_takes_the_colors_that_are_switched_to_there(
    chromium: Any, page_file: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site.html"
    site.write_text(
        f'<link rel="stylesheet" href="{(ROOT / "docs" / "_static" / "site.css").as_uri()}">'
        f'<body data-theme="auto"><iframe class="playground" src="{page_file.as_uri()}"></iframe></body>',
        encoding="utf-8",
    )
    with tab(chromium, site, color_scheme="null") as there:  # any other would reach the frame in place of the site's
        frame = there.page.frames[1]
        there.page.evaluate("document.body.dataset.theme = 'dark'")
        until(frame, "playground.palette.ground === '#15181d'")
        there.page.evaluate("document.body.dataset.theme = 'light'")
        until(frame, "playground.palette.ground === '#ffffff'")


def test_everything_that_can_be_used_has_a_name(page: Any) -> None:
    page.click("#step")
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, input, select, canvas[role], [tabindex="0"]')].filter((each) =>
        !each.textContent.trim() && !each.ariaLabel && !each.labels?.length && !each.hasAttribute('aria-labelledby'))
        .length"""
    )
    assert nameless == 0


def test_of_three_classes_the_curve_has_the_accuracy_of_the_engine(page: Any) -> None:
    choose(page, task="three-spirals", hidden=[], optimizer="sgd", lr=0.2)
    for _ in range(3):
        page.click("#epoch")
    data = fs.load_dataset("three-spirals", seed=0)
    plan = fs.TrainPlan(loss="cross_entropy", optimizer="sgd", lr=0.2, batch_size=None, epochs=3, seed=0)
    engine = fs.make_engine("scratch", fs.SoftmaxRegression(2, 3, init="torch"), plan, dtype="float64", device="cpu")
    *_, last = fs.train(engine, data, plan)
    assert page.evaluate("playground.training.history.at(-1).validAccuracy") == last.valid_accuracy


def test_of_three_classes_each_has_a_key_a_unit_and_a_region(page: Any) -> None:
    choose(page, task="three-spirals")
    page.click("#step")
    assert page.locator("#plane-words i").all_inner_texts() == [" first", " second", " third"]
    page.locator(".unit").last.focus()
    assert page.inner_text("#plane-title") == "What output 2 (third) answers"


def test_of_three_classes_the_gradient_of_the_logits_is_written_out(page: Any) -> None:
    choose(page, task="three-spirals")
    page.click("#step")
    page.locator("#lines button").nth(3).click()
    first = page.locator("#tensors .entry").first.inner_text()
    assert first.startswith("dlogits = (p - one_hot(y)) / 300")


def test_the_weights_of_a_line_stand_beside_the_known_ones(page: Any) -> None:
    choose(page, task="line", hidden=[], optimizer="sgd", lr=0.1)
    page.evaluate("for (let k = 0; k < 3000; k++) playground.training.step(false); playground.advance(() => {})")
    learned, true, least = (row.split()[-2:] for row in page.locator("#known tr").all_inner_texts()[1:])
    assert (true, learned) == (["2.0000", "1.0000"], least)
    choose(page, hidden=[3])
    assert not page.is_visible("#known")
