"""Take persons: matched by numbers alone; whoever looks like somebody waits for a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.sis.loading.actions import cells, settling
from matricula.sis.people import loading as people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.sis.loading.actions.desk import Desk

# An address that so many have says nothing of any of them: it is an agent's or a school's.
_CROWD = 20
_OURS = "sis"
_PROFILE = {
    "n": "BIGINT", "place": "VARCHAR", "person": "VARCHAR", "given": "VARCHAR",
    "family": "VARCHAR", "email": "VARCHAR", "born_on": "DATE",
}  # fmt: skip
_KNOWN = {
    "id": "BIGINT", "given": "VARCHAR", "family": "VARCHAR", "born_on": "DATE",
    "email": "VARCHAR",
}  # fmt: skip


def take(desk: Desk) -> None:
    """Take persons and their numbers."""
    for name in ("persons", "numbers", "students", "staff"):
        cells.judge(desk, name)
    _fit(desk)
    _gather_numbers(desk)
    _match(desk)
    _profile(desk)
    if people.anybody():
        _look_around(desk)
    _look_within(desk)
    settling.settle(desk, "persons", people.take_numbers)
    _compare(desk)
    rows = desk.batches(
        "SELECT id, given, family, display_given, display_family, born_on, email, phone, "
        "work_email, since FROM new_persons ORDER BY id"
    )
    desk.count("persons", loaded=people.insert(desk.doing, "persons", rows))
    _take_numbers(desk)


def _fit(desk: Desk) -> None:
    """Find persons of whom something cannot be so."""
    desk.find(
        "persons", "nameless",
        "SELECT n, place, 'given', '' FROM cast_persons WHERE given IS NULL AND family IS NULL",
    )  # fmt: skip
    today = f"DATE '{desk.today}'"
    told = {
        "The day of birth is yet to come.": ("born_on", f"born_on > {today}"),
        "This is no e-mail address.": (
            "email", "NOT regexp_full_match(email, '[^@\\s]+@[^@\\s]+\\.[^@\\s]+')"),
        "This is no phone number.": (
            "phone", "length(regexp_replace(phone, '\\D', '', 'g')) < 5"),
    }  # fmt: skip
    for what, (field, wrong) in told.items():
        desk.find(
            "persons", "unfit",
            f"SELECT n, place, '{field}', '{what}' FROM cast_persons WHERE {wrong}",  # noqa: S608 - our own names
        )  # fmt: skip
    desk.find(
        "numbers", "unfit",
        "SELECT n, place, 'system', 'The register gives its own numbers: to students and to "  # noqa: S608
        f"staff.' FROM cast_numbers WHERE system = '{_OURS}'",
    )  # fmt: skip


def _gather_numbers(desk: Desk) -> None:
    """Gather every number by which a person of the bundle may be known, and who holds it."""
    own = " UNION ALL ".join(
        f"SELECT person, '{_OURS}' AS system, '{kind}' AS kind, number AS value "  # noqa: S608
        f"FROM {desk.good(table)} WHERE number IS NOT NULL"
        for table, kind in (("students", "student"), ("staff", "staff"))
    )
    desk.run(
        f"CREATE TABLE telling AS SELECT person, system, kind, value FROM {desk.good('numbers')} "  # noqa: S608
        f"UNION ALL {own}"
    )
    for table in ("students", "staff"):
        desk.find(
            table, "twice",
            f"SELECT n, place, 'number', first FROM (SELECT n, place, first_value(place) OVER w "  # noqa: S608
            f"AS first, row_number() OVER w AS nth FROM cast_{table} WHERE number IS NOT NULL "
            "WINDOW w AS (PARTITION BY number ORDER BY n)) WHERE nth > 1",
        )  # fmt: skip
    values = desk.column("SELECT DISTINCT value FROM telling ORDER BY 1")
    held = {"system": "VARCHAR", "kind": "VARCHAR", "value": "VARCHAR", "id": "BIGINT"}
    desk.keep("holder", held, people.holders(values))


def _match(desk: Desk) -> None:
    """Match persons by their numbers: `there_persons` has those who are in the register."""
    settling.remember(desk, "persons", [])
    desk.run(
        "CREATE TABLE matched AS SELECT t.person, min(h.id) AS id, "
        "string_agg(DISTINCT h.id::VARCHAR, ', ' ORDER BY h.id::VARCHAR) AS ids, "
        "count(DISTINCT h.id) AS persons FROM telling AS t JOIN holder AS h "
        "USING (system, kind, value) GROUP BY t.person"
    )
    desk.find(
        "persons", "two persons",
        "SELECT c.n, c.place, 'person', m.ids FROM cast_persons AS c JOIN matched AS m "
        "ON m.person = c.person AND m.persons > 1",
    )  # fmt: skip
    desk.run(
        "INSERT INTO there_persons BY NAME SELECT person, id FROM matched WHERE persons = 1 "
        "AND person IN (SELECT person FROM cast_persons)"
    )


def _profile(desk: Desk) -> None:
    """Keep by what those are compared who were not matched: their names in plain letters."""
    found = desk.batches(
        "SELECT n, place, person, given, family, email, born_on "  # noqa: S608
        f"FROM {desk.good('persons')} AS g ANTI JOIN there_persons AS t ON t.person = g.person "
        "ORDER BY n"
    ).read_all()
    desk.keep("profile", _PROFILE, _plain(found))


def _plain(rows: pa.Table) -> Iterator[pa.RecordBatch]:
    for batch in rows.to_batches():
        told = dict(zip(batch.schema.names, batch.columns, strict=True))
        told["given"] = people.plain(told["given"])
        told["family"] = people.plain(told["family"])
        told["email"] = people.plain_contact("email", told["email"])
        yield pa.RecordBatch.from_pydict(told)


def _look_around(desk: Desk) -> None:
    """Find persons in the register who look like some of the bundle: a person decides."""
    new = ", ".join("?" for _ in desk.new) or "''"
    emails = list(desk.column("SELECT DISTINCT email FROM profile WHERE email IS NOT NULL"))
    names = list(
        desk.column(
            "SELECT DISTINCT unnest([given, family]) AS name FROM profile "
            "WHERE born_on IS NOT NULL"
        )
    )
    desk.keep("reached", {"plain": "VARCHAR", "id": "BIGINT"}, people.reached_at(emails))
    named = {"plain_given": "VARCHAR", "plain_family": "VARCHAR", "born_on": "DATE"}
    desk.keep("named", {**named, "id": "BIGINT"}, people.named([one for one in names if one]))
    desk.run(
        "CREATE TABLE alike AS SELECT n, place, id, string_agg(DISTINCT evidence, ', ' "  # noqa: S608
        "ORDER BY evidence) AS evidence FROM ("
        "SELECT p.n, p.place, p.person, r.id, 'same e-mail' AS evidence FROM profile AS p "
        "JOIN (SELECT plain, id, count(*) OVER (PARTITION BY plain) AS crowd FROM reached) AS r "
        f"ON r.plain = p.email AND r.crowd <= {_CROWD} UNION ALL "
        "SELECT p.n, p.place, p.person, d.id, 'same name and birth date' FROM profile AS p "
        "JOIN named AS d ON d.born_on = p.born_on AND ((d.plain_given = coalesce(p.given, '') "
        "AND d.plain_family = coalesce(p.family, '')) OR (d.plain_given = p.family "
        "AND d.plain_family = p.given))) "
        f"WHERE person NOT IN ({new}) GROUP BY n, place, id",
        desk.new,
    )
    desk.find(
        "persons", "alike",
        "SELECT n, place, 'person', string_agg(id || ' (' || evidence || ')', ', ' ORDER BY id) "
        "FROM alike GROUP BY n, place",
    )  # fmt: skip


def _look_within(desk: Desk) -> None:
    """Say of new persons of the bundle that they look like one another; both are taken."""
    for by in ("email", "given, family, born_on"):
        last = by.rpartition(" ")[2]
        desk.find(
            "persons", "alike here",
            f"SELECT n, place, '{last}', first FROM (SELECT n, place, first_value(place) OVER w "  # noqa: S608
            f"AS first, row_number() OVER w AS nth FROM profile WHERE {last} IS NOT NULL "
            f"WINDOW w AS (PARTITION BY {by} ORDER BY n)) WHERE nth > 1",
        )  # fmt: skip


def _compare(desk: Desk) -> None:
    """Say of persons who are there what the bundle says otherwise; their own word stays."""
    there = list(desk.column("SELECT DISTINCT id FROM there_persons ORDER BY 1"))
    desk.keep("known_of", _KNOWN, people.known(there, on=desk.today))
    for field in ("given", "family", "born_on", "email"):
        desk.find(
            "persons", "differs",
            f"SELECT c.n, c.place, '{field}', '{field}' FROM {desk.good('persons')} AS c "  # noqa: S608
            "JOIN there_persons AS t ON t.person = c.person JOIN known_of AS k ON k.id = t.id "
            f"WHERE c.{field} IS NOT NULL AND c.{field} IS DISTINCT FROM k.{field}",
        )  # fmt: skip


def _take_numbers(desk: Desk) -> None:
    """Write numbers that nobody holds yet, also of persons who are there already."""
    settling.refer(desk, "numbers")
    rows = desk.good("numbers")
    there = f"SELECT count(*) FROM {rows} AS c SEMI JOIN holder AS h USING (system, kind, value)"  # noqa: S608
    desk.count("numbers", there=desk.number(there))
    new = desk.batches(
        "SELECT p.id AS person_id, c.system, c.kind, c.value, c.since AS valid_from "  # noqa: S608
        f"FROM {rows} AS c JOIN known_persons AS p ON p.person = c.person "
        "ANTI JOIN holder AS h ON h.system = c.system AND h.kind = c.kind AND h.value = c.value "
        "ORDER BY c.n"
    )
    desk.count("numbers", loaded=people.insert(desk.doing, "numbers", new))


def give(desk: Desk, kind: str, table: str, since: str) -> None:
    """Write the register's own numbers of new students or staff onto the persons.

    Args:
        desk: The load.
        kind: student or staff.
        table: The table with `person_id` and `number`.
        since: The expression for the day from which it is theirs.
    """
    rows = desk.batches(
        f"SELECT person_id, '{_OURS}' AS system, '{kind}' AS kind, number AS value, "  # noqa: S608
        f"{since} AS valid_from FROM {table} ORDER BY id"
    )
    people.insert(desk.doing, "numbers", rows)
