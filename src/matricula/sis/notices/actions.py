"""Send notices, hand them to the mail server, and acknowledge them.

A notice is written down with everybody it is for in the transaction of the act. Handing over
comes after it and can be begun again at any time: each letter is marked before it leaves, so
that what was taken, or may have been, is never sent by itself a second time.
"""

from __future__ import annotations

import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from matricula.accounts.actions import permit
from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.sis.acts.actions import next_numbers
from matricula.sis.notices import access, queries, rules
from matricula.sis.notices.models import Delivery, Notice
from matricula.sis.people import queries as people
from matricula.sis.registration.rules import STATES

if TYPE_CHECKING:
    from datetime import datetime

    from matricula.sis.acts.actions import Doing

_DIGITS = 8
_SOME = 500
_MOST = 1000
# A server that answers so says nothing more.
_CLOSING = 421
# How many are named of those who lack something.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Text:
    """What is told.

    Attributes:
        subject: One line.
        body: Plain text.
        must_acknowledge: Whether everybody is asked to say that they have read it.
    """

    subject: str
    body: str
    must_acknowledge: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a round of handing over came to.

    Attributes:
        sent: How many letters the server took.
        refused: How many it refused for good.
        waiting: How many are still to be sent.
        cut_short: How many may have arrived or not, from this round or an earlier one.
        said: Why it ended early, if it did.
    """

    sent: int
    refused: int
    waiting: int
    cut_short: int
    said: str = ""


def send(doing: Doing, audience: rules.Audience, text: Text) -> Notice:
    """Tell an audience something; who is meant is decided now.

    Args:
        doing: The act.
        audience: Who.
        text: What.

    Raises:
        Refused: Not permitted (M903), the audience makes no sense or is nobody (M977), or the
            text cannot be sent (M978).
    """
    must_pass(rules.audience_checks(audience, statuses=STATES), code="M977")
    access.audience(doing.acting, audience, to="send a notice")
    _must_be_another(doing, audience, text)
    return tell(doing, audience, text)


def _must_be_another(doing: Doing, audience: rules.Audience, text: Text) -> None:
    """Refuse the same words to the same people on one day: a key was pressed twice."""
    same = Notice.objects.filter(
        audience=str(audience), subject=text.subject.strip(), body=text.body,
        recorded_at__gt=doing.acting.at - timedelta(days=1),
    )  # fmt: skip
    number = same.order_by("-id").values_list("number", flat=True).first()
    if number is not None:
        raise Refused(
            "M978", f"The same was sent to {audience} as notice {number} within a day.",
            cure=f"See how it went: `matricula register notice deliver {number}`. To tell them "
            "again, say so in the subject.",
        )  # fmt: skip


def tell(doing: Doing, audience: rules.Audience, text: Text) -> Notice:
    """Tell an audience what follows from an act; whether the act may be done was asked there.

    Raises:
        Refused: As `send`, but for the permission.
    """
    must_pass(rules.audience_checks(audience, statuses=STATES), code="M977")
    must_pass(rules.text_checks(text.subject, text.body), code="M978")
    acting = doing.acting
    meant = queries.meant(audience, on=acting.today)
    if not meant:
        raise Refused(
            "M977", f"Nobody is meant by {audience} on {acting.today}.",
            cure="Correct the conditions: who meets one of each kind is meant.",
        )  # fmt: skip
    number = f"{next_numbers('notice')[0]:0{_DIGITS}d}"
    made = Notice.objects.create(
        number=number, subject=text.subject.strip(), body=text.body, audience=str(audience),
        must_acknowledge=text.must_acknowledge, sender=acting.account, act=doing.act,
        recorded_at=acting.at,
    )  # fmt: skip
    _freeze(doing, made, meant)
    doing.name("send notice", "notice", number)
    told = {"audience": str(audience), "persons": len(meant)}
    doing.record("notice", number, "send notice", after=told)
    return made


def _freeze(doing: Doing, notice: Notice, meant: dict[str, int]) -> None:
    """Write down everybody a notice is for, with the address as it is now."""
    known = people.known(meant.values(), on=doing.acting.today)
    rows = {
        person: Delivery(
            notice=notice, person=person, student_no=number,
            address=known[person].email if person in known else "",
        )
        for number, person in sorted(meant.items())
    }  # fmt: skip
    unreached = [one for one in rows.values() if not rules.is_address(one.address)]
    for one in unreached:
        one.state = rules.REFUSED
        one.said = "no address that mail can be sent to"
    Delivery.objects.bulk_create(rows.values(), batch_size=_SOME)
    if unreached:
        first = ", ".join(one.student_no for one in unreached[:_NAMED])
        doing.left.append(
            f"{len(unreached)} of the audience have no address that mail can be sent to, such as "
            f"{first}: they read notice {notice.number} elsewhere or not at all."
        )


def deliver(at: datetime, *, number: str = "", most: int = _MOST) -> Delivered:
    """Hand what waits to the mail server. Call it outside a transaction.

    Any number of callers may do so at once. It ends early when the server goes away; whoever
    calls it next goes on where it ended.

    Args:
        at: The instant.
        number: Only this notice; empty for all.
        most: How many letters at most.
    """
    due = Delivery.objects.filter(state=rules.WAITING).select_related("notice").order_by("id")
    if number:
        due = due.filter(notice__number=number)
    ended = {"sent": 0, "refused": 0}
    said = "" if settings.SMTP else "No mail server is named: set MATRICULA_SMTP_URL."
    rows = list(due[:most])
    if rows and not said:
        said = _hand_over_all(rows, ended, at)
    left = Delivery.objects.filter(**({"notice__number": number} if number else {}))
    sending = left.filter(state=rules.SENDING).values_list("tried_at", flat=True)
    return Delivered(
        ended["sent"], ended["refused"], left.filter(state=rules.WAITING).count(),
        sum(rules.is_cut_short(rules.SENDING, tried, at=at) for tried in sending), said,
    )  # fmt: skip


def _hand_over_all(rows: list[Delivery], ended: dict[str, int], at: datetime) -> str:
    """Hand letters over one after the other; say why it ended early, if it did."""
    backend = EmailBackend(**(settings.SMTP or {}))
    try:
        backend.open()
    except (OSError, ValueError) as error:
        return f"The mail server could not be reached: {type(error).__name__}."
    try:
        for one in rows:
            # Whoever marks it first sends it.
            mine = Delivery.objects.filter(pk=one.pk, state=rules.WAITING)
            if not mine.update(state=rules.SENDING, tried_at=at):
                continue
            state, said, goes_on = _hand_over(backend, one, at)
            sent_at = at if state == rules.SENT else None
            Delivery.objects.filter(pk=one.pk).update(state=state, said=said, sent_at=sent_at)
            ended[state] = ended.get(state, 0) + 1
            if not goes_on:
                return f"It ended early: {said}."
    finally:
        with suppress(OSError):
            backend.close()
    return ""


def _hand_over(backend: EmailBackend, one: Delivery, at: datetime) -> tuple[str, str, bool]:
    """Hand one letter over: what it is then, what was said, and whether to go on."""
    try:
        backend.send_messages([_letter(one)])
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        state = rules.after_answer(code, first_at=one.notice.recorded_at, at=at)
        return state, _words(code, words, one.address), code != _CLOSING
    except smtplib.SMTPSenderRefused as error:
        # It is about who sends, not about this letter.
        said = _words(error.smtp_code, error.smtp_error, one.address)
        return rules.WAITING, said, False
    except smtplib.SMTPResponseException as error:
        state = rules.after_answer(error.smtp_code, first_at=one.notice.recorded_at, at=at)
        said = _words(error.smtp_code, error.smtp_error, one.address)
        return state, said, error.smtp_code != _CLOSING
    except OSError as error:
        # It may have arrived: it stays as it is until a person says so.
        return rules.SENDING, f"the answer was lost ({type(error).__name__})", False
    except ValueError:
        return rules.REFUSED, "no address that mail can be sent to", True
    return rules.SENT, "", True


def _letter(one: Delivery) -> EmailMessage:
    # The same name each time: a second copy is known for one.
    host = settings.MAIL_FROM.rpartition("@")[2]
    named = {"Message-ID": f"<notice-{one.notice.number}-{one.pk}@{host}>"}
    notice = one.notice
    return EmailMessage(
        notice.subject, notice.body, settings.MAIL_FROM, [one.address], headers=named
    )


def _words(code: int, words: bytes | str, address: str) -> str:
    """Write down a server's words without the address, which lists do not show."""
    told = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {told.replace(address, 'the address')}"


