"""The outbox: events that wait for a subscriber, and what became of each.

A message is written down before it is posted, once for each fact and subscriber, and keeps
its identity however often it is posted: whoever takes one twice can tell. Of one subject only
the oldest message is out; subjects do not wait for one another.

Source: Standard Webhooks 1.0, "Deliverability and reliability" (the pauses, 410, Retry-After).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Min

from matricula.hub import facts
from matricula.hub.models import Message, Subscriber
from matricula.kernel.digests import digest
from matricula.kernel.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.model import Charter, Subscription
    from matricula.hub.desk import Desk

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
# Before the second attempt, the third ...: 75 hours in all. The first is longer than any call.
PAUSES = (
    _MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR,
    24 * _HOUR,
)  # fmt: skip
# Longer than facts are looked for, so that none is told again.
_KEPT = timedelta(days=30)
_FIRST_REST, _REST_OF_SILENT = timedelta(seconds=30), timedelta(minutes=15)
_LONGEST_REST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told: its name here, the office that answers for it, and how."""

    name: str
    steward: str
    how: Subscription


def subscribers(charter: Charter) -> Iterator[Told]:
    """List who subscribes, systems and offices."""
    for system in charter.systems.values():
        if system.subscribes:
            yield Told(f"systems.{system.name}", system.steward, system.subscribes)
    for office in charter.stewards.values():
        if office.subscribes:
            yield Told(f"stewards.{office.name}", office.name, office.subscribes)


@transaction.atomic
def gather(desk: Desk, told: Told) -> Subscriber:
    """Write down what there is to tell a subscriber, each fact once.

    What happened before somebody subscribed is not told. Other terms (an address, a secret)
    begin anew with whom had ended.
    """
    known = _subscriber(desk, told)
    if known.ended_at:
        return known
    found = facts.since(desk.charter, told.name, told.how.events, earliest=known.since, at=desk.at)
    wanted = {fact.name: fact for fact in found}
    written = Message.objects.filter(subscriber=told.name, fact__in=wanted)
    for name in written.values_list("fact", flat=True):
        del wanted[name]
    rows = []
    for fact in wanted.values():
        identity = new_id("evt", at=desk.at)
        rows.append(
            Message(
                subscriber=told.name, fact=fact.name, event=identity, subject=fact.subject,
                body=fact.as_event(desk.charter, identity), made_at=desk.at,
                next_attempt_at=desk.at,
            )
        )  # fmt: skip
    Message.objects.bulk_create(rows, batch_size=100)
    return known


def _subscriber(desk: Desk, told: Told) -> Subscriber:
    terms = digest([told.how.url, told.how.secret])
    fresh = {"terms": terms, "since": desk.at}
    known, is_new = Subscriber.objects.get_or_create(name=told.name, defaults=fresh)
    if is_new or known.terms == terms:
        return known
    if known.ended_at:
        known.since, known.ended_at = desk.at, None
    known.terms, known.not_before, known.failures = terms, None, 0
    known.save()
    return known


def due(desk: Desk, name: str) -> list[Message]:
    """List what is to be posted now: of each subject the oldest, if its time has come."""
    waiting = Message.objects.filter(subscriber=name, state="waiting")
    first = waiting.values("subject").annotate(first=Min("pk")).values_list("first", flat=True)
    return list(waiting.filter(pk__in=list(first), next_attempt_at__lte=desk.at).order_by("pk"))


def claim(desk: Desk, message: Message) -> bool:
    """Count an attempt before it is made; nobody else may make the same one."""
    pause = PAUSES[min(message.attempts, len(PAUSES) - 1)]
    as_seen = Message.objects.filter(pk=message.pk, state="waiting", attempts=message.attempts)
    message.attempts += 1
    return bool(as_seen.update(attempts=message.attempts, next_attempt_at=desk.at + pause))


def taken(desk: Desk, message: Message) -> None:
    """Write down that a message was taken, and its subscriber is well."""
    _settle(desk, message, "sent")
    well = {"failures": 0, "not_before": None}
    Subscriber.objects.filter(name=message.subscriber).update(**well)
    Message.objects.filter(settled_at__lt=desk.at - _KEPT).delete()


def failed(desk: Desk, message: Message, why: str, *, rest: timedelta, is_silent: bool) -> bool:
    """Write down that a message was not taken, or that nobody knows.

    Args:
        desk: Now.
        message: As it was claimed.
        why: A status, or the name of an error.
        rest: For how long its subscriber asks to be left alone; at most a day counts.
        is_silent: It did not answer at all. Then nothing is posted to it for a while, or
            every message would be waited for in turn.

    Returns:
        Whether it was given up: after its last attempt, or after as long of silence.
    """
    known = Subscriber.objects.get(name=message.subscriber)
    if is_silent:
        rest = min(_FIRST_REST * 2 ** min(known.failures, 10), _REST_OF_SILENT)
    known.not_before = desk.at + min(rest, _LONGEST_REST) if rest else None
    known.failures += 1
    known.save()
    Message.objects.filter(pk=message.pk).update(told=why)
    # A silent subscriber is asked seldom, so its messages grow old before they are tried out.
    is_old = desk.at - message.made_at > sum(PAUSES, timedelta(0))
    if message.attempts <= len(PAUSES) and not (is_old and known.failures >= len(PAUSES)):
        return False
    _settle(desk, message, "given_up")
    return True


def end(desk: Desk, message: Message) -> None:
    """Write down that nobody is there any more: what waits is not posted."""
    Subscriber.objects.filter(name=message.subscriber).update(ended_at=desk.at)
    waiting = Message.objects.filter(subscriber=message.subscriber, state="waiting")
    waiting.update(state="ended", settled_at=desk.at)


def forget_others(desk: Desk, named: set[str]) -> list[str]:
    """Forget whoever is not named any more, and give their names."""
    gone = list(Subscriber.objects.exclude(name__in=named).values_list("name", flat=True))
    waiting = Message.objects.filter(subscriber__in=gone, state="waiting")
    waiting.update(state="ended", settled_at=desk.at)
    Subscriber.objects.filter(name__in=gone).delete()
    return gone


def _settle(desk: Desk, message: Message, state: str) -> None:
    Message.objects.filter(pk=message.pk).update(state=state, settled_at=desk.at)
