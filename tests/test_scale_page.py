"""docs/scale.md: its Python runs on two ranks, and its commands are options that there are."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from fivestep.cli._options import RunOptions
from fivestep.ranks import Ranks
from tests.together import together

PAGE = (Path(__file__).parent.parent / "docs" / "scale.md").read_text(encoding="utf-8")
FIRST = next(iter(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)))


def printed(_ranks: Ranks) -> str:
    with redirect_stdout(StringIO()) as shown:
        exec(FIRST, {})
    return shown.getvalue()


@pytest.mark.slow
def test_the_example_trains_on_two_ranks_and_one_of_them_prints() -> None:
    first, second = together(printed, 2)
    assert first.count("valid_loss") == 3
    assert second == ""


@pytest.mark.parametrize("option", sorted(set(re.findall(r"(?<=-)-(rank-timeout|resume|out|data-dir)", PAGE))))
def test_an_option_on_the_page_is_one_of_the_command(option: str) -> None:
    assert option.replace("-", "_") in RunOptions.__dataclass_fields__
