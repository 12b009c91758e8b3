"""Numbers as a diagnosis writes them, and the names of its findings."""

import math
import re

import pytest

from fivestep.diagnosis._finding import figure, figure_in_list
from tests.design.source import REPOSITORY, ROOT


@pytest.mark.parametrize(
    ("value", "in_sentence", "in_list"),
    [
        (1.0, "1", "1.000"),
        (0.69314, "0.6931", "0.6931"),
        (5910.0, "5910", "5910"),
        (5.9e10, "5.9e+10", "5.900e+10"),
        (math.inf, "inf", "inf"),
    ],
)
def test_four_digits_count_and_in_a_list_all_are_written(value: float, in_sentence: str, in_list: str) -> None:
    assert (figure(value), figure_in_list(value)) == (in_sentence, in_list)


def test_the_page_has_a_row_for_each_finding() -> None:
    page = (REPOSITORY / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE)
    said = {name for row in rows for name in re.findall("`([^`]+)`", row)}
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "diagnosis").glob("*.py")]
    found = {name for text in texts for name in re.findall(r'Finding\(\s*"([^"]+)"', text)}
    assert len(found) > 10
    assert found <= said, f"write a row into docs/diagnosis.md for {sorted(found - said)}"
