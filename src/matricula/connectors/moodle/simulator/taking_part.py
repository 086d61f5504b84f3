"""Functions on cohorts, enrolments and marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.moodle.simulator.parameters import (
    BOOL,
    INT,
    NEEDED,
    NEEDED_INT,
    RAW,
    MoodleError,
    Shape,
    Value,
    wrong,
)
from matricula.connectors.moodle.simulator.people import shown
from matricula.connectors.moodle.simulator.site import (
    FRONT_PAGE,
    ROLES,
    Record,
    Site,
    must_fit,
    page_of,
    pair,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_SITE = "system"


def create_cohorts(site: Site, cohorts: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_cohort_create_cohorts`: all or nothing; the idnumber is unique here alone."""
    made = []
    with site.transaction():
        for one in cohorts:
            if site.cohorts.by("idnumber", one["idnumber"]):
                raise wrong(f"record already exists: idnumber={one['idnumber']}")
            site.need("moodle/cohort:manage")
            must_fit(one, {"name": 254, "idnumber": 100})
            number = site.cohorts.insert({"description": "", "visible": True, **_placed(one)})
            made.append({"id": number, **one})
    return made


def update_cohorts(site: Site, cohorts: Sequence[Record]) -> None:
    """`core_cohort_update_cohorts`: all or nothing, and moves the cohort to where it is told."""
    with site.transaction():
        for one in cohorts:
            if not one["name"].strip():
                raise wrong("Invalid cohort name")
            site.one("cohorts", one["id"])
            site.need("moodle/cohort:manage")
            must_fit(one, {"name": 254, "idnumber": 100})
            site.cohorts.change(one["id"], _placed(one))


def _placed(one: Record) -> Record:
    kind = one["categorytype"]
    place = _SITE if kind["type"] == _SITE else f"category {kind['value']}"
    return {**{n: v for n, v in one.items() if n != "categorytype"}, "place": place}


def search_cohorts(
    site: Site,
    query: str,
    context: Record,
    *,
    limitfrom: int = 0,
    limitnum: int = 25,
    includes: str = "parents",
) -> Any:  # noqa: ANN401 - an answer
    """`core_cohort_search_cohorts`: any part of any text is a hit."""
    del context
    site.need("moodle/cohort:view", "moodle/cohort:manage")
    rows = [
        one
        for one in site.cohorts.all()
        if (includes == "all" or one["place"] == _SITE)
        and any(query.lower() in str(one[n]).lower() for n in ("name", "idnumber", "description"))
    ]
    rows.sort(key=lambda one: (one["name"], one["idnumber"]))
    return {"cohorts": [_cohort(one) for one in page_of(rows, limitfrom, limitnum)]}


def _cohort(one: Record) -> Record:
    return {name: value for name, value in one.items() if name != "place"}


def delete_cohorts(site: Site, cohortids: Sequence[int]) -> None:
    """`core_cohort_delete_cohorts`: one that is gone spoils it for all."""
    with site.transaction():
        for number in cohortids:
            site.one("cohorts", number)
            site.need("moodle/cohort:manage")
            site.cohort_members.remove_by("cohortid", number)
            site.cohorts.remove(number)


