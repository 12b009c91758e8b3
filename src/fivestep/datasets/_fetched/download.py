"""A download over HTTP that resumes where an earlier attempt stopped."""

from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from .._progress import download_bar

TIMEOUT = 15.0
"""Seconds without an answer, or without a further byte, after which a server counts as silent."""

BLOCK = 1 << 18
"""Bytes read at a time."""

PARTIAL_CONTENT, NO_SUCH_RANGE = 206, 416
"""HTTP's status codes for a range request: here are the bytes, or there are none."""


def download(url: str, part: Path) -> None:
    """Fills the file `part` with what the server has at `url`, after the bytes that it holds already.

    A connection that breaks off is taken up again as long as bytes arrive. Raises an `OSError` with the reason when
    none do; the bytes so far stay for the next attempt. Whether they are the right ones is for a checksum to say: the
    server may have changed its file in between.
    """
    reason: object = "the connection broke off"
    with download_bar(url.rpartition("/")[2]) as show:
        while True:
            before = _size(part)
            try:
                if _go_on(url, part, show):
                    return
            except (OSError, HTTPException) as error:
                reason = error.reason if isinstance(error, URLError) else error
            if _size(part) <= before:
                raise OSError(f"{url}: {reason}")


def _go_on(url: str, part: Path, show: Callable[[int, int | None], None]) -> bool:
    """Makes one request for the bytes after those in `part`; returns whether the file is complete."""
    done = _size(part)
    request = Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response: HTTPResponse = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == NO_SUCH_RANGE and done:
            return True
        raise
    with response:
        if response.status != PARTIAL_CONTENT:
            done = 0  # the server does not support ranges and sends everything again
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            part.unlink(missing_ok=True)
            raise OSError("the server sent another range of bytes than the one asked for")
        total = None if response.length is None else done + response.length
        with part.open("ab" if done else "wb") as file:
            while block := response.read(BLOCK):
                file.write(block)
                done += len(block)
                show(done, total)
    return total in (None, done)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
