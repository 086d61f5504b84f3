"""Commands about match cases: list them, look at one, decide it, take a decision back."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.sitting import charter_option, json_option
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

_why = click.option("--why", required=True, help="The ground; it stands in the audit.")


@click.group(invoke_without_command=True)
@charter_option
@json_option
@click.pass_context
def matches(context: click.Context, folder: Path | None, *, as_json: bool) -> None:
    """List records that may be one and wait for a steward's decision."""
    if context.invoked_subcommand:
        return
    sitting.sit_down(folder, only_look=True)
    from matricula.hub import matches as matches_

    told = matches_.told()
    if as_json:
        show.as_json(told)
        return
    show.table(
        ["case", "kind", "entity", "key", "may be", "of", "probability", "asks"],
        [
            [
                c["case"], c["kind"], c["entity"], c["key"], c["other"], c["resource"],
                "" if c["probability"] is None else f"{c['probability']:.1%}", c["steward"],
            ]
            for c in told
        ],
    )  # fmt: skip


@matches.command(name="show")
@charter_option
@json_option
@click.argument("number", type=int)
def show_(folder: Path | None, number: int, *, as_json: bool) -> None:
    """Show one case: how far each field agrees, and all that was said of it."""
    sitting.sit_down(folder, only_look=True)
    from matricula.hub import matches as matches_

    [told] = matches_.told(number)
    if as_json:
        show.as_json(told)
        return
    show.say(f"Case {told['case']} ({told['kind']}), {told['state']}, asks {told['steward']}.")
    show.say(f"{told['entity']} {told['key']} and {told['resource']} {told['other']}".rstrip())
    show.table(["field", "agrees"], [[name, word] for name, word in told["evidence"].items()])
    show.table(
        ["said", "by", "at (UTC)", "why"],
        [[d["said"], d["by"], d["at"], d["why"]] for d in told["decisions"]],
    )


@matches.command()
@charter_option
@click.argument("number", type=int)
@_why
def same(folder: Path | None, number: int, why: str) -> None:
    """Say that the two are one: another system's record is found as that key from now on."""
    _decide(folder, number, "same", why)


@matches.command()
@charter_option
@click.argument("number", type=int)
@_why
def different(folder: Path | None, number: int, why: str) -> None:
    """Say that the two are not one; they are never proposed again."""
    _decide(folder, number, "different", why)


@matches.command()
@charter_option
@click.argument("number", type=int)
@_why
def undo(folder: Path | None, number: int, why: str) -> None:
    """Take a decision back; each source's record stands as before."""
    _decide(folder, number, "undo", why)


def _decide(folder: Path | None, number: int, said: str, why: str) -> None:
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import matches as matches_

    case = matches_.decide(desk, number, said, why=why)
    show.say(f"Case {case.pk} is {case.state}; the next pass goes by it.")


@matches.command()
@charter_option
@json_option
@click.argument("entity", required=False, default="")
def find(folder: Path | None, entity: str, *, as_json: bool) -> None:
    """Compare records now, as they were read last, where the charter has `matching:`."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import alike

    counts = alike.find(desk, entity)
    if as_json:
        show.as_json(counts)
        return
    for name, count in counts.items():
        show.say(f"{name}: {count} pair(s) look alike; see `matricula matches`.")


@matches.command()
@charter_option
@click.argument("entity")
@click.option("--from", "old", default="", help="The old key.")
@click.option("--to", "new", default="", help="The new key.")
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    help="A CSV file of old and new keys, without a header.",
)  # fmt: skip
@_why
def rekey(
    folder: Path | None, entity: str, *, old: str, new: str, path: Path | None, why: str
) -> None:
    """Say that records go on under new keys, so that their copies are kept and not made again."""
    numbers = _numbers(old, new, path)
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import matches as matches_

    cases = matches_.rekey(desk, entity, numbers, why=why)
    show.say(f"{len(cases)} record(s) of {entity} go on under new keys; the next pass goes by it.")


def _numbers(old: str, new: str, path: Path | None) -> Mapping[str, str]:
    if path is None:
        if not old or not new:
            raise click.UsageError("Give --from and --to, or --file.")
        return {old: new}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    pairs = [(row[0].strip(), row[1].strip()) for row in rows if len(row) == len("on")]
    sides = [{one for one, _ in pairs}, {other for _, other in pairs}]
    if len(pairs) < len(rows) or any(len(side) < len(rows) or "" in side for side in sides):
        raise Refused(
            "M554",
            f"{path.name} is no list of old and new keys, each once.",
            cure="Write one old key and its new one a line, with a comma between.",
        )
    return dict(pairs)
