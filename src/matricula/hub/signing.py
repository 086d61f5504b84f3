"""Signatures on webhooks, as Standard Webhooks has them: HMAC-SHA256 over id, time and body.

Two functions of the standard library, where the standard's own package reads a clock of its
own and falls over a header that is no signature (decision 0038).

Source: the Standard Webhooks specification 1.0, "Signature scheme" and "Verifying".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from matricula.kernel.errors import SettingMissing
from matricula.kernel.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# How far the sender's clock may be from ours; an older message could be a recorded one.
TOLERANCE = timedelta(minutes=5)
_ID, _TIME, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_SHORTEST = 16
_LONGEST_ID = 200
_LONGEST_HEADER = 2000


def keys(reference: str) -> list[bytes]:
    """Fetch what is signed with: one key, or several while an old one is replaced.

    Args:
        reference: `env:NAME` or `file:PATH`; the value is `whsec_` and base64, as many as
            are parted by spaces.

    Raises:
        SettingMissing: It is not there, or is no such key (M803).
    """
    found = []
    for word in reveal(reference).split():
        try:
            key = base64.b64decode(word.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) < _SHORTEST:
            raise SettingMissing(
                "M803",
                f"The secret {reference} is no key for webhooks.",
                cure="Write whsec_ and 24 to 64 random bytes in base64.",
            )
        found.append(key)
    return found


def signed(body: bytes, *, event: str, at: datetime, with_: Sequence[bytes]) -> dict[str, str]:
    """Give the headers of a message.

    Args:
        body: As it is posted.
        event: Its identity, the same each time that it is posted.
        at: When it is posted, this time.
        with_: The keys; with several, whoever knows one of them can verify.
    """
    second = str(int(at.timestamp()))
    told = " ".join(f"v1,{_over(key, event, second, body)}" for key in with_)
    return {_ID: event, _TIME: second, _SIGNATURE: told}


def verified(
    headers: Mapping[str, str], body: bytes, *, at: datetime, with_: Sequence[bytes]
) -> str | None:
    """Tell whose identity a message bears; None where nothing proves who sent it, or when.

    Args:
        headers: By lower-case name.
        body: As it was posted.
        at: Now.
        with_: The keys, any of which may have signed.
    """
    event, second = headers.get(_ID, ""), headers.get(_TIME, "")
    if not _is_plain(event) or not _is_now(second, at):
        return None
    given = headers.get(_SIGNATURE, "")[:_LONGEST_HEADER].split(" ")
    wanted = [f"v1,{_over(key, event, second, body)}".encode() for key in with_]
    # Every pair is compared, so that the time it takes says nothing.
    fits = [hmac.compare_digest(one, word.encode()) for one in wanted for word in given]
    return event if any(fits) else None


def _is_plain(event: str) -> bool:
    return 0 < len(event) <= _LONGEST_ID and event.isascii() and event.isprintable()


def _is_now(second: str, at: datetime) -> bool:
    if not (second.isascii() and second.isdigit() and len(second) <= len("99999999999")):
        return False
    return abs(at - datetime.fromtimestamp(int(second), UTC)) <= TOLERANCE


def _over(key: bytes, event: str, second: str, body: bytes) -> str:
    told = b".".join([event.encode(), second.encode(), body])
    return base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode()
