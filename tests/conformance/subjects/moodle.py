"""The Moodle connector's subjects, each on a simulator of its own that holds no record of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.moodle.connector import MoodleConnector
from matricula.connectors.moodle.simulator import Site, serve
from matricula.connectors.moodle.simulator.taking_part import enrolled_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value
    from matricula.connectors.kit.subject import Row
    from matricula.connectors.moodle.simulator import Moodle

_PEOPLE = 30
_RUNNING: dict[str, Moodle] = {}


@contextmanager
def _connector(url: str, token: str, folder: Path) -> Iterator[Connector]:
    (folder / "token").write_text(token, encoding="utf-8")
    settings = MoodleConnector.Settings.model_validate(
        {
            "url": url,
            "token": f"file:{folder / 'token'}",
            "auth": "oauth2",
            "page_size": 20,
            "batch_size": 10,
            "attempts": 1,
        }
    )
    connector = MoodleConnector(settings, Context("lms", folder))
    yield connector
    connector.close()


def _make(*before: Callable[[Connector], None], has_default_category: bool = True):
    @contextmanager
    def make(folder: Path) -> Iterator[Connector]:
        with serve(Site(has_default_category=has_default_category)) as moodle:
            _RUNNING[str(folder)] = moodle
            with _connector(moodle.url, moodle.token, folder) as connector:
                for prepare in before:
                    prepare(connector)
                yield connector

    return make


@contextmanager
def _away(folder: Path) -> Iterator[Connector]:
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    with _connector("http://127.0.0.1:9", "none", folder) as connector:
        yield connector


def _fill(resource: str, row: Callable[[int], Row], count: int) -> Callable[[Connector], None]:
    def fill(connector: Connector) -> None:
        writes = [Write(f"before-{n}", "create", None, row(n)) for n in range(count)]
        assert all(one.error is None for one in connector.write(resource, writes, at=AT))

    return fill


def _user(n: int) -> Mapping[str, Value]:
    return {
        "idnumber": f"S{n:06d}",
        "username": f"student{n}",
        "firstname": 'Amara "the first"',
        "lastname": f"Ngô & Sons {n}",
        "email": f"student{n}@northfield.example",
        "institution": "Northfield",
        "department": "Law",
        "city": "York",
        "country": "GB",
        "suspended": False,
    }


def _category(n: int) -> Mapping[str, Value]:
    return {"idnumber": f"FAC{n}", "name": f"Law & Order {n}", "description": "of <b>law</b>"}


def _course(n: int) -> Mapping[str, Value]:
    return {
        "idnumber": f"LAW{n}-A",
        "shortname": f"LAW{n} A",
        "fullname": f"Contract & Tort {n}",
        "categoryid": "1",
        "visible": True,
        "startdate": "2026-09-21",
        "enddate": "2027-01-15",
        "summary": f"What is owed, part {n}",
    }


def _cohort(n: int) -> Mapping[str, Value]:
    return {"idnumber": f"INT{n}", "name": f"Intake {n}", "description": "who came together"}


def _group(n: int) -> Mapping[str, Value]:
    return {
        "idnumber": f"LAW-S{n}",
        "courseid": "2",
        "name": f"Seminar {n}",
        "description": "on Mondays",
    }


def _enrolment(n: int) -> Mapping[str, Value]:
    return {"courseid": "2", "userid": str(3 + n), "role": "student", "suspended": False}


def _in_cohort(n: int) -> Mapping[str, Value]:
    return {"cohortid": "1", "userid": str(3 + n)}


def _in_group(n: int) -> Mapping[str, Value]:
    return {"groupid": "1", "userid": str(3 + n)}


def _seed_marks(folder: Path, rows: Sequence[Row]) -> None:
    site = _RUNNING[str(folder)].site
    for row in rows:
        state = {"is_active": True, "timestart": 0, "timeend": 0}
        enrolled_by(site, 2, int(str(row["userid"])), "manual", state)
        pair = f"{row['itemid']}|{row['userid']}"
        found = {"pair": pair, "graderaw": float(str(row["mark"])), "gradedategraded": 1790000000}
        site.grades.insert(found)


def _mark(n: int) -> Mapping[str, Value]:
    return {
        "courseid": "2",
        "userid": str(3 + n),
        "itemid": "1",
        "itemtype": "course",
        "mark": f"{40 + n}.5",
        "mark_max": "100",
    }


_people = _fill("users", _user, _PEOPLE)
_courses = _fill("courses", _course, 1)
_groups = _fill("groups", _group, 1)
_cohorts = _fill("cohorts", _cohort, 1)
_enrolled = _fill("enrolments", _enrolment, _PEOPLE)

USERS = Subject(
    name="moodle-users",
    make=_make(),
    resource="users",
    row=_user,
    match=("idnumber",),
    change=("department", "Medicine"),
    text="institution",
    clears="city",
    writes=frozenset({"create", "update", "suspend", "resume"}),
    refused={"email": "not an address"},
    absent_id="999999",
    many=45,
    away=_away,
)
CATEGORIES = Subject(
    name="moodle-categories",
    make=_make(has_default_category=False),
    resource="categories",
    row=_category,
    match=("idnumber",),
    change=("name", "Faculty of Medicine"),
    clears="description",
    writes=frozenset({"create", "update"}),
    refused={"parent": "999"},
    absent_id="999999",
    many=25,
)
COURSES = Subject(
    name="moodle-courses",
    make=_make(),
    resource="courses",
    row=_course,
    match=("idnumber",),
    change=("fullname", "Anatomy"),
    text="summary",
    clears="enddate",
    writes=frozenset({"create", "update", "suspend", "resume"}),
    refused={"categoryid": "999"},
    absent_id="999999",
    many=25,
)
COHORTS = Subject(
    name="moodle-cohorts",
    make=_make(),
    resource="cohorts",
    row=_cohort,
    match=("idnumber",),
    change=("name", "another name"),
    clears="description",
    writes=frozenset({"create", "update", "delete"}),
    refused={"name": " "},
    absent_id="999999",
    many=45,
)
GROUPS = Subject(
    name="moodle-groups",
    make=_make(_courses),
    resource="groups",
    row=_group,
    match=("idnumber", "courseid"),
    change=("name", "another name"),
    clears="description",
    writes=frozenset({"create", "update", "delete"}),
    refused={"courseid": "999"},
    absent_id="999999",
    many=25,
)
ENROLMENTS = Subject(
    name="moodle-enrolments",
    make=_make(_people, _courses),
    resource="enrolments",
    row=_enrolment,
    match=("courseid", "userid", "role"),
    writes=frozenset({"create", "update", "suspend", "resume"}),
    refused={"userid": "999"},
    absent_id="2|999999|student",
    many=25,
    away=_away,
)
COHORT_MEMBERS = Subject(
    name="moodle-cohort-members",
    make=_make(_people, _cohorts),
    resource="cohort_members",
    row=_in_cohort,
    match=("cohortid", "userid"),
    writes=frozenset({"create", "delete"}),
    refused={"userid": "999"},
    absent_id="1|999999",
    many=25,
)
GROUP_MEMBERS = Subject(
    name="moodle-group-members",
    make=_make(_people, _courses, _enrolled, _groups),
    resource="group_members",
    row=_in_group,
    match=("groupid", "userid"),
    writes=frozenset({"create", "delete"}),
    refused={"groupid": "999"},
    absent_id="1|999999",
    many=25,
)
MARKS = Subject(
    name="moodle-marks",
    make=_make(_people, _courses),
    resource="marks",
    row=_mark,
    match=("itemid", "userid"),
    writes=frozenset(),
    absent_id="1|999999",
    many=25,
    seed=_seed_marks,
    away=_away,
)
SUBJECTS = [
    USERS,
    CATEGORIES,
    COURSES,
    COHORTS,
    GROUPS,
    ENROLMENTS,
    COHORT_MEMBERS,
    GROUP_MEMBERS,
    MARKS,
]
