"""Every page of the course: it runs, draws, has its form, and claims no number that it does not compute."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch

from tests.lessons.pages import FOLDER, PAGES, QUICK, code, course, measured_numbers, prose, quick, run

HEADINGS = [
    *("The idea", "The formula", "Raw and professional", "What came out", "A picture", "The classic mistake"),
    *("Exercises", "What you learned"),
]
OF_ANOTHER_FORM = ("50_questions",)
"""Questions and answers: neither a mistake nor exercises."""

SLOW = (
    *("11_linear_regression", "12_batch_and_stochastic", "20_nonlinear", "25_activations", "26_mini_batches"),
    *("27_overfitting", "28_recap_networks", "30_optimizers", "31_schedules", "33_depth", "35_parallelism"),
    *("36_monitoring", "37_not_learning", "38_modern_regularization", "39_case_studies", "40_scale", "41_what_next"),
)
"""Pages that take more than a second or two even with their quick settings."""

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


def headings(text: str) -> list[str]:
    return re.findall(r"^(\S.*)\n-{3,}$", text, re.MULTILINE)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in SLOW else []) for path in PAGES],
    ids=lambda path: path.stem,
)
@pytest.mark.usefixtures("without_shape_checks")
def test_page_runs_and_shows_a_picture(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        outcome = run(path)
    assert outcome.figures != []
    assert plt.get_fignums() == []
    assert list(tmp_path.iterdir()) == []
    source = path.read_text(encoding="utf-8")
    assert measured_numbers(prose(source)) - measured_numbers(f"{code(source)} {outcome.printed}") == set()


@every_page
def test_page_has_its_title_its_question_and_the_next_page(path: Path) -> None:
    pages = course()
    place = [page.name for page in pages].index(path.stem)
    text = prose(path.read_text(encoding="utf-8"))
    title, underline, _, question = text.strip().splitlines()[:4]
    assert title == pages[place].title
    assert underline == "=" * len(title)
    assert question == f"**The question:** {pages[place].question}"
    following = pages[place + 1].title if place + 1 < len(pages) else pages[0].title
    assert text.rstrip().endswith(f"The next page: *{following}*.")


@pytest.mark.parametrize("path", [p for p in PAGES if p.stem not in OF_ANOTHER_FORM], ids=lambda path: path.stem)
def test_page_has_its_parts_in_their_order(path: Path) -> None:
    found = headings(prose(path.read_text(encoding="utf-8")))
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS


@pytest.mark.parametrize("path", [p for p in PAGES if p.stem not in OF_ANOTHER_FORM], ids=lambda path: path.stem)
def test_page_answers_its_exercises(path: Path) -> None:
    text = prose(path.read_text(encoding="utf-8")).partition("\nExercises\n")[2]
    exercises = re.findall(r"^(\d+)\. ", text.partition("Solution 1")[0], re.MULTILINE)
    assert exercises != []
    assert re.findall(r"^Solution (\d+)\n~{10,}$", text, re.MULTILINE) == exercises


@every_page
def test_every_quick_value_is_found(path: Path) -> None:
    source = code(path.read_text(encoding="utf-8"))
    assert source.count("# quick:") == len(QUICK.findall(source))


def test_the_table_and_the_folder_have_the_same_pages() -> None:
    files, rows = [path.stem for path in PAGES], [page.name for page in course()]
    missing = set(files) ^ set(rows)
    assert not missing, f"lessons/README.md and lessons/ must have the same pages, one of them lacks {sorted(missing)}"
    assert files == rows


def test_numbers_that_no_code_computes_are_found() -> None:
    text = "By 2015 it fell to 0.31 in 5 steps of 1,000 rows: 2-8-1, :math:`0.9` and\n#\n# .. math::\n#   x = 0.7\n"
    assert measured_numbers(prose(f"# %%\n# {text}#\n# no more than 12.\nx = 0.5\n")) == {"0.31", "1000"}


def test_settings_have_their_quick_values() -> None:
    assert quick("STEPS = 5_000  # quick: 200\nfor k in x:\n    a = 1\n") == "STEPS = 200\nfor k in x:\n    a = 1\n"


def test_the_folder_is_found() -> None:
    assert (FOLDER / "README.md").is_file()
    assert PAGES != []
