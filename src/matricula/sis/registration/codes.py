"""The refusals of registration, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M911": Code(
        "There is no such student or registration",
        "A registration is named by the student's number and the attempt, such as 00000001/2.",
        "Look the number up.",
    ),
    "M912": Code(
        "The history does not allow it",
        "A registration is a walk from state to state; what is put in must fit before and after "
        "it, and two registrations do not run side by side unless they may.",
        "Choose another day, record first what is missing, or reverse what is wrong.",
    ),
}
