"""Breaking the glass: a record is read without a grant, with a ground, and its office is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db import transaction

from matricula.accounts import actions as accounts
from matricula.hub import incidents
from matricula.hub.acting import register_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.accounts.rules import Acting
    from matricula.hub.desk import Desk


Read = TypeVar("Read")


@transaction.atomic
def read(desk: Desk, acting: Acting, student: str, look: Callable[[Acting], Read]) -> Read:
    """Let somebody read one student's record for this once, and tell the register's office.

    Args:
        desk: The charter and the instant.
        acting: Who, with the ground.
        student: Whose record.
        look: What is read; it is given who may, for nothing else.

    Raises:
        Refused: No ground was given, or a student asks (M906).
    """
    reader = accounts.break_glass(acting, entity="student", key=student)
    register = register_of(desk.charter)
    told = incidents.Trouble(
        "M591", f"{register}.students by {acting.account}", desk.charter.systems[register].steward,
        f"{acting.account} read the record of {student} as {acting.role}, without a grant.",
        f"Look at the ground with `matricula register looks {student}`, and ask them.",
        system=register, key=student,
    )  # fmt: skip
    incidents.report([told], at=desk.at)
    return look(reader)
