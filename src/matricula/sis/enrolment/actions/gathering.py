"""Gather what the rules look at before a student gets a place: few reads, for many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import queries, rules
from matricula.sis.enrolment.models import Enrolment
from matricula.sis.holds import queries as holds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from matricula.kernel.checks import Check
    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import Taught, TermDates
    from matricula.sis.enrolment.models import TermRegistration

SERVICE = "enrolment"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of some students who want to be in sections of one term.

    Attributes:
        term: Its dates.
        held: Every enrolment of each student, as rows.
        sections: The sections that are wanted, and those of the term that students are in.
        holds: What the holds of each person mean for an enrolment.
        policy: The institution's.
    """

    term: TermDates
    held: Mapping[str, list[Enrolment]]
    sections: Mapping[str, Taught]
    holds: Mapping[int, Sequence[Check]]
    policy: str

    def row(self, under: TermRegistration, section: str) -> Enrolment | None:
        """Find the enrolment of a term registration in a section, if there was ever one."""
        for one in self.held[under.student_no]:
            if one.section == section and one.term_registration_id == under.pk:
                return one
        return None

    def attempt(self, under: TermRegistration, section: Taught) -> int:
        """Count for the how many-th time a student would take the module of a section."""
        before = [
            one
            for one in self.held[under.student_no]
            if one.module == section.module and one.section != section.code and one.status
        ]
        return 1 + sum(rules.STATUSES[one.status].on_transcript for one in before)


def gather(
    doing: Doing,
    under: Sequence[TermRegistration],
    wanted: Collection[str],
    term: TermDates,
    *,
    known: Mapping[str, Taught] | None = None,
    held: Mapping[str, list[Enrolment]] | None = None,
) -> Gathered:
    """Read what is looked at when students want to be in sections of one term.

    Args:
        doing: The act.
        under: Their registrations in the term.
        wanted: The codes of the sections.
        term: The term's dates.
        known: Sections that were read already.
        held: What `held_by` gave, where it was asked already.
    """
    held = held or held_by({one.student_no for one in under})
    needed = {one.section for rows in held.values() for one in rows if _meets(one, term)}
    had = dict(known or {})
    sections = {**had, **curriculum.sections((needed | set(wanted)) - set(had))}
    acting = doing.acting
    checks = holds.checks_for(
        {one.person for one in under}, SERVICE, on=acting.today, policy=acting.policy,
        term=term.code,
    )  # fmt: skip
    return Gathered(term, held, sections, checks, acting.policy)


def held_by(numbers: Iterable[str]) -> dict[str, list[Enrolment]]:
    """Give every enrolment of students as rows, the earliest first."""
    found: dict[str, list[Enrolment]] = {number: [] for number in numbers}
    rows = Enrolment.objects.filter(student_no__in=list(found)).select_related("term_registration")
    for one in rows.order_by("id"):
        found[one.student_no].append(one)
    return found


def taught_to(held: Mapping[str, list[Enrolment]], section: str) -> dict[str, Taught]:
    """Read a section together with those that students are in, whatever the term."""
    beside = {
        one.section for rows in held.values() for one in rows if one.status == rules.ENROLLED
    }
    return curriculum.sections({section, *beside})


def _meets(one: Enrolment, term: TermDates) -> bool:
    return one.status == rules.ENROLLED and one.term_registration.term == term.code


def wish(
    gathered: Gathered,
    under: TermRegistration,
    section: Taught,
    *,
    on: date,
    waived: Iterable[str] = (),
    but: Collection[str] = (),
) -> rules.Wish:
    """Put together what the rules look at.

    Args:
        gathered: What was read.
        under: The student's registration in the term.
        section: Which section they want.
        on: From which day it would count.
        waived: The checks that a registrar lets pass.
        but: Sections that they would leave for it.
    """
    rows = [
        one
        for one in gathered.held[under.student_no]
        if one.status and (one.section not in but or one.term_registration_id != under.pk)
    ]
    beside = [one for one in rows if _meets(one, gathered.term)]
    return rules.Wish(
        under.student_no, section, gathered.term, on, under.state, under.load,
        gathered.policy, tuple(queries.as_taken(one) for one in rows),
        tuple(gathered.sections[one.section] for one in beside), frozenset(waived),
    )  # fmt: skip


def checks(gathered: Gathered, under: TermRegistration, asked: rules.Wish) -> list[Check]:
    """Look at everything, holds included."""
    return [*rules.checks(asked), *gathered.holds[under.person]]


def excepted(one: Enrolment | None) -> frozenset[str]:
    """Give what somebody with authority let pass for an enrolment."""
    return frozenset(one.excepted.split()) if one is not None else frozenset()
