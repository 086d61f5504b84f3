"""The refusals of enrolment, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M961": Code(
        "The history of the enrolment does not allow it",
        "A term registration and an enrolment are walks from state to state; what is put in must "
        "fit before and after it, with a reason where one is asked for.",
        "Choose another day, record first what is missing, or reverse what is wrong.",
    ),
    "M962": Code(
        "There is no such enrolment or term registration",
        "A student registers for a term, and is then enrolled in its sections.",
        "See what there is: `matricula register roster SECTION --on DAY`.",
    ),
    "M963": Code(
        "Not in this window",
        "Sections are dropped and withdrawn from between the dates of their term; what reaches "
        "back over a census is done by the office, with a second person.",
        "Use the other way out that the message names, or ask the office for an exception.",
    ),
    "M964": Code(
        "No seat is kept",
        "A seat that becomes free is offered to the next who waits, and kept for them until an "
        "instant that they are told.",
        "Wait for an offer; whoever let one pass asks for a place again.",
    ),
    "M965": Code(
        "This cannot be let pass",
        "A registrar lets some checks pass, with a reason; a student none. The others are not "
        "for anybody to let pass.",
        "Use one of the names that the message lists.",
    ),
    "M966": Code(
        "Not a section of this term",
        "An intake is enrolled as a block in sections of one term.",
        "Name sections of the term.",
    ),
}
