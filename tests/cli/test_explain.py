"""`fivestep explain`: what is printed can be worked out by hand from what is printed."""

import html
import json
import re
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.browser import tab
from tests.cli.conftest import Command

NUMBERS = re.compile(r"\s+-?[\d.]+(?:e-?\d+)?(?:\s+-?[\d.]+(?:e-?\d+)?)*")


def printed(page: str, name: str) -> Tensor:
    """The values below the first line in step 1, 2 or 4 that begins with that name."""
    page = page[: page.index("3  forget")] + page[page.index("4  find") :]
    lines = page.splitlines()
    start = next(k for k, line in enumerate(lines) if re.match(rf"    {re.escape(name)}( |,)", line)) + 1
    stop = next(k for k in range(start, len(lines)) if not NUMBERS.fullmatch(lines[k]))
    return torch.tensor([[float(number) for number in line.split()] for line in lines[start:stop]])


def half_a_digit(values: Tensor) -> float:
    """What printing may have rounded away: half a unit of the last of four digits of the largest number."""
    return 0.5 * 10.0 ** min(-4, -4 - int(-torch.log10(values.abs().max()).item() + 1e-9))


@pytest.fixture
def page(fivestep: Command) -> str:
    code, out, err = fivestep("explain", "moons")
    assert (code, err) == (0, "")
    return out


def test_printed_gradient_of_the_first_layer_follows_from_printed_numbers(page: str) -> None:
    x, dz0, dw0 = (printed(page, name) for name in ("x", "dz0", "dW0"))  # (4, 2), (4, 8), (8, 2)
    bound = half_a_digit(dz0) * x.abs().sum(0) + half_a_digit(x) * dz0.abs().sum(0)[:, None] + half_a_digit(dw0)
    assert dw0.shape == (8, 2)
    assert ((dz0.T @ x - dw0).abs() <= bound + 1e-9).all()


def test_printed_gradient_follows_from_the_forward_pass_by_hand(page: str) -> None:
    """The whole chain for unit 0 and input 0: dW0[0,0] = sum over the rows of (p - y) / 4 * W2[0,0] * [z0 > 0] * x."""
    x, z0, w2, p, y = (printed(page, name).tolist() for name in ("x", "z0", "W2", "p", "y"))
    terms = [(p[n][0] - y[n][0]) / 4 * w2[0][0] * (z0[n][0] > 0) * x[n][0] for n in range(4)]
    assert sum(terms) == pytest.approx(printed(page, "dW0")[0, 0].item(), abs=2e-5)


def test_printed_loss_follows_from_printed_probabilities(page: str) -> None:
    p, y = (printed(page, name).flatten().tolist() for name in ("p", "y"))
    losses = [-log(p[n]) if y[n] else -log(1 - p[n]) for n in range(4)]
    assert sum(losses) / 4 == pytest.approx(float(re.findall(r"loss = mean of l +([\d.]+)", page)[0]), abs=1e-4)


def test_the_five_steps_stand_in_order(page: str) -> None:
    assert re.findall(r"^(\d)  (\w+)$", page, re.MULTILINE) == [
        ("1", "predict"),
        ("2", "measure"),
        ("3", "forget"),
        ("4", "find"),
        ("5", "step"),
    ]


