"""Letters to the offices: one a day with what is open, and one at once for what holds a flow.

By mail, and in fewer words where the office talks. A letter is written down before it is
sent. One whose sending was cut short may have arrived: it is not sent again, and the next
daily one names it. While a server is away nothing is queued; what is open then is written when
it is back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from matricula.engine import line
from matricula.hub import alone, approvals, channels, escalation, standing, ways, wording
from matricula.hub.answers import open_for
from matricula.hub.clock import last_moment_of
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import FlowState, Incident, Letter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import QuerySet

    from matricula.charter.model import Charter, Steward
    from matricula.hub.desk import Desk
    from matricula.hub.wording import Text

DAY, AT_ONCE = "day", "at_once"
# How long the server is left alone that was away, and an office whose letter it refused.
_REST, _REST_OF_OFFICE = timedelta(minutes=15), timedelta(hours=6)
_ALARM = timedelta(hours=2)
# What is still intended after this, nobody is sending any more.
_CUT_SHORT = timedelta(minutes=10)
_MOST = 100
_PLACE = "letters"
_HOLDING = ("M514", "M515")


@dataclass(frozen=True, slots=True)
class _Way:
    """How offices are reached.

    Attributes:
        name: As `Letter.way` has it.
        mark: The incident's own note that it was told at once.
        hand_over: Raises what became of it, unless it was taken.
        away: The code of an incident on the server, when nobody could be reached for long.
        refused: The code of an incident on a letter that was not taken.
    """

    name: str
    mark: str
    hand_over: Callable[[Steward, wording.Text], None]
    away: str
    refused: str

    def reaches(self, office: Steward) -> bool:
        """Tell whether an office is to be reached so."""
        return are_on() if self.name == "mail" else bool(office.channel)

    def place(self, office: Steward) -> str:
        """Name what is away when it is: one server for all, or an office's own channel."""
        return _PLACE if self.name == "mail" else f"channel of {office.name}"

    def sharing(self, office: Steward) -> dict[str, str]:
        """Say whose letters share the server."""
        return {"way": self.name} | ({} if self.name == "mail" else {"steward": office.name})


def _to_channel(office: Steward, text: wording.Text) -> None:
    channels.hand_over(office.channel, text)


_MAIL = _Way("mail", "told_at_once", ways.mail, "M670", "M671")
_CHANNEL = _Way("channel", "told_in_channel", _to_channel, "M593", "M592")


@dataclass(frozen=True, slots=True)
class _Written:
    """A letter that was written down. `fresh`: what no letter told before; `lost`: it names."""

    letter: Letter
    text: Text
    fresh: Sequence[int] = ()
    lost: Sequence[int] = ()


def are_on() -> bool:
    """Tell whether a mail server is named."""
    return settings.SMTP is not None


def standing_now() -> str:
    """Say whether offices are written letters, and whether they could be handed over."""
    if not are_on():
        return "off: no MATRICULA_SMTP_URL is set, so offices are told nothing by mail"
    by_mail = Letter.objects.filter(way=_MAIL.name).exclude(state="intended")
    last = by_mail.order_by("-id").first()
    if last is None or last.state in {"sent", "named"}:
        return "on"
    return f"on, but the last one was not taken ({last.told})"


def send_due(desk: Desk) -> int:
    """Send every letter whose time has come, after marking what is overdue.

    Any number of workers may call it at once: what is due is decided and written down by one
    at a time.

    Returns:
        How many were sent.
    """
    escalation.escalate(desk)
    sent = 0
    for office in desk.charter.stewards.values():
        for way in (_MAIL, _CHANNEL):
            if way.reaches(office):
                sent += sum(_send_one(desk, way, office, kind) for kind in (DAY, AT_ONCE))
    return sent


def _send_one(desk: Desk, way: _Way, office: Steward, kind: str) -> bool:
    with alone.scheduling():
        written = _intend(desk, way, office, kind)
    return written is not None and _send(desk, way, office, written)


