"""The commands by which other systems are let in, and by which they are answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.given import why_option
from matricula.cli.sitting import charter_option, json_option
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.api.actions import Doing
    from matricula.hub.desk import Desk

_WHY = why_option("On which ground.")


@click.group()
def api() -> None:
    """Let other systems fetch what the charter has served to them, and answer them."""


@api.command("let-in")
@charter_option
@click.argument("name")
@click.option("--system", required=True, help="Which system of the charter it reads.")
@click.option(
    "--scope", "scopes", multiple=True, required=True,
    help="roster, roster-core, roster-demographics, gradebook, gradebook-core, assessment, "
    "resource, resource-core; to change what is its own gradebook-put, gradebook-delete, "
    "assessment-put, assessment-delete; scim-users, scim-groups. May be repeated.",
)  # fmt: skip
@_WHY
def let_in(
    folder: Path | None, name: str, *, system: str, scopes: tuple[str, ...], why: str
) -> None:
    """Let a client in to one system's copy. Its secret is printed this once, and kept nowhere."""
    desk, doing = _sit(folder, why)
    from matricula.api import actions
    from matricula.api.rules import SERVED

    told = desk.charter.systems.get(system)
    if told is None or told.connector not in SERVED:
        raise Refused(
            "M759", f"The charter has no system {system} that is served.",
            cure=f"Name one whose connector is {', '.join(sorted(SERVED))}.",
        )  # fmt: skip
    known = SERVED[told.connector]
    unknown = sorted(set(scopes) - set(known))
    if unknown:
        raise Refused(
            "M752", f"{system} is not read by a scope {unknown[0]}.",
            cure=f"Name one of {', '.join(known)}.",
        )  # fmt: skip
    secret = actions.let_in(doing, name, system=system, scopes=scopes)
    _tell(name, secret)


@api.command()
@charter_option
@click.argument("name")
@_WHY
def renew(folder: Path | None, name: str, why: str) -> None:
    """Give a client a new secret. The old one, and every token of it, count no more."""
    _, doing = _sit(folder, why)
    from matricula.api import actions

    _tell(name, actions.renew(doing, name))


@api.command("shut-out")
@charter_option
@click.argument("name")
@_WHY
def shut_out(folder: Path | None, name: str, why: str) -> None:
    """Shut a client out, from this moment on."""
    _, doing = _sit(folder, why)
    from matricula.api import actions

    actions.shut_out(doing, name)
    show.say(f"{name} is shut out; its tokens count no more.")


@api.command()
@json_option
def clients(*, as_json: bool) -> None:
    """List the clients: what they read, by which scopes, and when they last asked for a token."""
    sitting.look()
    from matricula.api import queries

    columns = ("client", "system", "scopes", "last token", "shut out")
    rows = [[value or "" for value in row] for row in queries.clients()]
    if as_json:
        show.as_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    show.table(columns, rows)


@api.command()
@click.option(
    "--at", "where", default="127.0.0.1:8440", show_default=True,
    help="Where to answer: HOST:PORT of this machine.",
)  # fmt: skip
def serve(where: str) -> None:
    """Answer other systems, until stopped. A server that encrypts stands in front of it."""
    from matricula.cli.serving import Server, Unforeseen, place_of, unusable

    place = place_of(where)
    sitting.set_up()
    sitting.bring_up_to_date()
    from matricula.site.wsgi import application

    try:
        listening = Server(place, application)
    except OSError as error:
        raise unusable(where, (error.strerror or type(error).__name__).lower()) from error
    logging.getLogger("django.request").addHandler(Unforeseen())
    with listening as server:
        show.say(
            f"Answering at http://{where}/ims/oneroster/ and /scim/v2/; tokens at /oauth/token."
        )
        server.serve_forever()


def _sit(folder: Path | None, why: str) -> tuple[Desk, Doing]:
    """Sit down; once there are accounts, only an operator may."""
    desk = sitting.sit_down(folder)
    from matricula.accounts import queries
    from matricula.api.actions import Doing
    from matricula.engine.line import local_date

    if queries.anybody():
        today = local_date(desk.charter, desk.at)
        queries.acting(desk.actor, role="operator", at=desk.at, today=today)
    return desk, Doing(desk.actor, why, desk.at)


def _tell(name: str, secret: str) -> None:
    show.say(f"client_id      {name}")
    show.say(f"client_secret  {secret}")
    show.say("The secret is shown this once. A lost one is replaced: `matricula api renew`.")
