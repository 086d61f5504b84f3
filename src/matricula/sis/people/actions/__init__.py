"""What can be done to persons and staff, one module for each subject."""

from __future__ import annotations

from matricula.sis.people.actions.agreeing import second_person
from matricula.sis.people.actions.merging import merge, unmerge
from matricula.sis.people.actions.persons import (
    correct_birth_date,
    give_number,
    register,
    register_matched,
)
from matricula.sis.people.actions.staff import assign_duty, end_duty, hire
from matricula.sis.people.actions.statements import (
    change_contact,
    lift_directive,
    rename,
    set_directive,
)
from matricula.sis.people.rules import Contact, Described, Naming, Number, Post, Wish

__all__ = [
    "Contact", "Described", "Naming", "Number", "Post", "Wish", "assign_duty", "change_contact",
    "correct_birth_date", "end_duty", "give_number", "hire", "lift_directive", "merge",
    "register", "register_matched", "rename", "second_person", "set_directive", "unmerge",
]  # fmt: skip
