"""What a result code of a directory means for the next move (RFC 4511 appendix A).

A directory's own words may hold personal values: of them only the names of fields that were
sent are repeated.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import (
    ConnectorError,
    GiveUp,
    ReadBack,
    SkipRow,
    Stop,
    TryAgain,
)
from matricula.connectors.ldap import messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.connectors.ldap.messages import Answer

PROTOCOL, TIME_LIMIT, SIZE_LIMIT, STRONGER_SIGN_IN = 2, 3, 4, 8
REFERRAL, ADMIN_LIMIT, NO_SUCH_CONTROL, NOT_ENCRYPTED = 10, 11, 12, 13
NO_SUCH_VALUE, NO_SUCH_ATTRIBUTE_TYPE, CONSTRAINT, VALUE_EXISTS, SYNTAX = 16, 17, 19, 20, 21
NO_SUCH_ENTRY, BAD_NAME, WRONG_PASSWORD, NO_RIGHT = 32, 34, 49, 50
BUSY, UNAVAILABLE, UNWILLING = 51, 52, 53
NAMING, OBJECT_CLASS, HAS_CHILDREN, EXISTS, CLASS_CHANGE, OTHER_SERVER = 64, 65, 66, 68, 69, 71
OTHER, ASSERTION_FAILED, DONE_WITHOUT_EFFECT = 80, 122, 0x410E

_LIMITS = {TIME_LIMIT: "time", SIZE_LIMIT: "number of entries", ADMIN_LIMIT: "administrative"}
_GRANT = "Have the rights granted that the connector's page lists."
# draft-behera-ldap-password-policy 6.2.
_POLICY = {
    0: "its password has expired",
    1: "it is locked",
    2: "its password must be changed first",
}
# Active Directory adds the reason of its own to a refused sign-in: `data 532`.
_AD_REASONS = {
    "530": "it may not sign in at this hour",
    "531": "it may not sign in from this machine",
    "532": "its password has expired",
    "533": "it is disabled",
    "701": "it has expired",
    "773": "its password must be changed first",
    "775": "it is locked",
}
_READ_ONLY = re.compile(r"operation restricted|read-?only", re.IGNORECASE)


def of_sign_in(answer: Answer) -> ConnectorError:
    """Say why we are not let in: the account, its password, its expiry."""
    about = of_directory(answer)
    if isinstance(about, TryAgain):
        return about
    if answer.code in (NOT_ENCRYPTED, STRONGER_SIGN_IN):
        return Stop(
            f"The directory wants an encrypted connection before anybody signs in "
            f"(result {answer.code}).",
            code="M613",
            cure="Write `ldaps://`, or leave `starttls:` out.",
        )
    reason = _POLICY.get(policy if (policy := messages.policy_error(answer)) is not None else -1)
    stated = re.search(r"\bdata ([0-9a-f]{3,4})\b", answer.said)
    reason = reason or (_AD_REASONS.get(stated[1]) if stated else None)
    if reason:
        return Stop(
            f"The directory does not let our account in: {reason} (result {answer.code}).",
            code="M613",
            cure="Have the account of `bind_dn` renewed or released by the directory's office.",
        )
    return Stop(
        f"The directory refuses our account or its password (result {answer.code}).",
        code="M613",
        cure="Check `bind_dn` and `password`, and whether the account is locked: most "
        "directories do not tell.",
    )


def no_encryption(code: int) -> Stop:
    """Say that the directory does not go on encrypted."""
    return Stop(
        f"The directory does not begin encryption when asked to (StartTLS, result {code}).",
        code="M613",
        cure="Have its office set up TLS, or write `ldaps://`.",
    )


def of_directory(answer: Answer) -> ConnectorError | None:
    """Say what an answer tells of the whole directory; None when it is about a record."""
    match answer.code:
        case 51:
            return TryAgain(
                "The directory is busy (result 51).",
                code="M611",
                cure="It is tried again by itself.",
            )
        case 52:
            return TryAgain(
                "The directory is not available (result 52).",
                code="M610",
                cure="It is tried again by itself.",
            )
        case 53 if _READ_ONLY.search(answer.said):
            return TryAgain(
                "The directory is set to read-only (result 53).",
                code="M611",
                cure="Ask its office how long its maintenance lasts; it is tried again.",
            )
        case 10:
            return GiveUp(
                "This directory is a copy that sends writes to another (result 10).",
                code="M741",
                cure="Write the address of the directory that takes writes into `url`.",
            )
        case _:
            return None


def of_search(code: int, base: str) -> ConnectorError:
    """Say why a search was not answered in full; half of a listing is never believed."""
    if code in _LIMITS:
        return GiveUp(
            f"The directory cuts our listings off: its {_LIMITS[code]} limit (result {code}).",
            code="M740",
            cure="Have our account exempted: `limits dn.exact=... size=unlimited time=unlimited` "
            "in OpenLDAP; in Active Directory a `page_size` of at most 1000.",
        )
    if code == NO_SUCH_ENTRY:
        return GiveUp(
            f"There is no branch {base}, or our account may not see it (result 32).",
            code="M742",
            cure="Correct `base:` or `move_to:`, have the branch made, or have us granted to "
            "read it.",
        )
    if code == NO_RIGHT:
        return Stop(f"Our account may not read {base} (result 50).", code="M613", cure=_GRANT)
    if code == NO_SUCH_CONTROL:
        return GiveUp(
            "The directory cannot give listings page by page (result 12).",
            code="M607",
            cure="Have its office enable the paged results control (RFC 2696).",
        )
    if code in (BUSY, UNAVAILABLE):
        return TryAgain(
            f"The directory is busy or away (result {code}).",
            code="M611" if code == BUSY else "M610",
            cure="It is tried again by itself.",
        )
    return GiveUp(
        f"The directory refuses to list {base} (result {code}).",
        code="M615",
        cure="Look at the directory's own log.",
    )


def of_write(answer: Answer, sent: Iterable[str], where: str) -> ConnectorError:
    """Say what a refused write means for its record.

    Args:
        answer: The refusal.
        sent: Names of the fields that were sent.
        where: The branch.
    """
    about = of_directory(answer)
    if about is not None:
        return about
    names = list(sent)
    return _of_record(answer, names) or _of_place(answer, where) or _unexpected(answer, names)


class Closed(SkipRow):
    """The directory does not let us write this entry; perhaps it lets us write none.

    Args:
        what: What we may not do, as the end of a sentence: `add entries`.
        where: The branch.
    """

    def __init__(self, what: str, where: str) -> None:
        self.what = what
        self.where = where
        super().__init__(
            f"The directory does not let our account {what}, for this entry (result 50).",
            code="M613",
            cure="Have this entry opened to us, or take its record out of the flow's `where`.",
        )

    def everywhere(self) -> Stop:
        """Say that it is so for every entry."""
        return no_right(self.what, self.where)


def no_right(what: str, where: str) -> Stop:
    """Say which permission is missing."""
    return Stop(f"Our account may not {what} below {where} (result 50).", code="M613", cure=_GRANT)


def gone() -> SkipRow:
    """Say that the entry was removed, or moved where we do not look."""
    return SkipRow(
        "The entry is gone: it lies in none of the resource's branches any more.",
        code="M605",
        cure="Find out who removed or moved it; the next full run sees that it is missing.",
    )


def unsettled(attempts: int) -> TryAgain:
    """Say that somebody was quicker every time."""
    return TryAgain(
        f"The entry changed each of {attempts} times while it was being written.",
        code="M633",
        cure="Nothing to do by hand unless it lasts: something else writes this entry.",
    )


def taken(name: str) -> SkipRow:
    """Say that an entry of that name is there, which is not known to be this record's."""
    return SkipRow(
        f"An entry with this {name} is there already, and the flow's match does not find it.",
        code="M606",
        cure="Have the directory's office say whose it is and correct it, or free the name.",
    )


