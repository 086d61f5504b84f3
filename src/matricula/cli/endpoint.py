"""A small HTTP server beside the worker: its metrics, and whether it is alive and ready."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from matricula.kernel.errors import SettingMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TEXT, JSON = "text/plain; version=0.0.4; charset=utf-8", "application/json"


class Answer(NamedTuple):
    """What is answered: status, type and text."""

    status: int
    kind: str
    text: str


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: Mapping[str, Callable[[], Answer]]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a reader that hangs up is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10
    server_version = "matricula"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one of the paths that are known."""
        known = self.server.answers.get(urlsplit(self.path).path)
        found = _safely(known) if known else Answer(404, TEXT, "There is nothing here.\n")
        body = found.text.encode()
        self.send_response(found.status)
        self.send_header("Content-Type", found.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's word
        """Say nothing: readers come every few seconds."""


def _safely(answer: Callable[[], Answer]) -> Answer:
    from django.db import connections

    try:
        return answer()
    except Exception as error:  # noqa: BLE001 - its name alone: what else it says may hold values
        return Answer(500, TEXT, f"{type(error).__name__}\n")
    finally:
        # Every reader has a thread of its own, and a connection belongs to its thread.
        connections.close_all()


@contextmanager
def serving(
    where: str, answers: Mapping[str, Callable[[], Answer]], *, anywhere: bool
) -> Iterator[str]:
    """Serve answers by path while inside; gives the address as `http://host:port`.

    Args:
        where: `host:port`; port 0 takes a free one.
        answers: By path.
        anywhere: Whether an address of other machines' is allowed.

    Raises:
        SettingMissing: It is no address, not this machine's own, or taken (M822).
    """
    host, port = _split(where)
    if not anywhere and not _is_loopback(host):
        raise _unusable(where, "it is open to other machines")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = type("_Here", (_Server,), {"address_family": family})
    try:
        server = kind((host, port), _Handler)
    except OSError as error:
        raise _unusable(where, (error.strerror or type(error).__name__).lower()) from error
    server.answers = answers
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _split(where: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{where}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        raise _unusable(where, "it is no host:port")
    return host, port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unusable(where: str, why: str) -> SettingMissing:
    return SettingMissing(
        "M822",
        f"Metrics cannot be served at {where}: {why}.",
        cure="Name a free port of this machine, as in 127.0.0.1:9464, or allow another address "
        "with --metrics-anywhere.",
        place="--metrics",
    )


def readiness(checks: Mapping[str, Callable[[], object]]) -> Answer:
    """Tell whether all checks pass, each by its name; one fails by raising, or with False."""
    found = {name: _passes(check) for name, check in checks.items()}
    return Answer(200 if all(found.values()) else 503, JSON, json.dumps(found) + "\n")


def _passes(check: Callable[[], object]) -> bool:
    try:
        return check() is not False
    except Exception:  # noqa: BLE001 - whatever it is, it is not ready
        return False
