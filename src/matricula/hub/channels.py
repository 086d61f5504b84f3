"""Where an office talks: one message handed to whatever service its Apprise URL names.

Apprise says yes or no, and in its log why not. A message that may have arrived is not sent
again, so only what surely did not leave us, or was surely refused, is called that.
"""

from __future__ import annotations

import logging
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.address import LOOPBACK
from matricula.hub.ways import Away, Lost, NotTaken
from matricula.kernel.errors import SettingMissing
from matricula.kernel.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apprise import NotifyBase

    from matricula.hub.wording import Text

_STATUS = re.compile(r"\berror=(\d{3})\b")
# What urllib3 calls it when no connection was made at all.
_NOT_SENT = re.compile(
    r"(NewConnectionError|NameResolutionError|ConnectTimeoutError|SSLCertVerificationError)"
)
_NOT_NOW = frozenset({408, 425, 429, 503})
_SERVER_ERROR = 500


def hand_over(reference: str, text: Text) -> None:
    """Hand one message over.

    Args:
        reference: `env:NAME` or `file:PATH` of an Apprise URL.
        text: What to say, without a value of any record.

    Raises:
        NotTaken: The service said no, or there is no such service or secret.
        Away: Nothing has left us.
        Lost: Nobody knows.
    """
    from apprise import NotifyFormat

    with _heard() as said:
        service = _service(reference)
        try:
            is_taken = service.notify(
                body=text.body, title=text.subject, body_format=NotifyFormat.TEXT
            )
        except Exception as error:  # noqa: BLE001 - any of its hundred services may fail anyhow
            # Its name alone: what else it says may hold the address.
            raise Lost(type(error).__name__) from None
    if not is_taken:
        raise _why(said)


def must_be_known(reference: str) -> None:
    """Look whether a reference leads to a service that there is; nothing is said to it.

    Raises:
        NotTaken: It does not.
    """
    with _heard():
        _service(reference)


def _service(reference: str) -> NotifyBase:
    try:
        url = reveal(reference)
    except SettingMissing as error:
        raise NotTaken(f"the secret {reference} is not there") from error
    from apprise import Apprise, AppriseAsset

    # It reads no file of its own and keeps none, and its words go where the office said.
    asset = AppriseAsset(async_mode=False)
    asset.http_redirects = False
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        raise NotTaken(f"what {reference} holds is no Apprise URL")
    _must_be_private(service, reference)
    return service


def _must_be_private(service: NotifyBase, reference: str) -> None:
    """Refuse a way on which anybody could read along; on this machine nobody does.

    Raises:
        NotTaken: It is not encrypted, or does not look at certificates.
    """
    host = str(getattr(service, "host", None) or "").strip("[]")
    if not host or host in LOOPBACK:
        return
    # As the service writes it itself: some are encrypted by whatever name they are called.
    told = service.url(privacy=True)  # type: ignore[no-untyped-call]  # Apprise leaves it so
    scheme = str(told).partition("://")[0]
    if scheme in _names(service.protocol) - _names(service.secure_protocol):
        encrypted = " or ".join(f"{one}://" for one in sorted(_names(service.secure_protocol)))
        instead = f"write {encrypted}" if encrypted else "choose a service that is encrypted"
        raise NotTaken(
            f"what {reference} holds goes over {scheme}://, where anybody can read it: {instead}"
        )
    mode = str(getattr(service, "secure_mode", ""))
    if getattr(service, "secure", True) is False or mode == "insecure":
        raise NotTaken(f"what {reference} holds goes in the clear, where anybody can read it")
    if getattr(service, "redirects", False):
        raise NotTaken(f"what {reference} holds may be sent on to any address (`redirect`)")
    if not service.verify_certificate:
        raise NotTaken(f"what {reference} holds says that no certificate is looked at")


def _names(protocol: object) -> set[str]:
    told = protocol if isinstance(protocol, tuple | list | set) else [protocol]
    return {str(one) for one in told if one}


def _why(said: list[str]) -> Exception:
    """Tell from Apprise's log what became of a message; at a loss, that nobody knows."""
    told = "\n".join(said)
    if found := _STATUS.search(told):
        status = int(found[1])
        if status in _NOT_NOW:
            return Away(f"status {status}")
        kind = Lost if status >= _SERVER_ERROR else NotTaken
        return kind(f"the service answered {status}")
    if unsent := _NOT_SENT.search(told):
        return Away(unsent[1])
    return Lost("no answer that counts")


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Hear what Apprise logs in this thread, and let nobody else: addresses stand in it."""
    said: list[str] = []
    listener = _Listener(said)
    log = logging.getLogger("apprise")
    log.setLevel(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    log.addFilter(listener)
    try:
        yield said
    finally:
        log.removeFilter(listener)


class _Listener(logging.Filter):
    """Keeps what one thread says, and lets nothing through to any handler."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said, self._thread = said, threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread == self._thread:
            self._said.append(record.getMessage())
        return False
