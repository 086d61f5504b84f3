"""A real SCIM 2.0 server as the identity provider: a process of its own, on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.kernel.errors import SettingMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

_READY_SECONDS = 30.0


@contextmanager
def identity_provider(token: str) -> Iterator[str]:
    """Start scim2-server, wait until it listens, stop it at the end.

    Args:
        token: The bearer token that it lets in.

    Yields:
        Its base address.

    Raises:
        SettingMissing: The server is not installed or does not start (M804).
    """
    port = _free_port()
    # In one word with its option, for a token may begin with a hyphen.
    command = [
        sys.executable, "-m", "scim2_server.testserver.cli", "--dynamic-tenants",
        "--hostname", "127.0.0.1", "--port", str(port), f"--bearer-token={token}",
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603 - our own words
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}/northfield/v2"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SettingMissing(
        "M804", "The SCIM server of the demonstration does not start.",
        cure="Install scim2-server; `make demo` does it for you.",
    )  # fmt: skip
