"""Serve HTTP on loopback: what the simulators of campus systems stand on.

For tests and for the demonstration: in memory, in threads of this process, gone with the block.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

State = TypeVar("State")
_NO_CONTENT = 204
_NONE: Mapping[str, str] = MappingProxyType({})


class Server(ThreadingHTTPServer, Generic[State]):
    """A server and what it holds."""

    daemon_threads = True
    state: State


class Handler(BaseHTTPRequestHandler):
    """Answers what comes over one connection, whatever the method; `command` names it."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave together; apart, each call would wait for an acknowledgement.
    wbufsize = -1
    # Nor does the end of a long body wait for one.
    disable_nagle_algorithm = True

    def posted(self) -> bytes:
        """Read what came with a request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status: int, body: bytes, headers: Mapping[str, str] = _NONE) -> None:
        """Send an answer; its length is told with it."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != _NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self) -> None:
        """Answer one request, by `send`."""
        raise NotImplementedError

    def log_message(self, *_: object) -> None:
        """Tell nobody."""

    def _answer(self) -> None:
        self.answer()

    # http.server calls methods by these names.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815


@contextmanager
def serving(
    handler: type[Handler], made: Callable[[str], State], *, port: int = 0
) -> Iterator[State]:
    """Serve on a loopback port until the end of the block.

    Args:
        handler: What answers; `self.server.state` is what `made` gave.
        made: Given the server's address, makes what it holds.
        port: A free one when left out.
    """
    with Server[State](("127.0.0.1", port), handler) as server:
        server.state = made(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.state
        finally:
            server.shutdown()
            thread.join()
