"""A plain web server for what other systems fetch: on this machine, behind the campus's own.

A few threads answer, each with a connection of its own to the database that it keeps. What
encrypts, and faces the network, stands in front of it; any server that speaks WSGI may take its
place (`matricula.site.wsgi:application`).
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from matricula.cli import faults, show, sitting
from matricula.kernel.errors import SettingMissing

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

THREADS = 8
_SILENCE_SECONDS = 30
# One fault that every request meets must not fill the disk, nor hide the next hour's.
_MOST_FAULTS, _HOUR_SECONDS = 50, 3600
# So many wait for a thread; more are sent away at once.
_IN_LINE = 128


class _Handler(WSGIRequestHandler):
    timeout = _SILENCE_SECONDS
    server_version = "matricula"
    sys_version = ""
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's word
        """Say nothing: addresses name people."""


class Server(WSGIServer):
    """Answers with a few threads that last.

    Args:
        place: Host and port; port 0 is any free one.
        application: What answers.
        threads: How many requests at once.
    """

    request_queue_size = 128

    def __init__(
        self, place: tuple[str, int], application: WSGIApplication, *, threads: int = THREADS
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="served")
        self._room = threading.BoundedSemaphore(threads + _IN_LINE)
        super().__init__(place, _Handler)
        self.set_app(application)

    def server_bind(self) -> None:
        """Take the port without asking anybody what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own words
        """Hand a request to a thread that is free, or to the first that will be."""
        if self._room.acquire(blocking=False):
            self._pool.submit(self._answer, request, client_address)
        else:
            self.shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever hangs up is no event."""

    def server_close(self) -> None:
        """Let the port go, and the threads when they are done."""
        super().server_close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the same
        try:
            self.finish_request(request, client_address)
        except OSError:
            self.handle_error(request, client_address)
        finally:
            self._room.release()
            self.shutdown_request(request)


class Unforeseen(logging.Handler):
    """Keeps the traces of what was not foreseen, as every command does, and says where."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._told: deque[float] = deque(maxlen=_MOST_FAULTS)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a trace. The request's own words are left out: its address names people."""
        error = record.exc_info[1] if record.exc_info else None
        now = time.monotonic()
        is_full = len(self._told) == _MOST_FAULTS and now - self._told[0] < _HOUR_SECONDS
        if isinstance(error, Exception) and not is_full:
            self._told.append(now)
            show.error(faults.unforeseen(error, at=sitting.now()))


def place_of(where: str) -> tuple[str, int]:
    """Read HOST:PORT of this machine.

    Raises:
        SettingMissing: It is none, or another machine could reach it (M759).
    """
    host, _, port = where.rpartition(":")
    try:
        own = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        own = False
    if not own or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise unusable(where, "it is no address of this machine alone")
    return host.strip("[]"), int(port)


def unusable(where: str, why: str) -> SettingMissing:
    """Say why nobody can be answered at an address (M759)."""
    return SettingMissing(
        "M759",
        f"Nobody can be answered at {where}: {why}.",
        cure="Name a free port of this machine, as in 127.0.0.1:8440, and put a server that "
        "encrypts in front of it.",
        place="--at",
    )
