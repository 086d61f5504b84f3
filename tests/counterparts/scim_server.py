"""The real scim2-server in a process of its own: loopback, a bearer token, stopped by its id.

One process serves any number of tests: every tenant is an empty server of its own, made
by the first call to its address.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERYTHING: dict[str, object] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    "patch": {"supported": True},
    "bulk": {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1048576},
    "filter": {"supported": True, "maxResults": 1000},
    "changePassword": {"supported": False},
    "sort": {"supported": True},
    "etag": {"supported": True},
}
# What else a server of this make can be told to offer, and to refuse to those who ask.
KINDS: dict[str, dict[str, object]] = {
    "bare": {
        "patch": {"supported": False},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": False, "maxResults": 100},
        "sort": {"supported": False},
        "etag": {"supported": False},
    },
    "narrow": {
        "bulk": {"supported": True, "maxOperations": 4, "maxPayloadSize": 4096},
        "filter": {"supported": True, "maxResults": 7},
        "etag": {"supported": False},
    },
    "cursor": {
        "pagination": {"cursor": True, "index": False, "maxPageSize": 5},
        "sort": {"supported": False},
    },
}
_READY_SECONDS = 30.0
_KEEPING = Path(__file__).with_name("keeping_scim_server.py")


@dataclass(frozen=True, slots=True)
class ScimServer:
    """A running server.

    Attributes:
        base: Its address, before the tenant.
        token: The bearer token it lets in.
        pid: Its process.
    """

    base: str
    token: str
    pid: int

    def tenant(self, name: str = "") -> str:
        """Name the SCIM base address of a tenant; of a new, empty one when none is named."""
        return f"{self.base}/{name or uuid.uuid4().hex}/v2"

    def secret(self, variable: str = "MATRICULA_TEST_SCIM_TOKEN") -> str:
        """Put the token where a charter can refer to it, and give the reference."""
        os.environ[variable] = self.token
        return f"env:{variable}"


@contextmanager
def scim_server(
    *, token: str = "", port: int = 0, keeps: Path | None = None, options: tuple[str, ...] = ()
) -> Iterator[ScimServer]:
    """Start scim2-server, wait until it listens, stop it at the end.

    Args:
        token: The bearer token; a new one when none is given.
        port: A loopback port; a free one when none is given.
        keeps: A file in which it keeps its records over a restart; it has no tenants then,
            and its base address ends with `/v2`.
        options: More arguments of the `scim2-server` command.
    """
    token = token or secrets.token_urlsafe(16)
    port = port or _free_port()
    command = [sys.executable, "-m", "scim2_server.testserver.cli", "--dynamic-tenants"]
    if keeps:
        command = [sys.executable, str(_KEEPING), str(keeps)]
    # In one word with its option, for a token may begin with a hyphen.
    command += [
        "--hostname",
        "127.0.0.1",
        "--port",
        str(port),
        f"--bearer-token={token}",
        *options,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(process, port)
        base = f"http://127.0.0.1:{port}" + ("/v2" if keeps else "")
        yield ScimServer(base, token, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def shared_server(kind: str = "") -> ScimServer:
    """Start one server for a whole run of tests, or give the one that runs already.

    Args:
        kind: One of `KINDS`, where the server is to offer something else than everything but
            cursors.
    """
    return _shared(kind)


@cache
def _shared(kind: str) -> ScimServer:
    stack = ExitStack()
    atexit.register(stack.close)
    if not kind:
        return stack.enter_context(scim_server())
    folder = Path(stack.enter_context(TemporaryDirectory()))
    config = folder / "service-provider-config.json"
    config.write_text(json.dumps(_EVERYTHING | KINDS[kind]), encoding="utf-8")
    options = ("--service-provider-config", str(config))
    return stack.enter_context(scim_server(options=options))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            message = f"scim2-server ended with status {process.returncode} before it listened"
            raise RuntimeError(message)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    message = f"scim2-server does not listen on port {port} after {_READY_SECONDS:.0f} s"
    raise RuntimeError(message)
