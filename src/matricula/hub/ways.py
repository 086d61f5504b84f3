"""How an office is reached: what came of handing a text over, and by mail how it is done."""

from __future__ import annotations

import smtplib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.model import Steward
    from matricula.hub.wording import Text


_REFUSED = 400


class Away(Exception):
    """Nothing has left us."""


class NotTaken(Exception):
    """The other side said no."""


class Lost(Exception):
    """It may have arrived."""


def must_take_mail() -> None:
    """Sign in at the mail server and ask whether letters may come from us; none is sent.

    Raises:
        NotTaken: The server does not let us in, or not with our sender's address.
        Away: It cannot be reached, or speaks otherwise.
    """
    with _opened() as backend:
        line = backend.connection
        try:
            # Some servers say so only of a whole letter; then the first letter tells.
            code, _ = line.mail(settings.MAIL_FROM)
            line.rset()
        except OSError as error:
            raise Away(type(error).__name__) from error
    if code >= _REFUSED:
        message = f"it does not let our account send as {settings.MAIL_FROM} (status {code})"
        raise NotTaken(message)


@contextmanager
def _opened() -> Iterator[Any]:
    """Sign in at the mail server."""
    backend = EmailBackend(**(settings.SMTP or {}))
    try:
        backend.open()
    except smtplib.SMTPAuthenticationError as error:
        # What the server says beside its status may hold our name there.
        message = f"it refuses our account or its password (status {error.smtp_code})"
        raise NotTaken(message) from None
    except UnicodeError:
        message = "its name or password there holds a letter that is not ASCII"
        raise NotTaken(message) from None
    except (OSError, ValueError) as error:
        raise Away(type(error).__name__) from error
    try:
        yield backend
    finally:
        with suppress(OSError):
            backend.close()


def mail(office: Steward, text: Text) -> None:
    """Hand a letter to the mail server.

    Raises:
        NotTaken: The server said no, or the charter gives no address.
        Away: Nothing has left us.
        Lost: Nobody knows.
    """
    if "@" not in office.notify:
        message = "`notify` is no address"
        raise NotTaken(message)
    letter = EmailMessage(text.subject, text.body, settings.MAIL_FROM, [office.notify])
    with _opened() as backend:
        _sent(backend, letter)


def _sent(backend: EmailBackend, letter: EmailMessage) -> None:
    try:
        backend.send_messages([letter])
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({str(code) for code, _ in error.recipients.values()})
        message = f"the server answered {', '.join(codes)} to the address"
        raise NotTaken(message) from error
    except smtplib.SMTPResponseException as error:
        message = f"the server answered {error.smtp_code}"
        raise NotTaken(message) from error
    except OSError as error:
        raise Lost(type(error).__name__) from error
