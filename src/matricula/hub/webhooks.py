"""Posting events to whoever subscribes: signed, in order, and again until they are taken.

No address that the charter does not name is reached, no redirect followed, and nothing goes
out unencrypted except to this machine. An attempt is counted before it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

import httpx2

from matricula.charter.words import Misspelt, read_hook
from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.kit.http import retry_after
from matricula.connectors.kit.transport import Access, guarded_client
from matricula.hub import alone, outbox, signing
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import Message, Subscriber
from matricula.kernel.errors import SettingMissing
from matricula.kernel.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from matricula.charter.model import Subscription
    from matricula.hub.desk import Desk
    from matricula.hub.outbox import Told

_SECONDS = 10.0
# So long may one round post; the flows wait meanwhile, and the rest is posted in the next.
_ROUND_SECONDS = 20.0
_CONTENT = "application/cloudevents+json; charset=utf-8"
_GONE = 410
_SAYS_WHEN = frozenset({429, 503})
_ENDED, _GIVEN_UP = "M594", "M595"
_CODES = (_ENDED, _GIVEN_UP)
_MISSING = "M803"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of an attempt. `status` 0: none came, for `why`. `rest`: what it asks for."""

    status: int
    why: str
    rest: timedelta = timedelta(0)

    @property
    def is_taken(self) -> bool:
        return self.status // 100 == 2  # noqa: PLR2004 - the class of a status is its first digit


def tell_due(desk: Desk) -> int:
    """Post what is due to every subscriber; any number of workers may call it at once.

    Returns:
        How many messages were taken.
    """
    until = monotonic() + _ROUND_SECONDS
    posted = 0
    for told in outbox.subscribers(desk.charter):
        with alone.scheduling():
            known = outbox.gather(desk, told)
        resting = known.not_before and known.not_before > desk.at
        if not known.ended_at and not resting and monotonic() < until:
            posted += _post_to(desk, told, until)
    _forget_others(desk)
    return posted


def _forget_others(desk: Desk) -> None:
    """Let go of whom the charter no longer has; what waited for them is not posted."""
    named = {told.name for told in outbox.subscribers(desk.charter)}
    for gone in outbox.forget_others(desk, named):
        close_others([], codes=[*_CODES, _MISSING], places=[_place(gone)], at=desk.at)


def standing(desk: Desk) -> list[dict[str, object]]:
    """Say of every subscriber what waits, what became of the last, and who acts next."""
    found = []
    for told in outbox.subscribers(desk.charter):
        known = Subscriber.objects.filter(name=told.name).first()
        mine = Message.objects.filter(subscriber=told.name)
        last = mine.exclude(settled_at=None).order_by("-settled_at", "-pk").first()
        waiting = mine.filter(state="waiting")
        failing = waiting.exclude(told="").order_by("pk").first()
        found.append(
            {
                "subscriber": told.name, "events": list(told.how.events),
                "waiting": waiting.count(), "given_up": mine.filter(state="given_up").count(),
                "last_taken_at": last.settled_at if last and last.state == "sent" else None,
                "said": failing.told if failing else "", "next": _next(known, waiting.exists()),
                "steward": told.steward,
            }
        )  # fmt: skip
    return found


def _next(known: Subscriber | None, is_waiting: bool) -> str:  # noqa: FBT001 - a fact, not a mode
    if known and known.ended_at:
        return "the office: it answered 410, so nothing is posted until the charter says otherwise"
    return "the worker: it posts what waits" if is_waiting else "nobody"


@dataclass(frozen=True, slots=True)
class _Line:
    """The way to one subscriber during one round."""

    desk: Desk
    told: Told
    client: httpx2.Client
    url: str
    keys: Sequence[bytes]
    until: float


