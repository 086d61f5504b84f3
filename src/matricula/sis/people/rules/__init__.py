"""The rules of people, one module for each subject: pure, no database, no clock."""

from __future__ import annotations

from matricula.kernel.checks import Check
from matricula.sis.people.rules.likeness import (
    STRONG,
    WEAK,
    Candidate,
    Described,
    Number,
    Profile,
    compare,
    plain,
    plain_contact,
    strongest_first,
)
from matricula.sis.people.rules.merging import Side, merge_checks, to_see_to
from matricula.sis.people.rules.statements import (
    ADDRESS,
    CONSENT,
    DIRECTIVES,
    DISPLAY,
    DUTIES,
    EMAIL,
    EMERGENCY,
    HOME,
    KINDS_OF_CONTACT,
    LEGAL,
    NAMES,
    PHONE,
    REGISTRY,
    RELEASE,
    RESTRICTION,
    STUDY,
    USES,
    WORK,
    Contact,
    Naming,
    Post,
    Wish,
    birth_checks,
    contact_checks,
    day_checks,
    naming_checks,
    number_checks,
    post_checks,
    wish_checks,
)
from matricula.sis.people.rules.stretches import Splice, Stretch, holds, meet, spliced

__all__ = [
    "ADDRESS", "CONSENT", "DIRECTIVES", "DISPLAY", "DUTIES", "EMAIL", "EMERGENCY", "HOME",
    "KINDS_OF_CONTACT", "LEGAL", "NAMES", "PHONE", "REGISTRY", "RELEASE", "RESTRICTION", "STRONG",
    "STUDY", "USES", "WEAK", "WORK", "Candidate", "Check", "Contact", "Described", "Naming",
    "Number", "Post", "Profile", "Side", "Splice", "Stretch", "Wish", "birth_checks", "compare",
    "contact_checks", "day_checks", "holds", "meet", "merge_checks", "naming_checks",
    "number_checks", "plain", "plain_contact", "post_checks", "spliced", "strongest_first",
    "to_see_to", "wish_checks",
]  # fmt: skip
