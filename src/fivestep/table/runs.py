"""Files of separated values as runs of whole lines, so that no more than a run is in memory."""

import codecs
import csv
from collections.abc import Iterator

from .dialect import Dialect


def runs_of_lines(dialect: Dialect, about: int) -> Iterator[tuple[int, bytes]]:
    """The bytes below the header in runs that end where a row ends: at a newline outside of quotation marks.

    Of each, the place of its first byte, and its bytes, `about` so many or more, but for the last run.
    """
    mark, start = dialect.newline.encode(), _below_header(dialect)
    with dialect.path.open("rb") as file:
        file.seek(start)
        rest = b""
        while chunk := file.read(about):
            rest += chunk
            end = _end_of_row(rest, mark, has_quoted=dialect.has_quoted)
            if end:
                yield start, rest[:end]
                start, rest = start + end, rest[end:]
        if rest.strip():
            yield start, rest


def _end_of_row(content: bytes, mark: bytes, *, has_quoted: bool) -> int:
    """The number of bytes up to the last newline with balanced quotation marks before it; 0 if there is none."""
    end = content.rfind(mark)
    quotes = content.count(b'"', 0, end + 1) if has_quoted else 0
    while end >= 0 and quotes % 2:
        before = content.rfind(mark, 0, end)
        quotes -= content.count(b'"', max(before, 0), end)
        end = before
    return end + 1


def _below_header(dialect: Dialect) -> int:
    """The place of the first byte below the lines above the header, and the header."""
    with dialect.path.open("rb") as start:
        mark = 3 if start.read(3) == codecs.BOM_UTF8 else 0
    with dialect.path.open(encoding="utf-8-sig", newline="") as file:
        lines = _counted(file, counts := [mark])
        for _ in range(dialect.lines_above):
            next(lines)
        if dialect.has_header:
            next(row for row in csv.reader(lines, delimiter=dialect.separator) if row)
    return counts[0]


def _counted(lines: Iterator[str], counts: list[int]) -> Iterator[str]:
    """The lines, their bytes added up."""
    for line in lines:
        counts[0] += len(line.encode())
        yield line
