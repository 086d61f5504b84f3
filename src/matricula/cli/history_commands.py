"""Commands about runs that are over: list them, report one, undo one, let its flows go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.given import why_option
from matricula.cli.sitting import charter_option, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.group(invoke_without_command=True)
@charter_option
@json_option
@click.option("--last", type=int, default=20, show_default=True, help="How many are listed.")
@click.pass_context
def runs(context: click.Context, folder: Path | None, last: int, *, as_json: bool) -> None:
    """List what ran: when, for whom, what became of it."""
    if context.invoked_subcommand:
        return
    sitting.sit_down(folder, only_look=True)
    from matricula.hub import reports

    told = reports.latest(last)
    if as_json:
        show.as_json(told)
        return
    show.table(
        ["run", "kind", "by", "started (UTC)", "state", "written"],
        [[t["run"], t["kind"], t["by"], t["started_at"], t["state"], t["written"]] for t in told],
    )


@runs.command(name="show")
@charter_option
@json_option
@click.argument("run", required=False, default="")
def show_(folder: Path | None, run: str, *, as_json: bool) -> None:
    """Report one run, as Markdown or JSON: what it wrote, what was left, who acts."""
    sitting.sit_down(folder, only_look=True)
    from matricula.hub import reports

    told = reports.report(run)
    if as_json:
        show.as_json(told)
    else:
        show.say(reports.markdown(told))


@click.command()
@charter_option
@json_option
@click.argument("run")
@why_option()
def undo(folder: Path | None, run: str, why: str, *, as_json: bool) -> None:
    """Plan what puts back what a run changed, and hold its flows. Writes nowhere."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.cli.run_commands import plan_json, print_plan
    from matricula.hub import runs as runs_

    made = runs_.undo(desk, run, why=why)
    if as_json:
        show.as_json(plan_json(made.plan))
        return
    print_plan(made.plan, 10)
    show.say(
        f"The flows above are held until `matricula release FLOW --why ...`; {run} is put back by"
    )
    show.say(f"`matricula apply {made.plan.digest[:12]}`.")


@click.command()
@charter_option
@click.argument("flow")
@why_option("What was corrected; it stands in the audit.")
def release(folder: Path | None, flow: str, why: str) -> None:
    """Let a flow go on that an undone run held."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import undo as undo_

    undo_.release(desk, flow, why=why)
    show.say(f"{flow} goes on; its next pass looks at everybody.")