def send_again(doing: Doing, number: str) -> int:
    """Have letters sent again of which nobody knows whether they arrived; give how many.

    Raises:
        Refused: There is no such notice (M976), or not permitted (M903).
    """
    acting = doing.acting
    permit(acting, "send a notice again", access.ALLOWED["send a notice again"])
    found = queries.notice(number)
    cut = Delivery.objects.filter(
        notice=found, state=rules.SENDING, tried_at__lt=acting.at - rules.CUT_SHORT
    ).update(state=rules.WAITING, said="sent again")
    doing.name("send notice again", "notice", number)
    doing.record("notice", number, "send notice again", after={"letters": cut})
    return cut


def acknowledge(doing: Doing, number: str) -> datetime:
    """Say that one has read a notice; saying it again changes nothing.

    Returns:
        When it was said first.

    Raises:
        Refused: Not permitted (M903), no such notice (M976), or not for this person (M979).
    """
    acting = doing.acting
    person = access.own(acting, to="acknowledge a notice")
    found = queries.notice(number)
    mine = Delivery.objects.filter(notice=found, person=person)
    held = mine.first()
    if held is None:
        raise Refused(
            "M979", f"Notice {number} was not sent to whose account {acting.account} is.",
            cure="It is acknowledged by who got it.",
        )  # fmt: skip
    doing.name("acknowledge notice", "notice", number)
    if mine.filter(acknowledged_at=None).update(acknowledged_at=acting.at):
        doing.record("notice", number, "acknowledge notice", after={"student": held.student_no})
        return acting.at
    return held.acknowledged_at or acting.at
