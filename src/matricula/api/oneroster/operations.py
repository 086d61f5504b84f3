"""Every operation that is offered: its name in the standard, its address, what it reads.

Two lists: whole collections with their single records, which the `core` scopes cover as well,
and listings below a record, whose condition says how they belong to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, get_args

from matricula.api.rules import SCOPES
from matricula.connectors.kit.oneroster.objects import shapes
from matricula.connectors.oneroster_provider import queries
from matricula.connectors.oneroster_provider.conditions import (
    Condition,
    among,
    any_of,
    compared,
    every,
    listed,
    named_by,
    one_of,
)
from matricula.connectors.oneroster_provider.settings import Puttable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matricula.connectors.kit.oneroster.objects import Shape
    from matricula.connectors.oneroster_provider.queries import Shelves

    Restriction = Callable[[Shelves, Mapping[str, str]], Condition]

# Collection, table, name of one and of many in the standard, and what its records are.
_COLLECTIONS = """
academicSessions academicSessions AcademicSession AcademicSessions
classes          classes          Class           Classes
courses          courses          Course          Courses
demographics     demographics     Demographics    Demographics
enrollments      enrollments      Enrollment      Enrollments
gradingPeriods   academicSessions GradingPeriod   GradingPeriods  type=gradingPeriod
orgs             orgs             Org             Orgs
schools          orgs             School          Schools         type=school
students         users            Student         Students        role=student
teachers         users            Teacher         Teachers        role=teacher
terms            academicSessions Term            Terms           type=term
users            users            User            Users
categories       categories       Category        Categories
lineItems        lineItems        LineItem        LineItems
results          results          Result          Results
scoreScales      scoreScales      ScoreScale      ScoreScales
assessmentLineItems assessmentLineItems AssessmentLineItem AssessmentLineItems
assessmentResults assessmentResults AssessmentResult AssessmentResults
resources        resources        Resource        Resources
"""
# What the words in braces name. Students and teachers are users, schools organisations.
PARENTS: Mapping[str, str] = {
    "school": "orgs", "class": "classes", "course": "courses", "term": "academicSessions",
    "student": "users", "teacher": "users", "user": "users", "lineItem": "lineItems",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: The standard's identifier of the operation.
        path: Below the service, with the identifiers it takes in braces.
        shape: What it reads.
        scopes: Any of these is enough.
        restriction: Which rows belong to it; None is all.
        is_single: Whether it reads the one record that `{sourcedId}` names.
        changes: PUT and DELETE with the scope that each takes, where consumers may own such
            records.
    """

    name: str
    path: str
    shape: Shape
    scopes: frozenset[str]
    restriction: Restriction | None = None
    is_single: bool = False
    changes: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def allowed(self) -> str:
        """List the methods that its address knows."""
        return ", ".join(("GET", "HEAD", *self.changes))


@cache
def operations() -> tuple[Operation, ...]:
    """Give every operation; those with longer paths first, as routes are tried."""
    found: list[Operation] = []
    for line in _COLLECTIONS.strip().splitlines():
        path, table, one, many, *what = line.split()
        shape, restriction = shapes()[table], _kind(what[0]) if what else None
        scopes = _scopes(shape, is_core=True)
        single = f"{path}/{{sourcedId}}"
        found.append(Operation(f"getAll{many}", path, shape, scopes, restriction))
        changes = _changes(shape) if path in get_args(Puttable) else {}
        found.append(
            Operation(
                f"get{one}", single, shape, scopes, restriction, is_single=True, changes=changes
            )
        )
    for name, (path, table, restriction) in _BELOW.items():
        shape = shapes()[table]
        found.append(Operation(name, path, shape, _scopes(shape, is_core=False), restriction))
    return tuple(sorted(found, key=lambda one: (one.is_single, -one.path.count("/"), one.path)))


