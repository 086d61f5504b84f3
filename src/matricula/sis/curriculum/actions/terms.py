"""Add terms, and change their dates by a version that supersedes the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts.rules import About
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import access, queries, rules
from matricula.sis.curriculum.actions.told import must_be_new, must_hold, must_say
from matricula.sis.curriculum.models import RefundBand, Term, TermVersion
from matricula.sis.people.actions import second_person

if TYPE_CHECKING:
    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import TermDates


def add_term(doing: Doing, dates: TermDates) -> Term:
    """Add a term with its dates and refund bands.

    Raises:
        Refused: Not permitted (M903), there already (M922), its dates do not go together
            (M925), or it has no title (M929).
    """
    access.may(doing.acting, "add a term")
    must_be_new(Term, dates.code)
    _must_go_together(dates)
    made = Term.objects.create(code=dates.code, title=dates.title, act=doing.act)
    doing.name("add a term", "term", dates.code)
    _write(doing, made, dates)
    doing.record("term", dates.code, "add", after=_as_told(dates))
    return made


def change_term(doing: Doing, dates: TermDates) -> Term:
    """Change a term's dates; the earlier ones stay on record, and what was known when.

    What is past is changed only for a reason, and if a second person agrees: money was given
    back and students were counted by it.

    Args:
        doing: The act.
        dates: The term as it is to be, all its dates.

    Raises:
        Refused: Not permitted (M903), no such term (M921), nothing would change (M922), the
            dates do not go together (M925), or the past would change and there is no reason
            (M928) or no second person (M909).
    """
    found = access.term(doing.acting, dates.code, to="change a term")
    before = queries.term(dates.code)
    _must_go_together(dates)
    if before == dates:
        raise Refused(
            "M922", f"The term {dates.code} has these dates already.", cure="Change one of them."
        )
    _must_agree(doing, rules.rewritten(before, dates, today=doing.acting.today), dates.code)
    if found.title != dates.title:
        found.title = dates.title
        found.save(update_fields=["title"])
    _write(doing, found, dates)
    doing.name("change a term", "term", dates.code)
    if before.starts_on.year != dates.starts_on.year:
        doing.touch("section", queries.sections_of(dates.code))
    _tell_of_meetings(doing, dates)
    doing.record("term", dates.code, "change", before=_as_told(before), after=_as_told(dates))
    return found


def _must_go_together(dates: TermDates) -> None:
    must_say(title=dates.title)
    must_hold(
        rules.out_of_order(dates), code="M925", cure="Correct one of the dates.",
        place=dates.code,
    )  # fmt: skip


def _must_agree(doing: Doing, past: list[str], code: str) -> None:
    if not past:
        return
    if not doing.acting.reason.strip():
        raise Refused(
            "M928", f"Of the term {code} this is past: {', '.join(past)}.",
            cure="Say why with --why, and who agreed with --approver.", place=code,
        )  # fmt: skip
    what = f"To change what is past of the term {code}, {past[0]},"
    second_person(doing, what, About("term", code))


def _write(doing: Doing, term: Term, dates: TermDates) -> None:
    latest = TermVersion.objects.filter(term=term).order_by("-id").first()
    made = TermVersion.objects.create(
        term=term, supersedes=latest, act=doing.act, recorded_at=doing.acting.at,
        **{name: getattr(dates, name) for name in rules.BOUNDARIES},
    )  # fmt: skip
    RefundBand.objects.bulk_create(
        [RefundBand(version=made, until_on=day, percent=share) for day, share in dates.bands]
    )
    doing.touch("term", [term.code])


def _tell_of_meetings(doing: Doing, dates: TermDates) -> None:
    """Name the sections that meet before or after the term as it is now."""
    for section in queries.sections(queries.sections_of(dates.code)).values():
        outside = any(
            one.valid_from < dates.starts_on or dates.ends_on < one.valid_to
            for one in section.meetings
        )
        if outside and section.state != rules.CANCELLED:
            doing.left.append(
                f"{section.code} meets outside {dates.starts_on} to {dates.ends_on}: move or end "
                "its meetings."
            )


def _as_told(dates: TermDates) -> dict[str, object]:
    told: dict[str, object] = {name: getattr(dates, name).isoformat() for name in rules.BOUNDARIES}
    bands = [[day.isoformat(), percent] for day, percent in dates.bands]
    return {"title": dates.title, **told, "bands": bands}