def several(count: int) -> SkipRow:
    """Say that a look-up found more than one."""
    return SkipRow(
        f"{count} entries answer to what should identify one.",
        code="M606",
        cure="Have the directory's office merge them or correct their identifiers.",
    )


def _of_record(answer: Answer, sent: list[str]) -> SkipRow | None:
    named = ", ".join(_named(answer.said, sent))
    match answer.code:
        case 19 if "unique" in answer.said:
            said = named or "A value that must be unique"
            return SkipRow(
                f"{said} is already used by another entry (result 19).",
                code="M606",
                cure="Find out which of the two records is right, and correct the other.",
            )
        case 19 | 21 | 34 | 17 | 18:
            return SkipRow(
                f"The directory refuses {named or 'a value of this entry'} "
                f"(result {answer.code}).",
                code="M604",
                cure="Correct the value at its owner; the directory's log says what it dislikes.",
            )
        case 65 | 64 | 67 | 69:
            return SkipRow(
                f"The directory refuses the entry as a whole: {named or 'its classes'} "
                f"(result {answer.code}).",
                code="M604",
                cure="Grant what its object classes require, or correct `object_classes:`.",
            )
        case _:
            return None


def _of_place(answer: Answer, where: str) -> ConnectorError | None:
    match answer.code:
        case 32:
            return GiveUp(
                f"There is no branch {where} to write to (result 32).",
                code="M742",
                cure="Have the branch made, or correct `base:` or `move_to:`.",
            )
        case 66 | 71:
            return SkipRow(
                f"The entry cannot be removed or moved: others lie below it, or the branch is "
                f"another server's (result {answer.code}).",
                code="M607",
                cure="Have the directory's office move what lies below it first.",
            )
        case 80:
            return ReadBack(
                "The directory failed while it wrote (result 80).",
                code="M612",
                cure="The entry is read back before anything else; its log says what failed.",
            )
        case _:
            return None


def _unexpected(answer: Answer, sent: list[str]) -> SkipRow:
    named = ", ".join(_named(answer.said, sent)) or "this entry"
    return SkipRow(
        f"The directory refuses {named} (result {answer.code}).",
        code="M604",
        cure="Look at the directory's own log for the time of the run.",
    )


def _named(said: str, sent: list[str]) -> list[str]:
    words = {word.casefold() for word in re.findall(r"[A-Za-z][\w-]*", said)}
    return [name for name in sent if name.casefold() in words]
