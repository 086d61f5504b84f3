"""Accounts: found by idnumber, then by user name; never by an e-mail address alone.

Moodle lets two accounts have one idnumber, so whoever writes one looks first. What the token's
account may not see is not found, so its sight is tried before anything is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import ConnectorError, GiveUp, SkipRow, Untrusted
from matricula.connectors.kit.http import not_understood
from matricula.connectors.moodle import mapping, records
from matricula.connectors.moodle.desk import Desk, codes_in, numbers_in
from matricula.connectors.moodle.fields import users
from matricula.connectors.moodle.listing import enrolled
from matricula.connectors.moodle.refusals import (
    Refused,
    ambiguous,
    blind,
    of_no_record,
    of_record,
    unknown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.batches import Job
    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.mapping import Row
    from matricula.connectors.moodle.records import Change, Creation

_BY_FIELD = "core_user_get_users_by_field"
_FRONT_PAGE = 1
_GUEST = "guest"
# In this order; the last is no proof of who it is.
_FOUND_BY = ("idnumber", "username", "email")


class Users:
    """The resource `users`."""

    is_atomic = False

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.table = users(desk.settings.profile_fields)
        self._sees = False

    def read(self) -> Iterator[list[Row]]:
        """Read all accounts: their numbers page by page, and then what they hold.

        Moodle's search for users knows no pages; everybody takes part in the front page.
        """
        self.must_see()
        with of_no_record():
            ids = [str(one["id"]) for one in enrolled(self._desk, _FRONT_PAGE, "id", pages=10)]
        found, size = 0, self._desk.settings.page_size
        parts = [ids[start : start + size] for start in range(0, len(ids), size)]
        for pages in self._desk.flowing(self.by_ids, parts, 1):
            rows = [row for page in pages for row in page.values()]
            found += len(rows)
            yield [row for row in rows if not self._is_moodles(row)]
        if ids and not found:
            raise Untrusted(
                f"{len(ids)} accounts are listed and not one can be looked at.",
                code="M441",
                cure="Have moodle/user:viewdetails given to the account's role.",
            )

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look accounts up, those with one of the usual identifiers in few calls."""
        self.must_see()
        asked: dict[str, list[str]] = {}
        everybody: list[Row] | None = None
        for match in matches:
            name = self._telling(match)
            if name:
                asked.setdefault(name, []).append(str(match[name]))
            elif everybody is None:
                everybody = [row for page in self.read() for row in page]
        found = {
            name: self._by_field("id" if name == "_id" else name, values)
            for name, values in asked.items()
        }
        return [
            [
                row
                for row in found.get(self._telling(match), everybody or [])
                if mapping.holds(self.table, match, row)
            ]
            for match in matches
        ]

    def jobs(self, writes: Sequence[Write]) -> list[Job]:
        """Plan writes."""
        self._must_be_findable(writes)
        self.must_see()
        return records.jobs(self._desk, self, writes)

    def existing(self, writes: Sequence[Write]) -> list[Row | SkipRow | None]:
        """Find the accounts that these creations would double."""
        wanted = [{n: _given(write, n) for n in _FOUND_BY} for write in writes]

        def ask(name: str) -> dict[str, list[Row]]:
            values = [one[name] for one in wanted if one[name]]
            return _grouped(name, self._by_field(name, values)) if values else {}

        by = dict(zip(_FOUND_BY, self._desk.each(ask, _FOUND_BY), strict=True))
        return [
            _judged(write, one, {name: by[name].get(one[name], []) for name in _FOUND_BY})
            for write, one in zip(writes, wanted, strict=True)
        ]

    def create(self, made: Sequence[Creation]) -> list[str]:
        """Make accounts, all or none; those that are to be suspended are so at once."""
        forms = []
        for one in made:
            fields = {n: v for n, v in one.wanted.items() if n != "suspended" and v is not None}
            form = mapping.native_record(self.table, fields, self._desk.zone)
            form.setdefault("auth", self._desk.settings.auth)
            if form["auth"] == "manual":
                form["createpassword"] = 1
            forms.append(form)
        told = self._desk.wire.write("core_user_create_users", users=forms)
        ids = numbers_in(told)
        suspended = self.table.columns["suspended"]
        asleep = [
            {"id": record_id, "suspended": 1}
            for one, record_id in zip(made, ids, strict=False)
            if mapping.agrees(suspended, one.wanted.get("suspended"), held=True)
        ]
        if asleep:
            self._suspend_new(asleep)
        return ids

    def _suspend_new(self, forms: list[dict[str, Any]]) -> None:
        # An account is made awake, whatever is asked for; the function knows no suspension.
        try:
            told = self._desk.wire.write("core_user_update_users", users=forms)
        except (Refused, ConnectorError) as error:
            raise unknown("Accounts were made, and could not be suspended.") from error
        if codes_in(told):
            raise unknown("Accounts were made, and not all could be suspended.")

    def update(self, changes: Sequence[Change]) -> dict[str, str]:
        """Change accounts row by row; give the codes of those that are refused."""
        forms = [
            {"id": one.record_id, **mapping.native_record(self.table, one.wanted, self._desk.zone)}
            for one in changes
        ]
        return codes_in(self._desk.wire.write("core_user_update_users", users=forms))

    def by_ids(self, ids: Sequence[str]) -> dict[str, Row]:
        """Fetch accounts by number; the remains of deleted ones are none."""
        return {str(row["_id"]): row for row in self._by_field("id", ids)}

    def must_be_free(self, changes: Sequence[Change]) -> list[SkipRow | None]:
        """Refuse an idnumber that another account has: Moodle would let both keep it."""
        wanted = {one.record_id: str(one.wanted.get("idnumber") or "") for one in changes}
        values = [value for value in wanted.values() if value]
        if not values:
            return [None] * len(changes)
        holders = {
            number: {str(row["_id"]) for row in rows}
            for number, rows in _grouped("idnumber", self._by_field("idnumber", values)).items()
        }

        def judge(record_id: str) -> SkipRow | None:
            number = wanted[record_id]
            if holders.get(number, set()) - {record_id}:
                return ambiguous("its idnumber is already another account's")
            # The next of this batch that wants it comes too late.
            holders.setdefault(number, set()).add(record_id)
            return None

        return [judge(one.record_id) if wanted[one.record_id] else None for one in changes]

    def why(self, row: Creation | Change, refused: Refused) -> SkipRow:
        """Look again at what must be unique, where Moodle says only that something is wrong."""
        mine = row.record_id if isinstance(row, records.Change) else ""
        if refused.code in ("invalidparameter", "dmlwriteexception"):
            try:
                taken = self._taken(row.wanted, mine)
            except ConnectorError:
                taken = ""
            if taken:
                return ambiguous(f"its {taken} is already another account's ({refused.code})")
        return of_record(refused, mapping.suspicious(self.table, row.wanted))

    def _taken(self, wanted: Mapping[str, Value], mine: str) -> str:
        for name in ("username", "email"):
            value = str(wanted.get(name) or "")
            if value and any(row["_id"] != mine for row in self._alike(name, value)):
                return name
        return ""

    def _alike(self, name: str, value: str) -> list[Row]:
        if name == "username":
            return self._by_field(name, [value])
        if "core_user_get_users" not in self._desk.service.functions:
            return self._by_field(name, [value])
        # An address counts as taken in any case of its letters, and this search ignores it.
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        criteria = [{"key": "email", "value": escaped}]
        told = self._desk.wire.must_read("core_user_get_users", criteria=criteria)
        rows = self._rows(told.get("users", ()) if isinstance(told, dict) else ())
        return [row for row in rows if str(row.get("email")).lower() == value.lower()]

    def _by_field(self, name: str, values: Sequence[str]) -> list[Row]:
        if name == "username":
            values = [one for one in values if mapping.askable_username(one)]
        if name == "id":
            values = [one for one in values if mapping.is_number(one)]

        def ask(some: Sequence[str]) -> list[Row]:
            return self._rows(self._desk.wire.read(_BY_FIELD, field=name, values=list(some)))

        return self._desk.looked_up([one for one in values if one], ask)

    def _rows(self, told: Any) -> list[Row]:  # noqa: ANN401 - what Moodle answered
        if not isinstance(told, list):
            raise not_understood("a look-up of accounts is answered with none")
        return [
            mapping.row_of(self.table, one, self._desk.zone)
            for one in told
            if not mapping.is_deleted(one)
        ]

    def must_see(self) -> None:
        """Make sure that a look-up finds what is there.

        Moodle leaves out whomever our account may not see in full, as if nobody were there.

        Raises:
            Stop: It does not see the guest, who is in every Moodle (M613).
        """
        if self._sees:
            return
        guests = self._by_field("username", [_GUEST])
        if not guests:
            raise blind(
                "other accounts' user names",
                "moodle/user:viewdetails and moodle/user:viewalldetails",
            )
        if guests[0].get("email") is None:
            raise blind("other accounts' addresses", "moodle/site:viewuseridentity")
        if guests[0].get("firstname") is None:
            raise blind("other people's whole names", "moodle/site:viewfullnames")
        if guests[0].get("suspended") is None:
            raise blind("who is suspended", "moodle/user:viewhiddendetails")
        self._sees = True

    def _is_moodles(self, row: Row) -> bool:
        """Whether an account is the site's own: the guest, or the one that our token is of."""
        return row.get("username") == _GUEST or row["_id"] == self._desk.service.user

    def _telling(self, match: Mapping[str, Value]) -> str:
        if "_id" in match:
            return "_id"
        username = str(match.get("username") or "")
        if "idnumber" in match:
            return "idnumber"
        return "username" if mapping.askable_username(username) else ""

    def _must_be_findable(self, writes: Sequence[Write]) -> None:
        for write in writes:
            odd = sorted(set(write.match) - set(_FOUND_BY)) if write.kind == "create" else []
            if odd:
                raise GiveUp(
                    f"Accounts in Moodle cannot be looked up by {', '.join(odd)}.",
                    code="M607",
                    cure="Match on idnumber or username.",
                )
            if write.kind == "create" and not (
                write.fields.get("auth") or self._desk.settings.auth
            ):
                raise GiveUp(
                    "Nothing says how a new account signs in.",
                    code="M607",
                    cure="Write `auth:` in the system's settings, or grant the field auth.",
                )


def _given(write: Write, name: str) -> str:
    value = write.fields.get(name) or write.match.get(name)
    return "" if value is None else str(value)


def _judged(
    write: Write, wanted: Mapping[str, str], found: Mapping[str, list[Row]]
) -> Row | SkipRow | None:
    """Say which account a creation would double, or why a person must decide."""
    if len(found["idnumber"]) > 1:
        return ambiguous(f"{len(found['idnumber'])} accounts have the idnumber of this record")
    if found["idnumber"]:
        return found["idnumber"][0]
    if found["username"]:
        return _by_login(write, wanted, found["username"][0])
    if found["email"]:
        return ambiguous("an account has the same email, which is no proof of who it is")
    return None


def _by_login(write: Write, wanted: Mapping[str, str], row: Row) -> Row | SkipRow:
    theirs = str(row.get("idnumber") or "")
    if wanted["idnumber"] and theirs and theirs != wanted["idnumber"]:
        return ambiguous("the account with this username has another idnumber")
    if "username" not in (write.match.keys() | write.changed):
        # A login that was only proposed says nothing about whose the account is.
        return ambiguous("an account has the proposed username, and nothing else speaks for it")
    return row


def _grouped(name: str, rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row.get(name)), []).append(row)
    return found
