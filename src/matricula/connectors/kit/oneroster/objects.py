"""The objects of the OneRoster 1.2 REST binding, each beside the tables it is made of.

One line of `_OBJECTS` is one property: its name, how it is written, and the column it comes
from where that has another name. `!` is required by the binding. The ways of writing:

    text, number, list    the value; as a JSON number; a list parted by commas
    instant               a date or an instant, which the binding wants as an instant
    ids, values           pairs `{a:b}`, as user identifiers and as values of a scale
    ref orgs, refs orgs   a reference to a record of that table, or a list of them
    parts roles           rows of another table that name this record, written inside it
    objectives X          learning objectives, one for each row of X, gathered by their source
    through X column      references to what rows of table X, by a column, lay beside this record
    one X column          a reference to the one record that table X lays beside this one

The tables have the CSV binding's names; `_ALONE` adds what the REST binding alone has. Where
the two disagree (preferred names, what is required, times of line items, texts of several
lines, words that extend a list) this file follows the REST binding, and `tables` the other.

Source: OneRoster 1.2 OpenAPI files of the rostering, gradebook and resources services.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

from matricula.connectors.kit.oneroster.tables import (
    SCORED,
    SECRET,
    Column,
    FileTable,
    Kind,
    listed,
    tables,
)

Service = Literal["rostering", "gradebook", "resources"]
How = Literal[
    "text", "number", "list", "instant", "ids", "values", "ref", "refs",
    "parts", "objectives", "through", "one",
]  # fmt: skip
# What does not come from the object's own table.
OUTSIDE: frozenset[How] = frozenset({"parts", "objectives", "through", "one"})
_KINDS: dict[How, Kind] = {"number": "float", "instant": "moment"}
SERVICES: tuple[Service, ...] = get_args(Service)
METADATA_COLUMN = "metadata"
_OBJECTS = """
rostering academicSessions academicSession
    title        text !
    startDate    text !
    endDate      text !
    type         text !
    parent       ref academicSessions parentSourcedId
    schoolYear   text !
rostering classes class
    title        text !
    classCode    text
    classType    text
    location     text
    grades       list
    subjects     list
    course       ref courses courseSourcedId !
    school       ref orgs schoolSourcedId !
    terms        refs academicSessions termSourcedIds !
    subjectCodes list
    periods      list
    resources    through classResources resourceSourcedId
rostering courses course
    title        text !
    schoolYear   ref academicSessions schoolYearSourcedId
    courseCode   text !
    grades       list
    subjects     list
    org          ref orgs orgSourcedId
    subjectCodes list
    resources    through courseResources resourceSourcedId
rostering demographics demographics
    birthDate    text
    sex          text
    americanIndianOrAlaskaNative text
    asian        text
    blackOrAfricanAmerican text
    nativeHawaiianOrOtherPacificIslander text
    white        text
    demographicRaceTwoOrMoreRaces text
    hispanicOrLatinoEthnicity text
    countryOfBirthCode text
    stateOfBirthAbbreviation text
    cityOfBirth  text
    publicSchoolResidenceStatus text
rostering enrollments enrollment
    user         ref users userSourcedId !
    class        ref classes classSourcedId !
    school       ref orgs schoolSourcedId !
    role         text !
    primary      text
    beginDate    text
    endDate      text
rostering orgs org
    name         text !
    type         text !
    identifier   text !
    parent       ref orgs parentSourcedId
rostering users user
    userMasterIdentifier text
    username     text
    userIds      ids
    enabledUser  text !
    givenName    text !
    familyName   text !
    middleName   text
    preferredFirstName text preferredGivenName
    preferredMiddleName text
    preferredLastName text preferredFamilyName
    pronouns     text
    roles        parts roles !
    userProfiles parts userProfiles
    primaryOrg   ref orgs primaryOrgSourcedId
    identifier   text
    email        text
    sms          text
    phone        text
    agents       refs users agentSourcedIds
    grades       list
    resources    through userResources resourceSourcedId
gradebook categories category
    title        text !
    weight       number
