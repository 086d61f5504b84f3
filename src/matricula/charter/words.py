"""The small grammars of the charter: names, types, owners, shares, clock times.

Each reader takes the text and gives a value, or raises `Misspelt` with the reason and the
cure; who calls it knows the place.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from matricula.charter.model import ResourceRef, ValueType
from matricula.kernel import durations

NAME = r"^[a-z][a-z0-9_]*$"
FLOW_NAME = r"^[a-z][a-z0-9_-]*$"
_RESOURCE = re.compile(r"([a-z][a-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_-]*)(?:\.(\S+))?")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*%")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:\S(?:.*\S)?")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_PLAIN = ("text", "integer", "decimal", "boolean", "date", "instant")

# The engine's own columns stand beside the fields of a golden record.
_RESERVED = ("key", "link", "as_of")

# ISO 4217, the codes of money in use; funds, metals and test codes are left out.
_CURRENCIES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS
UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CURRENCIES.split())


class Misspelt(ValueError):
    """A word that is not of its grammar, and how it would be.

    Args:
        code: M113 and its neighbours.
        message: What is wrong, naming the word.
        cure: What to write.
    """

    def __init__(self, code: str, message: str, cure: str) -> None:
        self.code = code
        self.cure = cure
        super().__init__(message)


def read_field_name(word: str) -> str:
    """Read the name of an entity's field; it must be able to stand in an expression."""
    if not re.match(NAME, word):
        raise Misspelt(
            "M114",
            f"`{word}` is no name for a field.",
            "Use small letters, digits and underscores, beginning with a letter.",
        )
    try:
        column = isinstance(sqlglot.parse_one(word, dialect="duckdb"), exp.Column)
    except SqlglotError:
        column = False
    if word in _RESERVED or not column:
        raise Misspelt(
            "M114",
            f"`{word}` is a word of the language and cannot name a field.",
            f"Choose another name, such as `{word}_value`.",
        )
    return word


def read_name(word: str) -> str:
    """Read the name of an office, a system or an entity."""
    return _name(word, NAME, "small letters, digits and underscores")


def read_flow_name(word: str) -> str:
    """Read the name of a flow, in which hyphens may stand too."""
    return _name(word, FLOW_NAME, "small letters, digits, hyphens and underscores")


def _name(word: str, pattern: str, allowed: str) -> str:
    if re.match(pattern, word):
        return word
    raise Misspelt("M114", f"`{word}` is no name.", f"Use {allowed}, beginning with a letter.")


def read_resource(word: str) -> ResourceRef:
    """Read `lms.users`."""
    found = _RESOURCE.fullmatch(word)
    if not found or found[3]:
        raise Misspelt(
            "M113",
            f"`{word}` is no resource.",
            "Write the system and what it holds, such as lms.users.",
        )
    return ResourceRef(found[1], found[2])


def read_owner(word: str, field: str) -> tuple[ResourceRef, str]:
    """Read `idp.users.userName`, or `sis.students` for the field of the same name."""
    found = _RESOURCE.fullmatch(word)
    if not found:
        raise Misspelt(
            "M113",
            f"`{word}` is no owner.",
            "Write the one resource that owns the field, such as sis.students, or its own "
            "name for the field too, such as idp.users.userName.",
        )
    return ResourceRef(found[1], found[2]), found[3] or field


def read_type(word: object, currency: str) -> ValueType:
    """Read the type of a field.

    Args:
        word: `text`, `money(EUR)`, `ref(programme)`, a list of words, ...
        currency: For `money` alone; empty where the charter names none.
    """
    if isinstance(word, list):
        return _read_enum(word)
    text = str(word)
    called = re.fullmatch(r"(money|ref)\(\s*(\w+)\s*\)", text)
    if called and called[1] == "ref":
        return ValueType("ref", entity=read_name(called[2]))
    if called or text == "money":
        return ValueType("money", currency=read_currency(called[2] if called else currency))
    for kind in _PLAIN:
        if kind == text:
            return ValueType(kind)  # type: ignore[arg-type]  # one of the kinds, just compared
    raise Misspelt(
        "M113",
        f"`{text}` is no type.",
        f"Use {', '.join(_PLAIN)}, money, money(EUR), a list of words, or ref(entity).",
    )


def _read_enum(words: list[object]) -> ValueType:
    wrong = [word for word in words if not isinstance(word, str) or not word]
    if wrong or not words:
        raise Misspelt(
            "M118",
            "A list type holds the words a field may have; "
            + (f"{wrong[0]!r} is not text." if wrong else "this one is empty."),
            "List at least one word; put true, false, null and numbers in quotes.",
        )
    values = tuple(str(word) for word in words)
    twice = sorted({word for word in values if values.count(word) > 1})
    if twice:
        raise Misspelt("M118", f"The list has {twice[0]} twice.", "List each word once.")
    return ValueType("enum", values=values)


def read_currency(word: str) -> str:
    """Read an ISO 4217 code."""
    if word in CURRENCIES:
        return word
    message = f"`{word}` is no currency." if word else "Money needs a currency."
    raise Misspelt(
        "M116",
        message,
        "Name one by its ISO 4217 code, such as `currency: GBP` for the whole charter or "
        "money(GBP) for one field.",
    )


def read_timezone(word: str) -> str:
    """Read an IANA time zone."""
    try:
        ZoneInfo(word)
    except (KeyError, ValueError, OSError) as error:
        raise Misspelt(
            "M117", f"`{word}` is no time zone.", "Use an IANA name, such as Europe/London."
        ) from error
    return word


def read_duration(word: str) -> str:
    """Read a duration such as `15m`; the text is kept."""
    try:
        durations.read_duration(word)
    except (ValueError, OverflowError) as error:
        raise Misspelt("M115", f"`{word}` is no duration.", "Write 90s, 15m, 2h or 7d.") from error
    return word


def read_share(word: str) -> float:
    """Read a share such as `5%`, in percent."""
    found = _SHARE.fullmatch(word)
    if not found or float(found[1]) > 100:  # noqa: PLR2004 - percent
        raise Misspelt(
            "M115", f"`{word}` is no share.", "Write a share between 0% and 100%, such as 5%."
        )
    return float(found[1])


def read_clock(word: str) -> str:
    """Read a time of day."""
    if not _CLOCK.fullmatch(word):
        raise Misspelt("M115", f"`{word}` is no time of day.", 'Write hours and minutes: "02:00".')
    return word


def read_reference(word: str) -> str:
    """Read where a secret is kept: `env:NAME` or `file:PATH`. What is wrong is never repeated."""
    if not _REFERENCE.fullmatch(word):
        raise Misspelt(
            "M217",
            "This is kept secret, and here it stands in clear.",
            "Write env:NAME or file:PATH, put the secret there, and change it: it has been read.",
        )
    return word


def read_hook(word: str) -> str:
    """Read the address that events are posted to, or the reference to one that is secret."""
    if word.startswith(("env:", "file:")):
        return read_reference(word)
    try:
        parts = urlsplit(word)
        host, credentials = parts.hostname, parts.username or parts.password
    except ValueError:
        host, credentials, parts = None, None, urlsplit("")
    if credentials:
        raise Misspelt(
            "M217",
            "The address holds a password in clear.",
            "Write env:NAME or file:PATH, put the whole address there, and change the password.",
        )
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)):
        raise Misspelt(
            "M113",
            "This is no address that events can be posted to.",
            "Write https://host/path, or env:NAME where the address is secret.",
        )
    return word
