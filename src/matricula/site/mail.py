"""From the environment's words on mail to what Django's SMTP backend is given."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from matricula.kernel.errors import SettingMissing

_SECONDS = 20
_LOCAL = ("localhost", "127.0.0.1", "::1")


def server(url: str, *, password: str = "") -> dict[str, Any] | None:
    """Say how the mail server is reached; None when there is none.

    `smtp://` is encrypted by STARTTLS unless the server is this machine or the URL ends with
    `?starttls=no`; `smtps://` is encrypted from the beginning.

    Args:
        url: `smtp://user@host:587` or `smtps://user@host:465`.
        password: Wins over one in the URL.

    Raises:
        SettingMissing: The URL names no mail server (M820).
    """
    if not url:
        return None
    parts = urlsplit(url)
    # The scheme alone: the rest of a URL may hold a password.
    if parts.scheme not in {"smtp", "smtps"}:
        raise _not_understood(f"begins with {parts.scheme or 'no scheme'}")
    if not parts.hostname:
        raise _not_understood("names no host")
    try:
        port = parts.port
    except ValueError:
        raise _not_understood("has a port that is no number up to 65535") from None
    is_encrypted = parts.scheme == "smtps"
    starttls = dict(parse_qsl(parts.query)).get("starttls", "")
    if starttls not in {"", "yes", "no"}:
        raise _not_understood("says something else than yes or no to starttls")
    wanted = starttls == "yes" or (not starttls and parts.hostname not in _LOCAL)
    return {
        "host": parts.hostname,
        "port": port or (465 if is_encrypted else 587),
        "username": unquote(parts.username or ""),
        "password": password or unquote(parts.password or ""),
        "use_ssl": is_encrypted,
        "use_tls": wanted and not is_encrypted,
        "timeout": _SECONDS,
    }


def _not_understood(why: str) -> SettingMissing:
    return SettingMissing(
        "M820",
        f"The mail server's URL {why}.",
        cure="Write smtp://user@host:587 or smtps://user@host, or leave it out.",
        place="MATRICULA_SMTP_URL",
    )


def sender(address: str, *, is_needed: bool) -> str:
    """Give the address that letters come from.

    Raises:
        SettingMissing: There is a mail server and no address (M821).
    """
    if is_needed and "@" not in address:
        raise SettingMissing(
            "M821",
            "Nobody is named whom letters come from.",
            cure="Set it to an address, such as matricula@example.org.",
            place="MATRICULA_MAIL_FROM",
        )
    return address


def daily_at(clock: str) -> str:
    """Give the time of the daily letter, `HH:MM`.

    Raises:
        SettingMissing: It is no time (M821).
    """
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", clock):
        raise SettingMissing(
            "M821", f"{clock} is no time.", cure="Write it as in 07:00.", place="MATRICULA_MAIL_AT"
        )
    return clock
