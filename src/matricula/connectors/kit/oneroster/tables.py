"""The files and columns of the OneRoster CSV binding, versions 1.1 and 1.2, as values.

One row of `_TABLES` is one column: its name, its kind, and what else the standard says.
`!` requires a value (`!1.1` in that version only), `@1.2` means the column exists in that
version only, `>orgs` names the file it refers to, `{a|b}` lists the permitted words and
`open` lets version 1.2 extend them by words that begin with `ext:`.

Source: 1EdTech OneRoster 1.1 CSV Tables and 1.2 CSV Binding (1.2.1), compared with public
importers and generators; the README lists them and where they disagree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

Version = Literal["1.1", "1.2"]
Mode = Literal["absent", "bulk", "delta"]
Kind = Literal[
    "guid",
    "guids",
    "text",
    "prose",
    "list",
    "pairs",
    "enum",
    "enums",
    "boolean",
    "date",
    "moment",
    "instant",
    "year",
    "integer",
    "float",
]
VERSIONS: tuple[Version, ...] = get_args(Version)
MANIFEST = "manifest"
MANIFEST_VERSION = "1.0"
METADATA = "metadata."
KEY = "sourcedId"
STATUS = "status"
MODIFIED = "dateLastModified"
# What `status` says of a record that is there, and of one that has left.
ACTIVE, LEFT = "active", "tobedeleted"
# Named by drafts of 1.2, no longer by the final text: read, never written.
WITHDRAWN: dict[str, frozenset[str]] = {"users": frozenset({"resourceSourcedIds"})}
# Credentials have no place in a copy of the record; they are left where they are.
SECRET = frozenset({"password"})

_ROLES = "administrator|aide|guardian|parent|proctor|relative|student|teacher"
_ROLES_12 = (
    "aide|counselor|districtAdministrator|guardian|parent|principal|proctor|relative|"
    "siteAdministrator|student|systemAdministrator|teacher"
)
_ORGS = "department|school|district|local|state|national"
SCORED = "exempt|fully graded|not submitted|partially graded|submitted"
_EVERY = """
    sourcedId                            guid ! {self}
    status                               enum {{active|tobedeleted}}
    dateLastModified                     instant
"""
_TABLES = f"""
academicSessions
    title                                text !
    type                                 enum ! {{gradingPeriod|semester|schoolYear|term}} open
    startDate                            date !
    endDate                              date !
    parentSourcedId                      guid >academicSessions
    schoolYear                           year !
categories
    title                                text !
    weight                               integer @1.2
classes
    title                                text !
    grades                               list
    courseSourcedId                      guid ! >courses
    classCode                            text
    classType                            enum ! {{homeroom|scheduled}} open
    location                             text
    schoolSourcedId                      guid ! >orgs
    termSourcedIds                       guids ! >academicSessions
    subjects                             list
    subjectCodes                         list
    periods                              list
classResources
    title                                text
    classSourcedId                       guid ! >classes
    resourceSourcedId                    guid ! >resources
courses
    schoolYearSourcedId                  guid >academicSessions
    title                                text !
    courseCode                           text
    grades                               list
    orgSourcedId                         guid ! >orgs
    subjects                             list
    subjectCodes                         list
courseResources
    title                                text
    courseSourcedId                      guid ! >courses
    resourceSourcedId                    guid ! >resources
demographics >users
    birthDate                            date
    sex                                  enum {{male|female}} @1.1
    sex                                  enum {{male|female|unspecified|other}} open @1.2
    americanIndianOrAlaskaNative         boolean
    asian                                boolean
    blackOrAfricanAmerican               boolean
    nativeHawaiianOrOtherPacificIslander boolean
    white                                boolean
    demographicRaceTwoOrMoreRaces        boolean
    hispanicOrLatinoEthnicity            boolean
    countryOfBirthCode                   text
    stateOfBirthAbbreviation             text
    cityOfBirth                          text
    publicSchoolResidenceStatus          text
enrollments
    classSourcedId                       guid ! >classes
    schoolSourcedId                      guid ! >orgs
    userSourcedId                        guid ! >users
    role                                 enum ! {{administrator|proctor|student|teacher}} open
    primary                              boolean
    beginDate                            date
    endDate                              date
lineItemLearningObjectiveIds @1.2
    lineItemSourcedId                    guid ! >lineItems
    source                               enum ! {{case|unknown}} open
    learningObjectiveId                  text !
lineItems
    title                                text !
    description                          text
    assignDate                           date !
    dueDate                              date !
    classSourcedId                       guid ! >classes
    categorySourcedId                    guid ! >categories
    gradingPeriodSourcedId               guid ! >academicSessions @1.1
    academicSessionSourcedId             guid ! >academicSessions @1.2
    resultValueMin                       float !1.1
    resultValueMax                       float !1.1
    schoolSourcedId                      guid ! >orgs @1.2
lineItemScoreScales @1.2
    title                                text
    lineItemSourcedId                    guid ! >lineItems
    scoreScaleSourcedId                  guid ! >scoreScales
orgs
    name                                 text !
    type                                 enum ! {{{_ORGS}}} open
    identifier                           text
    parentSourcedId                      guid >orgs
resources
    vendorResourceId                     text !
    title                                text
    roles                                enums {{{_ROLES}}} open
    importance                           enum {{primary|secondary}}
    vendorId                             text
    applicationId                        text
