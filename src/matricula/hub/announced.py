"""Announcements: a system says where something changed, and the flows concerned look.

Nothing that it says is believed: its subject names a record or a flow, the owner is read all
the same, and the rest of the message is not even looked at. So whoever stole a secret could
have Matricula look more often, and nothing else.

Source: CloudEvents 1.0.2 (JSON format, structured content), Standard Webhooks 1.0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Sum

from matricula.audit.actions import Entry, append
from matricula.engine import line
from matricula.hub import marks, signing
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import Announcement, FlowState
from matricula.kernel.errors import MatriculaError, Refused, SettingMissing
from matricula.kernel.keys import split_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from matricula.charter.model import Charter, Entity, System

LARGEST = 64 << 10
CONTENT = "application/cloudevents+json"
# In a minute: what is taken of one system, and how many refusals are answered with a reason.
_MOST, _MOST_REFUSED = 300, 10
_MINUTE = timedelta(minutes=1)
_QUIET = timedelta(hours=1)
# Longer than anybody tries to deliver one message.
_KEPT = timedelta(days=7)
_LONGEST_SUBJECT = 500
_FLOW = "flow"
_ACTOR = "matricula"
_MISSING = "M803"


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as it came. `headers`: by lower-case name. `body`: at most `LARGEST` and one."""

    system: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime


class TooMany(Refused):
    """A refusal that says when to come again."""

    def __init__(self, system: str) -> None:
        self.after_seconds = int(_MINUTE.total_seconds())
        super().__init__(
            "M598",
            f"{system} announced too much in a minute.",
            cure=f"Send it again after {self.after_seconds} seconds.",
            place=system,
        )


class TooLarge(Refused):
    """A refusal of a body that is not even looked at."""

    def __init__(self, system: str) -> None:
        super().__init__(
            "M597",
            f"A message to {system} is larger than {LARGEST} bytes.",
            cure="Announce one record at a time.",
            place=system,
        )


def take(charter: Charter, posted: Posted) -> bool:
    """Mark what a message names, once for each message.

    Args:
        charter: Whose systems and flows.
        posted: By whom it says it is, and what.

    Returns:
        Whether it was new; one that was taken before does nothing.

    Raises:
        Refused: Such a system may not announce (M599), its signature does not count (M596),
            it announces too much (M598), or is not understood (M597).
        SettingMissing: The system's secret is not there (M803).
    """
    system = charter.systems.get(posted.system)
    if system is None or not system.announces:
        raise Refused(
            "M599", "No such system may announce anything.",
            cure="Correct the address, or the charter.",
        )  # fmt: skip
    event = _identity(system, posted)
    subject = _subject(posted)
    with transaction.atomic():
        _, is_new = Announcement.objects.get_or_create(
            system=system.name, message=event, taken=True, defaults={"at": posted.at}
        )
        if is_new:
            _must_be_few(system.name, posted.at)
            _mark(charter, system, subject, posted.at)
            _forget_old(posted.at)
    return is_new


def _identity(system: System, posted: Posted) -> str:
    """Verify who sent it; what nobody has proven is counted, and its words are not kept."""
    if len(posted.body) > LARGEST:
        raise TooLarge(system.name)
    event = signing.verified(
        posted.headers, posted.body, at=posted.at, with_=_keys(system, posted)
    )
    if event:
        return event
    _note_refusal(system.name, posted.at)
    raise Refused(
        "M596", f"Nothing proves that {system.name} sent this, just now.",
        cure="Sign it with the system's secret, by a clock that is right.", place=system.name,
    )  # fmt: skip


def _keys(system: System, posted: Posted) -> list[bytes]:
    """Fetch what a system signs with; the office hears when nothing can be verified at all."""
    place = f"announcements of {system.name}"
    try:
        found = signing.keys(system.announces)
    except SettingMissing as error:
        told = Trouble(_MISSING, place, system.steward, error.message, error.cure)
        report([told], at=posted.at)
        raise
    close_others([], codes=[_MISSING], places=[place], at=posted.at)
    return found