def add_cohort_members(site: Site, members: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_cohort_add_cohort_members`: row by row; warnings do not say which row they mean."""
    site.need("moodle/cohort:assign", "moodle/cohort:manage")
    warnings = []
    for one in members:
        cohort, user = int(one["cohorttype"]["value"]), int(one["usertype"]["value"])
        person = site.users.get(user)
        both = pair(cohort, user)
        if cohort not in site.cohorts:
            warnings.append({"warningcode": "2", "message": f"cohort id={cohort} not exists"})
        elif person is None or person["deleted"]:
            warnings.append({"warningcode": "2", "message": f"user id={user} not exists"})
        elif site.cohort_members.by("pair", both):
            warnings.append({"warningcode": "3", "message": f"record already exists: id={cohort}"})
        else:
            site.cohort_members.insert({"cohortid": cohort, "userid": user, "pair": both})
    return {"warnings": warnings}


def delete_cohort_members(site: Site, members: Sequence[Record]) -> None:
    """`core_cohort_delete_cohort_members`: whoever is in none leaves it all the same."""
    with site.transaction():
        for one in members:
            site.one("cohorts", one["cohortid"])
            site.user(one["userid"])
            site.need("moodle/cohort:assign", "moodle/cohort:manage")
            site.cohort_members.remove_by("pair", pair(one["cohortid"], one["userid"]))


def get_cohort_members(site: Site, cohortids: Sequence[int]) -> Any:  # noqa: ANN401 - an answer
    """`core_cohort_get_cohort_members`: one cohort that is gone spoils the answer for all."""
    found = []
    for number in cohortids:
        site.one("cohorts", number)
        members = [one["userid"] for one in site.cohort_members.by("cohortid", number)]
        found.append({"cohortid": number, "userids": members})
    return found


def enrol(site: Site, enrolments: Sequence[Record]) -> None:
    """`enrol_manual_enrol_users`: all or nothing; what is left out is reset."""
    with site.transaction():
        for one in enrolments:
            course = site.courses.get(one["courseid"])
            if course is None:
                raise wrong("no context")
            site.need("enrol/manual:enrol")
            site.user(one["userid"])
            if one["roleid"] not in site.assignable:
                told = f"({one['roleid']}) to this user ({one['userid']})"
                raise MoodleError("wsusercannotassign", f"You may not assign this role {told}")
            if not course.get("has_manual"):
                raise MoodleError("wsnoinstance", "Manual enrolment plugin instance doesn't exist")
            state = {
                "is_active": not one.get("suspend", 0),
                "timestart": one.get("timestart", 0),
                "timeend": one.get("timeend", 0),
            }
            enrolled_by(site, one["courseid"], one["userid"], "manual", state)
            assign(site, one["courseid"], one["userid"], one["roleid"])


def enrolled_by(site: Site, course: int, user: int, method: str, state: Record) -> None:
    """Enrol somebody by a method, or change that enrolment."""
    both = pair(course, user)
    for one in site.enrolments.by("pair", both):
        if one["method"] == method:
            site.enrolments.change(one["id"], state)
            return
    site.enrolments.insert(
        {"courseid": course, "userid": user, "pair": both, "method": method, **state}
    )


def assign(site: Site, course: int, user: int, role: int) -> None:
    """Give somebody a role in a course; a further one is added."""
    both = pair(course, user)
    if all(one["roleid"] != role for one in site.role_assignments.by("pair", both)):
        site.role_assignments.insert(
            {"courseid": course, "userid": user, "pair": both, "roleid": role}
        )


def unenrol(site: Site, enrolments: Sequence[Record]) -> None:
    """`enrol_manual_unenrol_users`: roles, groups and marks go with it, whatever role it says."""
    with site.transaction():
        for one in enrolments:
            site.need("enrol/manual:unenrol")
            both = pair(one["courseid"], one["userid"])
            site.enrolments.remove_by("pair", both)
            site.role_assignments.remove_by("pair", both)
            for group in site.groups.by("courseid", one["courseid"]):
                site.group_members.remove_by("pair", pair(group["id"], one["userid"]))
            for item in site.grade_items.by("courseid", one["courseid"]):
                site.grades.remove_by("pair", pair(item["id"], one["userid"]))


def enrolled(site: Site, courseid: int, options: Sequence[Record] = ()) -> Any:  # noqa: ANN401 - an answer
    """`core_enrol_get_enrolled_users`: no status, dates or method; the front page has all."""
    asked = {one["name"]: one["value"] for one in options}
    site.one("courses", courseid)
    if {"onlyactive", "onlysuspended"} & set(asked):
        site.need("moodle/course:enrolreview")
    fields = [one for one in asked.get("userfields", "").split(",") if one]
    numbers = _taking_part(site, courseid, asked)
    wanted = page_of(numbers, int(asked.get("limitfrom", 0)), int(asked.get("limitnumber", 0)))
    return [_participant(site, courseid, number, fields) for number in wanted]


def _taking_part(site: Site, course: int, asked: Record) -> list[Any]:
    if course == FRONT_PAGE:
        if asked.get("onlysuspended"):
            raise MoodleError("codingerror", "onlysuspended is not applicable on the front page")
        return [one["id"] for one in site.users.all() if not one["deleted"]]
    rows = site.enrolments.by("courseid", course)
    now = site.clock()
    active = {one["userid"] for one in rows if one["is_active"] and _is_now(one, now)}
    there = {one["userid"] for one in rows if not site.users.get(one["userid"])["deleted"]}  # type: ignore[index]  # every enrolment is somebody's
    if asked.get("onlyactive"):
        return sorted(there & active)
    return sorted(there - active if asked.get("onlysuspended") else there)


def _is_now(one: Record, now: float) -> bool:
    return one["timestart"] <= now and (not one["timeend"] or one["timeend"] > now)


def _participant(site: Site, course: int, number: int, fields: Sequence[str]) -> Record:
    user = shown(site, site.user(number))
    person = {
        n: v for n, v in user.items() if n in ("id", "fullname") or not fields or n in fields
    }
    if not fields or "roles" in fields:
        rows = site.role_assignments.by("pair", pair(course, number))
        person["roles"] = [
            {"roleid": one["roleid"], "name": "", "shortname": ROLES.get(one["roleid"], "other")}
            for one in rows
        ]
    return {n: v for n, v in person.items() if n not in ("suspended", "auth", "lang")}


def grade_report(site: Site, courseid: int, userid: int = 0) -> Any:  # noqa: ANN401 - an answer
    """`gradereport_user_get_grade_items`: whoever is active; what ours may not see is left out."""
    site.one("courses", courseid)
    site.need("gradereport/user:view")
    site.need("moodle/grade:viewall")
    items = [
        one
        for one in site.grade_items.by("courseid", courseid)
        if one["itemmodule"] not in site.unseen_modules
    ]
    people = [
        n for n in _taking_part(site, courseid, {"onlyactive": 1}) if not userid or n == userid
    ]
    return {
        "usergrades": [_graded(site, courseid, number, items) for number in people],
        "warnings": [],
    }


def _graded(site: Site, course: int, number: int, items: Sequence[Record]) -> Record:
    user = site.users.get(number) or {}
    return {
        "courseid": course,
        "courseidnumber": site.one("courses", course).get("idnumber", ""),
        "userid": number,
        "userfullname": f"{user['firstname']} {user['lastname']}",
        "useridnumber": user["idnumber"],
        "gradeitems": [{**one, **_grade(site, one["id"], number)} for one in items],
    }


def _grade(site: Site, item: int, user: int) -> Record:
    none = {"graderaw": None, "gradedategraded": None, "gradeishidden": False}
    return next(
        ({**none, **one, "id": item} for one in site.grades.by("pair", pair(item, user))), none
    )


def grade_items(site: Site, courseid: int) -> Any:  # noqa: ANN401 - an answer
    """`core_grades_get_gradeitems`: every item but totals, whether ours may see it or not."""
    site.one("courses", courseid)
    rows = [
        one for one in site.grade_items.by("courseid", courseid) if one["itemtype"] != "course"
    ]
    listed = [{"id": str(one["id"]), "itemname": one["itemname"], "category": ""} for one in rows]
    return {"gradeItems": listed, "warnings": []}


_KIND: Shape = {"type": NEEDED, "value": NEEDED}
_COHORT: dict[str, Shape] = {
    "categorytype": _KIND, "name": NEEDED, "idnumber": NEEDED, "description": RAW, "visible": BOOL,
}  # fmt: skip
_MEMBER: Shape = {"cohortid": NEEDED_INT, "userid": NEEDED_INT}
_ENROLMENT: dict[str, Shape] = {
    "roleid": NEEDED_INT, "userid": NEEDED_INT, "courseid": NEEDED_INT,
    "timestart": INT, "timeend": INT, "suspend": INT,
}  # fmt: skip
SHAPES: dict[str, Any] = {
    "core_cohort_create_cohorts": {"cohorts": [_COHORT]},
    "core_cohort_update_cohorts": {"cohorts": [{**_COHORT, "id": NEEDED_INT}]},
    "core_cohort_search_cohorts": {
        "query": NEEDED, "context": {"contextlevel": RAW, "instanceid": INT, "contextid": INT},
        "includes": Value("alpha"), "limitfrom": INT, "limitnum": INT,
    },
    "core_cohort_delete_cohorts": {"cohortids": [INT]},
    "core_cohort_add_cohort_members": {"members": [{"cohorttype": _KIND, "usertype": _KIND}]},
    "core_cohort_delete_cohort_members": {"members": [_MEMBER]},
    "core_cohort_get_cohort_members": {"cohortids": [INT]},
    "enrol_manual_enrol_users": {"enrolments": [_ENROLMENT]},
    "enrol_manual_unenrol_users": {
        "enrolments": [{"userid": NEEDED_INT, "courseid": NEEDED_INT, "roleid": INT}]
    },
    "core_enrol_get_enrolled_users": {
        "courseid": NEEDED_INT, "options": [{"name": NEEDED, "value": NEEDED}],
    },
    "gradereport_user_get_grade_items": {"courseid": NEEDED_INT, "userid": INT},
    "core_grades_get_gradeitems": {"courseid": NEEDED_INT},
}  # fmt: skip
FUNCTIONS = {
    "core_cohort_create_cohorts": create_cohorts,
    "core_cohort_update_cohorts": update_cohorts,
    "core_cohort_search_cohorts": search_cohorts,
    "core_cohort_delete_cohorts": delete_cohorts,
    "core_cohort_add_cohort_members": add_cohort_members,
    "core_cohort_delete_cohort_members": delete_cohort_members,
    "core_cohort_get_cohort_members": get_cohort_members,
    "enrol_manual_enrol_users": enrol,
    "enrol_manual_unenrol_users": unenrol,
    "core_enrol_get_enrolled_users": enrolled,
    "gradereport_user_get_grade_items": grade_report,
    "core_grades_get_gradeitems": grade_items,
}
