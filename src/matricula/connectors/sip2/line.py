"""A line to a library: one login, then question and answer, repeated where it was garbled.

All questions only ask, so whatever goes wrong on the line is `TryAgain`: nothing happened there.
"""

from __future__ import annotations

import socket
import ssl
import time
from datetime import datetime
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, GiveUp, Stop, TryAgain
from matricula.connectors.kit.pace import Pace
from matricula.connectors.kit.secrets import cannot_be_sent, credential
from matricula.connectors.sip2 import messages
from matricula.connectors.sip2.messages import Malformed

if TYPE_CHECKING:
    from matricula.connectors.sip2.messages import Told
    from matricula.connectors.sip2.settings import Sip2Settings

_TRIES = 4
_LONGEST_ANSWER = 1 << 20
_CHUNK = 4096


class Line:
    """Opens with the first question and stays open; used from one thread."""

    def __init__(self, settings: Sip2Settings) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._rest = b""
        self._sequence = 0
        self._pace = Pace(settings.per_second) if settings.per_second else None

    def ask(self, card: str) -> Told:
        """Ask about a person.

        Raises:
            TryAgain: It is away, or the answer is garbled again and again. Stop: it does not
                let us in. GiveUp: it speaks something else.
        """
        if self._pace:
            self._pace.wait()
        settings = self._settings
        terminal = self._secret(settings.terminal_password) if settings.terminal_password else ""
        question = messages.question(
            # Only the protocol's own stamp of when it was asked.
            card, datetime.now(), institution=settings.institution, terminal_password=terminal  # noqa: DTZ005 - SIP2 has the local time
        )  # fmt: skip
        message = self._exchange(question)
        try:
            return messages.told(message)
        except Malformed as why:
            raise self._strange(f"asked about a person, {why}") from None

    def complaint(self) -> str:
        """Ask how it is; empty when it is well, or when it does not answer such questions."""
        message = self._exchange(messages.status_question())
        if message.startswith(messages.SAID_WRONG):
            return ""
        try:
            return messages.complaint(message)
        except Malformed as why:
            raise self._strange(f"asked how it is, {why}") from None

    def close(self) -> None:
        """Hang up; a later question opens the line again."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def _exchange(self, message: str) -> str:
        """Send a message and return its answer, opening the line where it is not open.

        A system hangs up on a line that was quiet for long, so a line that turns out closed is
        opened once more.
        """
        was_open = self._socket is not None
        try:
            self._open()
            return self._answered(message)
        except TryAgain:
            self.close()
            if not was_open:
                raise
        except ConnectorError:
            self.close()
            raise
        try:
            self._open()
            return self._answered(message)
        except ConnectorError:
            self.close()
            raise

    def _open(self) -> None:
        if self._socket is not None:
            return
        settings = self._settings
        try:
            plain = socket.create_connection(
                (settings.host, settings.port), settings.timeout_seconds
            )
            self._socket = self._encrypted(plain) if settings.tls else plain
        except ssl.SSLCertVerificationError:
            raise Stop(
                "The library's certificate cannot be verified.",
                code="M613",
                cure="Have its office renew the certificate, or name its `ca_file:`.",
            ) from None
        except OSError as error:
            raise TryAgain(
                f"The library cannot be reached ({type(error).__name__}).",
                code="M610",
                cure="It is tried again by itself.",
            ) from None
        if settings.user and settings.password:
            self._log_in(self._secret(settings.user), self._secret(settings.password))

    def _secret(self, reference: str) -> str:
        """Fetch a secret for a message, which a line end or a stroke in it would end."""
        secret = credential(reference)
        if not messages.can_be_said(secret, self._settings.encoding):
            raise cannot_be_sent(reference, "a message of SIP2")
        return secret

    def _encrypted(self, plain: socket.socket) -> socket.socket:
        context = ssl.create_default_context(cafile=self._settings.ca_file or None)
        return context.wrap_socket(plain, server_hostname=self._settings.host)

    def _log_in(self, user: str, password: str) -> None:
        message = self._answered(messages.login(user, password, self._settings.location))
        try:
            let_in = messages.is_let_in(message)
        except Malformed as why:
            raise self._strange(f"asked to let us in, {why}") from None
        if not let_in:
            raise Stop(
                "The library does not let us in: it refuses the SIP2 account or its password.",
                code="M613",
                cure="Have the library look at the account (CN) and password (CO) of SIP2, and at "
                "whether this machine's address may use it.",
            )

    def _answered(self, message: str) -> str:
        """Send a message until its answer arrives whole.

        A system that got it garbled says 96, and it is sent again as it was. An answer that
        arrives garbled is asked for again (97).
        """
        settings = self._settings
        self._sequence = (self._sequence + 1) % 10
        sent = self._sealed(message, self._sequence)
        self._send(sent)
        for _ in range(_TRIES):
            try:
                answer, sequence, is_sealed = messages.opened(self._received(), settings.encoding)
            except Malformed:
                self._send(messages.SAY_AGAIN.encode() + self._seal_of_97())
                continue
            if answer.startswith(messages.SAID_WRONG) and not message.startswith(messages.STATUS):
                self._send(sent)
                continue
            if settings.error_detection and not is_sealed:
                raise self._strange("its answer carries no checksum")
            if sequence is not None and is_sealed and sequence != self._sequence:
                # The answer to something that was asked before and given up.
                continue
            return answer
        raise TryAgain(
            f"The line to the library garbles what is said, {_TRIES} times in a row.",
            code="M610",
            cure="Look at the line and at `encoding:`; it is tried again by itself.",
        )

    def _sealed(self, message: str, sequence: int) -> bytes:
        if self._settings.error_detection:
            return messages.sealed(message, sequence, self._settings.encoding)
        return message.encode(self._settings.encoding)

    def _seal_of_97(self) -> bytes:
        if not self._settings.error_detection:
            return b""
        # A request to say something again has a checksum and no number of its own.
        return b"AZ" + messages.checksum(b"97AZ").encode("ascii")

    def _send(self, message: bytes) -> None:
        try:
            self._connected().sendall(message + messages.CR.encode("ascii"))
        except OSError as error:
            raise self._cut(type(error).__name__) from None

    def _received(self) -> bytes:
        """Receive one answer, up to its end of line; several ends count as one."""
        until = time.monotonic() + self._settings.timeout_seconds
        while True:
            self._rest = self._rest.lstrip(b"\r\n")
            line, end, rest = self._rest.partition(messages.CR.encode("ascii"))
            if end:
                self._rest = rest
                return line
            if len(self._rest) > _LONGEST_ANSWER or time.monotonic() > until:
                raise self._cut("no end of the answer")
            try:
                chunk = self._connected().recv(_CHUNK)
            except OSError as error:
                raise self._cut(type(error).__name__) from None
            if not chunk:
                raise self._cut("it hung up")
            self._rest += chunk

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise self._cut("it hung up")
        return self._socket

    def _cut(self, why: str) -> TryAgain:
        return TryAgain(
            f"The line to the library broke ({why}).",
            code="M610",
            cure="It is tried again by itself.",
        )

    def _strange(self, what: str) -> GiveUp:
        return GiveUp(
            f"The library does not answer as SIP2 has it: {what}.",
            code="M615",
            cure="Look at `host`, `port`, `error_detection` and `encoding`, and at its own log.",
        )