def _scopes(shape: Shape, *, is_core: bool) -> frozenset[str]:
    if shape.table == "demographics":
        return frozenset({SCOPES["roster-demographics"]})
    if shape.table.startswith("assessment"):
        return frozenset({SCOPES["assessment"]})
    word = {"rostering": "roster", "gradebook": "gradebook", "resources": "resource"}
    whole = word[shape.service]
    return frozenset({SCOPES[whole], *([SCOPES[f"{whole}-core"]] if is_core else [])})


def _changes(shape: Shape) -> dict[str, str]:
    whole = "assessment" if shape.table.startswith("assessment") else "gradebook"
    return {"PUT": SCOPES[f"{whole}-put"], "DELETE": SCOPES[f"{whole}-delete"]}


def _kind(what: str) -> Restriction:
    name, _, value = what.partition("=")
    if name == "type":
        table = "orgs" if value == "school" else "academicSessions"
        return lambda _shelves, _named: compared(table, "type", "=", value)
    return lambda shelves, _named: _with_role(shelves, value)


def _with_role(shelves: Shelves, role: str, **more: str) -> Condition:
    return named_by(
        shelves.of("roles"), own="sourcedId", other="roles", column="userSourcedId",
        equal={"role": role, **more},
    )  # fmt: skip


def _in_class(shelves: Shelves, role: str, **named: str) -> Condition:
    return among(
        shelves.of("enrollments"), own="sourcedId", other="enrollments", column="userSourcedId",
        equal={"classSourcedId": named["class"], "role": role},
    )  # fmt: skip


def _of_user(shelves: Shelves, user: str, role: str = "") -> Condition:
    return among(
        shelves.of("enrollments"), own="sourcedId", other="enrollments", column="classSourcedId",
        equal={"userSourcedId": user, **({"role": role} if role else {})},
    )  # fmt: skip


def _at_school(table: str, school: str) -> Condition:
    column = "orgSourcedId" if table in {"courses", "scoreScales"} else "schoolSourcedId"
    return compared(table, column, "=", school)


def _terms(shelves: Shelves, school: str) -> Condition:
    """The terms of the classes of a school: the standard gives sessions no school."""
    here = {
        one for one, at in queries.values_in(shelves, "classes", "schoolSourcedId") if at == school
    }
    named = {
        term.strip()
        for one, terms in queries.values_in(shelves, "classes", "termSourcedIds")
        if one in here
        for term in terms.split(",")
    }
    return every(
        [compared("academicSessions", "type", "=", "term"), one_of("sourcedId", sorted(named))]
    )


def _results(shelves: Shelves, **named: str) -> Condition:
    return among(
        shelves.of("lineItems"), own="lineItemSourcedId", other="lineItems", column="sourcedId",
        equal={"classSourcedId": named["class"]},
    )  # fmt: skip


def _lying(shelves: Shelves, other: str, column: str, owner: str) -> Condition:
    return among(
        shelves.of(other), own="sourcedId", other=other, column="resourceSourcedId",
        equal={column: owner},
    )  # fmt: skip


