"""What the site adds to Sphinx: formulas, the check of its links, docstrings as markup."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

EXTENSIONS = Path(__file__).parents[2] / "docs" / "_ext"


def extension(name: str) -> ModuleType:
    pytest.importorskip("sphinx_gallery")
    spec = importlib.util.spec_from_file_location(f"site_{name}", EXTENSIONS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sentences(tmp_path: Path, body: str) -> list[str]:
    (tmp_path / "other.html").write_text('<h1 id="top">there</h1>', encoding="utf-8")
    (tmp_path / "page.html").write_text(body, encoding="utf-8")
    wrong, _ = extension("links").check(tmp_path)
    return list(wrong)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('<a href="gone.html">', "page.html must link to what is there, got gone.html."),
        ('<a href="other.html#end">', "page.html must link to a place that is in its page, got other.html#end."),
        ('<a href="#end">', "page.html must link to a place that is in its page, got #end."),
        ('<img src="gone.png">', "page.html must link to what is there, got gone.png."),
        (
            '<script src="https://example.org/a.js"></script>',
            "page.html must not fetch anything from elsewhere, got https://example.org/a.js.",
        ),
    ],
)
def test_a_bad_link_is_named(tmp_path: Path, body: str, sentence: str) -> None:
    assert sentences(tmp_path, body) == [sentence]


def test_good_links_and_links_to_other_sites_are_left_alone(tmp_path: Path) -> None:
    body = '<a href="other.html#top"><a href="#"><a href="https://example.org"><a href="mailto:a@b.c">'
    assert sentences(tmp_path, body) == []


@pytest.mark.parametrize(
    ("latex", "parts"),
    [
        (r"\frac{a}{b}", ["<mfrac>"]),
        (r"a &= b \\ c &= d", ["<mtable", "<mtr>"]),
        (r"\begin{aligned}a &= b \\ c &= d\end{aligned}", ["<mtable", "<mtr>"]),
        (r"\sum_n x_n", ["&#x02211;"]),
    ],
)
def test_a_formula_becomes_mathml(latex: str, parts: list[str]) -> None:
    text = extension("formulas").mathml(latex, "block")
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(("latex", "why"), [(r"\frac{a}{b", "braces"), (r"\nosuchcommand x", "not known")])
def test_a_formula_that_cannot_be_shown_is_refused(latex: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        extension("formulas").mathml(latex, "block")


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("z = x * w, shape (*N, I)", [r"z = x \* w, shape (\*N, I)"]),
        ("see `fit_many` and x_n", ["see ``fit_many`` and x\\_n"]),
        ("so\n\n    dx = dz W\n\nand", ["so", "::", "        dx = dz W", "and"]),
    ],
)
def test_a_docstring_keeps_its_signs(text: str, markup: list[str]) -> None:
    lines = extension("reference").as_markup(text)
    assert [line for line in lines if line.strip()] == markup


def test_a_page_that_ran_before_the_program_changed_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, time in (("src/a.py", 100), ("docs/lessons/old.py.md5", 99), ("docs/lessons/new.py.md5", 101)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (time, time))
    lessons = extension("lessons")
    monkeypatch.setattr(lessons, "ROOT", tmp_path)
    lessons.forget_old_outputs(None, None)
    assert [path.name for path in tmp_path.rglob("*.md5")] == ["new.py.md5"]


def test_a_picture_is_described_by_its_words() -> None:
    import fivestep as fs

    canvas = fs.Canvas("Losses")
    canvas.axes(x="step", y="loss", title="moons")
    assert extension("lessons").described(canvas.figure) == "Losses; moons; loss against step"


@pytest.mark.parametrize(
    ("printed", "is_one"),
    [
        ("rate       loss\n0.1      0.6931", True),
        ("shape (3, 4)\nsum 12", False),
        ("one line  with a gap", False),
        (f"loss   0.5\nrate   0.1\n{'a sentence that goes on and on, ' * 5}", False),
    ],
)
def test_what_a_page_printed_is_a_table_where_its_lines_have_columns(printed: str, is_one: bool) -> None:
    assert extension("lessons").is_table(printed) is is_one
