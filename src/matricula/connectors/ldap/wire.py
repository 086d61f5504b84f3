"""One connection to a directory: signed in, encrypted, many requests under way at once.

LDAP lets a client send without waiting and answers in any order, so that a batch costs its
slowest answers and not the sum of all round trips. An answer that never comes leaves a
write unknown, and everything not yet sent undone.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from matricula.connectors.kit.errors import ConnectorError, GiveUp, ReadBack, Stop, TryAgain
from matricula.connectors.kit.secrets import credential
from matricula.connectors.ldap import ber, messages, refusals
from matricula.connectors.ldap.messages import Answer, Message, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matricula.connectors.ldap.messages import Entry
    from matricula.connectors.ldap.settings import LdapSettings

_LARGEST_MESSAGE = 32 << 20
_MOST_ENTRIES = 100_000
_READ = 1 << 18
_SHORTEST_WAIT = 0.001


class _Gone(Exception):
    """The connection is of no more use."""


class _Endless(Exception):
    """An answer has more entries than any that was asked for."""


class Wire:
    """A connection that is made when it is needed, and made again after it was lost.

    Args:
        settings: Where and as whom.
    """

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._received = b""
        self._at = 0
        self._number = 0

    def close(self) -> None:
        """Let go of the connection; the next request makes a new one."""
        if self._socket is None:
            return
        try:
            self._socket.sendall(ber.sequence(ber.integer(self._next()), messages.UNBIND))
        except OSError:
            pass
        finally:
            self._drop()

    def ask(self, requests: Iterable[Request]) -> list[Answer | ConnectorError]:
        """Send requests, `concurrency` of them at once; answers in their order.

        Each is asked for when there is room for it, so it may be made just then. Once the
        directory says that it is busy or away, what is not sent yet is not sent.

        Returns:
            For each request its answer; `ReadBack` where a write was sent and its answer is
            lost, `TryAgain` where nothing happened.

        Raises:
            TryAgain: It cannot be reached. Stop: it does not let us in.
        """
        self._open()
        return _Round(requests, self._settings.concurrency).run(self)

    def one(self, request: Request) -> Answer:
        """Send one request and take its answer, whatever it says.

        Raises:
            TryAgain, ReadBack, Stop: There is none.
        """
        (answer,) = self.ask([request])
        if isinstance(answer, ConnectorError):
            raise answer
        return answer

    def fetch(self, requests: Sequence[Request]) -> list[Answer]:
        """Send requests that change nothing; once more where the connection had gone stale.

        Raises:
            TryAgain: There is no answer. Stop: it does not let us in.
        """
        answers = self.ask(requests)
        if any(isinstance(one, TryAgain) for one in answers) and self._socket is None:
            answers = self.ask(requests)
        failed = next((one for one in answers if isinstance(one, ConnectorError)), None)
        if failed is not None:
            raise failed
        return [one for one in answers if isinstance(one, Answer)]

    def pages(
        self, base: str, wanted: bytes, attributes: Iterable[str]
    ) -> Iterator[tuple[list[Entry], int]]:
        """Look up everything below a branch, page by page.

        Yields:
            The entries of a page, and how many parts of it lie in other directories.

        Raises:
            GiveUp: There is no such branch, or a limit of ours is in the way (M740).
            TryAgain, Stop: From the wire.
        """
        shown = tuple(attributes)
        cookie = b""
        first = True
        while first or cookie:
            control = messages.paged(self._settings.page_size, cookie)
            request = messages.search(base, messages.SUBTREE, wanted, shown, control)
            # A cookie dies with its connection, so only the first page is asked for twice.
            answer = self.fetch([request])[0] if first else self.one(request)
            if answer.code:
                raise refusals.of_search(answer.code, base)
            first = False
            try:
                cookie = messages.cookie_of(answer)
            except ber.Malformed:
                raise _not_understood() from None
            yield answer.entries, answer.elsewhere

    def send(self, pairs: Sequence[tuple[int, Request]]) -> None:
        """Send requests under their numbers; for a round of requests alone."""
        if self._socket is None:
            raise _Gone
        try:
            self._socket.sendall(b"".join(messages.wrapped(*pair) for pair in pairs))
        except OSError as error:
            self._drop()
            raise _Gone from error

    def receive(self) -> Message:
        """Take the next message; for a round of requests alone."""
        try:
            message = self._message()
        except (OSError, ber.Malformed) as error:
            self._drop()
            raise _Gone from error
        if message.number == 0:
            # Only the notice that it hangs up comes unasked (RFC 4511 4.4.1).
            self._drop()
            raise _Gone
        return message

    def number(self) -> int:
        """Give the number of the next request."""
        return self._next()

    def _next(self) -> int:
        self._number = self._number % 0x7FFFFFFF + 1
        return self._number

    def _message(self) -> Message:
        if self._socket is None:
            raise _Gone
        size = ber.size_of(self._received, self._at)
        # For the whole message, however steadily it drips.
        until = time.monotonic() + self._settings.timeout_seconds
        while size is None or len(self._received) - self._at < size:
            if size is not None and size > _LARGEST_MESSAGE:
                raise ber.Malformed
            self._socket.settimeout(max(until - time.monotonic(), _SHORTEST_WAIT))
            more = self._socket.recv(_READ)
            if not more:
                raise ConnectionResetError
            self._received = self._received[self._at :] + more
            self._at = 0
            size = ber.size_of(self._received, 0)
        _, start, end = ber.element(self._received, self._at, len(self._received))
        self._at = end
        return messages.read_message(self._received, start, end)

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._received, self._at = None, b"", 0

    def _open(self) -> None:
        if self._socket is not None:
            return
        try:
            self._connect()
        except BaseException:
            # Whoever asks over a connection that is not signed in asks as nobody, who is
            # shown less and is not told so.
            self._drop()
            raise

    def _connect(self) -> None:
        parts = urlsplit(self._settings.url)
        host = parts.hostname or ""
        encrypted = parts.scheme == "ldaps"
        try:
            self._socket = socket.create_connection(
                (host, parts.port or (636 if encrypted else 389)), self._settings.timeout_seconds
            )
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if encrypted:
                self._encrypt(host)
        except OSError as error:
            raise _not_reached(error) from None
        if not encrypted and self._settings.starttls:
            self._start_tls(host)
        self._sign_in()

    def _start_tls(self, host: str) -> None:
        answer = self._ask_at_once(messages.start_tls())
        if answer.code or self._at != len(self._received):
            # What follows in the clear is not from the directory, or not for us.
            raise refusals.no_encryption(answer.code)
        try:
            self._encrypt(host)
        except OSError as error:
            raise _not_reached(error) from None

    def _encrypt(self, host: str) -> None:
        try:
            context = ssl.create_default_context(cafile=self._settings.ca_file or None)
        except (OSError, ssl.SSLError):
            raise Stop(
                "The file that `ca_file` names is not there, or holds no certificates.",
                code="M613",
                cure="Provide the certificates of the directory's authority there.",
            ) from None
        if self._socket is not None:
            self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def _sign_in(self) -> None:
        # An empty password would be let in as nobody (RFC 4513 5.1.2); a missing secret is
        # refused before.
        password = credential(self._settings.password)
        answer = self._ask_at_once(messages.bind(self._settings.bind_dn, password))
        if answer.code:
            raise refusals.of_sign_in(answer)

    def _ask_at_once(self, request: Request) -> Answer:
        try:
            self.send([(self.number(), request)])
            message = self.receive()
        except _Gone as error:
            raise _not_reached(error) from None
        if message.answer is None:
            raise _not_understood()
        return message.answer


class _Round:
    """Requests that are under way together.

    The next is made when there is room for it, while the directory works at those before.
    """

    def __init__(self, requests: Iterable[Request], window: int) -> None:
        self._coming = iter(requests)
        self._requests: list[Request] = []
        self._window = window
        self._answers: dict[int, Answer | ConnectorError] = {}
        self._pending: dict[int, tuple[int, Answer]] = {}
        self._has_more = True
        self._halt: ConnectorError | None = None

    def run(self, wire: Wire) -> list[Answer | ConnectorError]:
        try:
            while self._pending or self._may_begin():
                # Sent by the half window: one send for many requests.
                if len(self._pending) <= self._window // 2 and self._may_begin():
                    self._begin(wire)
                if self._pending:
                    self._take(wire.receive())
        except _Gone:
            self._lose()
        except _Endless:
            wire.close()
            raise _not_understood() from None
        self._requests += self._coming
        rest = self._halt or _not_reached(None)
        return [self._answers.get(place, rest) for place in range(len(self._requests))]

    def _may_begin(self) -> bool:
        return self._has_more and self._halt is None

    def _begin(self, wire: Wire) -> None:
        begun = []
        while len(self._pending) < self._window:
            request = next(self._coming, None)
            if request is None:
                self._has_more = False
                break
            number = wire.number()
            self._pending[number] = len(self._requests), Answer()
            self._requests.append(request)
            begun.append((number, request))
        if begun:
            wire.send(begun)

    def _take(self, message: Message) -> None:
        known = self._pending.get(message.number)
        if known is None:
            return
        place, gathered = known
        if message.entry is not None:
            gathered.entries.append(message.entry)
        if len(gathered.entries) > _MOST_ENTRIES:
            raise _Endless
        gathered.elsewhere += message.elsewhere
        if message.answer is None:
            return
        answer = message.answer
        answer.entries, answer.elsewhere = gathered.entries, gathered.elsewhere
        del self._pending[message.number]
        self._answers[place] = answer
        self._halt = self._halt or refusals.of_directory(answer)

    def _lose(self) -> None:
        for place, _ in self._pending.values():
            lost = _lost() if self._requests[place].writes else _not_reached(None)
            self._answers[place] = lost
        self._pending.clear()


def _not_reached(error: BaseException | None) -> ConnectorError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Stop(
            "The directory's certificate cannot be verified.",
            code="M613",
            cure="Have its office renew the certificate, or name its authority in `ca_file:`.",
        )
    why = f" ({type(error).__name__})" if isinstance(error, OSError) else ""
    return TryAgain(
        f"The directory cannot be reached{why}.", code="M610", cure="It is tried again by itself."
    )


def _lost() -> ReadBack:
    return ReadBack(
        "A write was sent to the directory, and its answer never came.",
        code="M612",
        cure="The entry is read back before anything else.",
    )


def _not_understood() -> GiveUp:
    return GiveUp(
        "What answers there does not speak LDAP as its standard (RFC 4511) has it.",
        code="M615",
        cure="Look at `url` in the charter: host and port of the directory.",
    )
