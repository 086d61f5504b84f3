"""The commands of notices: telling students something, and seeing that it arrived."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matricula.cli import show as out
from matricula.cli.register.asked import Asked, carry_out, does, reads

if TYPE_CHECKING:
    from matricula.sis.notices.actions import Delivered


@click.group()
def notice() -> None:
    """Tell students something, by mail, and see who has read it."""


@notice.command()
@does
@click.argument("audience", nargs=-1, required=True, metavar="KIND:VALUE...")
@click.option("--subject", required=True, help="One line.")
@click.option(
    "--body", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
    help="The file with the text.",
)  # fmt: skip
@click.option("--must-acknowledge", is_flag=True, help="Ask everybody to say they have read it.")
def send(
    asked: Asked, audience: tuple[str, ...], *, subject: str, body: Path, must_acknowledge: bool
) -> None:
    """Send a notice to section:CODE, programme:CODE, term:CODE, status:WORD or student:NUMBER.

    Who meets one condition of each kind that is named is told, as of now.
    """
    from matricula.sis.notices import actions, rules

    text = actions.Text(subject, body.read_text(encoding="utf-8"), must_acknowledge)
    done = carry_out(asked, lambda doing: actions.send(doing, rules.read(audience), text))
    if asked.preview:
        return
    delivered = actions.deliver(asked.acting.at, number=done.value.number)
    if not asked.as_json:
        out.say(f"It is notice {done.value.number}.")
        _tell(delivered)


@notice.command()
@does
@click.argument("number", default="")
@click.option("--again", is_flag=True, help="Also what may have arrived and may not.")
def deliver(asked: Asked, number: str, *, again: bool) -> None:
    """Hand what waits to the mail server; what was taken is never sent a second time."""
    from matricula.sis.notices import access, actions

    access.may_deliver(asked.acting)
    if again:
        carry_out(asked, lambda doing: actions.send_again(doing, number))
    if asked.preview:
        return
    delivered = actions.deliver(asked.acting.at, number=number)
    if not asked.as_json:
        _tell(delivered)
    elif not again:
        out.as_json(
            {"sent": delivered.sent, "refused": delivered.refused, "waiting": delivered.waiting,
             "cut_short": delivered.cut_short, "said": delivered.said}
        )  # fmt: skip


def _tell(found: Delivered) -> None:
    out.say(f"Sent {found.sent}, refused {found.refused}, still to be sent {found.waiting}.")
    if found.said:
        out.say(found.said)
    if found.cut_short:
        out.say(f"{found.cut_short} may have arrived or not: `notice deliver NUMBER --again`.")


@notice.command()
@reads
@click.argument("number", default="")
@click.option(
    "--not-acknowledged", is_flag=True, help="Only those who have not said they read it."
)
def show(asked: Asked, number: str, *, not_acknowledged: bool) -> None:
    """Show what became of a notice, person by person; without a number, the latest notices."""
    from matricula.sis.notices import access

    if not number:
        columns: tuple[str, ...] = ("notice", "subject", "audience", "written")
        rows: list[tuple[object, ...]] = [
            (one.number, one.subject, one.audience, one.recorded_at)
            for one in access.notices(asked.acting)
        ]
    else:
        columns = ("student", "state", "said", "sent", "acknowledged", "cut short")
        rows = [
            (one.student_no, one.state, one.said, one.sent_at, one.acknowledged_at,
             one.is_cut_short)
            for one in access.notice(asked.acting, number)[1]
            if not (not_acknowledged and one.acknowledged_at)
        ]  # fmt: skip
    if asked.as_json:
        out.as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        out.table(columns, rows)


@notice.command()
@does
@click.argument("number")
def acknowledge(asked: Asked, number: str) -> None:
    """Say that you have read a notice that was sent to you."""
    from matricula.sis.notices import actions

    carry_out(asked, lambda doing: actions.acknowledge(doing, number))
