"""Who is meant by an audience, what may be sent, and what a mail server's answer means: pure.

An audience is written as conditions, `programme:BIO; status:active`. A student is meant who
meets one condition of each kind that is named.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.kernel.checks import Check, blocked
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

SECTION, PROGRAMME, TERM, STATUS, STUDENT = KINDS = (
    "section", "programme", "term", "status", "student",
)  # fmt: skip
WAITING, SENDING, SENT, REFUSED = STATES = ("waiting", "sending", "sent", "refused")
# What is still sending after this, nobody is sending any more.
CUT_SHORT = timedelta(minutes=10)
# A server that says "not now" for so long means no.
_PATIENCE = timedelta(days=3)
_LONGEST_SUBJECT = 200
_PERMANENT = 500
_OFFICE = "whoever sends it"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant.

    Attributes:
        conditions: Values per kind of `KINDS`; a kind that is not there asks for nothing.
    """

    conditions: Mapping[str, tuple[str, ...]]

    def of(self, kind: str) -> tuple[str, ...]:
        """Give the values of a kind; none where it asks for nothing."""
        return self.conditions.get(kind, ())

    def __str__(self) -> str:
        """Write it as `read` reads it."""
        return "; ".join(
            f"{kind}:{value}" for kind in KINDS for value in self.conditions.get(kind, ())
        )


def read(conditions: Iterable[str]) -> Audience:
    """Read conditions, each a kind, a colon and a value; those of one kind are alternatives."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in conditions:
        kind, _, value = (part.strip() for part in one.partition(":"))
        if value not in found[kind]:
            found[kind].append(value)
    return Audience({kind: tuple(values) for kind, values in found.items()})


def parts(text: str) -> list[str]:
    """Take an audience that was written down apart again, for `read`."""
    return text.split("; ")


def audience_checks(audience: Audience, *, statuses: Sequence[str]) -> list[Check]:
    """Say what is wrong with an audience as it is written.

    Args:
        audience: As it was read.
        statuses: What a registration may be.
    """
    if not audience.conditions:
        return [_no("audience", "It says not who is meant.", "Name a section or a programme.")]
    found = []
    for kind, values in audience.conditions.items():
        if kind not in KINDS:
            what = f"Nobody is chosen by {kind or 'nothing'}."
            found.append(_no("audience", what, meant(kind, KINDS)))
        elif "" in values or any(";" in value for value in values):
            found.append(_no("audience", f"It says not which {kind}.", f"Write {kind}:CODE."))
    unknown = [value for value in audience.of(STATUS) if value not in statuses]
    found += [
        _no("audience", f"There is no status {value}.", meant(value, statuses))
        for value in unknown
        if value
    ]
    return found


def text_checks(subject: str, body: str) -> list[Check]:
    """Say what keeps a text from being sent as a letter."""
    told = {
        "A notice needs a subject.": (not subject.strip(), "Say in a line what it is about."),
        "The subject is more than a line.": (
            len(subject.splitlines()) > 1, "Write what follows it into the text."),
        f"The subject is longer than {_LONGEST_SUBJECT} characters.": (
            len(subject) > _LONGEST_SUBJECT, "Shorten it."),
        "A notice needs a text.": (not body.strip(), "Say what there is to say."),
    }  # fmt: skip
    return [_no("text", what, cure) for what, (wrong, cure) in told.items() if wrong]


def _no(name: str, what: str, cure: str) -> Check:
    return blocked(name, what, office=_OFFICE, clears=cure)


def is_address(address: str) -> bool:
    """Whether mail can be sent to an address at all."""
    name, at, host = address.rpartition("@")
    return bool(name and at and host) and name.isascii() and not set(address) & set(" \r\n,<>")


def after_answer(code: int, *, first_at: datetime, at: datetime) -> str:
    """Say what a delivery is after a mail server did not take it.

    Args:
        code: What it answered; from 500 on it means no, below that not now.
        first_at: Since when it is to be delivered.
        at: The instant.
    """
    return REFUSED if code >= _PERMANENT or at - first_at > _PATIENCE else WAITING


def is_cut_short(state: str, tried_at: datetime | None, *, at: datetime) -> bool:
    """Whether nobody knows if a delivery arrived: its sending began and never ended."""
    return state == SENDING and tried_at is not None and at - tried_at > CUT_SHORT
