"""Functions on categories, courses and the groups within them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.moodle.simulator.parameters import (
    BOOL,
    INT,
    NEEDED,
    NEEDED_INT,
    NEEDED_TEXT,
    RAW,
    TEXT,
    MoodleError,
    Shape,
    wrong,
)
from matricula.connectors.moodle.simulator.site import Record, Site, must_fit, pair

if TYPE_CHECKING:
    from collections.abc import Sequence

_COURSE: dict[str, Shape] = {
    "idnumber": RAW, "visible": BOOL, "startdate": INT, "enddate": INT, "summary": RAW,
}  # fmt: skip
_COURSE_LIMITS = {"fullname": 254, "shortname": 255, "idnumber": 100}
_OPTION = "description"


def create_categories(site: Site, categories: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_course_create_categories`: all or nothing."""
    site.need("moodle/category:manage")
    made = []
    with site.transaction():
        for one in categories:
            if one.get("parent") and one["parent"] not in site.categories:
                raise MoodleError("unknowcategory")
            _category_fits(site, one, 0)
            number = site.categories.insert(
                {"idnumber": None, "parent": 0, "description": "", **one}
            )
            made.append({"id": number, "name": one["name"]})
    return made


def update_categories(site: Site, categories: Sequence[Record]) -> None:
    """`core_course_update_categories`: all or nothing."""
    site.need("moodle/category:manage")
    with site.transaction():
        for one in categories:
            if one["id"] not in site.categories:
                raise MoodleError("unknowncategory", "Unknown category!")
            _category_fits(site, one, one["id"])
            site.categories.change(one["id"], one)


def _category_fits(site: Site, one: Record, number: int) -> None:
    if "name" in one and (not one["name"].strip() or len(one["name"]) > 255):  # noqa: PLR2004 - its column
        raise MoodleError("categorynamerequired" if not one["name"].strip() else "categorytoolong")
    taken = [r for r in site.categories.by("idnumber", one.get("idnumber")) if r["id"] != number]
    if one.get("idnumber") and taken:
        raise MoodleError("categoryidnumbertaken", "ID number is already used")
    if len(one.get("idnumber") or "") > 100:  # noqa: PLR2004 - its column
        raise MoodleError("idnumbertoolong")


def get_categories(
    site: Site,
    criteria: Sequence[Record] = (),
    addsubcategories: bool = True,  # noqa: FBT001, FBT002 - as the function has it
) -> Any:  # noqa: ANN401 - an answer
    """`core_course_get_categories`: whether ours may manage decides what it sees."""
    del addsubcategories
    rows = site.categories.all()
    for one in criteria:
        rows = [row for row in rows if str(row.get(one["key"])) == one["value"]]
    hidden = () if "moodle/category:manage" in site.capabilities else ("idnumber", "visible")
    return [
        {n: v for n, v in {"visible": 1, "description": "", **row}.items() if n not in hidden}
        for row in rows
    ]


