"""What the register needs done though nobody asks for it: by the worker, every now and then.

A day begins, an offer of a seat passes, a promise is still to be worked out, a letter waits
for the mail server. Each is an act of the system's own account where it changes the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts.rules import ALL, Acting, Granted
from matricula.engine.line import local_date
from matricula.hub import acting
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.enrolment import queries as enrolments
from matricula.sis.notices import actions as notices

if TYPE_CHECKING:
    from matricula.hub.desk import Desk


def keep_house(desk: Desk) -> None:
    """Do what is due in the register, where the charter has ours."""
    if not acting.has_register(desk.charter):
        return
    acting.catch_up(desk)
    today = local_date(desk.charter, desk.at)
    if enrolments.due(at=desk.at, on=today):
        mine = Acting(acting.ACCOUNT, "system", desk.at, today, (Granted("system", ALL),))
        acting.carry_out(desk, mine, enrolment.offer_seats)
        acting.work_out(desk)
    notices.deliver(desk.at)