def test_a_pipe_gets_no_colors(page: str) -> None:
    assert "\x1b" not in page


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize(
    "options",
    [
        ("moons",),
        ("moons", "--hidden", 64, "--step", 3, "--momentum", 0.9, "--optimizer", "sgd"),
        ("digits",),  # whose first gradient is a sum of ten products
    ],
)
def test_lines_fit_the_terminal(
    fivestep: Command, monkeypatch: pytest.MonkeyPatch, columns: int, options: tuple[object, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = fivestep("explain", *options).out
    formulas = re.compile(r"    \w+ <- ")  # quoted as they stand, to be copied
    assert max(len(line) for line in out.splitlines() if not formulas.match(line)) <= columns


def test_wide_tensors_are_summarized(fivestep: Command) -> None:
    out = fivestep("explain", "moons", "--hidden", 64).out
    assert re.search(r"z0 = x W0\^T \+ b0 +\(4, 64\)\n +smallest -?[\d.]+, mean -?[\d.]+, largest [\d.]+\n", out)
    assert max(len(line.split()) for line in out.splitlines() if NUMBERS.fullmatch(line)) < 10


def test_json_holds_the_same_step(fivestep: Command, page: str) -> None:
    report = json.loads(fivestep("explain", "moons", "--json").out)
    assert [section["name"] for section in report["sections"]] == ["predict", "measure", "forget", "find", "step"]
    entries = {entry["name"]: entry for block in report["sections"][3]["blocks"] for entry in block["entries"]}
    assert (entries["dW0"]["shape"], entries["dW0"]["formula"]) == ([8, 2], "dz0^T x")
    assert torch.tensor(entries["dW0"]["values"]).allclose(printed(page, "dW0"), atol=1e-5)


def test_a_step_that_moves_nothing_can_be_explained(fivestep: Command) -> None:
    """From zeros nothing but the last bias has a gradient, and old, new and all between are 0."""
    code, out, _ = fivestep("explain", "moons", "--init", "zeros")
    assert code == 0
    assert "old W0, new W0, dW0, m before, m after, v before, v after: all 0\n" in out


def test_rows_all_takes_the_whole_batch(fivestep: Command) -> None:
    report = json.loads(fivestep("explain", "moons", "--rows", "all", "--json").out)
    assert report["rows"] == 200


def test_one_layer_alone(fivestep: Command) -> None:
    out = fivestep("explain", "moons", "--layer", 2).out
    assert "W2" in out
    assert "W0" not in out.partition("1  predict")[2]


@pytest.mark.parametrize("task", ["line", "sum", "iris"])
def test_any_task_can_be_explained(fivestep: Command, task: str) -> None:
    code, out, _ = fivestep("explain", task, "--step", 2)
    assert (code, "5  step" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("moon",), "did you mean 'moons'?"),
        (("moons", "--activation", "rellu"), "did you mean 'relu'?"),
        (("moons", "--step", 0), "step must be a whole number of at least 1, got 0"),
        (("moons", "--step", 1001), "step must be a step that is still to do, 1 to 1000, got 1001"),
        (("moons", "--rows", 201), "rows must be a whole number from 1 to the batch's 200, got 201"),
        (("moons", "--layer", 7), "layer must be a layer's number, 0 to 2, got 7"),
        (("moons", "--stepp", 2), "--step"),
    ],
)
def test_a_wrong_option_is_one_sentence(fivestep: Command, arguments: tuple[object, ...], sentence: str) -> None:
    code, out, err = fivestep("explain", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err


@pytest.fixture
def run(fivestep: Command) -> str:
    """A short run in this folder."""
    assert fivestep("train", "moons", "--epochs", 7, "--activation", "tanh", "--out", "runs/moons-1").code == 0
    return "runs/moons-1"


def test_someone_who_never_saw_backpropagation_gets_the_printed_number(page: str) -> None:
    """Following the page's own words: multiply, add up, and compare, with nothing but what is printed."""
    hand = page.partition("one number by hand: ")[2].partition("the same gradient")[0]
    unit, place = map(int, re.findall(r"^dW0\[(\d+),(\d+)\]", hand)[0])
    dz0, x = printed(page, "dz0"), printed(page, "x")
    rows = re.findall(r"row (\d): +(\S+) \* +(\S+) = +(\S+)", hand)
    assert [int(n) for n, *_ in rows] == [0, 1, 2, 3]
    for n, a, b, product in rows:
        assert (float(a), float(b)) == pytest.approx((dz0[int(n), unit].item(), x[int(n), place].item()))
        assert float(a) * float(b) == pytest.approx(float(product), abs=half_a_digit(dz0) + half_a_digit(x))
    total = float(re.findall(r"added up: (\S+)", hand)[0])
    assert total == pytest.approx(sum(float(product) for *_, product in rows), abs=4 * half_a_digit(dz0))
    assert total == pytest.approx(printed(page, "dW0")[unit, place].item())


def test_where_a_gradient_comes_from_follows_the_chain_rule(page: str) -> None:
    hand = page.partition("one number by hand: ")[2]
    n, unit = map(int, re.findall(r"Where dz0\[(\d+),(\d+)\]", hand)[0])
    dlogit, weight = map(float, re.findall(r"= (\S+) \* (\S+)\n", hand.partition("da1[")[2])[0])
    assert dlogit == pytest.approx(printed(page, "dlogits")[n, 0].item())
    assert weight == pytest.approx(printed(page, "W2")[0, unit].item())
    slope = printed(page, "f'(z0)")[n, unit].item()
    bound = half_a_digit(printed(page, "W2")) + half_a_digit(printed(page, "dlogits"))
    assert dlogit * weight * slope == pytest.approx(printed(page, "dz0")[n, unit].item(), abs=bound)


def test_a_run_is_explained_at_its_last_step(fivestep: Command, run: str) -> None:
    code, out, _ = fivestep("explain", run)
    assert (code, out.startswith("Step 7 of MLP 2-8-1 on runs/moons-1")) == (0, True)


def test_a_step_of_a_run_is_the_same_step_of_its_task(fivestep: Command, run: str) -> None:
    options = ("--step", 3, "--json")
    of_run, of_task = (
        json.loads(fivestep("explain", *source, *options).out)["sections"]
        for source in ((run,), ("moons", "--epochs", 7, "--activation", "tanh"))
    )
    assert of_run == of_task


def test_every_step_names_its_files(page: str) -> None:
    assert len(re.findall(r"^   scratch +engines/scratch\.py:\d+$", page, re.MULTILINE)) == 5
    assert len(re.findall(r"^   nn +engines/nn\.py:\d+$", page, re.MULTILINE)) == 5
    assert "def backward" not in page


def test_the_code_of_an_engine_can_be_shown(fivestep: Command) -> None:
    out = fivestep("explain", "moons", "--engine", "autograd").out
    assert "self._loss).backward()" in out
    assert "logits_gradient" not in out


def test_a_page_holds_the_numbers_and_all_the_code(fivestep: Command, tmp_path: Path, page: str) -> None:
    code, out, _ = fivestep("explain", "moons", "--html", "page.html")
    assert (code, out) == (0, "The page is in page.html\n")
    text = html.unescape((tmp_path / "page.html").read_text())
    assert "self._loss).backward()" in text
    assert "da = self.criterion.logits_gradient" in text
    number = re.findall(r"added up: (\S+)", page)[0]
    assert f"added up: {number}" in text
    assert text.index("1  predict") < text.index("5  step")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1200, 380])