def _note_refusal(system: str, at: datetime) -> None:
    """Count a refusal; the first after a quiet hour is audited, and a flood fills no disk.

    Raises:
        TooMany: There were many in this minute already (M598).
    """
    minute = at.replace(second=0, microsecond=0)
    refused = Announcement.objects.filter(system=system, taken=False)
    with transaction.atomic():
        was_quiet = not refused.filter(at__gt=minute - _QUIET).exists()
        found, is_new = refused.get_or_create(
            system=system, taken=False, at=minute, defaults={"times": 0}
        )
        refused.filter(pk=found.pk).update(times=F("times") + 1)
        if is_new and was_quiet:
            why = "a message in its name bore no signature that counts; more within an hour are "
            why += "only counted"
            append([Entry(_ACTOR, "refuse announcement", "system", system, why)], at=at)
        if is_new:
            _forget_old(at)
    if found.times >= _MOST_REFUSED:
        raise TooMany(system)


def refused_lately(systems: Iterable[str], at: datetime) -> dict[str, int]:
    """Count, by system, the messages of the last day that bore no signature that counts."""
    lately = Announcement.objects.filter(taken=False, at__gt=at - timedelta(days=1))
    counts = lately.order_by().values_list("system").annotate(n=Sum("times"))
    return dict.fromkeys(systems, 0) | dict(counts.filter(system__in=list(systems)))


def _must_be_few(system: str, at: datetime) -> None:
    """Bound what one system may have looked at; the row of this message is there already."""
    lately = Announcement.objects.filter(system=system, taken=True, at__gt=at - _MINUTE)
    if lately.count() > _MOST:
        raise TooMany(system)


def _forget_old(at: datetime) -> None:
    Announcement.objects.filter(at__lt=at - _KEPT).delete()


def _subject(posted: Posted) -> str:
    """Read the one attribute that counts, out of what must be a CloudEvent."""
    kind = posted.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != CONTENT:
        raise not_understood(posted.system, f"its content type is not {CONTENT}")
    try:
        event = json.loads(posted.body)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise not_understood(posted.system, "it is no CloudEvent 1.0 in JSON")
    for name in ("id", "source", "type", "subject"):
        told = event.get(name)
        if not isinstance(told, str) or not told:
            raise not_understood(posted.system, f"it has no {name}")
    subject: str = event["subject"]
    if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise not_understood(posted.system, "its subject is no name of a record or a flow")
    return subject


def _mark(charter: Charter, system: System, subject: str, at: datetime) -> None:
    kind, _, named = subject.partition("/")
    if kind == _FLOW:
        flow = charter.flows.get(named)
        if flow is None or system.name not in _systems_of(charter, named):
            raise not_understood(system.name, "it names no flow of its own")
        FlowState.objects.filter(flow=named).update(asked_at=at)
        return
    entity = charter.entities.get(kind)
    if entity is None or system.name not in {owner.system for owner in entity.owners()}:
        raise not_understood(system.name, "it names no kind of record that it owns a field of")
    if not _spells_key(entity, named):
        raise not_understood(system.name, f"its subject spells no key of {entity.name}")
    marks.mark(charter, kind, [named], why=f"{system.name} announced it", at=at)


def _systems_of(charter: Charter, flow: str) -> set[str]:
    granted = charter.flows[flow]
    return {granted.target.system, *(r.system for r in line.sources_of(charter, granted))}


def _spells_key(entity: Entity, key: str) -> bool:
    try:
        return all(split_key(key, len(entity.key)))
    except ValueError:
        return False


def not_understood(system: str, why: str) -> MatriculaError:
    """Say that a message makes no sense; what it said is not repeated (M597)."""
    return Refused(
        "M597", f"An announcement of {system} is not understood: {why}.",
        cure="Send a CloudEvent in structured JSON whose subject is ENTITY/KEY or flow/NAME.",
        place=system,
    )  # fmt: skip
