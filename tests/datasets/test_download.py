"""Downloads against a server that breaks off, ignores ranges, answers nonsense, or not at all."""

import io
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fivestep.datasets._fetched import download as downloading
from fivestep.datasets._fetched.download import download
from tests.datasets.server import Site

PAGE = bytes(range(256)) * 4


@pytest.fixture
def part(site: Site, tmp_path: Path) -> Path:
    site.pages = {"/page": PAGE}
    return tmp_path / "page.part"


def test_download_writes_what_the_server_has(site: Site, part: Path):
    download(f"{site.address}/page", part)
    assert part.read_bytes() == PAGE
    assert site.requests == [("/page", None)]


def test_download_goes_on_after_the_bytes_that_are_there(site: Site, part: Path):
    part.write_bytes(PAGE[:700])
    download(f"{site.address}/page", part)
    assert part.read_bytes() == PAGE
    assert site.requests == [("/page", "bytes=700-")]


def test_download_takes_up_a_connection_that_breaks_off(site: Site, part: Path):
    site.cut_after = 400
    download(f"{site.address}/page", part)
    assert part.read_bytes() == PAGE
    assert [wanted for _, wanted in site.requests] == [None, "bytes=400-", "bytes=800-"]


def test_download_begins_again_where_the_server_ignores_ranges(site: Site, part: Path):
    site.ranges = False
    part.write_bytes(b"x" * 700)
    download(f"{site.address}/page", part)
    assert part.read_bytes() == PAGE


def test_download_is_done_when_the_server_has_no_further_bytes(site: Site, part: Path):
    part.write_bytes(PAGE)
    download(f"{site.address}/page", part)
    assert part.read_bytes() == PAGE


def test_download_without_a_length_ends_with_the_stream(site: Site, part: Path):
    site.chunked = True
    download(f"{site.address}/page", part)
    assert part.read_bytes() == PAGE


def test_download_keeps_its_bytes_when_the_server_breaks_off_for_good(site: Site, part: Path):
    site.cut_after, site.ranges = 400, False
    with pytest.raises(OSError, match="page: the connection broke off"):
        download(f"{site.address}/page", part)
    assert part.read_bytes() == PAGE[:400]


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        ({"pages": {}}, "Not Found"),
        ({"garbled": True}, "no status line"),
        ({"chunked": True, "cut_after": 0}, "IncompleteRead"),
    ],
)
def test_download_names_the_address_and_the_reason(site: Site, part: Path, behavior: dict[str, object], reason: str):
    vars(site).update(behavior)
    with pytest.raises(OSError, match=f"^{site.address}/page: .*{reason}"):
        download(f"{site.address}/page", part)


def test_download_throws_away_bytes_that_it_did_not_ask_for(site: Site, part: Path):
    site.shift = 5
    part.write_bytes(PAGE[:700])
    with pytest.raises(OSError, match="another range"):
        download(f"{site.address}/page", part)
    assert not part.exists()


@pytest.fixture
def silent(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(downloading, "TIMEOUT", 0.05)
    site.silent = threading.Event()
    yield
    site.silent.set()


@pytest.mark.usefixtures("silent")
def test_download_gives_up_on_a_silent_server(site: Site, part: Path):
    with pytest.raises(OSError, match="timed out"):
        download(f"{site.address}/page", part)


def test_download_gives_up_on_a_server_that_is_down(part: Path):
    with pytest.raises(OSError, match=r"http://127\.0\.0\.1:9/page: .*refused"):
        download("http://127.0.0.1:9/page", part)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_download_shows_a_bar_in_a_terminal(site: Site, part: Path, monkeypatch: pytest.MonkeyPatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    download(f"{site.address}/page", part)
    assert "page" in screen.getvalue()
    assert "1.0/1.0 kB" in screen.getvalue()


def test_download_shows_nothing_outside_a_terminal(site: Site, part: Path, capfd: pytest.CaptureFixture[str]):
    download(f"{site.address}/page", part)
    assert capfd.readouterr() == ("", "")
