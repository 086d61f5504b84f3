"""Commands about the charter alone: init, check, checklist, matrix, sql."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.sitting import charter_option, json_option

if TYPE_CHECKING:
    from matricula.charter.model import Charter
    from matricula.kernel.findings import Finding


@click.command()
@charter_option
def init(folder: Path | None) -> None:
    """Write a starter charter with the usual ownership, to be made your own."""
    from matricula.charter.starter import write_starter

    place = sitting.charter_folder(folder)
    try:
        written = write_starter(place)
    except OSError as error:
        raise sitting.unwritable(place, error) from error
    for path in written:
        show.say(f"wrote {path}")
    show.say("Read it with the offices it names, then run `matricula check`.")


@click.command()
@charter_option
@json_option
@click.option("--live", is_flag=True, help="Ask every connected system too.")
@click.pass_context
def check(context: click.Context, folder: Path | None, *, as_json: bool, live: bool) -> None:
    """Say whether the charter holds, with everything that is wrong at once."""
    from matricula.charter.compile import load

    compiled = load(sitting.charter_folder(folder), today=sitting.now().date())
    found, asked = list(compiled.findings), False
    if compiled.charter is not None:
        sitting.set_up()
        from matricula.charter.text import read_folder
        from matricula.hub import purposes, systems

        text = read_folder(sitting.charter_folder(folder)).root
        unusable = systems.check_settings(compiled.charter, text)
        asked = live and not unusable
        found += _ask(folder) if asked else unusable
        found += purposes.findings(compiled.charter)
    errors = [f for f in found if f.severity == "error"]
    if as_json:
        show.as_json({"ok": not errors, "findings": [_plain(f) for f in found]})
    else:
        show.findings(found)
        _verdict(compiled.charter, errors, len(found) - len(errors), asked=asked)
    context.exit(1 if errors else 0)


def _ask(folder: Path | None) -> list[Finding]:
    from matricula.hub.live import check_live

    return check_live(sitting.sit_down(folder))


def _plain(finding: Finding) -> dict[str, str]:
    return {
        "place": finding.place, "code": finding.code, "severity": finding.severity,
        "message": finding.message, "cure": finding.cure,
    }  # fmt: skip


def _verdict(
    charter: Charter | None, errors: list[Finding], warnings: int, *, asked: bool
) -> None:
    if charter is None or errors:
        did = (
            "Every system was asked, and none was written to" if asked else "Nothing was connected"
        )
        show.say(f"Refused: {len(errors)} error(s), {warnings} warning(s). {did}.")
        return
    show.say(
        f"The charter of {charter.institution} holds: {len(charter.systems)} systems, "
        f"{len(charter.entities)} entities, {len(charter.flows)} flows, {warnings} warning(s)."
    )
    _print_matrix(charter)


@click.command()
@charter_option
@json_option
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), default=None,
    help="Write a picture there.",
)  # fmt: skip
def matrix(folder: Path | None, *, as_json: bool, svg: Path | None) -> None:
    """Show the ownership matrix: every field, its owner and its copies."""
    from matricula.charter.matrix import matrix_svg, ownership_matrix

    charter = sitting.load_charter(folder)
    found = ownership_matrix(charter)
    if svg:
        with sitting.output(svg):
            svg.write_text(matrix_svg(found), encoding="utf-8")
        show.say(f"wrote {svg}")
    elif as_json:
        show.as_json(found.as_json())
    else:
        _print_matrix(charter)


def _print_matrix(charter: Charter) -> None:
    from matricula.charter.matrix import ownership_matrix

    found = ownership_matrix(charter)
    show.table(
        ["field", *found.systems],
        [[row.field, *(cell.text for cell in row.cells)] for row in found.rows],
        title="Who owns what",
    )


@click.command()
@charter_option
@json_option
@click.argument("flow", required=False)
def checklist(folder: Path | None, flow: str | None, *, as_json: bool) -> None:
    """Answer the eight questions for every flow, in plain words."""
    from matricula.charter.checklist import checklist as answers
    from matricula.charter.checklist import checklist_markdown

    charter = sitting.load_charter(folder)
    chosen = [a for a in answers(charter) if flow in {None, a.flow}]
    if not chosen and flow:
        raise click.UsageError(f"There is no flow {flow}; use one of {', '.join(charter.flows)}.")
    if as_json:
        show.as_json([a.as_json() for a in chosen])
    else:
        sys.stdout.write(checklist_markdown(chosen))


@click.command()
@charter_option
@click.argument("flow")
def sql(folder: Path | None, flow: str) -> None:
    """Print the SQL that says what a flow's target should hold."""
    from matricula.engine.project import desired

    charter = sitting.load_charter(folder)
    if flow not in charter.flows:
        raise click.UsageError(f"There is no flow {flow}; use one of {', '.join(charter.flows)}.")
    tree = desired(charter, charter.flows[flow], on=sitting.now().date())
    sys.stdout.write(tree.sql(dialect="duckdb", pretty=True) + "\n")
