"""Letters to the offices: one a day with what is open, and one at once for what holds a flow.

A letter is written down before it is sent. One whose sending was cut short may have arrived:
it is not sent again, and the next daily letter names it. While the mail server is away
nothing is queued; what is open then is written when it is back.
"""

from __future__ import annotations

import json
import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.db import transaction

from matricula.engine import line
from matricula.hub import alone, approvals, escalation, standing, wording
from matricula.hub.answers import open_for
from matricula.hub.clock import last_moment_of
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import FlowState, Incident, Letter

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    last = Letter.objects.exclude(state="intended").order_by("-id").first()
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
    if not are_on():
        return 0
    sent = 0
    for office in desk.charter.stewards.values():
        for kind in (DAY, AT_ONCE):
            with alone.scheduling():
                written = _intend(desk, office, kind)
            if written:
                sent += _send(desk, office, written)
    return sent


def latest() -> list[dict[str, object]]:
    """List the last letters, the newest first."""
    found = Letter.objects.order_by("-id").values(
        "id", "steward", "kind", "state", "incidents", "told", "intended_at", "sent_at"
    )
    return [{**row, "incidents": json.loads(row["incidents"])} for row in found[:_MOST]]


def preview(desk: Desk, office: Steward) -> Text:
    """Write the daily letter as it would go out now."""
    incidents = list(open_for(office.name)[:_MOST])
    more = open_for(office.name).count() - len(incidents)
    return wording.daily(desk, office, incidents, more=more, lost=_lost(desk, office))


@transaction.atomic
def _intend(desk: Desk, office: Steward, kind: str) -> _Written | None:
    """Write down a letter that is due, before it is sent."""
    if _is_resting(desk, office):
        return None
    if kind == AT_ONCE:
        told = _blocking(desk.charter, office)
        text = wording.at_once(desk, office, told) if told else None
        lost: list[int] = []
    else:
        told = list(open_for(office.name)[:_MOST])
        text = preview(desk, office) if _day_is_due(desk, office) else None
        lost = [letter.pk for letter in _lost(desk, office)]
    if text is None:
        return None
    numbers = [incident.pk for incident in told]
    fresh = list(
        Incident.objects.filter(pk__in=numbers, told_at_once=False).values_list("pk", flat=True)
    )
    Incident.objects.filter(pk__in=fresh).update(told_at_once=True)
    letter = Letter.objects.create(
        steward=office.name, kind=kind, incidents=json.dumps(numbers), intended_at=desk.at
    )
    return _Written(letter, text, fresh, lost)


def _is_resting(desk: Desk, office: Steward) -> bool:
    away = Letter.objects.filter(state="away", intended_at__gt=desk.at - _REST)
    refused = Letter.objects.filter(
        state="refused", steward=office.name, intended_at__gt=desk.at - _REST_OF_OFFICE
    )
    return away.exists() or refused.exists()


def _day_is_due(desk: Desk, office: Steward) -> bool:
    """Tell whether a morning has come since the last daily letter, with something to tell of."""
    morning = last_moment_of(settings.MAIL_AT, desk.charter.timezone, desk.at)
    written = Letter.objects.filter(steward=office.name, kind=DAY, intended_at__gte=morning)
    if written.exclude(state__in=("refused", "away")).exists():
        return False
    # What came up later in the day is told the next morning.
    open_then = open_for(office.name).filter(opened_at__lte=morning)
    return open_then.exists() or bool(_lost(desk, office))


def _lost(desk: Desk, office: Steward) -> list[Letter]:
    """List the letters whose sending was cut short."""
    before = desk.at - _CUT_SHORT
    cut = Letter.objects.filter(steward=office.name, state="intended", intended_at__lt=before)
    return list(cut.order_by("id"))


def _blocking(charter: Charter, office: Steward) -> list[Incident]:
    """List what keeps a flow from going on and what the office was not told of."""
    fresh = Incident.objects.filter(closed_at=None, key="", steward=office.name)
    holding = _holding(charter)
    return [i for i in fresh.filter(told_at_once=False).order_by("id") if _blocks(i, holding)]


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


def _send(desk: Desk, office: Steward, written: _Written) -> bool:
    """Hand a letter over and write down what became of it; tell whether it was taken."""
    letter = Letter.objects.filter(pk=written.letter.pk)
    try:
        _hand_over(office, written.text)
    except _Refused as error:
        letter.update(state="refused", told=str(error))
        _take_back(written)
        report([_refusal(desk, office, str(error))], at=desk.at)
        return False
    except _Away as error:
        letter.update(state="away", told=str(error))
        _take_back(written)
        _complain(desk)
        return False
    except OSError as error:
        # It may have arrived: it stays intended, and the next daily letter names it.
        letter.update(told=type(error).__name__)
        return False
    letter.update(state="sent", sent_at=desk.at)
    Letter.objects.filter(pk__in=written.lost).update(state="named")
    Letter.objects.filter(state="away").delete()
    close_others([], codes=["M670"], places=[_PLACE], at=desk.at)
    close_others([], codes=["M671"], places=[f"{_PLACE} to {office.name}"], at=desk.at)
    return True


class _Away(Exception):
    """Nothing has left us."""


class _Refused(Exception):
    """The server said no."""


def _hand_over(office: Steward, text: Text) -> None:
    if "@" not in office.notify:
        message = "`notify` is no address"
        raise _Refused(message)
    backend = EmailBackend(**(settings.SMTP or {}))
    try:
        backend.open()
    except (OSError, ValueError) as error:
        raise _Away(type(error).__name__) from error
    try:
        backend.send_messages(
            [EmailMessage(text.subject, text.body, settings.MAIL_FROM, [office.notify])]
        )
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({str(code) for code, _ in error.recipients.values()})
        message = f"the server answered {', '.join(codes)} to the address"
        raise _Refused(message) from error
    except smtplib.SMTPResponseException as error:
        message = f"the server answered {error.smtp_code}"
        raise _Refused(message) from error
    finally:
        with suppress(OSError):
            backend.close()


def _take_back(written: _Written) -> None:
    """What was not told is to be told still."""
    Incident.objects.filter(pk__in=written.fresh).update(told_at_once=False)


def _refusal(desk: Desk, office: Steward, why: str) -> Trouble:
    return Trouble(
        "M671", f"{_PLACE} to {office.name}", _whose(desk.charter),
        f"A letter to {office.title} was refused: {why}.",
        f"Correct `notify` of stewards.{office.name} in the charter, or what the server allows.",
    )  # fmt: skip


def _complain(desk: Desk) -> None:
    """Open an incident once the server has been away for too long."""
    first = Letter.objects.filter(state="away").order_by("intended_at").first()
    if first is None or desk.at - first.intended_at < _ALARM:
        return
    trouble = Trouble(
        "M670", _PLACE, _whose(desk.charter),
        f"No letter could be handed to the mail server since {first.intended_at:%Y-%m-%d %H:%M} "
        f"UTC ({first.told}).",
        "Bring it back, or correct MATRICULA_SMTP_URL; what is open is written then.",
    )  # fmt: skip
    report([trouble], at=desk.at)


def _whose(charter: Charter) -> str:
    """Name who sees to the letters: the office of the first roster."""
    first = next(iter(charter.entities.values()))
    return charter.systems[first.roster.system].steward
