"""What has been compiled for a card, looked into with the tools that Triton brings along: registers, spills, loops."""

import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import triton

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


class Usage(NamedTuple):
    """Registers of a thread, and the bytes of numbers that had no room in them."""

    registers: int
    spilled: int


def usage(cubin: bytes) -> Usage:
    """Of the one kernel in there."""
    found = re.search(r"REG:(\d+) STACK:(\d+)", _said_by("cuobjdump", "--dump-resource-usage", cubin))
    assert found is not None
    return Usage(*map(int, found.groups()))


def innermost_loops(cubin: bytes) -> list[Counter[str]]:
    """The operations of each loop that has no other in it, in the order of the code, by their first words."""
    labels, code = dict[str, int](), list[str]()
    for line in _said_by("nvdisasm", "-c", cubin).splitlines():
        if label := re.match(r"\s*(\.L_x_\d+):", line):
            labels[label.group(1)] = len(code)
        elif operation := re.match(r"\s+/\*[0-9a-f]{4,}\*/\s+(.*?);", line):
            code.append(operation.group(1))
    jumps = [(labels.get(to, len(code)), place) for place, line in enumerate(code) for to in _targets(line)]
    loops = sorted((begin, end) for begin, end in jumps if begin < end)
    innermost = [
        (b, e) for b, e in loops if not any((b, e) != other and b <= other[0] and other[1] <= e for other in loops)
    ]
    return [Counter(map(_operation, code[begin : end + 1])) for begin, end in innermost]


def _targets(line: str) -> list[str]:
    return re.findall(r"\bBRA\b.*?(\.L_x_\d+)", line)


def _operation(line: str) -> str:
    word = re.sub(r"^@!?U?P\w+\s+", "", line).split()[0]
    return word if "WIDE" in word else word.partition(".")[0]


def _said_by(tool: str, option: str, cubin: bytes) -> str:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        return subprocess.run([TOOLS / tool, option, file.name], capture_output=True, text=True, check=True).stdout
