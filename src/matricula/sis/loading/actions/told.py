"""Have the record tell of what came in, and the audit of how much it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.keys import join_key
from matricula.sis.record import loading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.sis.loading.actions.desk import Desk

# So many keys are told of at once.
_SOME = 2_000
# What is new, by the kind of record: the query for its key, in one order.
_NEW: Mapping[str, str] = {
    "programme": "SELECT code FROM new_programmes ORDER BY 1",
    "module": "SELECT code FROM new_modules ORDER BY 1",
    "term": "SELECT code FROM new_terms ORDER BY 1",
    "section": "SELECT section FROM new_sections ORDER BY 1",
    "student": "SELECT number FROM matriculated ORDER BY 1",
    "staff": "SELECT number FROM member ORDER BY 1",
    "teaching": "SELECT number FROM member ORDER BY 1",
}
# Enrolments that are new, by the student and the section.
_ENROLLED = (
    "SELECT p.n, u.student_no, o.section FROM placed AS p JOIN numbered_enrolments AS i "
    "ON i.n = p.n AND i.is_new JOIN under AS u ON u.id = p.u JOIN offered AS o ON o.o = p.o"
)
# Who is in a section under two registrations, or was there already, is told of one by one.
_SEVERAL = (
    f"SELECT student_no, section FROM (SELECT student_no, section FROM ({_ENROLLED}) UNION ALL "  # noqa: S608 - our own names
    "SELECT student_no, section FROM held_enrolments) GROUP BY ALL HAVING count(*) > 1"
)
_SAID = (
    "SELECT e.student_no, e.section AS section_code, y.now::VARCHAR AS status, "  # noqa: S608
    f"y.now_since AS since FROM ({_ENROLLED}) AS e JOIN story_enrolments AS y ON y.owner = e.n "
    "ANTI JOIN several AS s USING (student_no, section) WHERE y.now IS NOT NULL ORDER BY e.n"
)
# Records that are there already and say something else now.
_TOUCHED: Mapping[str, str] = {
    "module": "SELECT DISTINCT module FROM new_module_versions ANTI JOIN new_modules "
    "ON code = module",
    "student": "SELECT DISTINCT u.student_no FROM new_registrations AS r JOIN under AS u "
    "ON u.id = r.id ANTI JOIN matriculated AS m ON m.id = u.student_id",
    "staff": "SELECT DISTINCT f.number FROM new_duties AS d JOIN known_staff AS k "
    "ON k.person = d.person JOIN found_staff AS f ON f.id = k.id",
    "teaching": "SELECT DISTINCT f.number FROM new_teaching AS t JOIN known_staff AS k "
    "ON k.person = t.person JOIN found_staff AS f ON f.id = k.id",
    "enrolment": f"SELECT DISTINCT e.student_no, e.section FROM ({_ENROLLED}) AS e "  # noqa: S608
    "SEMI JOIN several AS s USING (student_no, section)",
}


def tell(desk: Desk) -> None:
    """Fill the record with what is new, and bring to what it says now what was there.

    What is new is no news for other systems one by one: the next full pass finds all of it.
    """
    today = desk.today
    for kind, query in _NEW.items():
        loading.fill(kind, _keys(desk, query), on=today)
    desk.run(f"CREATE TABLE several AS {_SEVERAL}")
    loading.fill_enrolments(desk.batches(_SAID))
    for kind, query in _TOUCHED.items():
        # What was there already is news: whoever carries the act out refreshes and marks it.
        desk.doing.touch(kind, _each(desk, query))


def _keys(desk: Desk, query: str) -> Iterator[Sequence[str]]:
    some: list[str] = []
    for key in _each(desk, query):
        some.append(key)
        if len(some) == _SOME:
            yield some
            some = []
    if some:
        yield some


def _each(desk: Desk, query: str) -> Iterator[str]:
    for batch in desk.batches(query):
        columns = [column.to_pylist() for column in batch.columns]
        yield from map(join_key, zip(*columns, strict=True))


def write_down(desk: Desk, source: str) -> None:
    """Write into the audit what was taken: one entry for each set, with how many rows it has."""
    for table, count in desk.loaded.items():
        if count:
            desk.doing.record(
                "load", desk.doing.act, f"load {table}", after={"rows": count, "source": source}
            )
