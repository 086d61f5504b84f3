"""A real HTTP server that takes what is posted to it, and can be told to fail in every way."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Post:
    """One request as it arrived; headers by lower-case name."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """The server.

    Attributes:
        port: Where it listens on loopback.
        got: What arrived, in order, whatever was answered.
        answers: Says the status and further headers for a request; 204 for all unless told
            otherwise. Status 0 takes it and hangs up without an answer.
        meanwhile: Called after a request was taken, before it is answered.
    """

    port: int
    got: list[Post] = field(default_factory=list)
    answers: Callable[[Post], tuple[int, dict[str, str]]] = lambda _: (204, {})
    meanwhile: Callable[[], object] = bool
    _running: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/told"

    def start(self) -> None:
        """Begin to answer."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                post = Post(self.path, headers, body)
                receiver.got.append(post)
                receiver.meanwhile()
                status, more = receiver.answers(post)
                if not status:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own word
                """Say nothing."""

        self._running = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._running.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._running:
            self._running.shutdown()
            self._running.server_close()
        self._running = None


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a server on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Receiver(port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
