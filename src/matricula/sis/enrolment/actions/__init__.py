"""What can be done with term registrations and enrolments, one module for each subject."""

from __future__ import annotations

from matricula.sis.enrolment.actions.adding import Placed, add, approve, claim_seat, refuse
from matricula.sis.enrolment.actions.block import Block, NotEnrolled, enrol_block
from matricula.sis.enrolment.actions.ending import cancel_term, leave_all
from matricula.sis.enrolment.actions.grading import grade, lapse, leave_incomplete
from matricula.sis.enrolment.actions.leaving import drop, swap, withdraw
from matricula.sis.enrolment.actions.queue import offer_seats
from matricula.sis.enrolment.actions.reversing import restore
from matricula.sis.enrolment.actions.sections import (
    cancel_section,
    change_capacity,
    move_section,
    reverse_section,
)
from matricula.sis.enrolment.actions.terms import (
    ForTerm,
    come_back,
    complete_term,
    register_intake,
    register_term,
    take_census,
)

__all__ = [
    "Block", "ForTerm", "NotEnrolled", "Placed", "add", "approve", "cancel_section",
    "cancel_term", "change_capacity", "claim_seat", "come_back", "complete_term", "drop",
    "enrol_block", "grade", "lapse", "leave_all", "leave_incomplete",
    "move_section", "offer_seats", "refuse", "register_intake", "register_term", "restore",
    "reverse_section", "swap", "take_census", "withdraw",
]  # fmt: skip
