"""Puts what lies in `results/` into RESULTS.md, between its marks, and draws the pictures. Measures nothing.

    python benchmarks/write_results.py [--check]

A section stands between `<!-- results: NAME -->` and `<!-- end of NAME -->`; the first one, `goals`, is taken from all
files (`_goals.py`). All else in RESULTS.md is written by hand and has no figures that a file has. With `--check` it
writes nothing, and the exit status is 1 if the page is not what the files say. The held-out tables have a report of
their own: `python benchmarks/accuracy.py --role held_out --write`.
"""

import re
import sys

from _goals import goals
from _measure import HERE, RESULTS
from _pictures import draw_all
from _sections import SECTIONS, read, section

PAGE = HERE / "RESULTS.md"
GOALS = "goals"
NOT_YET = "Not measured yet."


def written(text: str) -> str:
    """The page with every section as its file has it. Raises a `ValueError` if a section or its file is alone."""
    places = re.findall(r"<!-- results: (\w+) -->", text)
    if sorted(places) != sorted([*SECTIONS, GOALS]):
        raise ValueError(
            f"RESULTS.md must have each section once, got {set(places) ^ {*SECTIONS, GOALS}} without the other."
        )
    unknown = {path.stem for path in RESULTS.glob("*.json")} - set(SECTIONS)
    if unknown:
        raise ValueError(f"Every file in results/ must have a section, got {sorted(unknown)}; add one to _sections.py.")
    for name in places:
        new = goals(read) if name == GOALS else section(name) if (RESULTS / f"{name}.json").exists() else NOT_YET
        start, end = f"<!-- results: {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"RESULTS.md must close the section {name} with {end}, got none.")
        text = f"{before}{start}\n\n{new}\n\n{end}{after}"
    return text


def main() -> int:
    """Writes or checks."""
    now = PAGE.read_text(encoding="utf-8")
    new = written(now)
    if "--check" in sys.argv[1:]:
        if now != new:
            print("RESULTS.md is not what results/ says; run: python benchmarks/write_results.py", file=sys.stderr)
        return int(now != new)
    PAGE.write_text(new, encoding="utf-8")
    draw_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