def latest() -> list[dict[str, object]]:
    """List the last letters, the newest first."""
    found = Letter.objects.order_by("-id").values(
        "id", "steward", "kind", "way", "state", "incidents", "told", "intended_at", "sent_at"
    )
    return [{**row, "incidents": json.loads(row["incidents"])} for row in found[:_MOST]]


def preview(desk: Desk, office: Steward) -> Text:
    """Write the daily letter as it would go out now."""
    incidents = list(open_for(office.name)[:_MOST])
    more = open_for(office.name).count() - len(incidents)
    return wording.daily(desk, office, incidents, more=more, lost=_lost(desk, _MAIL, office))


def _brief(desk: Desk, office: Steward) -> Text:
    """Write the daily message to a channel as it would go out now."""
    return wording.brief(desk, office, open_for(office.name), lost=_lost(desk, _CHANNEL, office))


@transaction.atomic
def _intend(desk: Desk, way: _Way, office: Steward, kind: str) -> _Written | None:
    """Write down a letter that is due, before it is sent."""
    if _is_resting(desk, way, office):
        return None
    is_mail = way is _MAIL
    lost: list[int] = []
    if kind == AT_ONCE:
        told = _blocking(desk.charter, way, office)
        write = wording.at_once if is_mail else wording.brief_at_once
        text = write(desk, office, told) if told else None
    else:
        told = list(open_for(office.name)[:_MOST])
        write_day = preview if is_mail else _brief
        text = write_day(desk, office) if _day_is_due(desk, way, office) else None
        lost = [letter.pk for letter in _lost(desk, way, office)]
    if text is None:
        return None
    numbers = [incident.pk for incident in told]
    untold = Incident.objects.filter(pk__in=numbers, **{way.mark: False})
    fresh = list(untold.values_list("pk", flat=True))
    Incident.objects.filter(pk__in=fresh).update(**{way.mark: True})
    letter = Letter.objects.create(
        steward=office.name, kind=kind, way=way.name, incidents=json.dumps(numbers),
        intended_at=desk.at,
    )  # fmt: skip
    return _Written(letter, text, fresh, lost)


def _is_resting(desk: Desk, way: _Way, office: Steward) -> bool:
    mine = Letter.objects.filter(**way.sharing(office))
    away = mine.filter(state="away", intended_at__gt=desk.at - _REST)
    refused = mine.filter(
        state="refused", steward=office.name, intended_at__gt=desk.at - _REST_OF_OFFICE
    )
    return away.exists() or refused.exists()


def _day_is_due(desk: Desk, way: _Way, office: Steward) -> bool:
    """Tell whether a morning has come since the last daily letter, with something to tell of."""
    morning = last_moment_of(settings.MAIL_AT, desk.charter.timezone, desk.at)
    written = _letters(way, office).filter(kind=DAY, intended_at__gte=morning)
    if written.exclude(state__in=("refused", "away")).exists():
        return False
    # What came up later in the day is told the next morning.
    open_then = open_for(office.name).filter(opened_at__lte=morning)
    return open_then.exists() or bool(_lost(desk, way, office))


def _letters(way: _Way, office: Steward) -> QuerySet[Letter]:
    return Letter.objects.filter(way=way.name, steward=office.name)


def _lost(desk: Desk, way: _Way, office: Steward) -> list[Letter]:
    """List the letters whose sending was cut short."""
    before = desk.at - _CUT_SHORT
    cut = _letters(way, office).filter(state="intended", intended_at__lt=before)
    return list(cut.order_by("id"))


def _blocking(charter: Charter, way: _Way, office: Steward) -> list[Incident]:
    """List what keeps a flow from going on and what the office was not told of."""
    fresh = Incident.objects.filter(closed_at=None, key="", steward=office.name)
    holding = _holding(charter)
    return [i for i in fresh.filter(**{way.mark: False}).order_by("id") if _blocks(i, holding)]


