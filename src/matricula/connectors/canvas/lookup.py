"""Look records up by what names them; whatever Canvas answers is compared here.

A few are asked for one by one. Many are read off the list, which is a hundred times fewer
calls; enrolments are always read off their section.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.canvas import mapping
from matricula.connectors.canvas.reading import STATES, further_logins, main_login, named, real
from matricula.connectors.canvas.standing import READ_COURSES, READ_ROSTER
from matricula.connectors.canvas.tables import SPECS
from matricula.connectors.canvas.wire import API
from matricula.connectors.kit import batches
from matricula.connectors.kit.protocol import asks_for_nobody

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from matricula.connectors.canvas.mapping import Row
    from matricula.connectors.canvas.reading import Reader
    from matricula.connectors.canvas.tables import Spec
    from matricula.connectors.canvas.wire import Record, Wire
    from matricula.connectors.kit.protocol import Value

# From here on the list is read instead.
MANY = 300
# Of one section, up to so many are asked for by name.
_NAMED = 25
# What names one record besides its SIS ID, by which Canvas can be asked.
_BY_FIELD = {
    "users": {"login_id": "sis_login_id", "integration_id": "sis_integration_id"},
    "courses": {"integration_id": "sis_integration_id"},
}
_LISTED = frozenset({"accounts", "terms", "grades"})


class Lookup:
    """Looks records of one Canvas up, as they are now: a list of users is read once.

    Args:
        wire: The way there.
        reader: Reads what can only be listed.
        concurrency: Calls under way at once.
    """

    def __init__(self, wire: Wire, reader: Reader, concurrency: int) -> None:
        self._wire, self._reader, self._concurrency = wire, reader, concurrency
        self._user_list: list[Record] | None = None

    def by_ids(
        self, spec: Spec, ids: Collection[str], *, with_logins: bool = True
    ) -> dict[str, Row]:
        """Find records by their `_id`; those that are not there are left out.

        Args:
            spec: Of which resource.
            ids: As `_id` has them.
            with_logins: Whether a user's status and way of signing in are needed, which
                Canvas shows with the logins alone.
        """
        wanted = sorted(set(ids))
        if spec.name == "enrollments":
            return self._by_section(spec, wanted)
        if spec.name in _LISTED:
            return self._listed(spec.name, wanted) if wanted else {}
        if len(wanted) > MANY and spec.name == "users":
            return self._listed_users(set(wanted), with_logins=with_logins)
        if len(wanted) > MANY and spec.name != "sections":
            return self._listed(spec.name, wanted)

        def ask(external_id: str) -> Row | None:
            return self._one(spec, external_id, with_logins=with_logins)

        rows = batches.each(ask, wanted, concurrency=self._concurrency)
        return {name: row for name, row in zip(wanted, rows, strict=True) if row is not None}

    def matching(self, spec: Spec, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Find, for each mapping, all records that equal it. A blank finds nobody."""
        named_ones = {i: one for i, m in enumerate(matches) if (one := _named_by(spec, m))}
        found = self.by_ids(spec, set(named_ones.values()))
        everybody: list[Row] | None = None
        answers: list[list[Row]] = []
        for i, match in enumerate(matches):
            if asks_for_nobody(match):
                rows: Iterable[Row] = []
            elif i in named_ones:
                rows = [found[named_ones[i]]] if named_ones[i] in found else []
            elif (field := _telling(spec, match)) is not None:
                rows = self._asked_by(spec, field, str(match[field]))
            else:
                everybody = everybody if everybody is not None else self._everybody(spec)
                rows = everybody
            answers.append([row for row in rows if holds(spec, row, match)])
        return answers

    def by_login(self, logins: Collection[str]) -> dict[str, Row]:
        """Find users by their login, whatever the case of its letters; without their status."""
        wanted = {one.casefold(): one for one in logins}
        if len(wanted) > MANY:
            rows = (
                named("users", mapping.user_row(one, None), one["id"]) for one in self._users()
            )
            listed = {str(row["login_id"] or "").casefold(): row for row in rows}
            return {wanted[low]: listed[low] for low in wanted if low in listed}
        asked = sorted(wanted.values())
        users = batches.each(
            lambda login: self._user(mapping.path_id("sis_login_id", login)),
            asked,
            concurrency=self._concurrency,
        )
        found: dict[str, Row] = {}
        for login, user in zip(asked, users, strict=True):
            if user and str(user.get("login_id") or "").casefold() == login.casefold():
                found[login] = named("users", mapping.user_row(user, None), user["id"])
        return found

    def terms(self) -> set[str]:
        """Say which terms there are, by their SIS IDs."""
        return {one for one in self._reader.terms().values() if one}

    def logins_named(self, user_ids: Collection[str]) -> dict[str, list[Record]]:
        """List the logins of users, by the SIS ID that was asked for."""

        def ask(user_id: str) -> list[Record]:
            user = self._user(mapping.path_id("sis_user_id", user_id))
            return self._reader.logins_of(user["id"]) if user else []

        asked = sorted(set(user_ids))
        return dict(
            zip(asked, batches.each(ask, asked, concurrency=self._concurrency), strict=True)
        )

    def _one(self, spec: Spec, external_id: str, *, with_logins: bool) -> Row | None:
        plain = external_id.startswith(mapping.FOREIGN)
        number = external_id.removeprefix(mapping.FOREIGN)
        place = number if plain else mapping.path_id(f"sis_{spec.identity[0]}", external_id)
        if spec.name == "users":
            row = self._user_row(place, external_id, with_logins=with_logins)
        elif spec.name == "logins":
            row = self._login_row(external_id)
        elif spec.name == "courses":
            course = self._wire.get(f"{API}/courses/{place}", what="courses", needs=READ_COURSES)
            row = (
                named("courses", self._reader.course_row(course), course["id"]) if course else None
            )
        else:
            section = self._wire.get(
                f"{API}/sections/{place}", what="sections", needs=READ_COURSES
            )
            row = (
                named("sections", self._reader.section_row(section, {}), section["id"])
                if section
                else None
            )
        return row if row is not None and row["_id"] == external_id else None

    def _user_row(self, place: str, external_id: str, *, with_logins: bool) -> Row | None:
        user = self._user(place)
        if user is None:
            return None
        # Somebody with several logins is shown under one of them, not the one asked for.
        other = user.get("sis_user_id") != external_id
        if not with_logins and not other:
            return named("users", mapping.user_row(user, None), user["id"])
        logins = self._reader.logins_of(user["id"])
        mine = [one for one in logins if one.get("sis_user_id") == external_id]
        if not mine and not external_id.startswith(mapping.FOREIGN):
            return None
        login = mine[0] if mine else (logins[0] if logins else None)
        return named("users", mapping.user_row(user, login), user["id"])

    def _login_row(self, external_id: str) -> Row | None:
        user = self._user(mapping.path_id("sis_user_id", external_id))
        if user is None:
            return None
        further = further_logins(user, self._reader.logins_of(user["id"]))
        mine = (one for one in further if one.get("sis_user_id") == external_id)
        rows = (
            named("logins", mapping.login_row(one, user.get("sis_user_id")), one["id"])
            for one in mine
        )
        return next(rows, None)

    def _user(self, place: str) -> Record | None:
        found: Record | None = self._wire.get(
            f"{API}/users/{place}",
            what="users",
            needs=READ_ROSTER,
            params={"include[]": ["email"]},
        )
        return found

    def _by_section(self, spec: Spec, ids: Sequence[str]) -> dict[str, Row]:
        wanted: dict[str, set[str]] = {}
        for external_id in ids:
            parts = mapping.parts_of(spec, external_id)
            if parts is not None:
                wanted.setdefault(parts["section_id"], set()).add(parts["user_id"])
        asked = sorted(wanted)
        rows = batches.each(
            lambda section: self._of_section(section, wanted[section]),
            asked,
            concurrency=self._concurrency,
        )
        known = {str(row["_id"]): row for some in rows for row in some}
        return {name: known[name] for name in ids if name in known}

    def _of_section(self, section_id: str, users: Collection[str]) -> list[Row]:
        query: dict[str, Any] = {"state[]": list(STATES)}
        if len(users) <= _NAMED:
            query["sis_user_id[]"] = sorted(users)
        pages = self._wire.pages(
            f"{API}/sections/{mapping.path_id('sis_section_id', section_id)}/enrollments",
            what="enrollments",
            needs=READ_ROSTER,
            params=query,
        )
        return [
            named("enrollments", mapping.enrollment_row(one), one["id"])
            for page in pages
            for one in real(page)
        ]

    def _listed(self, resource: str, ids: Sequence[str]) -> dict[str, Row]:
        wanted = set(ids)
        pages = self._reader.rows(resource)
        return {str(row["_id"]): row for page in pages for row in page if row["_id"] in wanted}

    def _listed_users(self, ids: set[str], *, with_logins: bool) -> dict[str, Row]:
        users = [one for one in self._users() if one.get("sis_user_id") in ids]
        numbers = [one["id"] for one in users] if with_logins else []
        logins = batches.each(self._reader.logins_of, numbers, concurrency=self._concurrency)
        some = logins or [[] for _ in users]
        found = {
            str(user["sis_user_id"]): named(
                "users", mapping.user_row(user, main_login(user, own)), user["id"]
            )
            for user, own in zip(users, some, strict=True)
        }
        # Who has several logins is listed under one of them only; so the rest is asked for.
        spec = SPECS["users"]
        left = sorted(ids - set(found)) if len(ids - set(found)) <= MANY else []
        for external_id in left:
            row = self._one(spec, external_id, with_logins=with_logins)
            if row is not None:
                found[external_id] = row
        return found

    def _users(self) -> list[Record]:
        if self._user_list is None:
            self._user_list = [one for page in self._reader.user_pages() for one in page]
        return self._user_list

    def _everybody(self, spec: Spec) -> list[Row]:
        return [row for page in self._reader.rows(spec.name) for row in page]

    def _asked_by(self, spec: Spec, field: str, value: str) -> list[Row]:
        place = mapping.path_id(_BY_FIELD[spec.name][field], value)
        if spec.name == "users":
            user = self._user(place)
            sis_id = user.get("sis_user_id") if user else None
            name = str(sis_id) if sis_id else f"{mapping.FOREIGN}{user['id']}" if user else ""
        else:
            course = self._wire.get(f"{API}/courses/{place}", what="courses", needs=READ_COURSES)
            sis_id = course.get("sis_course_id") if course else None
            name = str(sis_id) if sis_id else f"{mapping.FOREIGN}{course['id']}" if course else ""
        return list(self.by_ids(spec, {name}).values()) if name else []


def holds(spec: Spec, row: Row, match: Mapping[str, Value]) -> bool:
    """Tell whether a record equals a mapping; logins whatever the case of their letters."""
    for name, value in match.items():
        seen = row.get(name)
        if name == "login_id":
            same = str(seen or "").casefold() == str(value).casefold()
        elif name == "_id":
            same = seen == str(value)
        else:
            try:
                same = seen == mapping.canonical(spec.by_name[name], value)
            except mapping.Misfit:
                same = False
        if not same:
            return False
    return True


def _named_by(spec: Spec, match: Mapping[str, Value]) -> str | None:
    if asks_for_nobody(match):
        return None
    if "_id" in match:
        return str(match["_id"])
    return mapping.id_of(spec, match)


def _telling(spec: Spec, match: Mapping[str, Value]) -> str | None:
    known = _BY_FIELD.get(spec.name, {})
    return next((name for name in known if name in match), None)
