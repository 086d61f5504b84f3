"""What an error of Moodle means: for the system, for one call, for one record.

Every error is HTTP 200 with an `errorcode`, sometimes without one. Of what Moodle says only
the code is ever repeated: messages hold names and addresses, and `debuginfo` whole queries.

Source: measured on Moodle 4.5.6; `webservice/lib.php` for who is not let in.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import (
    ConnectorError,
    GiveUp,
    ReadBack,
    SkipRow,
    Stop,
    TryAgain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NOT_LET_IN = frozenset(
    {
        "invalidtoken",
        "servicenotavailable",
        "servicerequireslogin",
        "usernotconfirmed",
        "wsaccessuserdeleted",
        "wsaccessusersuspended",
        "wsaccessuserunconfirmed",
        "wsaccessuserexpired",
        "wsaccessusernologin",
        "passwordisexpired",
        "forcepasswordchangenotice",
        "sitepolicynotagreed",
        "usernotfullysetup",
    }
)
_CLOSED = frozenset({"sitemaintenance", "upgraderunning"})
_NO_DATABASE = frozenset({"dbconnectionfailed", "dmlconnectionexception"})
# What each function needs its account to be allowed, to be named when it is not.
CAPABILITIES = {
    "core_user_create_users": "moodle/user:create",
    "core_user_update_users": "moodle/user:update",
    "core_course_create_courses": "moodle/course:create",
    "core_course_update_courses": "moodle/course:update, and for what changes "
    "moodle/course:visibility, changecategory, changefullname, changeshortname, changeidnumber "
    "or changesummary",
    "core_course_get_courses": "moodle/course:view",
    "core_course_create_categories": "moodle/category:manage",
    "core_course_update_categories": "moodle/category:manage",
    "core_course_get_categories": "moodle/category:manage",
    "core_cohort_create_cohorts": "moodle/cohort:manage",
    "core_cohort_update_cohorts": "moodle/cohort:manage",
    "core_cohort_delete_cohorts": "moodle/cohort:manage",
    "core_cohort_search_cohorts": "moodle/cohort:view",
    "core_cohort_get_cohort_members": "moodle/cohort:view",
    "core_cohort_add_cohort_members": "moodle/cohort:assign",
    "core_cohort_delete_cohort_members": "moodle/cohort:assign",
    "core_group_create_groups": "moodle/course:managegroups",
    "core_group_update_groups": "moodle/course:managegroups",
    "core_group_delete_groups": "moodle/course:managegroups",
    "core_group_get_course_groups": "moodle/course:managegroups",
    "core_group_get_groups": "moodle/course:managegroups",
    "core_group_get_group_members": "moodle/course:managegroups",
    "core_group_add_group_members": "moodle/course:managegroups",
    "core_group_delete_group_members": "moodle/course:managegroups",
    "core_enrol_get_enrolled_users": "moodle/course:enrolreview",
    "enrol_manual_enrol_users": "enrol/manual:enrol",
    "gradereport_user_get_grade_items": "gradereport/user:view and moodle/grade:viewall",
}
# What a code says of one record: our code, what is wrong, what to do.
_OF_A_RECORD = {
    "useremailduplicate": (
        "M606",
        "email is already used by another account",
        "Find out whose address it is, and correct the other account.",
    ),
    "shortnametaken": (
        "M606",
        "shortname is already used by another course",
        "Give one of the two courses another short name.",
    ),
    "courseidnumbertaken": (
        "M606",
        "idnumber is already used by another course",
        "Find out which of the two courses is the right one.",
    ),
    "categoryidnumbertaken": (
        "M606",
        "idnumber is already used by another category",
        "Find out which of the two categories is the right one.",
    ),
    "idnumbertaken": (
        "M606",
        "idnumber is already used by another group of the course",
        "Find out which of the two groups is the right one.",
    ),
    "useremailinvalid": (
        "M604",
        "email is no address that Moodle takes",
        "Correct the address at its owner.",
    ),
    "enddatebeforestartdate": (
        "M604",
        "enddate is not after startdate",
        "Correct the dates at their owner.",
    ),
    "unknowncategory": ("M605", "there is no such category", "Have the category made again."),
    "wsusercannotassign": (
        "M731",
        "our account may not assign this role in this course",
        "Add the role to those that the account's role may assign, or correct `roles:`.",
    ),
    "wsnoinstance": (
        "M732",
        "the course has no enabled manual enrolment",
        "Have manual enrolment added to the course.",
    ),
    "requireloginerror": (
        "M731",
        "our account may not enter the course",
        "Have moodle/course:view and moodle/course:viewhiddencourses given to its role.",
    ),
    "usernotupdatedadmin": (
        "M731",
        "it is the account of an administrator of the site",
        "Keep administrators' accounts out of the flow; Moodle lets only each other edit them.",
    ),
}
_GONE = frozenset(
    {
        "invalidrecord",
        "invaliduser",
        "invaliduserid",
        "invalidrecordunknown",
        "userdeleted",
        "usernotupdateddeleted",
        "unknowncourseidnumber",
        "errorcoursecontextnotvalid",
        "errorcatcontextnotvalid",
        "unknowcategory",
    }
)
_NO_ENTRY = frozenset({"errorcoursecontextnotvalid", "requireloginerror"})
AFTER_THE_EFFECT = frozenset({"invalidresponse"})


class Refused(Exception):
    """Moodle answered a call with an error that may be about one of its records.

    Attributes:
        function: What was called.
        code: Moodle's error code, or `unnamed`; safe to show.
    """

    def __init__(self, function: str, code: str) -> None:
        self.function = function
        self.code = code
        super().__init__(f"{function}: {code}")

    @property
    def is_gone(self) -> bool:
        """Whether what the call is about is not there."""
        return self.code in _GONE

    @property
    def is_absent(self) -> bool:
        """Whether it is not there for certain, and not only closed to us."""
        return self.code == "invalidrecord"

    @property
    def is_checked_before(self) -> bool:
        """Whether the call's form was refused, before anything was looked at."""
        return self.code == "invalidparameter"