def _blocks(incident: Incident, holding: Sequence[tuple[set[str], str]]) -> bool:
    if incident.of_writing or incident.code == "M525" or incident.code in approvals.GUARDS:
        return True
    return any(incident.place in places and incident.code in said for places, said in holding)


def _holding(charter: Charter) -> list[tuple[set[str], str]]:
    """List what holds flows wholly: the resources and systems of each, and what was said."""
    found = []
    for state in FlowState.objects.filter(flow__in=charter.flows):
        flow = charter.flows[state.flow]
        resources = [*line.sources_of(charter, flow), flow.target]
        places = {str(r) for r in resources} | {r.system for r in resources}
        said = [r.message for r in standing.reasons_of(state) if r.code in _HOLDING]
        found.append((places, " ".join(said)))
    return found


def _send(desk: Desk, way: _Way, office: Steward, written: _Written) -> bool:
    """Hand a letter over and write down what became of it; tell whether it was taken."""
    letter = Letter.objects.filter(pk=written.letter.pk)
    refused_at = f"{way.place(office)} to {office.name}" if way is _MAIL else way.place(office)
    try:
        way.hand_over(office, written.text)
    except ways.NotTaken as error:
        letter.update(state="refused", told=str(error))
        _take_back(way, written)
        report([_refusal(desk, way, office, refused_at, str(error))], at=desk.at)
        return False
    except ways.Away as error:
        letter.update(state="away", told=str(error))
        _take_back(way, written)
        _complain(desk, way, office)
        return False
    except ways.Lost as error:
        # It may have arrived: it stays intended, and the next daily letter names it.
        letter.update(told=str(error))
        return False
    letter.update(state="sent", sent_at=desk.at)
    Letter.objects.filter(pk__in=written.lost).update(state="named")
    Letter.objects.filter(state="away", **way.sharing(office)).delete()
    close_others([], codes=[way.away], places=[way.place(office)], at=desk.at)
    close_others([], codes=[way.refused], places=[refused_at], at=desk.at)
    return True


def _take_back(way: _Way, written: _Written) -> None:
    """What was not told is to be told still."""
    Incident.objects.filter(pk__in=written.fresh).update(**{way.mark: False})


def _refusal(desk: Desk, way: _Way, office: Steward, place: str, why: str) -> Trouble:
    key = "notify" if way is _MAIL else "channel"
    what = "A letter" if way is _MAIL else "A message to the channel"
    to = "to" if way is _MAIL else "of"
    return Trouble(
        way.refused, place, _whose(desk.charter),
        f"{what} {to} {office.title} was refused: {why}.",
        f"Correct `{key}` of stewards.{office.name} in the charter, or what the server allows.",
    )  # fmt: skip


def _complain(desk: Desk, way: _Way, office: Steward) -> None:
    """Open an incident once the server has been away for too long."""
    away = Letter.objects.filter(state="away", **way.sharing(office))
    first = away.order_by("intended_at").first()
    if first is None or desk.at - first.intended_at < _ALARM:
        return
    is_mail = way is _MAIL
    to = "the mail server" if is_mail else f"the channel of {office.title}"
    setting = "MATRICULA_SMTP_URL" if is_mail else f"what {office.channel} holds"
    trouble = Trouble(
        way.away, way.place(office), _whose(desk.charter),
        f"{'No letter' if is_mail else 'Nothing'} could be handed to {to} since "
        f"{first.intended_at:%Y-%m-%d %H:%M} UTC ({first.told}).",
        f"Bring it back, or correct {setting}; what is open is written then.",
    )  # fmt: skip
    report([trouble], at=desk.at)


def _whose(charter: Charter) -> str:
    """Name who sees to the letters: the office of the first roster."""
    first = next(iter(charter.entities.values()))
    return charter.systems[first.roster.system].steward
