"""How an office is reached: what came of handing a text over, and by mail how it is done."""

from __future__ import annotations

import smtplib
from contextlib import suppress
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

if TYPE_CHECKING:
    from matricula.charter.model import Steward
    from matricula.hub.wording import Text


class Away(Exception):
    """Nothing has left us."""


class NotTaken(Exception):
    """The other side said no."""


class Lost(Exception):
    """It may have arrived."""


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
    backend = EmailBackend(**(settings.SMTP or {}))
    try:
        backend.open()
    except (OSError, ValueError) as error:
        raise Away(type(error).__name__) from error
    try:
        backend.send_messages(
            [EmailMessage(text.subject, text.body, settings.MAIL_FROM, [office.notify])]
        )
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({str(code) for code, _ in error.recipients.values()})
        message = f"the server answered {', '.join(codes)} to the address"
        raise NotTaken(message) from error
    except smtplib.SMTPResponseException as error:
        message = f"the server answered {error.smtp_code}"
        raise NotTaken(message) from error
    except OSError as error:
        raise Lost(type(error).__name__) from error
    finally:
        with suppress(OSError):
            backend.close()
