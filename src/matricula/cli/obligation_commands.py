"""`matricula obligations`: what acts on the register promised other systems, and how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show
from matricula.cli.register.asked import Asked, reads

if TYPE_CHECKING:
    from datetime import timedelta

    from matricula.hub.obligations import Owed


@click.command()
@reads
@click.argument("student", required=False, default="")
@click.option("--unmet", is_flag=True, help="Only what has not happened yet.")
def obligations(asked: Asked, student: str, *, unmet: bool) -> None:
    """List what is owed to each system, of one STUDENT or of everybody.

    An obligation is due, sent, refused, acknowledged, verified by a later reading, or overdue;
    "nothing left" means that the copy was as it should be when a pass looked.
    """
    from matricula.hub import obligations as owing
    from matricula.sis.registration import access

    access.may_read_owed(asked.acting, student)
    found = owing.owed(asked.desk, about=student, unmet=unmet)
    if asked.as_json:
        show.as_json([_as_json(one) for one in found])
        return
    if not found:
        show.say("Nothing is owed." if unmet else "Nothing was promised yet.")
        return
    show.table(
        ("system", "flow", "record", "to", "fields", "state", "age", "office", "why not yet"),
        [
            (one.system, one.flow, one.key, one.kind, one.fields, one.state, _age(one.age),
             one.steward, one.reason)
            for one in found
        ],
    )  # fmt: skip


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    if minutes < 60:  # noqa: PLR2004 - of an hour
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d}" if hours < 48 else f"{hours // 24} days"  # noqa: PLR2004 - of two days


def _as_json(one: Owed) -> dict[str, object]:
    return {
        "act": one.act, "system": one.system, "flow": one.flow, "key": one.key,
        "kind": one.kind, "fields": [name for name in one.fields.split(", ") if name],
        "state": one.state, "age_seconds": int(one.age.total_seconds()),
        "due_at": one.due_at.isoformat(timespec="seconds"), "steward": one.steward,
        "reason": one.reason,
    }  # fmt: skip
