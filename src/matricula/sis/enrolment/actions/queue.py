"""Seats: who gets one, who draws a ticket, and to whom one that is free is offered.

Whoever calls anything here has locked the sections, so that no seat is given twice.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.kernel.checks import in_the_way
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.actions import lock_sections
from matricula.sis.curriculum.rules import OPEN
from matricula.sis.enrolment import access, queries, rules
from matricula.sis.enrolment.actions import gathering
from matricula.sis.enrolment.actions.writing import Change, key_of, write
from matricula.sis.enrolment.models import Enrolment, EnrolmentEvent
from matricula.sis.holds import actions as holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import Taught, TermDates

# So many who wait are looked at in one go.
_SOME = 20


def offer_seats(doing: Doing, sections: Iterable[str] | None = None) -> list[str]:
    """Let offers that have passed go, and offer every seat that is free to who waits.

    To be called now and then: nothing else happens when an instant or a day has come.

    Args:
        doing: The act.
        sections: Which; if None, every section with an offer that has passed, or with a seat
            that was given up from a day that has come.

    Returns:
        The keys of the enrolments to which a seat is offered now.

    Raises:
        Refused: Not permitted (M903), or there is no such section (M921).
    """
    if sections is None:
        permit(doing.acting, "offer seats", access.ALLOWED["offer seats"])
    asked = (
        queries.due(at=doing.acting.at, on=doing.acting.today) if sections is None else sections
    )
    codes = sorted(set(asked))
    for code in codes:
        access.section(doing.acting, code, to="offer seats")
    doing.name("offer seats", "section", codes[0] if codes else "")
    capacities = lock_sections(doing, codes)
    _let_go(doing, codes)
    offered = promote(doing, capacities)
    gone = Enrolment.objects.filter(section__in=codes, vacated_on__lte=doing.acting.today)
    gone.update(vacated_on=None)
    return offered


def _let_go(doing: Doing, sections: Iterable[str]) -> None:
    """End the wait of those who let an offer pass."""
    late = Enrolment.objects.filter(
        section__in=list(sections), status=rules.WAITLISTED,
        offered_until__lte=doing.acting.at,
    )  # fmt: skip
    rows = late.select_related("term_registration").order_by("section", "id")
    write(doing, [Change(one, "expire offer", doing.acting.today) for one in rows])


def promote(doing: Doing, capacities: Mapping[str, int]) -> list[str]:
    """Offer the seats of sections that are free to those who wait, in their order.

    Every check is made again; who does not pass keeps the place in the queue and is passed
    over. The sections are locked.

    Args:
        doing: The act.
        capacities: The sections, and how many seats each has.

    Returns:
        The keys of the enrolments to which a seat is offered now.
    """
    in_line: dict[str, list[Enrolment]] = defaultdict(list)
    waiting = Enrolment.objects.filter(
        section__in=list(capacities), status=rules.WAITLISTED, offered_until=None
    )
    for one in waiting.select_related("term_registration").order_by("waitlist_rank", "id"):
        in_line[one.section].append(one)
    if not in_line:
        return []
    at, today = doing.acting.at, doing.acting.today
    seats = queries.seats(in_line, at=at, on=today)
    offered = []
    for section in sorted(in_line):
        free = seats[section].free(capacities[section])
        offered += _offer(doing, in_line[section], free) if free else []
    return offered


def keeps_seat(doing: Doing, row: Enrolment) -> bool:
    """Whether a student gave up a seat in this section in this very act, as who changes programme.

    Then it is theirs again, and if the act offered it to somebody, that is taken back.
    """
    here = EnrolmentEvent.objects.filter(act=doing.act, enrolment__section=row.section)
    own = here.filter(enrolment__student_no=row.student_no, from_status__in=rules.SEATED)
    if not own.exclude(to_status__in=rules.SEATED).exists():
        return False
    offers = here.filter(action="promote").select_related("enrolment__term_registration")
    for one in offers.order_by("-id")[:1]:
        write(doing, [Change(one.enrolment, rules.REVERSE, one.effective_on, supersedes=one.pk)])
    return True


def _offer(doing: Doing, in_line: Sequence[Enrolment], free: int) -> list[str]:
    """Offer free seats of one section to the first who may still have one."""
    today = doing.acting.today
    taught = curriculum.section(in_line[0].section)
    term = curriculum.term(taught.term)
    if taught.state != OPEN or today > term.add_until:
        return []
    until = doing.acting.at + rules.OFFERED_FOR
    made: list[Enrolment] = []
    for start in range(0, len(in_line), _SOME):
        able = _able(doing, in_line[start : start + _SOME], taught, term)
        made += able[: free - len(made)]
        if len(made) == free:
            break
    write(doing, [Change(one, "promote", today, offered_until=until) for one in made])
    if doing.acting.role == "student":
        # Whoever gives up a seat does not hear who has it next.
        return [key_of(one) for one in made]
    doing.left.extend(
        f"A seat of {one.section} is kept for {one.student_no} until {until:%Y-%m-%d %H:%M} UTC: "
        "tell them."
        for one in made
    )
    return [key_of(one) for one in made]


def _able(
    doing: Doing, some: Sequence[Enrolment], taught: Taught, term: TermDates
) -> list[Enrolment]:
    """Keep those who may still have a place, and keep the answer for each of them."""
    under = [one.term_registration for one in some]
    gathered = gathering.gather(doing, under, [], term, known={taught.code: taught})
    answers = {}
    for one in some:
        asked = gathering.wish(
            gathered, one.term_registration, taught, on=doing.acting.today,
            waived=gathering.excepted(one),
        )  # fmt: skip
        answers[one.term_registration.person] = gathering.checks(
            gathered, one.term_registration, asked
        )
    holds.decide_each(doing, gathering.SERVICE, answers, about=taught.code)
    return [one for one in some if not in_the_way(answers[one.term_registration.person])]
