"""The Debian package, with programs of our own in place of apt-get and dpkg-deb."""

import io
import sys
from pathlib import Path

import pytest

from fivestep.datasets._fetched import debian
from fivestep.datasets._fetched.debian import unpack_package

APT_GET = """#!/bin/sh
for argument in "$@"; do case "$argument" in
  --option=Dir::State::Lists=*) test -d "${argument#*Lists=}/partial" || exit 3;;
  --option=Dir::Cache=*) test -d "${argument#*Cache=}/archives/partial" || exit 4;;
  update) echo "W: one source is broken" >&2; exit 100;;
  download) touch "dataset-small_1.0_all.deb";;
esac; done
"""
DPKG_DEB = """#!/bin/sh
test "$1" = -x && mkdir -p "$3/usr" && cp "$2" "$3/usr/found"
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs at the front of the search path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("apt-get", APT_GET), ("dpkg-deb", DPKG_DEB)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "with a space"
    folder.mkdir()
    return folder


@pytest.mark.usefixtures("programs")
def test_package_is_unpacked_without_root_and_in_spite_of_a_broken_source(work: Path):
    assert (unpack_package("dataset-small", work) / "usr" / "found").is_file()


@pytest.mark.usefixtures("programs")
def test_system_without_apt_is_said(work: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(work))
    with pytest.raises(OSError, match=r"^Debian package dataset-small: apt-get is missing$"):
        unpack_package("dataset-small", work)


@pytest.mark.parametrize(
    ("program", "script", "reason"),
    [
        ("apt-get", "echo Reading >&2; echo 'E: no such package' >&2; exit 100", "apt-get: E: no such package"),
        ("dpkg-deb", "exit 2", "exit code 2"),
        ("apt-get", "exit 0", "has no archive"),
    ],
)
def test_failing_program_gives_its_last_line_as_the_reason(
    programs: Path, work: Path, program: str, script: str, reason: str
):
    (programs / program).write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(OSError, match=reason):
        unpack_package("dataset-small", work)


def test_program_that_hangs_is_given_up(programs: Path, work: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(debian, "TIMEOUT", 0.05)
    (programs / "apt-get").write_text("#!/bin/sh\nexec sleep 10\n")
    with pytest.raises(OSError, match="apt-get took longer than"):
        unpack_package("dataset-small", work)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("programs")
def test_terminal_says_what_is_waited_for(work: Path, monkeypatch: pytest.MonkeyPatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    unpack_package("dataset-small", work)
    assert "Fetching the Debian package dataset-small" in screen.getvalue()
