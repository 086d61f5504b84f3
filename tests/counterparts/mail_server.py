"""A real SMTP server that keeps what it is given, and can be told to refuse or to hang up."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Got:
    """One letter as it arrived."""

    to: str
    subject: str
    body: str


@dataclass
class MailServer:
    """The server.

    Attributes:
        port: Where it listens on loopback.
        got: What it took, in order.
        refuses: Addresses it will not take.
        later: Addresses it will not take now.
        lets_in: Passwords by name; whoever is not among them is not let in. Empty lets all in.
        barred: Addresses that no letter may come from.
        hangs_up: It loses the answer to what it took.
        meanwhile: Called before it answers a `RCPT` or a `DATA`.
    """

    port: int
    got: list[Got] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    lets_in: dict[str, str] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)
    hangs_up: bool = False
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    _running: Controller | None = None

    def start(self) -> None:
        """Begin to answer."""
        more: dict[str, Any] = {}
        if self.lets_in:
            more = {
                "authenticator": self._sign_in, "auth_required": True, "auth_require_tls": False,
            }  # fmt: skip
        self._running = Controller(self, hostname="127.0.0.1", port=self.port, **more)
        self._running.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._running:
            self._running.stop()
        self._running = None

    def _sign_in(self, server: Any, session: Any, envelope: Any, how: str, told: Any) -> Any:  # noqa: ARG002 - aiosmtpd gives them
        is_known = self.lets_in.get(told.login.decode()) == told.password.decode()
        return AuthResult(success=is_known, handled=False)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it so
        self,
        server: Any,  # noqa: ARG002 - aiosmtpd gives it
        session: Any,  # noqa: ARG002
        envelope: Any,
        address: str,
        options: Any,  # noqa: ARG002
    ) -> str:
        if address in self.barred:
            return "550 5.7.60 Client does not have permissions to send as this sender"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self,
        server: Any,  # noqa: ARG002 - aiosmtpd gives it
        session: Any,  # noqa: ARG002
        envelope: Any,
        address: str,
        options: Any,  # noqa: ARG002
    ) -> str:
        self.meanwhile.get("RCPT", bool)()
        if address in self.refuses:
            return "550 No such mailbox"
        if address in self.later:
            return "451 Not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: Any,
        session: Any,  # noqa: ARG002
        envelope: Any,
    ) -> str:
        letter = message_from_bytes(envelope.content, policy=policy.default)
        text = letter.get_content()
        self.got += [Got(to, str(letter["Subject"]), text) for to in envelope.rcpt_tos]
        self.meanwhile.get("DATA", bool)()
        if self.hangs_up:
            server.transport.close()
        return "250 OK"


@contextmanager
def mail_server(lets_in: dict[str, str] | None = None) -> Iterator[MailServer]:
    """Run a server on a free port of this machine.

    Args:
        lets_in: Passwords by name, where it lets in nobody else.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = MailServer(port, lets_in=lets_in or {})
    server.start()
    try:
        yield server
    finally:
        server.stop()
