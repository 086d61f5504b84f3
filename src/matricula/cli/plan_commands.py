"""Commands about a plan that was made: show it again, let it go beyond a guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show as out
from matricula.cli import sitting
from matricula.cli.given import why_option
from matricula.cli.run_commands import plan
from matricula.cli.sitting import charter_option, json_option
from matricula.cli.tables import without_zeros

if TYPE_CHECKING:
    from pathlib import Path


@plan.command()
@charter_option
@json_option
@click.argument("digest", required=False, default="")
def show(folder: Path | None, digest: str, *, as_json: bool) -> None:
    """Show a plan that was made: what of each flow, what holds it, who approved it."""
    sitting.sit_down(folder, only_look=True)
    from matricula.hub import planning

    shown = planning.kept_plan(digest)
    told = planning.plan_told(shown)
    if as_json:
        out.as_json(told)
        return
    words = ("create", "update", "suspend", "delete", "restore", "unchanged", "held")
    parts = shown.told
    rows = [[p[word] for word in ("flow", "target", *words)] for p in parts]
    out.table(*without_zeros(["flow", "target", *words], rows, keep=("unchanged",)))
    for part in parts:
        for reason in part["reasons"]:
            out.say(f"held: {part['flow']}: {reason}")
    for approval in told["approved"]:
        out.say("approved: {flow} by {actor} for {steward}: {why}".format(**approval))
    state = f"applied at {told['applied_at']}" if told["applied_at"] else "not applied"
    out.say(f"plan {shown.digest[:12]}, made by {told['made_by']} at {told['made_at']}, {state}")


@plan.command()
@charter_option
@click.argument("digest")
@click.option("--as", "steward", required=True, help="The office that approves.")
@why_option()
def approve(folder: Path | None, digest: str, steward: str, why: str) -> None:
    """Let this plan alone go beyond a guard. Whoever made it cannot approve it."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import approvals, planning

    shown = planning.find_plan(digest)
    for flow in approvals.approve(desk, shown, steward=steward, why=why):
        out.say(f"{desk.charter.stewards[steward].title} approved the plan for {flow}.")
    out.say(f"Carry it out with `matricula apply {shown.digest[:12]}`.")
