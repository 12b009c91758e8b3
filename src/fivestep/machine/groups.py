"""The Linux control groups of this process and their ancestors, whose limits all apply."""

from collections.abc import Iterator
from pathlib import Path

MEMBERSHIP, ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
"""The file that lists this process's groups, and the root of the groups' own files."""


def folders_of_groups(membership: Path, root: Path, controller: str) -> Iterator[tuple[Path, bool]]:
    """The folder of each group, from the innermost outward, and whether it is of version 2; none on other systems.

    Groups of version 1 belong to one `controller`, "memory" or "cpu", which may share its folder with others. In a
    container, whose own group is the root that it sees, the inner folders are missing: its limits are the root's.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, group = (*line.split(":", 2), "", "", "")[:3]
        if not controllers or controller in controllers.split(","):
            together = root / controllers
            base = together if together.exists() else root / controller
            inner = base / group.lstrip("/")
            yield from ((folder, not controllers) for folder in (inner, *inner.parents) if folder.is_relative_to(base))