def create_courses(site: Site, courses: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_course_create_courses`: all or nothing."""
    made = []
    with site.transaction():
        for one in courses:
            if one["categoryid"] not in site.categories:
                raise MoodleError("errorcatcontextnotvalid", f"(category id:{one['categoryid']})")
            site.need("moodle/course:create")
            _course_fits(site, one, 0)
            defaults = {"idnumber": "", "visible": True, "startdate": 1790000000, "enddate": 0}
            record = {**defaults, "summary": "", "format": "topics", "has_manual": True, **one}
            number = site.courses.insert(record)
            site.grade_items.insert(course_total(number))
            made.append({"id": number, "shortname": one["shortname"]})
    return made


def course_total(course: int) -> Record:
    """Make the grade item that every course has."""
    return {
        "courseid": course, "itemtype": "course", "itemname": None, "itemmodule": None,
        "idnumber": None, "grademin": 0, "grademax": 100,
    }  # fmt: skip


def update_courses(site: Site, courses: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_course_update_courses`: row by row."""
    warnings = []
    for one in courses:
        try:
            present = site.one("courses", one["id"])
            site.need("moodle/course:update")
            _course_fits(site, {**present, **one}, one["id"])
            site.courses.change(one["id"], one)
        except MoodleError as error:
            warnings.append(
                {
                    "item": "course",
                    "itemid": one["id"],
                    "warningcode": error.code,
                    "message": error.message,
                }
            )
    return {"warnings": warnings}


def _course_fits(site: Site, one: Record, number: int) -> None:
    for name in ("fullname", "shortname"):
        if not one[name].strip():
            raise MoodleError("errorinvalidparam", f'The param "{name}" is invalid.')
    if any(r["id"] != number for r in site.courses.by("shortname", one["shortname"])):
        raise MoodleError("shortnametaken", f"Short name is already used ({one['shortname']})")
    taken = site.courses.by("idnumber", one.get("idnumber"))
    if one.get("idnumber") and any(r["id"] != number for r in taken):
        raise MoodleError("courseidnumbertaken", f"ID number is already used ({one['idnumber']})")
    if one.get("enddate") and one["enddate"] <= one.get("startdate", 0):
        raise MoodleError("enddatebeforestartdate")
    must_fit(one, _COURSE_LIMITS)


def get_courses(site: Site, options: Record | None = None) -> Any:  # noqa: ANN401 - an answer
    """`core_course_get_courses`: all of them in one answer, the front page among them."""
    site.need("moodle/course:view")
    wanted = {int(one) for one in (options or {}).get("ids", ())}
    return [_course(site, one) for one in site.courses.all() if not wanted or one["id"] in wanted]


def courses_by_field(site: Site, field: str = "", value: str = "") -> Any:  # noqa: ANN401 - an answer
    """`core_course_get_courses_by_field`: a list of numbers with a gap in it makes it crash."""
    if field == "ids":
        numbers = [int(one) for one in value.split(",")]
        if any(one not in site.courses for one in numbers):
            raise MoodleError(None, 'Attempt to assign property "contextvalidated" on null')
        rows = [site.one("courses", one) for one in numbers]
    elif field in ("shortname", "idnumber"):
        rows = [one for one in site.courses.by(field, value) if one[field] == value]
    else:
        rows = [one for one in site.courses.all() if not field or str(one["id"]) == value]
    return {"courses": [_course(site, one) for one in rows], "warnings": []}


def _course(site: Site, course: Record) -> Record:
    shown = {n: v for n, v in course.items() if n not in ("has_manual", "visible", "idnumber")}
    if "moodle/course:update" in site.capabilities:
        shown["visible"] = int(course.get("visible", True))
        shown["idnumber"] = course.get("idnumber", "")
    return {"categoryid": 0, "summary": "", "startdate": 0, "enddate": 0, **shown}


def create_groups(site: Site, groups: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_group_create_groups`: all or nothing; a description must be there."""
    made = []
    with site.transaction():
        for one in groups:
            if not one["name"].strip():
                raise wrong("Invalid group name")
            _of_course(site, one["courseid"])
            _group_fits(site, one, 0)
            number = site.groups.insert({"idnumber": "", **one, "name": one["name"].strip()})
            made.append({"id": number, **one})
    return made


def update_groups(site: Site, groups: Sequence[Record]) -> None:
    """`core_group_update_groups`: all or nothing; the name must be there."""
    with site.transaction():
        for one in groups:
            present = site.groups.get(one["id"])
            if present is None:
                raise wrong(f"Group {one['id']} does not exist")
            _group_fits(site, {**present, **one}, one["id"])
            site.groups.change(one["id"], one)


def _group_fits(site: Site, one: Record, number: int) -> None:
    site.need("moodle/course:managegroups")
    others = [r for r in site.groups.by("courseid", one["courseid"]) if r["id"] != number]
    if any(r["name"] == one["name"] for r in others):
        raise wrong("Group with the same name already exists in the course")
    if one.get("idnumber") and any(r["idnumber"] == one["idnumber"] for r in others):
        raise MoodleError("idnumbertaken", "This ID number is already in use")
    must_fit(one, {"name": 254, "idnumber": 100})


def _of_course(site: Site, course: int) -> None:
    if course not in site.courses:
        raise MoodleError("errorcoursecontextnotvalid", f"(course id:{course})")


def course_groups(site: Site, courseid: int) -> Any:  # noqa: ANN401 - an answer
    """`core_group_get_course_groups`."""
    _of_course(site, courseid)
    site.need("moodle/course:managegroups")
    return site.groups.by("courseid", courseid)


def get_groups(site: Site, groupids: Sequence[int]) -> Any:  # noqa: ANN401 - an answer
    """`core_group_get_groups`: one that is gone spoils the answer for all."""
    site.need("moodle/course:managegroups")
    return [site.one("groups", one) for one in groupids]


def delete_groups(site: Site, groupids: Sequence[int]) -> None:
    """`core_group_delete_groups`: what is gone is passed over."""
    site.need("moodle/course:managegroups")
    with site.transaction():
        for number in groupids:
            if number in site.groups:
                site.group_members.remove_by("groupid", number)
                site.groups.remove(number)


def add_group_members(site: Site, members: Sequence[Record]) -> None:
    """`core_group_add_group_members`: all or nothing; only who is enrolled."""
    with site.transaction():
        for one in members:
            group = site.one("groups", one["groupid"])
            site.user(one["userid"])
            site.need("moodle/course:managegroups")
            if not site.enrolments.by("pair", pair(group["courseid"], one["userid"])):
                raise wrong("Only enrolled users may be members of groups")
            both = pair(one["groupid"], one["userid"])
            if not site.group_members.by("pair", both):
                site.group_members.insert({**one, "pair": both})


def delete_group_members(site: Site, members: Sequence[Record]) -> None:
    """`core_group_delete_group_members`: whoever is in no group leaves it all the same."""
    with site.transaction():
        for one in members:
            site.one("groups", one["groupid"])
            site.user(one["userid"])
            site.need("moodle/course:managegroups")
            site.group_members.remove_by("pair", pair(one["groupid"], one["userid"]))


def get_group_members(site: Site, groupids: Sequence[int]) -> Any:  # noqa: ANN401 - an answer
    """`core_group_get_group_members`: one group that is gone spoils the answer for all."""
    site.need("moodle/course:managegroups")
    found = []
    for number in groupids:
        site.one("groups", number)
        members = [one["userid"] for one in site.group_members.by("groupid", number)]
        found.append({"groupid": number, "userids": members})
    return found


_MEMBER: Shape = {"groupid": NEEDED_INT, "userid": NEEDED_INT}
_IDS: Shape = [INT]
_CATEGORY: dict[str, Shape] = {"parent": INT, "idnumber": RAW, _OPTION: RAW}
SHAPES: dict[str, Any] = {
    "core_course_create_categories": {"categories": [{**_CATEGORY, "name": NEEDED_TEXT}]},
    "core_course_update_categories": {
        "categories": [{**_CATEGORY, "name": TEXT, "id": NEEDED_INT}]
    },
    "core_course_get_categories": {
        "criteria": [{"key": NEEDED, "value": NEEDED}], "addsubcategories": BOOL,
    },
    "core_course_create_courses": {
        "courses": [
            {
                **_COURSE,
                "fullname": NEEDED_TEXT,
                "shortname": NEEDED_TEXT,
                "categoryid": NEEDED_INT,
            }
        ]
    },
    "core_course_update_courses": {
        "courses": [
            {**_COURSE, "id": NEEDED_INT, "fullname": TEXT, "shortname": TEXT, "categoryid": INT}
        ]
    },
    "core_course_get_courses": {"options": {"ids": _IDS}},
    "core_course_get_courses_by_field": {"field": RAW, "value": RAW},
    "core_group_create_groups": {
        "groups": [
            {"courseid": NEEDED_INT, "name": NEEDED_TEXT, _OPTION: NEEDED, "idnumber": RAW}
        ]
    },
    "core_group_update_groups": {
        "groups": [{"id": NEEDED_INT, "name": NEEDED_TEXT, _OPTION: RAW, "idnumber": RAW}]
    },
    "core_group_get_course_groups": {"courseid": NEEDED_INT},
    "core_group_get_groups": {"groupids": _IDS},
    "core_group_delete_groups": {"groupids": _IDS},
    "core_group_add_group_members": {"members": [_MEMBER]},
    "core_group_delete_group_members": {"members": [_MEMBER]},
    "core_group_get_group_members": {"groupids": _IDS},
}  # fmt: skip
FUNCTIONS = {
    "core_course_create_categories": create_categories,
    "core_course_update_categories": update_categories,
    "core_course_get_categories": get_categories,
    "core_course_create_courses": create_courses,
    "core_course_update_courses": update_courses,
    "core_course_get_courses": get_courses,
    "core_course_get_courses_by_field": courses_by_field,
    "core_group_create_groups": create_groups,
    "core_group_update_groups": update_groups,
    "core_group_get_course_groups": course_groups,
    "core_group_get_groups": get_groups,
    "core_group_delete_groups": delete_groups,
    "core_group_add_group_members": add_group_members,
    "core_group_delete_group_members": delete_group_members,
    "core_group_get_group_members": get_group_members,
}
