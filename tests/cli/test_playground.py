"""`fivestep playground`: where the page goes, what it begins with, when a browser is opened."""

import json
import re
import tomllib
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from fivestep.playground import offered
from fivestep.playground._settings import FOLDER
from tests.cli.conftest import Command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was asked for."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) or True)
    return addresses


def on_a_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("DISPLAY", ":0")
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)


def start_of(path: Path) -> dict[str, Any]:
    """What the page in a file begins with."""
    found = re.search(r"^<script>const GIVEN = (.*);</script>$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    given: dict[str, Any] = json.loads(found[1])["start"]
    return given


def test_it_writes_one_page_and_says_how_to_open_it(fivestep: Command, tmp_path: Path, asked: list[str]) -> None:
    code, out, err = fivestep("playground")
    path = tmp_path / "playground.html"
    assert (code, err, asked) == (0, "", [])
    assert out == f"The playground is in playground.html\nA browser opens it as {path.as_uri()}\n"
    assert start_of(path)["task"] == "moons"


def test_options_are_what_it_begins_with(fivestep: Command, tmp_path: Path) -> None:
    options = (
        "--hidden 4 3 --activation tanh --init normal:std=0.3 --loss hinge --optimizer sgd --lr 0.2 --momentum 0.5"
    )
    more = "--weight-decay 0.01 --batch-size 20 --seed 3 -o page.html"
    assert fivestep("playground", "xor", *options.split(), *more.split()).code == 0
    assert start_of(tmp_path / "page.html") == {
        "task": "xor",
        "hidden": [4, 3],
        "activation": "tanh",
        "init": "normal",
        "std": 0.3,
        "loss": "hinge",
        "optimizer": "sgd",
        "lr": 0.2,
        "momentum": 0.5,
        "weightDecay": 0.01,
        "batchSize": 20,
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["digits"], "TASK must be one of moons, circles, xor, spirals, three-spirals, line, wave, got 'digits'"),
        (["rows.csv"], "TASK must be a name that fivestep tasks lists"),
        (
            ["moons", "--activation", "softmax"],
            f"activation must be one of {', '.join(offered('activations'))}, got 'softmax'",
        ),
        (
            ["moons", "--activation", "nope"],
            f"activation must be one of {', '.join(offered('activations'))}, got 'nope'",
        ),
        (["moons", "--init", "nope"], f"init must be one of {', '.join(offered('inits'))}, got 'nope'"),
        (["moons", "--optimizer", "adam:eps=1e-3"], "optimizer must be adam with its defaults in the playground"),
        (["moons", "--hidden", "65"], "hidden must be at most 4 layers of at most 64 units"),
        (["moons", "--model", "feed-forward"], "model must be one of linear, softmax, mlp"),
        (["moons", "--loss", "cross_entropy"], "loss must be one for yes_no, as task 'moons' has, got 'cross"),
        (["line", "--loss", "hinge"], "loss must be one for numbers, as task 'line' has, got 'hinge'"),
        (["moons", "--seed", str(2**53)], "seed must be at most 9007199254740991"),
        (["moons", "-o", "nowhere/page.html"], "--out must be a file that can be written"),
        (["moons", "-o", "."], "--out must be a file that can be written, got '.' (Is a directory)"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_the_page_does_not_have_is_refused(fivestep: Command, options: list[str], sentence: str) -> None:
    code, out, err = fivestep("playground", *options)
    assert (code, out) == (2, "")
    assert err.startswith(f"fivestep: {sentence}")


def test_on_a_desktop_a_browser_opens(
    fivestep: Command, tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_desktop(monkeypatch)
    fivestep("playground")
    assert asked == [(tmp_path / "playground.html").as_uri()]


@pytest.mark.parametrize("arguments", [["-o", "page.html"], ["--no-open"]], ids=" ".join)
def test_a_file_with_a_name_is_not_opened(
    fivestep: Command, asked: list[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    on_a_desktop(monkeypatch)
    fivestep("playground", *arguments)
    assert asked == []


def test_over_ssh_nothing_is_opened(fivestep: Command, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_desktop(monkeypatch)
    monkeypatch.setenv("SSH_CONNECTION", "there")
    fivestep("playground")
    assert asked == []


def test_it_is_opened_where_that_is_asked_for(fivestep: Command, asked: list[str]) -> None:
    assert fivestep("playground", "-o", "page.html", "--open").out == "The playground is in page.html\n"
    assert len(asked) == 1


def test_every_file_of_the_page_is_in_the_package() -> None:
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    packed = {path for glob in globs["fivestep.playground"] for path in FOLDER.glob(glob)}
    there = {path for path in FOLDER.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert there == packed
    assert len(offered("activations")) >= 10
