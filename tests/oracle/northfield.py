"""A small university whose charter uses everything the engine knows, made by hand.

`EXPRESSIONS` says in Python what each expression of the charter means.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlglot

from matricula.charter.expressions import judge_expression
from matricula.charter.model import (
    Cadence,
    Charter,
    Entity,
    Expression,
    Field,
    Flow,
    FlowField,
    Guard,
    Limit,
    LinkCall,
    Read,
    ResourceRef,
    Unavailable,
    ValueType,
)
from matricula.charter.typed import Scope
from tests.oracle.oracle import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matricula.charter.model import Drift, Exit

TEXT = ValueType("text")
INTEGER = ValueType("integer")
TRUTH = ValueType("boolean")
DATE = ValueType("date")
INSTANT = ValueType("instant")
DECIMAL = ValueType("decimal")
MONEY = ValueType("money", currency="GBP")
STATUS = ValueType("enum", values=("active", "on_leave", "withdrawn", "it's over"))

STUDENTS = ResourceRef("sis", "students")
PROGRAMMES = ResourceRef("sis", "programmes")
ENROLMENTS = ResourceRef("sis", "enrolments")
PATRONS = ResourceRef("library", "patrons")
SHELVES = ResourceRef("library", "shelves")
USERS = ResourceRef("idp", "users")
MARKS = ResourceRef("lms", "marks")

Meaning = "dict[str, Callable[[dict[str, Any]], object]]"


def _split_first(row: dict[str, Any]) -> object:
    return None if row["name"] is None else row["name"].split(" ")[0]


def _band(row: dict[str, Any]) -> object:
    overdue = row["overdue"]
    if overdue is None:
        return "none"
    return "many" if overdue > 2 else "some" if overdue > 0 else "none"


def _both(one: bool | None, other: bool | None) -> bool | None:
    """SQL's AND."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _no(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _null_in(
    *fields: str,
) -> Callable[[Callable[..., object]], Callable[[dict[str, Any]], object]]:
    """Null in, null out."""

    def wrap(function: Callable[..., object]) -> Callable[[dict[str, Any]], object]:
        def apply(row: dict[str, Any]) -> object:
            values = [row[name] for name in fields]
            return None if None in values else function(*values)

        return apply

    return wrap


EXPRESSIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "student_no": lambda row: row["student_no"],
    "name": lambda row: row["name"],
    "split_part(name, ' ', 1)": _split_first,
    "substr(name, 2, 3)": _null_in("name")(lambda name: name[1:4]),
    "coalesce(login, 'x' || student_no)": lambda row: (
        row["login"] or (row["login"] if row["login"] == "" else "x" + row["student_no"])
    ),
    "fines": lambda row: row["fines"],
    "overdue > 0": _null_in("overdue")(lambda overdue: overdue > 0),
    "overdue * 800000000000000000 * 5": _null_in("overdue")(
        lambda n: n * 4_000_000_000_000_000_000
    ),
    "abs(overdue * 800000000000000000 * 5) >= 0": _null_in("overdue")(
        lambda n: abs(checked(n * 4_000_000_000_000_000_000)) >= 0
    ),
    "fines * 1000000000": _null_in("fines")(lambda n: n * 1_000_000_000),
    "case when overdue > 2 then 'many' when overdue > 0 then 'some' else 'none' end": _band,
    "born": lambda row: row["born"],
    "born >= date '2004-02-29'": _null_in("born")(lambda born: born >= date(2004, 2, 29)),
    "fulltime": lambda row: row["fulltime"],
    "changed": lambda row: row["changed"],
    "score": lambda row: row["score"],
    "programme.title": lambda row: row["programme.title"],
    "programme.weight": lambda row: row["programme.weight"],
    "status in ('active', 'on_leave')": _null_in("status")(lambda s: s in ("active", "on_leave")),
    "status <> 'active'": _null_in("status")(lambda status: status != "active"),
    "not (status = 'withdrawn' and overdue > 1)": lambda row: _no(
        _both(
            None if row["status"] is None else row["status"] == "withdrawn",
            None if row["overdue"] is None else row["overdue"] > 1,
        )
    ),
    "overdue is not null": lambda row: row["overdue"] is not None,
    "section": lambda row: row["section"],
    "mark": lambda row: row["mark"],
    "state = 'in'": _null_in("state")(lambda state: state == "in"),
    "programme.weight is null or programme.weight < 5": lambda row: (
        row["programme.weight"] is None or row["programme.weight"] < 5
    ),
}

