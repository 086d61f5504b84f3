"""What Moodle alone refuses, by code."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES: dict[str, Code] = {
    "M730": Code(
        "Not enrolled yet",
        "Moodle lets only people who are enrolled in a course be members of its groups.",
        "Nothing to do by hand where a flow enrols the person; it is tried again.",
    ),
    "M731": Code(
        "Permission missing for one record",
        "Moodle lets our account do this elsewhere, and not to this record or in this course.",
        "Have the capability that is named given to the account, or the role added to those "
        "that it may assign.",
    ),
    "M732": Code(
        "No manual enrolment in a course",
        "The course has no enabled manual enrolment method, so nobody can be enrolled from "
        "outside.",
        "Have the method added or enabled in the course.",
    ),
    "M733": Code(
        "Still let in another way",
        "The enrolment that Matricula keeps is suspended, and the person still enters the "
        "course through another enrolment method.",
        "Have the other enrolment ended in the course: by hand, by self-enrolment or by cohort.",
    ),
    "M734": Code(
        "One enrolment, several roles",
        "A person has several roles in a course, and Moodle suspends the enrolment with all "
        "of them.",
        "Decide which role ends, and have that role alone taken away in the course.",
    ),
}