# Path, table, and which of its rows belong there.
_BELOW: Mapping[str, tuple[str, str, Restriction]] = {
    "getStudentsForClass": (
        "classes/{class}/students", "users", lambda s, n: _in_class(s, "student", **n)),
    "getTeachersForClass": (
        "classes/{class}/teachers", "users", lambda s, n: _in_class(s, "teacher", **n)),
    "getClassesForCourse": (
        "courses/{course}/classes", "classes",
        lambda _, n: compared("classes", "courseSourcedId", "=", n["course"])),
    "getClassesForSchool": (
        "schools/{school}/classes", "classes", lambda _, n: _at_school("classes", n["school"])),
    "getEnrollmentsForClassInSchool": (
        "schools/{school}/classes/{class}/enrollments", "enrollments",
        lambda _, n: every([
            compared("enrollments", "classSourcedId", "=", n["class"]),
            _at_school("enrollments", n["school"])])),
    "getStudentsForClassInSchool": (
        "schools/{school}/classes/{class}/students", "users",
        lambda s, n: _in_class(s, "student", **n)),
    "getTeachersForClassInSchool": (
        "schools/{school}/classes/{class}/teachers", "users",
        lambda s, n: _in_class(s, "teacher", **n)),
    "getCoursesForSchool": (
        "schools/{school}/courses", "courses", lambda _, n: _at_school("courses", n["school"])),
    "getEnrollmentsForSchool": (
        "schools/{school}/enrollments", "enrollments",
        lambda _, n: _at_school("enrollments", n["school"])),
    "getStudentsForSchool": (
        "schools/{school}/students", "users",
        lambda s, n: _with_role(s, "student", orgSourcedId=n["school"])),
    "getTeachersForSchool": (
        "schools/{school}/teachers", "users",
        lambda s, n: _with_role(s, "teacher", orgSourcedId=n["school"])),
    "getTermsForSchool": (
        "schools/{school}/terms", "academicSessions", lambda s, n: _terms(s, n["school"])),
    "getClassesForStudent": (
        "students/{student}/classes", "classes",
        lambda s, n: _of_user(s, n["student"], "student")),
    "getClassesForTeacher": (
        "teachers/{teacher}/classes", "classes",
        lambda s, n: _of_user(s, n["teacher"], "teacher")),
    "getClassesForTerm": (
        "terms/{term}/classes", "classes", lambda _, n: listed("termSourcedIds", n["term"])),
    "getGradingPeriodsForTerm": (
        "terms/{term}/gradingPeriods", "academicSessions",
        lambda _, n: every([
            compared("academicSessions", "type", "=", "gradingPeriod"),
            compared("academicSessions", "parentSourcedId", "=", n["term"])])),
    "getClassesForUser": (
        "users/{user}/classes", "classes", lambda s, n: _of_user(s, n["user"])),
    "getCategoriesForClass": (
        "classes/{class}/categories", "categories",
        lambda s, n: among(
            s.of("lineItems"), own="sourcedId", other="lineItems", column="categorySourcedId",
            equal={"classSourcedId": n["class"]})),
    "getLineItemsForClass": (
        "classes/{class}/lineItems", "lineItems",
        lambda _, n: compared("lineItems", "classSourcedId", "=", n["class"])),
    "getResultsForLineItemForClass": (
        "classes/{class}/lineItems/{lineItem}/results", "results",
        lambda s, n: every([
            _results(s, **n), compared("results", "lineItemSourcedId", "=", n["lineItem"])])),
    "getResultsForClass": (
        "classes/{class}/results", "results", lambda s, n: _results(s, **n)),
    "getScoreScalesForClass": (
        "classes/{class}/scoreScales", "scoreScales",
        lambda _, n: compared("scoreScales", "classSourcedId", "=", n["class"])),
    "getResultsForStudentForClass": (
        "classes/{class}/students/{student}/results", "results",
        lambda s, n: every([
            _results(s, **n), compared("results", "studentSourcedId", "=", n["student"])])),
    "getScoreScalesForSchool": (
        "schools/{school}/scoreScales", "scoreScales",
        # One that a consumer has put names a class alone.
        lambda s, n: any_of([
            _at_school("scoreScales", n["school"]),
            among(s.of("classes"), own="classSourcedId", other="classes", column="sourcedId",
                  equal={"schoolSourcedId": n["school"]})])),
    "getResourcesForClass": (
        "classes/{class}/resources", "resources",
        lambda s, n: _lying(s, "classResources", "classSourcedId", n["class"])),
    "getResourcesForCourse": (
        "courses/{course}/resources", "resources",
        lambda s, n: _lying(s, "courseResources", "courseSourcedId", n["course"])),
    "getResourcesForUser": (
        "users/{user}/resources", "resources",
        lambda s, n: _lying(s, "userResources", "userSourcedId", n["user"])),
}  # fmt: skip