_TYPES = {
    "fines": MONEY, "overdue > 0": TRUTH, "overdue * 800000000000000000 * 5": INTEGER,
    "born": DATE, "born >= date '2004-02-29'": TRUTH, "fulltime": TRUTH, "changed": INSTANT,
    "score": DECIMAL, "programme.weight": INTEGER, "mark": INTEGER, "status <> 'active'": TRUTH,
}  # fmt: skip
_CONDITIONS = (
    "status in ('active', 'on_leave')",
    "not (status = 'withdrawn' and overdue > 1)",
    "overdue is not null",
    "state = 'in'",
    "programme.weight is null or programme.weight < 5",
)


def expression(
    text: str, kind: ValueType | None = None, link: LinkCall | None = None
) -> Expression:
    """Note an expression; `charter` has it judged and compiled by the charter room."""
    tree = sqlglot.parse_one(text, dialect="duckdb")
    columns = {
        Read(c.table, c.name) if c.table else Read(c.name)
        for c in tree.find_all(sqlglot.exp.Column)
    }
    kind = kind or (TRUTH if text in _CONDITIONS else _TYPES.get(text, TEXT))
    reads = sorted(columns, key=lambda read: (read.field, read.of))
    return Expression(text, tree, kind, tuple(reads), link)


def entity(
    name: str,
    key: Sequence[str],
    roster: ResourceRef,
    fields: dict[str, tuple[ResourceRef, ValueType]],
    found_by: dict[ResourceRef, tuple[str, ...]] | None = None,
) -> Entity:
    """Make an entity; a field's native name is its own with `n_` before it."""
    made = {n: Field(n, kind, owner, f"n_{n}") for n, (owner, kind) in fields.items()}
    return Entity(name, tuple(key), roster, found_by or {}, made)


FREE = Guard(Limit(), Limit(), Limit())


def flow(  # noqa: PLR0913 - as many as a flow has answers
    name: str,
    of: str,
    fields: dict[str, str | Expression],
    *,
    where: str = "",
    initially: Sequence[str] = (),
    match: Sequence[str] = (),
    on_exit: Exit = "suspend",
    on_drift: Drift = "restore",
    guard: Guard = FREE,
) -> Flow:
    """Make a flow; `match` names those of its fields that find an existing copy."""
    granted = {
        n: FlowField(n, expression(e) if isinstance(e, str) else e, "a reason", n in initially)
        for n, e in fields.items()
    }
    after = {f.expression.link.flow for f in granted.values() if f.expression.link}
    return Flow(
        name, "a purpose", of, ResourceRef("target", name), granted, Cadence(), on_exit,
        on_drift, Unavailable(), guard, "it",
        match={n: granted[n].expression for n in match},
        where=expression(where) if where else None,
        after=tuple(sorted(after)),
    )  # fmt: skip


def link(other: str, *arguments: str) -> Expression:
    """Make a `link(...)` expression."""
    return expression(f"link('{other}', {', '.join(arguments)})", link=LinkCall(other, arguments))


def charter(*flows: Flow, entities: Sequence[Entity] = ()) -> Charter:
    """Make a charter of flows over the entities of Northfield, or over others."""
    made = {e.name: e for e in entities or (STUDENT, PROGRAMME, ENROLMENT)}
    judged = [_judged(f, made) for f in flows]
    return Charter(
        "Northfield", "Europe/London", "GBP", {}, {}, made, {f.name: f for f in judged},
        digest="charter",
    )  # fmt: skip