def test_a_browser_shows_the_page_without_a_complaint(
    chromium: Any, fivestep: Command, tmp_path: Path, width: int
) -> None:
    fivestep("explain", "moons", "--html", "page.html")
    with tab(chromium, tmp_path / "page.html", width) as (shown, complaints, _):
        assert shown.locator("h3").count() == 5
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints == []


def test_a_task_may_be_written_with_underscores(fivestep: Command) -> None:
    found = [fivestep("explain", name, "--json") for name in ("breast_cancer", "breast-cancer")]
    assert [outcome.code for outcome in found] == [0, 0]
    assert found[0].out.replace("breast_cancer", "breast-cancer") == found[1].out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("runs/moons-1", "--step", 8), "step must be a step that is still to do, 1 to 7, got 8"),
        (("runs/moons-1", "--hidden", 3), "options of network and training must be left out for a run"),
        (("moons", "--engine", "scrach"), "did you mean 'scratch'?"),
        (
            ("a.csv",),
            "must be a run's folder or a task's name, got 'a.csv'; a file is for fivestep train, sweep and lr.",
        ),
        (("runs/moons-2",), "must be a run's folder or a task's name, got 'runs/moons-2'; did you mean 'moons'?"),
        (
            ("moons", "--html", "nowhere/page.html"),
            "--html must be a file that can be written, got 'nowhere/",
        ),
    ],
)
@pytest.mark.usefixtures("run")
def test_what_cannot_be_explained_is_one_sentence(
    fivestep: Command, arguments: tuple[object, ...], sentence: str
) -> None:
    code, out, err = fivestep("explain", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err
