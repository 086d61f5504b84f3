"""Between a connector and a directory: passes messages on, and breaks those it is told to."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from matricula.connectors.ldap import ber

if TYPE_CHECKING:
    from collections.abc import Iterator

# What asks, and what answers it.
ANSWERS = {"bind": (0x60, 0x61), "search": (0x63, 0x65), "modify": (0x66, 0x67),
           "add": (0x68, 0x69), "delete": (0x4A, 0x6B), "move": (0x6C, 0x6D)}  # fmt: skip


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        on: The operation.
        how: `lost`: it is done, and then the line is cut. `cut`: the line is cut before.
            `silent`: it is done, and the answer never comes. An integer: it is not done, and
            this result code is the answer.
        after: So many of them go through first.
        times: How often.
    """

    on: str
    how: Literal["lost", "cut", "silent"] | int
    after: int = 0
    times: int = 1


@dataclass
class Line:
    """A running proxy: its address, what it breaks, and what went through it."""

    url: str
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def faulty_directory(url: str) -> Iterator[Line]:
    """Stand before the directory at an address."""
    target = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))
    line = Line(f"ldap://127.0.0.1:{listener.getsockname()[1]}")
    threading.Thread(
        target=_serve, args=(listener, (target.hostname, target.port), line), daemon=True
    ).start()
    try:
        yield line
    finally:
        listener.close()


def _serve(listener: socket.socket, target: tuple[str | None, int | None], line: Line) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection(target)
        held: dict[int, str] = {}
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        threading.Thread(target=_ask, args=(*pair, line, held), daemon=True).start()
        threading.Thread(target=_answer, args=(*pair, held), daemon=True).start()


def _ask(client: socket.socket, server: socket.socket, line: Line, held: dict[int, str]) -> None:
    for number, tag, message in _messages(client):
        name = next((n for n, (asks, _) in ANSWERS.items() if asks == tag), "")
        line.asked.append(name)
        how = _fault(line, name)
        if isinstance(how, int):
            said = ber.sequence(
                ber.integer(how, ber.ENUMERATED), ber.octets(""), ber.octets("not now"),
                tag=ANSWERS[name][1],
            )  # fmt: skip
            client.sendall(ber.sequence(ber.integer(number), said))
            continue
        if how == "cut":
            break
        if how:
            held[number] = how
        server.sendall(message)
    _hang_up(client, server)


def _answer(client: socket.socket, server: socket.socket, held: dict[int, str]) -> None:
    for number, _, message in _messages(server):
        if held.get(number) == "silent":
            continue
        if held.get(number) == "lost":
            break
        try:
            client.sendall(message)
        except OSError:
            break
    _hang_up(client, server)


def _fault(line: Line, name: str) -> str | int | None:
    for fault in line.faults:
        if fault.on != name or not fault.times:
            continue
        if fault.after:
            fault.after -= 1
            return None
        fault.times -= 1
        return fault.how
    return None


def _messages(one: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    gathered = b""
    while True:
        size = ber.size_of(gathered, 0)
        while size is None or len(gathered) < size:
            try:
                more = one.recv(1 << 16)
            except OSError:
                return
            if not more:
                return
            gathered += more
            size = ber.size_of(gathered, 0)
        message, gathered = gathered[:size], gathered[size:]
        _, at, end = ber.element(message, 0, len(message))
        _, start, stop = ber.element(message, at, end)
        yield ber.number(message[start:stop]), message[stop], message


def _hang_up(*both: socket.socket) -> None:
    for one in both:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