resultLearningObjectiveIds @1.2
    resultSourcedId                      guid ! >results
    source                               enum ! {{case|unknown}} open
    learningObjectiveId                  text !
    score                                float
    textScore                            text
results
    lineItemSourcedId                    guid ! >lineItems
    studentSourcedId                     guid ! >users
    scoreStatus                          enum ! {{{SCORED}}} open
    score                                float !1.1
    scoreDate                            date !
    comment                              text
    textScore                            text @1.2
    classSourcedId                       guid >classes @1.2
    inProgress                           boolean @1.2
    incomplete                           boolean @1.2
    late                                 boolean @1.2
    missing                              boolean @1.2
resultScoreScales @1.2
    title                                text
    resultSourcedId                      guid ! >results
    scoreScaleSourcedId                  guid ! >scoreScales
roles @1.2
    userSourcedId                        guid ! >users
    roleType                             enum ! {{primary|secondary}}
    role                                 enum ! {{{_ROLES_12}}} open
    beginDate                            date
    endDate                              date
    orgSourcedId                         guid ! >orgs
    userProfileSourcedId                 guid >userProfiles
scoreScales @1.2
    title                                text !
    type                                 text !
    orgSourcedId                         guid ! >orgs
    courseSourcedId                      guid ! >courses
    classSourcedId                       guid ! >classes
    scoreScaleValue                      pairs !
userProfiles @1.2
    userSourcedId                        guid ! >users
    profileType                          text !
    vendorId                             text !
    applicationId                        text
    description                          text
    credentialType                       text !
    username                             text !
    password                             text
userResources @1.2
    userSourcedId                        guid ! >users
    orgSourcedId                         guid >orgs
    classSourcedId                       guid >classes
    resourceSourcedId                    guid ! >resources
users
    enabledUser                          boolean !
    orgSourcedIds                        guids ! >orgs @1.1
    role                                 enum ! {{{_ROLES}}} @1.1
    username                             text !
    userIds                              pairs
    givenName                            text !
    familyName                           text !
    middleName                           text
    identifier                           text
    email                                text
    sms                                  text
    phone                                text
    agentSourcedIds                      guids >users
    grades                               list
    password                             text
    userMasterIdentifier                 text @1.2
    preferredGivenName                   text @1.2
    preferredMiddleName                  text @1.2
    preferredFamilyName                  text @1.2
    primaryOrgSourcedId                  guid >orgs @1.2
    pronouns                             text @1.2
"""
_WORDS = re.compile(r"\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file.

    Attributes:
        name: Exactly as in the header.
        kind: What its values look like.
        required: A row must have a value.
        refers: The file whose `sourcedId` its values are; empty when none.
        values: The words that an enumeration permits.
        extensible: Words that begin with `ext:` are permitted too.
    """

    name: str
    kind: Kind
    required: bool = False
    refers: str = ""
    values: tuple[str, ...] = ()
    extensible: bool = False


@dataclass(frozen=True, slots=True)
class FileTable:
    """One data file of the binding: its name without `.csv` and its columns in order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The column names in the order the standard demands."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Give a column; a `metadata.` column is text that nothing is known of."""
        for column in self.columns:
            if column.name == name:
                return column
        return Column(name, "text")


@cache
def tables(version: Version) -> dict[str, FileTable]:
    """Give the data files of a version by name, in the order of the standard's list."""
    return listed(_TABLES, version)


def listed(text: str, version: Version) -> dict[str, FileTable]:
    """Read a list of tables and their columns, written as that of this module.

    Args:
        text: The tables; the three columns that all have are left out.
        version: What is not of this version is left out.

    Raises:
        ValueError: A column is of no kind that there is.
    """
    found: dict[str, list[Column]] = {}
    current: list[Column] = []
    for line in text.strip().splitlines():
        name, _, rest = line.strip().partition(" ")
        if not _applies(rest, version):
            if not line.startswith(" "):
                current = []
        elif line.startswith(" "):
            current.append(_column(name, rest, version))
        else:
            every = _EVERY.format(self=rest).strip().splitlines()
            current = [_column(*_named(one), version) for one in every]
            found[name] = current
    return {name: FileTable(name, tuple(columns)) for name, columns in found.items()}


def referrers(version: Version, target: str) -> list[tuple[str, Column]]:
    """List the columns of all files that refer to one file, with their file's name."""
    return [
        (table.name, column)
        for table in tables(version).values()
        for column in table.columns
        if column.refers == target
    ]


def _named(line: str) -> tuple[str, str]:
    name, _, rest = line.strip().partition(" ")
    return name, rest


def _applies(rest: str, version: Version) -> bool:
    limits = re.findall(r"@(\S+)", rest)
    return not limits or version in limits


def _column(name: str, rest: str, version: Version) -> Column:
    words = _WORDS.search(rest)
    marks = _WORDS.sub("", rest).split()
    refers = [mark[1:] for mark in marks if mark.startswith(">")]
    kind = marks[0]
    if kind not in get_args(Kind):
        message = f"{name}: {kind} is no kind of column"
        raise ValueError(message)
    return Column(
        name=name,
        kind=kind,  # type: ignore[arg-type]  # one of the words of Kind, as just made sure
        required="!" in marks or f"!{version}" in marks,
        refers=refers[0] if refers else "",
        values=tuple(words.group(1).split("|")) if words else (),
        extensible="open" in marks and version != "1.1",
    )
