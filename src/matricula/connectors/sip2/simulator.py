"""A small library behind SIP2, as a Koha answers it, with switches for what goes wrong.

For tests and for the demonstration: on loopback alone, in memory, in threads of this process.
"""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matricula.connectors.sip2 import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY = "20260901    060000"
_RESEND = b"96AZFEF6"
_BX = "YYYYYYYYYYYNYYYY"
_SEALED_TAIL = 9


@dataclass
class Person:
    """A patron; changes as a test wishes. `login` is found where no card number is."""

    card: str
    login: str = ""
    loans: int | None = 0
    overdue: int | None = 0
    waiting: int | None = 0
    outstanding: int | None = 0
    owed: str = "0"
    currency: str = ""
    is_blocked: bool = False
    name: str = "A Person"
    note: str = "Greetings from the library. "


@dataclass
class Desk:
    """What the service holds and how it behaves; changes as a test wishes.

    Attributes:
        garbled: So many of the next answers arrive with a letter changed.
        misheard: So many of the next questions are answered with 96.
        hang_ups: On so many of the next questions the line is cut.
        is_silent: Nothing is answered at all.
        knows_patrons: Whether it says that it answers questions about patrons.
        seals: Whether answers carry sequence number and checksum.
        heard: Every message that arrived, as it was.
    """

    port: int = 0
    user: str = "term1"
    password: str = "open-sesame"  # noqa: S105 - of a simulator
    people: dict[str, Person] = field(default_factory=dict)
    garbled: int = 0
    misheard: int = 0
    hang_ups: int = 0
    is_silent: bool = False
    knows_patrons: bool = True
    seals: bool = True
    heard: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, person: Person) -> None:
        """Give somebody a card."""
        self.people[person.card] = person

    def named(self, asked: str) -> Person | None:
        """Find somebody by card number, whatever the case; failing that, by login."""
        by_card = {card.lower(): one for card, one in self.people.items()}
        by_login = {one.login.lower(): one for one in self.people.values() if one.login}
        return by_card.get(asked.lower()) or by_login.get(asked.lower())


@contextmanager
def sip2() -> Iterator[Desk]:
    """Run a service on a free loopback port until the end of the `with`."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.desk = Desk(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.desk
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    desk: Desk


class _Session(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        is_in, last = False, b""
        while (line := self._heard()) is not None:
            desk = self.server.desk
            if desk.is_silent:
                continue
            with desk.lock:
                desk.heard.append(line.decode())
                if desk.hang_ups > 0:
                    desk.hang_ups -= 1
                    return
                misheard = desk.misheard > 0
                desk.misheard -= misheard
            if line[:2] == messages.SAY_AGAIN.encode():
                self._say(last)
                continue
            if misheard or not _is_whole(line):
                last = _RESEND
                self._say(last)
                continue
            message = _bare(line)
            if not is_in and message[:2] != messages.LOGIN:
                # Before anybody is let in, anything else ends the line.
                return
            answer = self._answer(message)
            is_in = is_in or answer == f"{messages.LOGGED_IN}1"
            last = self._sealed(answer, line)
            self._say(last)

    def _heard(self) -> bytes | None:
        """Receive one message; None when the line is closed."""
        gathered = b""
        try:
            while (sign := self.rfile.read(1)) not in (b"", b"\r"):
                gathered += sign
        except OSError:
            return None
        return gathered.strip(b"\n") if sign else None

    def _answer(self, message: str) -> str:
        if message.startswith(messages.LOGIN):
            fields = {part[:2]: part[2:] for part in message[4:].split("|")}
            desk = self.server.desk
            let_in = (fields.get("CN"), fields.get("CO")) == (desk.user, desk.password)
            return f"{messages.LOGGED_IN}{int(let_in)}"
        if message.startswith(messages.STATUS):
            knows = _BX if self.server.desk.knows_patrons else _BX[:7] + "N" + _BX[8:]
            return f"98YYYYYN100005{_DAY}2.00AOCPL|AMThe Library|BX{knows}|"
        if message.startswith(messages.INFORMATION):
            return self._information(message)
        return messages.SAID_WRONG

    def _information(self, message: str) -> str:
        fields = {part[:2]: part[2:] for part in message[33:].split("|")}
        asked = fields.get("AA", "")
        person = self.server.desk.named(asked)
        if person is None:
            blank = " " * 10
            zeros = "0000" * 6
            return f"64YYYY{blank}000{_DAY}{zeros}AOCPL|AA{asked}|AE|BLN|AFInvalid cardnumber|"
        flags = ("YYYY" if person.is_blocked else "    ") + " " * 10
        counts = "".join(
            _count(one)
            for one in (
                person.waiting, person.overdue, person.loans, 0, 0, person.outstanding
            )
        )  # fmt: skip
        said = "".join(
            f"{name}{_escaped(value)}|"
            for name, value in (
                ("AO", "CPL"), ("AA", person.card), ("AE", person.name), ("BL", "Y"),
                ("BH", person.currency), ("BV", person.owed), ("CC", "5"), ("AF", person.note),
            )
            if value
        )  # fmt: skip
        return f"64{flags}000{_DAY}{counts}{said}"

    def _sealed(self, answer: str, line: bytes) -> bytes:
        asked_for = line[-_SEALED_TAIL:][:2] == b"AY"
        if not asked_for or not self.server.desk.seals:
            return answer.encode()
        return messages.sealed(answer, int(line[-7:-6]), "utf-8")

    def _say(self, line: bytes) -> None:
        desk = self.server.desk
        with desk.lock:
            garbled = desk.garbled > 0
            desk.garbled -= garbled
        said = bytes([line[0] ^ 1, *line[1:]]) if garbled else line
        try:
            self.wfile.write(said + b"\r\n")
        except OSError:
            # A caller that has given up waiting is what some tests are about.
            return


def _is_whole(line: bytes) -> bool:
    if line[-_SEALED_TAIL:][:2] != b"AY":
        return True
    return messages.checksum(line[:-4]).encode() == line[-4:]


def _bare(line: bytes) -> str:
    is_sealed = line[-_SEALED_TAIL:][:2] == b"AY"
    return (line[:-_SEALED_TAIL] if is_sealed else line).decode()


def _count(number: int | None) -> str:
    return "    " if number is None or number > 9999 else f"{number:04d}"  # noqa: PLR2004 - four digits


def _escaped(value: str) -> str:
    return value.replace("\r", " ").replace("|", "&#124;")