def _post_to(desk: Desk, told: Told, until: float) -> int:
    """Post to one subscriber what is due, and what then becomes due."""
    try:
        url, keys = address(told.how), signing.keys(told.how.secret)
    except SettingMissing as error:
        report([_trouble(told, _MISSING, error.message, error.cure)], at=desk.at)
        return 0
    close_others([], codes=[_MISSING], places=[_place(told.name)], at=desk.at)
    if not outbox.due(desk, told.name):
        # A client reads every certificate that the machine trusts: not for nothing.
        return 0
    posted, goes_on = 0, True
    with guarded_client(Access(url, timeout_seconds=_SECONDS)) as client:
        way = _Line(desk, told, client, url, keys, until)
        while goes_on:
            # Of every subject the next: what was taken frees what waited for it.
            now, goes_on = _one_round(way)
            posted += now
    if posted:
        close_others([], codes=_CODES, places=[_place(told.name)], at=desk.at)
    return posted


def _one_round(way: _Line) -> tuple[int, bool]:
    """Post of every subject the oldest; tell how many were taken, and whether to go on."""
    posted = 0
    for message in outbox.due(way.desk, way.told.name):
        if monotonic() > way.until:
            return posted, False
        if not outbox.claim(way.desk, message):
            continue
        answer = _post(way, message)
        if answer.is_taken:
            outbox.taken(way.desk, message)
            posted += 1
        elif _fail(way, message, answer):
            return posted, False
    return posted, posted > 0


def _fail(way: _Line, message: Message, answer: _Answer) -> bool:
    """Write a failure down; tell whether its subscriber is left alone for now."""
    desk, told = way.desk, way.told
    if answer.status == _GONE:
        outbox.end(desk, message)
        words = f"{told.name} answered that nobody is there any more (status 410)."
        cure = "Take `subscribes:` out of the charter, or correct its address: that begins anew."
        report([_trouble(told, _ENDED, words, cure)], at=desk.at)
        return True
    is_silent = not answer.status
    if outbox.failed(desk, message, answer.why, rest=answer.rest, is_silent=is_silent):
        words = (
            f"{told.name} did not take an event of {message.made_at:%Y-%m-%d %H:%M} UTC in "
            f"{message.attempts} attempts, the last: {answer.why}. It is given up."
        )
        cure = "Look at what receives events there; what comes after is posted all the same."
        report([_trouble(told, _GIVEN_UP, words, cure)], at=desk.at)
    return is_silent or bool(answer.rest)


def _post(way: _Line, message: Message) -> _Answer:
    body = message.body.encode()
    # The signature's time is that of the attempt, or a message that waited would be too old.
    headers = signing.signed(body, event=message.event, at=way.desk.at, with_=way.keys)
    headers["Content-Type"] = _CONTENT
    try:
        with way.client.stream("POST", way.url, content=body, headers=headers) as response:
            # What it says beside its status is of no use, and may be endless.
            return _judged(response.status_code, response.headers, way.desk.at)
    except (httpx2.HTTPError, ConnectorError, OSError) as error:
        # Its name alone: what else it says may hold the address.
        return _Answer(0, type(error).__name__)


def _judged(status: int, headers: Mapping[str, str], at: datetime) -> _Answer:
    asked = retry_after(headers.get("retry-after", ""), now=at) if status in _SAYS_WHEN else 0.0
    return _Answer(status, f"status {status}", timedelta(seconds=asked))


def address(how: Subscription) -> str:
    """Give the address that events are posted to, fetched where the charter refers to it.

    Raises:
        SettingMissing: It is not there, or is no address (M803).
    """
    if not how.url.startswith(("env:", "file:")):
        return how.url
    try:
        return read_hook(reveal(how.url))
    except Misspelt as error:
        cure = "Write https://host/path there."
        raise SettingMissing(
            _MISSING, f"The secret {how.url} is no address.", cure=cure
        ) from error


def _place(name: str) -> str:
    return f"events to {name}"


def _trouble(told: Told, code: str, message: str, cure: str) -> Trouble:
    return Trouble(code, _place(told.name), told.steward, message, cure)
