"""The examples of docs/estimators.md run, and end where the page says."""

import contextlib
import io
import re
from typing import Any

import pytest

from tests.design.source import REPOSITORY
from tests.tolerances import SAME_AS_SKLEARN

PAGE = (REPOSITORY / "docs" / "estimators.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_examples_run_from_top_to_bottom() -> None:
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
            exec(block, names)
    assert float(out.getvalue().split()[0]) > 0.9  # below it, the bar of one of the callbacks
    assert abs(names["ours"].coefs_[0] - names["theirs"].coefs_[0]).max() < SAME_AS_SKLEARN
