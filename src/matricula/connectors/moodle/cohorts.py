"""Cohorts of the whole site, and who is in them.

A cohort may also stand in a category, and no function says in which: writing one would move
it to the site. Those are neither read nor written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import ConnectorError, SkipRow, Untrusted
from matricula.connectors.kit.http import not_understood
from matricula.connectors.moodle import mapping, records
from matricula.connectors.moodle.desk import Desk, numbers_in, only_one
from matricula.connectors.moodle.fields import COHORTS
from matricula.connectors.moodle.refusals import Refused, ambiguous, gone, of_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.batches import Job
    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.mapping import Row
    from matricula.connectors.moodle.records import Change, Creation

_SITE = {"type": "system", "value": ""}


class Cohorts:
    """The resource `cohorts`."""

    is_atomic = True
    table = COHORTS

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def read(self) -> Iterator[list[Row]]:
        """Read all cohorts of the site."""
        yield self.everything()

    def everything(self) -> list[Row]:
        """List all cohorts of the site, page by page.

        Raises:
            Untrusted: Cohorts came or went meanwhile (M440).
        """
        size = self._desk.settings.page_size
        rows: dict[str, Row] = {}
        start = 0
        while True:
            page = self._page(start, size)
            rows.update((str(row["_id"]), row) for row in page)
            start += len(page)
            if len(page) < size:
                break
        if len(rows) != start:
            raise Untrusted(
                "Cohorts came or went while they were listed.",
                code="M440",
                cure="Read them at a quieter hour.",
            )
        return list(rows.values())

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look cohorts up among all: Moodle's own search takes any part of any text."""
        everything = self.everything()
        return [
            [row for row in everything if mapping.holds(self.table, match, row)]
            for match in matches
        ]

    def jobs(self, writes: Sequence[Write]) -> list[Job]:
        """Plan writes."""
        return records.jobs(self._desk, self, writes, self.delete)

    def existing(self, writes: Sequence[Write]) -> list[Row | SkipRow | None]:
        """Find the cohorts that these creations would double, by idnumber and by match."""
        if not writes:
            return []
        everything = self.everything()

        def standing(match: Mapping[str, Value]) -> Row | SkipRow | None:
            if any(value in (None, "") for value in match.values()):
                return None
            return only_one([r for r in everything if mapping.holds(self.table, match, r)])

        return [
            standing({"idnumber": one.fields["idnumber"]})
            or (standing(one.match) if one.match else None)
            for one in writes
        ]

    def create(self, made: Sequence[Creation]) -> list[str]:
        """Make cohorts of the site, all or none."""
        forms = [{"categorytype": _SITE, **self._form(one.wanted)} for one in made]
        return numbers_in(self._desk.wire.write("core_cohort_create_cohorts", cohorts=forms))

    def update(self, changes: Sequence[Change]) -> dict[str, str]:
        """Change cohorts, all or none; the function asks for name and idnumber every time."""
        present = self.by_ids([one.record_id for one in changes])
        forms = []
        codes = {}
        for one in changes:
            row = present.get(one.record_id)
            if row is None:
                codes[one.record_id] = "invalidrecord"
                continue
            whole = {name: row[name] or "" for name in ("name", "idnumber")}
            forms.append(
                {"id": one.record_id, "categorytype": _SITE, **self._form({**whole, **one.wanted})}
            )
        if forms:
            self._desk.wire.write("core_cohort_update_cohorts", cohorts=forms)
        return codes

    def delete(self, record_id: str) -> None:
        """Delete a cohort of the site; what is gone is gone."""
        if self.by_ids([record_id]):
            self._desk.wire.write("core_cohort_delete_cohorts", cohortids=[record_id])

    def by_ids(self, ids: Sequence[str]) -> dict[str, Row]:
        """Fetch cohorts of the site by number."""
        return {str(row["_id"]): row for row in self.everything() if row["_id"] in set(ids)}

    def must_be_free(self, changes: Sequence[Change]) -> list[SkipRow | None]:
        """Refuse an idnumber that another cohort has: Moodle does so for new ones alone."""
        if not any("idnumber" in one.wanted for one in changes):
            return [None] * len(changes)
        holders = {str(row["idnumber"]): row["_id"] for row in self.everything()}
        return [
            ambiguous("its idnumber is already another cohort's")
            if holders.get(str(one.wanted.get("idnumber")), one.record_id) != one.record_id
            else None
            for one in changes
        ]

    def why(self, row: Creation | Change, refused: Refused) -> SkipRow:
        """Look for a cohort of the same idnumber in a category, which no listing of ours shows."""
        if refused.is_checked_before and isinstance(row, records.Creation):
            return ambiguous("a cohort of this idnumber is there, in a category or just made")
        return of_record(refused, mapping.suspicious(self.table, row.wanted))

    def _form(self, fields: Mapping[str, Value]) -> dict[str, Any]:
        return mapping.native_record(self.table, fields, self._desk.zone)

    def _page(self, start: int, size: int) -> list[Row]:
        told = self._desk.wire.must_read(
            "core_cohort_search_cohorts",
            query="",
            context={"contextlevel": "system", "instanceid": 0},
            includes="self",
            limitfrom=start,
            limitnum=size,
        )
        cohorts = told.get("cohorts") if isinstance(told, dict) else None
        if not isinstance(cohorts, list):
            raise not_understood("the listing of cohorts is none")
        return [mapping.row_of(self.table, one, self._desk.zone) for one in cohorts]


class InCohorts:
    """Who is in which cohort, for the resource `cohort_members`."""

    holder, function = "cohortid", "core_cohort_get_cohort_members"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def holders(self) -> list[str]:
        """List the cohorts of the site."""
        return [str(row["_id"]) for row in Cohorts(self._desk).everything()]

    def ready(self, pairs: Sequence[tuple[str, str]]) -> list[ConnectorError | None]:
        """Anybody may be in a cohort."""
        return [None] * len(pairs)

    def add(self, pairs: Sequence[tuple[str, str]]) -> bool:
        """Put people into cohorts; False when the answer says that some were left out."""
        members = [
            {
                "cohorttype": {"type": "id", "value": cohort},
                "usertype": {"type": "id", "value": user},
            }
            for cohort, user in pairs
        ]
        told = self._desk.wire.write("core_cohort_add_cohort_members", members=members)
        warnings = (told.get("warnings") if isinstance(told, dict) else None) or []
        # 3 says that the person is in it already. None of them says of which row it speaks.
        return all(str(one.get("warningcode")) == "3" for one in warnings)

    def remove(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take people out of cohorts, all or none."""
        members = [{"cohortid": cohort, "userid": user} for cohort, user in pairs]
        self._desk.wire.write("core_cohort_delete_cohort_members", members=members)

    def refusal(self, refused: Refused) -> SkipRow:
        """Say what a refused pair means."""
        return gone() if refused.is_checked_before else of_record(refused)