def _judged(made: Flow, entities: dict[str, Entity]) -> Flow:
    """Have a flow's expressions compiled as a charter's are."""
    kinds = {e.name: {n: f.type for n, f in e.fields.items()} for e in entities.values()}
    refs = {n: ref.entity for n, ref in entities[made.entity].refs.items()}

    def compiled(one: Expression) -> Expression:
        scope = Scope(made.entity, kinds, "Europe/London", refs)
        found = judge_expression(scope, one.text, links=bool(one.link))
        assert found is not None, scope.refusals
        return found

    fields = {n: replace(f, expression=compiled(f.expression)) for n, f in made.fields.items()}
    match = {n: compiled(e) for n, e in made.match.items()}
    return replace(
        made, fields=fields, match=match, where=compiled(made.where) if made.where else None
    )


STUDENT = entity(
    "student",
    ["student_no"],
    STUDENTS,
    {
        "student_no": (STUDENTS, TEXT),
        "name": (STUDENTS, TEXT),
        "status": (STUDENTS, STATUS),
        "born": (STUDENTS, DATE),
        "fulltime": (STUDENTS, TRUTH),
        "changed": (STUDENTS, INSTANT),
        "programme": (STUDENTS, ValueType("ref", entity="programme")),
        "fines": (PATRONS, MONEY),
        "overdue": (PATRONS, INTEGER),
        "login": (USERS, TEXT),
        "score": (USERS, DECIMAL),
    },
    {PATRONS: ("cardnumber",), USERS: ("externalId",)},
)
PROGRAMME = entity(
    "programme",
    ["code"],
    PROGRAMMES,
    {"code": (PROGRAMMES, TEXT), "title": (PROGRAMMES, TEXT), "weight": (SHELVES, INTEGER)},
    {SHELVES: ("prog",)},
)
ENROLMENT = entity(
    "enrolment",
    ["student_no", "section"],
    ENROLMENTS,
    {
        "student_no": (ENROLMENTS, TEXT),
        "section": (ENROLMENTS, TEXT),
        "state": (ENROLMENTS, ValueType("enum", values=("in", "out"))),
        "mark": (MARKS, INTEGER),
    },
    {MARKS: ("who", "what")},
)

_MADE = (
    flow(
        "acc", "student",
        {"idnumber": "student_no", "first": "split_part(name, ' ', 1)", "owed": "fines",
         "prog": "programme.title", "late": "overdue > 0", "asleep": "status <> 'active'",
         "login": "coalesce(login, 'x' || student_no)"},
        where="status in ('active', 'on_leave')", initially=["login"], match=["idnumber"],
    ),
    flow(
        "card", "student",
        {"barcode": "student_no", "born": "born", "adult": "born >= date '2004-02-29'",
         "band": "case when overdue > 2 then 'many' when overdue > 0 then 'some' else 'none' end",
         "weight": "programme.weight", "emails[work].\"a\\b/c~*": "name"},
        match=["barcode", "born"], on_exit="delete", on_drift="report",
    ),
    flow(
        "mail", "student",
        {"full": "fulltime", "at": "changed", "score": "score", "bit": "substr(name, 2, 3)"},
        where="not (status = 'withdrawn' and overdue > 1)", on_exit="leave", on_drift="adopt",
    ),
    flow(
        "sums", "student", {"no": "student_no", "sum": "overdue * 800000000000000000 * 5"},
        where="overdue is not null", match=["no"], on_drift="restore",
    ),
    flow(
        "dues", "student", {"no": "student_no", "due": "fines * 1000000000", "name": "name"},
        where="abs(overdue * 800000000000000000 * 5) >= 0", match=["no"],
    ),
    flow(
        "shelf", "student", {"no": "student_no", "weight": "programme.weight"},
        where="programme.weight is null or programme.weight < 5", on_drift="report",
    ),
    flow(
        "enr", "enrolment",
        {"userid": link("acc", "student_no"), "course": "section", "mark": "mark"},
        where="state = 'in'", on_exit="delete",
    ),
)  # fmt: skip
NORTHFIELD = charter(*_MADE)
FLOWS = tuple(NORTHFIELD.flows.values())
