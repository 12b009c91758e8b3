"""Puts what lies in `results/` into the pages, between their marks, and draws the pictures. Measures nothing.

    python benchmarks/write_results.py [--check]

A section stands between `<!-- results: NAME -->` and `<!-- end of NAME -->`; the first one, `goals`, is taken from all
files (`_goals.py`). All else in RESULTS.md is written by hand and has no figures that a file has. Two pages of the site
have sections too. With `--check` it writes nothing, and the exit status is 1 if a page is not what the files say. The
held-out tables have a report of their own: `python benchmarks/accuracy.py --role held_out --write`.
"""

import re
import sys
from pathlib import Path

from _asked import parser_of
from _goals import goals
from _measure import HERE, RESULTS
from _pictures import draw_all
from _sections import FILES, SECTIONS, read, section

GOALS = "goals"
DOCS = HERE.parent / "docs"
ELSEWHERE = {
    DOCS / "scale.md": ["ranks_model"],
    DOCS / "streaming.md": ["streaming_shuffle"],
    DOCS / "doctor.md": ["doctor"],
    DOCS / "fused.md": ["forms"],
}
PAGES = {HERE / "RESULTS.md": [GOALS, *(name for name in SECTIONS if name not in FILES)], **ELSEWHERE}
"""The sections of each page."""

NOT_YET = "Not measured yet."


def written(page: Path) -> str:
    """The page with every section as its file has it. Raises a `ValueError` if a section or its file is alone."""
    text, names = page.read_text(encoding="utf-8"), PAGES[page]
    places = re.findall(r"<!-- results: (\w+) -->", text)
    if sorted(places) != sorted(names):
        raise ValueError(f"{page.name} must have each section once, got {set(places) ^ set(names)} without the other.")
    unknown = {path.stem for path in RESULTS.glob("*.json")} - set(SECTIONS)
    if unknown:
        raise ValueError(f"Every file in results/ must have a section, got {sorted(unknown)}; add one to _sections.py.")
    for name in places:
        is_there = (RESULTS / f"{FILES.get(name, name)}.json").exists()
        new = goals(read) if name == GOALS else section(name) if is_there else NOT_YET
        start, end = f"<!-- results: {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{page.name} must close the section {name} with {end}, got none.")
        text = f"{before}{start}\n\n{new}\n\n{end}{after}"
    return text


def main(is_check: bool) -> int:
    """Writes or checks; the exit status."""
    new = {page: written(page) for page in PAGES}
    if is_check:
        stale = [page.name for page, text in new.items() if text != page.read_text(encoding="utf-8")]
        if stale:
            said = f"{', '.join(stale)}: not what results/ says; run: python benchmarks/write_results.py"
            print(said, file=sys.stderr)
        return int(bool(stale))
    for page, text in new.items():
        page.write_text(text, encoding="utf-8")
    draw_all()
    return 0


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--check", action="store_true", help="writes nothing")
    sys.exit(main(parser.parse_args().check))
