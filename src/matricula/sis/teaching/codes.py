"""The refusals of teaching, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M971": Code(
        "There is no such assignment",
        "A duty in a section is named by the number of the member of staff and a count, such as "
        "S0007/2.",
        "Look the number up: `matricula register teach show SECTION`.",
    ),
    "M972": Code(
        "The duty cannot be given, or ended, in this way",
        "A duty is held by a lecturer of ours, once for a day, in one room at a time, and "
        "whoever marks does not moderate.",
        "Do what the message says, or choose other days or a colleague.",
    ),
    "M973": Code(
        "The section does not meet then, or has not met yet",
        "Attendance is taken for a meeting of the timetable once it has begun, by the clock of "
        "its campus.",
        "Choose one of the meetings that the message lists.",
    ),
    "M974": Code(
        "Attendance cannot be taken so",
        "Attendance is taken of those who were enrolled on the day, up to the last day on which "
        "they attended, in four categories.",
        "Correct the student's number or the category.",
    ),
    "M975": Code(
        "The attendance cannot be amended so",
        "What was taken stays; an amendment names what it amends, says something else, and has "
        "a reason from the list.",
        "Give the reason, or take the attendance first.",
    ),
}