gradebook lineItems lineItem
    title        text !
    description  text
    assignDate   instant !
    dueDate      instant !
    class        ref classes classSourcedId !
    school       ref orgs schoolSourcedId !
    category     ref categories categorySourcedId !
    gradingPeriod ref academicSessions gradingPeriodSourcedId
    academicSession ref academicSessions academicSessionSourcedId
    scoreScale   one lineItemScoreScales scoreScaleSourcedId
    resultValueMin number
    resultValueMax number
    learningObjectiveSet objectives lineItemLearningObjectiveIds
gradebook results result
    lineItem     ref lineItems lineItemSourcedId !
    student      ref users studentSourcedId !
    class        ref classes classSourcedId
    scoreScale   one resultScoreScales scoreScaleSourcedId
    scoreStatus  text !
    score        number
    textScore    text
    scoreDate    text !
    comment      text
    learningObjectiveSet objectives resultLearningObjectiveIds
    inProgress   text
    incomplete   text
    late         text
    missing      text
gradebook scoreScales scoreScale
    title        text !
    type         text !
    course       ref courses courseSourcedId
    class        ref classes classSourcedId !
    scoreScaleValue values !
gradebook assessmentLineItems assessmentLineItem
    title        text !
    description  text
    class        ref classes classSourcedId
    parentAssessmentLineItem ref assessmentLineItems parentAssessmentLineItemSourcedId
    scoreScale   ref scoreScales scoreScaleSourcedId
    resultValueMin number
    resultValueMax number
    learningObjectiveSet objectives assessmentLineItemLearningObjectiveIds
gradebook assessmentResults assessmentResult
    assessmentLineItem ref assessmentLineItems assessmentLineItemSourcedId !
    student      ref users studentSourcedId !
    score        number
    textScore    text
    scoreDate    text !
    scoreScale   ref scoreScales scoreScaleSourcedId
    scorePercentile number
    scoreStatus  text !
    comment      text
    learningObjectiveSet objectives assessmentResultLearningObjectiveIds
    inProgress   text
    incomplete   text
    late         text
    missing      text
resources resources resource
    title        text
    roles        list
    importance   text
    vendorResourceId text !
    vendorId     text
    applicationId text
"""
# What the REST binding has and the CSV binding has not: whole tables, and columns of others.
_ALONE = f"""
assessmentLineItems
    title                                text !
    description                          text
    classSourcedId                       guid >classes
    parentAssessmentLineItemSourcedId    guid >assessmentLineItems
    scoreScaleSourcedId                  guid >scoreScales
    resultValueMin                       float
    resultValueMax                       float
assessmentLineItemLearningObjectiveIds
    assessmentLineItemSourcedId          guid ! >assessmentLineItems
    source                               enum ! {{case|unknown}}
    learningObjectiveId                  text !
assessmentResults
    assessmentLineItemSourcedId          guid ! >assessmentLineItems
    studentSourcedId                     guid ! >users
    score                                float
    textScore                            text
    scoreDate                            date !
    scoreScaleSourcedId                  guid >scoreScales
    scorePercentile                      float
    scoreStatus                          enum ! {{{SCORED}}} open
    comment                              text
    inProgress                           boolean
    incomplete                           boolean
    late                                 boolean
    missing                              boolean
assessmentResultLearningObjectiveIds
    assessmentResultSourcedId            guid ! >assessmentResults
    source                               enum ! {{case|unknown}}
    learningObjectiveId                  text !
    score                                float
    textScore                            text
lineItems
    gradingPeriodSourcedId               guid >academicSessions
