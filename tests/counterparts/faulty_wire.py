"""A wire in front of any TCP server, bytes in and bytes out, that can be cut or go wrong.

It knows nothing of what it carries. `Proxy` is its sister for HTTP, where a fault may choose
a call.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 65536


@dataclass
class Wire:
    """A running wire. Faults may be changed at any time, and hold for what comes then.

    Attributes:
        port: Where it is reached on loopback.
        at: The fault waits for these bytes on their way to the server; empty is any.
        drops: The server gets them, and its answer and the connection are lost.
        truncates: Half of the answer arrives, and the connection is lost.
        duplicates: The answer arrives twice.
        delay_seconds: Before anything is passed on, either way.
        is_cut: Nobody gets through, and who was through is cut off.
        struck: How often a fault came about.
    """

    port: int
    at: bytes = b""
    drops: bool = False
    truncates: bool = False
    duplicates: bool = False
    delay_seconds: float = 0.0
    is_cut: bool = False
    struck: int = 0
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self) -> None:
        """Let nobody through until healed."""
        self.is_cut = True
        with self._lock:
            for one in self._open:
                _hang_up(one)

    def heal(self) -> None:
        """Carry everything as it comes."""
        self.is_cut = self.drops = self.truncates = self.duplicates = False
        self.at, self.delay_seconds = b"", 0.0

    @property
    def is_faulty(self) -> bool:
        """Whether an answer is to be lost, halved or doubled."""
        return self.drops or self.truncates or self.duplicates


@dataclass
class _Line:
    """One connection: `is_struck` once the bytes that its fault waits for have passed."""

    wire: Wire
    client: socket.socket
    server: socket.socket
    is_struck: bool = False

    def to_server(self) -> None:
        with suppress(OSError):
            while chunk := self.client.recv(_CHUNK):
                time.sleep(self.wire.delay_seconds)
                if self.wire.is_faulty and self.wire.at in chunk:
                    self.is_struck = True
                    self.wire.struck += 1
                self.server.sendall(chunk)
        self.hang_up()

    def to_client(self) -> None:
        with suppress(OSError):
            while chunk := self.server.recv(_CHUNK):
                time.sleep(self.wire.delay_seconds)
                if not self.is_struck or not self.wire.is_faulty:
                    self.client.sendall(chunk)
                    continue
                if self.wire.drops:
                    break
                if self.wire.truncates:
                    self.client.sendall(chunk[: len(chunk) // 2])
                    break
                self.is_struck = False
                self.client.sendall(chunk * 2)
        self.hang_up()

    def hang_up(self) -> None:
        _hang_up(self.client)
        _hang_up(self.server)


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def faulty_wire(port: int) -> Iterator[Wire]:
    """Run a wire to a loopback port, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = Wire(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(wire, listener, port), daemon=True)
        thread.start()
        try:
            yield wire
        finally:
            wire.cut()
            _hang_up(listener)
            thread.join()


def _accept(wire: Wire, listener: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_carry, args=(wire, client, port), daemon=True).start()


def _carry(wire: Wire, client: socket.socket, port: int) -> None:
    with client, suppress(OSError):
        if wire.is_cut:
            return
        with socket.create_connection(("127.0.0.1", port)) as server:
            line = _Line(wire, client, server)
            with wire._lock:
                wire._open |= {client, server}
            back = threading.Thread(target=line.to_client, daemon=True)
            back.start()
            line.to_server()
            back.join()
            with wire._lock:
                wire._open -= {client, server}
