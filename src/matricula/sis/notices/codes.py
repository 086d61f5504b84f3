"""The refusals of notices, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M976": Code(
        "There is no such notice",
        "A notice is named by the number it was given when it was sent.",
        "Look the number up.",
    ),
    "M977": Code(
        "The audience makes no sense",
        "An audience is written as conditions, such as `section:CODE` or `programme:CODE`, and "
        "somebody must meet them.",
        "Correct the conditions.",
    ),
    "M978": Code(
        "The text cannot be sent",
        "A notice is a line that says what it is about, and a text.",
        "Correct what the message names.",
    ),
    "M979": Code(
        "The notice is not for whom it is acknowledged",
        "A notice is acknowledged by the person it was sent to, and by nobody else.",
        "Act in the account of that person.",
    ),
}
