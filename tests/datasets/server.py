"""A web server on this machine that can be told to misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Site:
    """What the server holds, by path, and how it behaves. `requests` keeps (path, Range) of all that it was asked."""

    address: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    shift: int = 0
    cut_after: int | None = None
    chunked: bool = False
    garbled: bool = False
    silent: threading.Event | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def answer(self, request: "Any") -> None:
        wanted = request.headers.get("Range")
        self.requests.append((request.path, wanted))
        if self.silent is not None:
            self.silent.wait(10)
            return
        if self.garbled:
            request.wfile.write(b"no status line\r\n\r\n")
            return
        if request.path not in self.pages:
            request.send_error(404)
            return
        page = self.pages[request.path]
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        if start and start >= len(page):
            request.send_error(416)
            return
        self._send(request, page[start:], start, len(page))

    def _send(self, request: "Any", rest: bytes, start: int, length: int) -> None:
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start + self.shift}-{length - 1}/{length}")
        if self.chunked:
            request.send_header("Transfer-Encoding", "chunked")
        else:
            request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        sent = rest[: self.cut_after]
        if self.chunked:
            request.wfile.write(f"{len(rest):x}\r\n".encode())
        request.wfile.write(sent)
        if self.chunked and sent == rest:
            request.wfile.write(b"\r\n0\r\n\r\n")


@contextmanager
def serving() -> Iterator[Site]:
    """A server in a thread of its own, for as long as the block lasts."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, *_: object) -> None:
            pass

        def version_string(self) -> str:
            return "test"

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        site.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield site
        server.shutdown()
        thread.join()
