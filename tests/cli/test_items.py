"""`fivestep items`: every file of the folders, with its options and its docstring."""

import json

import pytest

from fivestep.find import find, shown_names
from tests.cli.conftest import Command

FAMILIES = (
    "activations",
    "datasets",
    "engines",
    "inits",
    "layers",
    "losses",
    "metrics",
    "optim",
    "recipes",
    "schedules",
    "trackers",
)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_item_of_a_family_is_listed_with_one_line_about_it(fivestep: Command, family: str) -> None:
    listed = json.loads(fivestep("items", family, "--json").out)
    assert list(listed) == [family]
    assert list(listed[family]) == list(shown_names(family))
    out = fivestep("items", family).out
    assert all(name in out and about["summary"].split()[0] in out for name, about in listed[family].items())


def test_without_a_name_every_family_is_listed(fivestep: Command) -> None:
    assert list(json.loads(fivestep("items", "--json").out)) == list(FAMILIES)
    assert all(f"{family}, " in fivestep("items").out for family in FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_item_has_a_page_with_its_whole_docstring(fivestep: Command, family: str) -> None:
    pages = [(name, fivestep("items", name).out) for name in shown_names(family)]
    texts = {name: (find(family, name).__doc__ or "").split() for name, _ in pages}
    assert [name for name, page in pages if " ".join(texts[name]) not in " ".join(page.split())] == []
    assert min(map(len, texts.values())) > 5


@pytest.mark.parametrize(
    ("name", "options", "use"),
    [
        ("huber", "Options: delta=1.0", "Use: --loss huber"),
        ("lion", "Options: weight_decay=0.0, betas=(0.9, 0.99)", "Use: --optimizer lion"),
        ("embedding", "Options: num_embeddings=..., embedding_dim=...", "Use: a layer of fs.NetSpec"),
        ("nn", "Options: compile=false, autocast=None", "Use: --engine nn"),
        ("tanh", "Options: none", "Use: --activation tanh"),
        ("breast-cancer", "Options: none", "Use: fivestep train breast-cancer"),
        ("breast_cancer", "Options: none", "Use: fivestep train breast-cancer"),
    ],
)
def test_a_page_says_the_options_and_how_to_ask_for_it(fivestep: Command, name: str, options: str, use: str) -> None:
    out = fivestep("items", name).out
    assert options in out
    assert use in out


def test_a_name_in_two_families_has_two_pages(fivestep: Command) -> None:
    out = fivestep("items", "mae").out
    assert "Use: --loss mae" in out
    assert "Use: --metric mae" in out


@pytest.mark.parametrize("word", ["loss", "losses"])
def test_a_family_is_known_by_its_folder_and_by_its_option(fivestep: Command, word: str) -> None:
    assert list(json.loads(fivestep("items", word, "--json").out)) == ["losses"]


def test_an_unknown_name_is_refused(fivestep: Command) -> None:
    code, out, err = fivestep("items", "adm")
    assert (code, out) == (2, "")
    assert err.startswith("fivestep: NAME must be a family (activations, ")
    assert err.endswith("or an item of one, got 'adm'; did you mean 'adam'?\n")


def test_a_formula_is_not_wrapped(fivestep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = fivestep("items", "adam").out
    assert "    m <- beta1 m + (1 - beta1) dw          m^ = m / (1 - beta1^t)\n" in out
    assert max(map(len, out.partition("    m <-")[0].splitlines()[1:])) <= 40


@pytest.mark.usefixtures("snake")
def test_a_new_file_has_its_line_and_its_page(fivestep: Command) -> None:
    assert "  snake" in fivestep("items", "activations").out
    assert "a = z + sin(z)^2, with derivative 1 + sin(2 z)." in fivestep("items", "snake").out