"""
# Texts that may have several lines: of the type String, where others are NormalizedString.
_PROSE = frozenset({"comment", "description"})
# What only stands inside another object, and the column that says in which.
INSIDE: dict[str, tuple[str, str]] = {
    "roles": ("users", "userSourcedId"),
    "userProfiles": ("users", "userSourcedId"),
    "userResources": ("users", "userSourcedId"),
    "classResources": ("classes", "classSourcedId"),
    "courseResources": ("courses", "courseSourcedId"),
    "lineItemScoreScales": ("lineItems", "lineItemSourcedId"),
    "lineItemLearningObjectiveIds": ("lineItems", "lineItemSourcedId"),
    "resultScoreScales": ("results", "resultSourcedId"),
    "resultLearningObjectiveIds": ("results", "resultSourcedId"),
    "assessmentLineItemLearningObjectiveIds": (
        "assessmentLineItems", "assessmentLineItemSourcedId"),
    "assessmentResultLearningObjectiveIds": ("assessmentResults", "assessmentResultSourcedId"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object.

    Attributes:
        name: In JSON.
        how: How it is written.
        column: Of the object's own table; empty where it comes from another one.
        table: What a reference leads to, or where what comes from another table stands.
        required: The binding wants it.
        leads: The column of `table` that leads on, for `through` and `one`.
    """

    name: str
    how: How
    column: str
    table: str = ""
    required: bool = False
    leads: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of object.

    Attributes:
        service: Which of the three serves it.
        table: Its table, and the name of a list of such objects.
        one: What one of them is called, alone and in the type of a reference.
        properties: In the order of the binding, after the three that all objects begin with.
    """

    service: Service
    table: str
    one: str
    properties: tuple[Property, ...]

    def named(self, name: str) -> Property | None:
        """Give a property by its name in JSON."""
        return next((one for one in self.properties if one.name == name), None)


@cache
def shapes() -> dict[str, Shape]:
    """Give every kind of object by its table, in the order of the binding."""
    found: dict[str, Shape] = {}
    head: list[str] = []
    gathered: list[Property] = []
    for line in [*_OBJECTS.strip().splitlines(), "end of it"]:
        words = line.split()
        if line.startswith(" "):
            gathered.append(_property(words))
            continue
        if head:
            service = next(one for one in SERVICES if one == head[0])
            found[head[1]] = Shape(service, head[1], head[2], tuple(gathered))
        head, gathered = words, []
    return found


@cache
def rest_tables() -> dict[str, FileTable]:
    """Give the tables that objects are made of, demanding what the REST binding demands.

    What the CSV binding alone requires (a user's name to sign in with, a course's
    organisation) is not asked for here, and what the REST binding alone requires (an
    organisation's identifier, a course's code) is.
    """
    known, alone = tables("1.2"), listed(_ALONE, "1.2")
    found: dict[str, FileTable] = {}
    for name in (*shapes(), *INSIDE):
        shape = shapes().get(name)
        table = _with(known.get(name), alone.get(name))
        columns = _demanded(table, shape) if shape else _closed(table)
        columns = tuple(one for one in columns if one.name not in SECRET)
        found[name] = FileTable(name, columns)
    return found


def _with(table: FileTable | None, alone: FileTable | None) -> FileTable:
    """Add the columns that the REST binding alone has to those that both have."""
    if table is None or alone is None:
        return next(one for one in (table, alone) if one is not None)
    names = {one.name for one in table.columns}
    return FileTable(
        table.name, (*table.columns, *(one for one in alone.columns if one.name not in names))
    )


def _closed(table: FileTable) -> tuple[Column, ...]:
    """Give the columns of what stands inside objects.

    The published pattern for further sources of learning objectives fits no `ext:` word, so
    the two words that both bindings have are all.
    """
    return tuple(
        replace(one, extensible=False) if one.name == "source" else one for one in table.columns
    )


def _demanded(table: FileTable, shape: Shape) -> tuple[Column, ...]:
    required = {one.column for one in shape.properties if one.required}
    told = {one.column for one in shape.properties} | {"sourcedId", "status", "dateLastModified"}
    kinds: dict[str, Kind] = {one.column: _KINDS[one.how] for one in shape.properties
                              if one.how in _KINDS}  # fmt: skip
    kinds |= dict.fromkeys(_PROSE, "prose")
    return tuple(
        replace(
            one,
            required=one.name in required or one.name == "sourcedId",
            kind=kinds.get(one.name, one.kind),
        )
        for one in table.columns
        if one.name in told or one.name == "orgSourcedId"
    )


def _property(words: list[str]) -> Property:
    name, how, *rest = words
    required = "!" in rest
    rest = [one for one in rest if one != "!"]
    kind = next(one for one in get_args(How) if one == how)
    if kind in OUTSIDE:
        leads = rest[1] if len(rest) > 1 else ""
        return Property(name, kind, "", rest[0], required, leads)
    if kind in {"ref", "refs"}:
        return Property(name, kind, rest[1], rest[0], required)
    return Property(name, kind, rest[0] if rest else name, "", required)
