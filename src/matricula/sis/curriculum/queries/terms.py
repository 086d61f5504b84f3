"""Terms, with their dates as they are known or were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.curriculum.models import RefundBand, Term, TermVersion
from matricula.sis.curriculum.rules import TermDates

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet


def term(code: str, *, known_at: datetime | None = None) -> TermDates:
    """Find a term, with its dates as they are known now or were at an instant.

    Raises:
        Refused: There is none (M921).
    """
    found = dated(Term.objects.filter(code=code), known_at)
    if not found:
        # Whoever named no term at all is told so first.
        term_row(code)
        raise Refused(
            "M921", f"At that time nothing was known of the term {code}.",
            cure="Ask for a later one.",
        )  # fmt: skip
    return found[0]


def term_row(code: str, *, lock: bool = False) -> Term:
    """Find a term, whatever its dates.

    Args:
        code: Its code.
        lock: Whether nobody else changes it until this transaction ends.

    Raises:
        Refused: There is none (M921).
    """
    chosen = Term.objects.select_for_update() if lock else Term.objects.all()
    found = chosen.filter(code=code).first()
    if found is None:
        codes = Term.objects.order_by("code").values_list("code", flat=True)
        raise Refused("M921", f"There is no term {code}.", cure=meant(code, codes))
    return found


def terms(*, known_at: datetime | None = None) -> list[TermDates]:
    """List the terms, the earliest first."""
    return dated(Term.objects.all(), known_at)


def terms_on(on: date, *, known_at: datetime | None = None) -> list[TermDates]:
    """List the terms that contain a day, the earliest first."""
    return [one for one in terms(known_at=known_at) if one.starts_on <= on <= one.ends_on]


def term_records(codes: Iterable[str]) -> list[dict[str, Any]]:
    """Tell of terms as the record keeps them."""
    return [
        {
            "code": one.code, "title": one.title, "starts_on": one.starts_on,
            "ends_on": one.ends_on, "year": str(one.starts_on.year),
        }
        for one in dated(Term.objects.filter(code__in=list(codes)))
    ]  # fmt: skip


def dated(chosen: QuerySet[Term], known_at: datetime | None = None) -> list[TermDates]:
    """Give the dates of some terms, the earliest first, as known now or at an instant."""
    rows = TermVersion.objects.filter(term__in=chosen)
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    # The later one takes the place of the earlier.
    latest = {one.term_id: one for one in rows.order_by("id").select_related("term")}
    bands: dict[int, list[tuple[date, int]]] = {one.pk: [] for one in latest.values()}
    for band in RefundBand.objects.filter(version__in=list(bands)).order_by("until_on"):
        bands[band.version_id].append((band.until_on, band.percent))
    found = [_dates(one, tuple(bands[one.pk])) for one in latest.values()]
    return sorted(found, key=lambda one: (one.starts_on, one.code))


def _dates(one: TermVersion, bands: tuple[tuple[date, int], ...]) -> TermDates:
    return TermDates(
        one.term.code, one.term.title, one.starts_on, one.ends_on, one.register_from,
        one.add_until, one.drop_until, one.census_on, one.withdraw_until, one.marks_due_on,
        one.board_on, bands,
    )  # fmt: skip
