"""Two small IDX files, as a data set of images has them."""

import gzip
import struct
from pathlib import Path

CONTENTS = {
    "images": struct.pack(">4B3i", 0, 0, 8, 3, 40, 5, 5) + bytes(range(250)) * 4,
    "labels": struct.pack(">4Bi", 0, 0, 8, 1, 40) + bytes(k % 10 for k in range(40)),
}


def write_files(folder: Path, compressed: bool = True) -> Path:
    """Writes the files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    suffix = ".gz" if compressed else ""
    for name, content in CONTENTS.items():
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(content) if compressed else content)
    return folder