def judged(function: str, body: Mapping[str, Any]) -> Exception:
    """Turn an error answer into the next move, or into `Refused` for the caller to judge."""
    code = _safe(body.get("errorcode"))
    if code in _NOT_LET_IN:
        return Stop(
            f"{function}: Moodle does not let us in ({code}).",
            code="M613",
            cure="Renew the token, or look at its account and at the service's authorised users.",
        )
    if code == "accessexception":
        return Stop(
            f"{function}: Moodle does not let our token call it.",
            code="M613",
            cure="Add the function to the token's external service; look also whether the "
            "service is enabled, the token has not run out and the address is allowed.",
        )
    if code in _CLOSED:
        return _later(function, code, "M611")
    if code in _NO_DATABASE:
        return _later(function, code, "M610")
    if code == "invalidrecord" and "external_functions" in str(body.get("message")):
        return GiveUp(
            f"This Moodle has no function {function}.",
            code="M607",
            cure="Look at the version that it runs; the connector was tried on 4.5.",
        )
    return Refused(function, code)


def of_record(refused: Refused, fields: Sequence[str] = ()) -> SkipRow:
    """Say what a refused call means for the one record that it was about.

    Args:
        refused: The call's error.
        fields: Names of the fields that are likely to blame, if any.
    """
    code = refused.code
    if code in _OF_A_RECORD:
        ours, why, cure = _OF_A_RECORD[code]
        return SkipRow(f"Moodle refuses the record: {why} ({code}).", code=ours, cure=cure)
    if code == "nopermissions":
        needed = CAPABILITIES.get(refused.function, "a capability")
        return SkipRow(
            f"{refused.function}: our account may not do this to this record (it needs {needed}).",
            code="M731",
            cure="Have the capability given to the account's role where the record is.",
        )
    if refused.is_gone:
        return gone(code)
    named = ", ".join(fields) or "this record"
    return SkipRow(
        f"Moodle refuses {named} ({code}).",
        code="M604",
        cure="Correct the value at its owner; Moodle itself does not say what it dislikes.",
    )


def gone(code: str = "invalidrecord") -> SkipRow:
    """Say that the record, or what it stands in, has been deleted behind our back."""
    return SkipRow(
        f"The record is gone, or what it belongs to ({code}).",
        code="M605",
        cure="Find out who deleted it; the next full run sees that it is missing.",
    )


def ambiguous(why: str) -> SkipRow:
    """Say that what was found is not to be taken over without a person's decision."""
    return SkipRow(
        f"{why[:1].upper()}{why[1:]}.",
        code="M606",
        cure="Have the system's office decide whose record it is: correct its idnumber in "
        "Moodle, or free the value.",
    )


def kept_otherwise(fields: Sequence[str]) -> SkipRow:
    """Say that Moodle answered well and holds something else than was sent."""
    return SkipRow(
        f"Moodle does not keep {', '.join(fields)} as sent; the other fields were written.",
        code="M604",
        cure="Look whether the value is one that this Moodle knows, and whether a profile "
        "field of that name exists and may be seen by our account.",
    )


def unknown(why: str) -> ReadBack:
    """Say that something was sent, and that nobody knows what became of it."""
    return ReadBack(why, code="M612", cure="The record is read back before anything else.")


def blind(what: str, capability: str) -> Stop:
    """Say that our account does not see what it must see to be believed."""
    return Stop(
        f"Our account in Moodle does not see {what}, so that nothing would be found.",
        code="M613",
        cure=f"Have {capability} given to its role.",
    )


@contextmanager
def of_no_record() -> Iterator[None]:
    """Turn what is refused inside into what it means to a call that is about no single record."""
    try:
        yield
    except Refused as refused:
        raise systemic(refused) from refused


def systemic(refused: Refused) -> ConnectorError:
    """Say what an error means to a call that is about no single record."""
    if refused.code in _NO_ENTRY:
        return Stop(
            f"{refused.function}: our account in Moodle may not enter every course.",
            code="M613",
            cure="Have moodle/course:view and moodle/course:viewhiddencourses given to its role.",
        )
    if refused.code == "nopermissions":
        needed = CAPABILITIES.get(refused.function, "a capability")
        return Stop(
            f"{refused.function}: our account in Moodle may not do this; it needs {needed}.",
            code="M613",
            cure="Have the capability given to the account's role.",
        )
    return GiveUp(
        f"{refused.function} is answered with the error {refused.code}.",
        code="M615",
        cure="Look at Moodle's own log, and at the version that it runs.",
    )


def _later(function: str, code: str, ours: str) -> TryAgain:
    return TryAgain(
        f"{function}: Moodle is closed for now ({code}).",
        code=ours,
        cure="It is tried again by itself.",
    )


def _safe(code: object) -> str:
    # A weak password makes the code a page of HTML, and a crash leaves it out.
    text = str(code or "")
    return text if re.fullmatch(r"[a-z0-9_]{1,60}", text) else "unnamed"
