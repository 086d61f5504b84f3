"""Commands about failures that need a person: list them, and an office's answers to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.given import Day, why_option
from matricula.cli.sitting import charter_option, json_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime
    from pathlib import Path

    from matricula.hub.desk import Desk

_INCIDENT = (
    "id", "code", "place", "key", "steward", "message", "cure", "opened_at", "due_at",
    "escalated_to", "escalated_at", "closed_at",
)  # fmt: skip


@click.group(invoke_without_command=True)
@charter_option
@json_option
@click.option("--all", "every", is_flag=True, help="Closed ones too.")
@click.pass_context
def incidents(context: click.Context, folder: Path | None, *, as_json: bool, every: bool) -> None:
    """List the failures that need a person, with what to do; what is overdue comes first."""
    if context.invoked_subcommand:
        return
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub.models import Incident

    found = Incident.objects.order_by("due_at", "id")
    chosen = found if every else found.filter(closed_at=None)
    rows = list(chosen.values(*_INCIDENT))
    if as_json:
        show.as_json([{**r, "escalated": r["escalated_at"] is not None} for r in rows])
    else:
        _print(desk, rows, every=every)


def _print(desk: Desk, rows: list[dict[str, object]], *, every: bool) -> None:
    if not rows:
        show.say("There was no incident yet." if every else "No open incident.")
        return
    show.table(
        ["no", "", "where", "who", "what", "what to do", "due"],
        [
            [r["id"], r["code"], r["place"], _who(desk, r), r["message"], r["cure"], _due(desk, r)]
            for r in rows
        ],
    )  # fmt: skip
    late = sum(_is_late(desk, r) for r in rows)
    show.say(f"{len(rows)} incident(s){f', {late} overdue' if late else ''}.")


def _is_late(desk: Desk, row: Mapping[str, object]) -> bool:
    due: datetime = row["due_at"]  # type: ignore[assignment]  # of the model
    return row["closed_at"] is None and due < desk.at


def _who(desk: Desk, row: Mapping[str, object]) -> str:
    titles = {name: steward.title for name, steward in desk.charter.stewards.items()}
    own, above = str(row["steward"]), str(row["escalated_to"])
    told = titles.get(own, own)
    if above and above != own:
        told += f"; escalated to {titles.get(above, above)}"
    return told


def _due(desk: Desk, row: Mapping[str, object]) -> str:
    due: datetime = row["due_at"]  # type: ignore[assignment]  # of the model
    return f"{show.instant(due)}{', overdue' if _is_late(desk, row) else ''}"


def _as_office(command: Callable[..., object]) -> Callable[..., object]:
    command = click.option(
        "--as", "steward", required=True, help="The office that answers, as in the charter."
    )(command)
    return click.argument("number", type=int)(charter_option(command))


@incidents.command()
@_as_office
def retry(folder: Path | None, number: int, steward: str) -> None:
    """Have it tried again by the next pass, without waiting for its turn."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import answers

    incident = answers.retry(desk, number, steward=steward)
    show.say(f"{incident.place} {incident.key}".rstrip() + " is tried again by the next pass.")


@incidents.command()
@_as_office
@click.option("--until", type=Day(), required=True, help="The last day, as in 2027-01-31.")
@why_option()
def postpone(folder: Path | None, number: int, steward: str, until: date, why: str) -> None:
    """Give it until the end of a day."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import answers

    incident = answers.postpone(desk, number, steward=steward, until=until, why=why)
    show.say(f"Incident {number} is due {show.instant(incident.due_at)}.")


@incidents.command()
@_as_office
@why_option()
@click.option("--until", type=Day(), default=None, help="The last day, as in 2027-01-31.")
def accept(folder: Path | None, number: int, steward: str, why: str, until: date | None) -> None:
    """Let a refused copy stay as it is, until the record or the flow changes."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import answers

    incident = answers.accept(desk, number, steward=steward, why=why, until=until)
    show.say(f"{incident.place} {incident.key} stays as the target has it.")
    if until:
        show.say(f"It is tried again after {until}.")


@click.command()
@charter_option
@json_option
@click.option("--preview", "office", default="", help="Print what an office would be written now.")
def letters(folder: Path | None, office: str, *, as_json: bool) -> None:
    """List the last letters to the offices, or show one before it is sent."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import letters as post
    from matricula.hub.called import office_called

    if office:
        text = post.preview(desk, office_called(desk.charter, office))
        if as_json:
            show.as_json({"subject": text.subject, "body": text.body})
        else:
            click.echo(f"Subject: {text.subject}\n\n{text.body}", nl=False)
        return
    rows = post.latest()
    if as_json:
        show.as_json(rows)
        return
    if rows:
        columns = ["steward", "kind", "way", "state", "intended_at", "sent_at", "told"]
        show.table(columns, [[row[name] for name in columns] for row in rows])
    show.say(f"Letters are {post.standing_now()}.")
