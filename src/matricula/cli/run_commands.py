"""Commands that run the line: sign, plan, apply, sync."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.sitting import charter_option, json_option
from matricula.cli.tables import without_zeros

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.progress import TaskID

    from matricula.engine.guard import Reason
    from matricula.engine.plan import FlowPlan, Plan
    from matricula.hub.desk import Desk
    from matricula.hub.planning import Scope
    from matricula.hub.runs import Done, Tick

_flow_option = click.option("--flow", "flows", multiple=True, help="Only this flow; repeatable.")
_changed_option = click.option(
    "--changed", is_flag=True, help="Only what changed at its owners; targets are not read."
)


@click.command()
@charter_option
@click.option("--as", "steward", required=True, help="The office that signs, as in the charter.")
@click.option("--flow", default="", help="Only this flow; otherwise all that concern the office.")
def sign(folder: Path | None, steward: str, flow: str) -> None:
    """Sign, for an office, the present text of the flows that concern it."""
    desk = sitting.sit_down(folder)
    from matricula.hub import charters

    fresh = charters.sign(desk, steward=steward, only=flow)
    title = desk.charter.stewards[steward].title
    for name in fresh:
        show.say(f"{title} signed {name}.")
    if not fresh:
        show.say(f"{title} has signed everything that concerns it.")
    for flow_ in desk.charter.flows.values():
        lacking = charters.unsigned_by(desk.charter, flow_)
        if lacking and flow_.name in fresh:
            titles = ", ".join(desk.charter.title_of(name) for name in lacking)
            show.say(f"{flow_.name} still waits for {titles}.")


@click.group(invoke_without_command=True)
@charter_option
@json_option
@_flow_option
@_changed_option
@click.option("--rows", type=int, default=10, show_default=True, help="Changes shown per flow.")
@click.pass_context
def plan(
    context: click.Context, folder: Path | None, flows: tuple[str, ...], rows: int,
    *, as_json: bool, changed: bool,
) -> None:  # fmt: skip
    """Show exactly what would change in every system. Writes nowhere.

    Exits with 0 when there is nothing to do and with 2 when there are changes.
    """
    if context.invoked_subcommand:
        return
    desk = sitting.sit_down(folder)
    from matricula.hub import runs

    made = runs.plan(desk, _scope(flows, changed=changed))
    if as_json:
        show.as_json(plan_json(made.plan))
    else:
        print_plan(made.plan, rows)
    context.exit(_code(made.plan))


def _scope(flows: tuple[str, ...], *, changed: bool) -> Scope:
    from matricula.hub.planning import Scope

    return Scope(flows, full=not changed)


def _code(found: Plan) -> int:
    if not found.is_empty:
        return 2
    unread = any(not part.digest for part in found.flows)
    return 1 if unread else 0


def plan_json(found: Plan) -> dict[str, object]:
    """Write a plan the way `plan --json` promises it."""
    from matricula.hub.planning import told_of

    return {
        "digest": found.digest,
        "charter": found.charter,
        "flows": told_of(found),
        "findings": [
            {
                "place": f.resource, "code": f.code, "message": f.message, "cure": f.cure,
                "keys": len(f.keys),
            }
            for f in found.findings
        ],
    }  # fmt: skip


def print_plan(found: Plan, rows: int) -> None:
    """Print a plan for a person, with so many changes of each flow."""
    words = ("create", "update", "suspend", "delete", "restore", "unchanged", "held")
    from matricula.hub.planning import told_of

    told = []
    for part, plain in zip(found.flows, told_of(found), strict=True):
        if any(not reason.kinds for reason in part.reasons):
            plain["held"] = "all"
        told.append([plain[word] for word in ("flow", "target", *words)])
    show.table(*without_zeros(["flow", "target", *words], told, keep=("unchanged",)))
    for part in found.flows:
        _print_changes(found, part, rows)
    _print_findings(found)
    _print_held(found)
    if found.is_empty:
        held = any(part.reasons for part in found.flows)
        show.say("No change is planned while this holds." if held else _nothing(found))
    show.say(f"plan {found.digest[:12]}")


def _print_findings(found: Plan) -> None:
    for finding in found.findings:
        show.say(
            f"found: {finding.resource}: {finding.code}: {finding.message} {finding.cure}", under=7
        )


def _nothing(found: Plan) -> str:
    """Say that there is nothing to do, and for whom that is no good news."""
    from matricula.engine.plan import ACCEPTED

    aside = {p.flow: sum(p.aside.values()) - p.aside.get(ACCEPTED, 0) for p in found.flows}
    aside = {flow: count for flow, count in aside.items() if count}
    if not aside:
        return "Nothing to do."
    told = ", ".join(f"{count} record(s) of {flow}" for flow, count in aside.items())
    return (
        f"Nothing else to do, but {told} stay set aside: `matricula incidents` says who is to "
        "act, `matricula explain` why."
    )


def _print_held(found: Plan) -> None:
    """Say once what holds flows, and which; a cause often holds several."""
    causes: dict[Reason, list[str]] = {}
    for part in found.flows:
        for reason in part.reasons:
            causes.setdefault(reason, []).append(part.flow)
    for reason, flows in causes.items():
        show.say(f"held: {', '.join(flows)}", under=6)
        show.say(f"      {reason.code}: {reason.message} {reason.cure}", under=6)


def _print_changes(found: Plan, part: FlowPlan, rows: int) -> None:
    import json

    from matricula.engine.plan import pick

    mine = pick(found.changes, "flow", part.flow)
    shown = mine.slice(0, rows).to_pylist()
    if not shown:
        return
    lines = []
    for row in shown:
        before, after = json.loads(row["before"] or "{}"), json.loads(row["after"] or "{}")
        awaited = json.loads(row["waits"] or "{}")
        after |= {name: _awaited(*pair) for name, pair in awaited.items() if pair}
        told = ", ".join(_change(name, before, after) for name in row["fields"])
        lines.append([row["kind"], row["key"], told or (row["external_id"] or "")])
    show.table(["", "key", "fields"], lines, title=f"{part.flow} -> {part.target}")
    if mine.num_rows > rows:
        show.say(f"... and {mine.num_rows - rows} more (--rows shows them)")


def _awaited(flow: str, key: str) -> str:
    return f"(id of {flow} {key}, once made)"


def _change(name: str, before: dict[str, object], after: dict[str, object]) -> str:
    if name not in before:
        return f"{name}={show.value(after.get(name))}"
    return f"{name}: {show.value(before.get(name))} -> {show.value(after.get(name))}"


@click.command()
@charter_option
@json_option
@click.argument("digest", required=False, default="")
@click.pass_context
def apply(context: click.Context, folder: Path | None, digest: str, *, as_json: bool) -> None:
    """Carry out the plan that was shown: exactly that one, once."""
    desk = sitting.sit_down(folder)
    from matricula.hub import runs

    with _progress(quiet=as_json) as tick:
        done = runs.apply(desk, digest, tick=tick)
    _conclude(context, desk, done, as_json=as_json)


@click.command()
@charter_option
@json_option
@_flow_option
@_changed_option
@click.pass_context
def sync(
    context: click.Context, folder: Path | None, flows: tuple[str, ...],
    *, as_json: bool, changed: bool,
) -> None:  # fmt: skip
    """Plan and apply in one go, through the same guards."""
    desk = sitting.sit_down(folder)
    from matricula.hub import runs

    with _progress(quiet=as_json) as tick:
        done = runs.sync(desk, _scope(flows, changed=changed), tick=tick)
    _conclude(context, desk, done, as_json=as_json)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Tick]:
    """Show how far each flow has come, on a terminal alone."""
    from rich.progress import Progress

    out = show.console(err=True)
    with Progress(console=out, transient=True, disable=quiet or not out.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def tick(flow: str, done: int, total: int) -> None:
            if flow not in tasks:
                tasks[flow] = bar.add_task(flow, total=total)
            bar.update(tasks[flow], completed=done)

        yield tick


def _conclude(context: click.Context, desk: Desk, done: Done, *, as_json: bool) -> None:
    if as_json:
        told = plan_json(done.plan)
        told["run"] = done.run
        told["delivered"] = {d.flow: dict(d.counts) for d in done.delivered}
        show.as_json(told)
    else:
        _print_findings(done.plan)
        _print_done(done)
        _print_who_acts(desk, done)
    context.exit(0 if done.is_whole else 1)


def _print_done(done: Done) -> None:
    words = ("answered", "matched", "waiting", "refused", "deferred", "unknown", "held")
    if done.delivered:
        rows = [[d.flow, *(d.counts[word] for word in words)] for d in done.delivered]
        show.table(*without_zeros(["flow", *words], rows, keep=("answered",)))
    _print_held(done.plan)
    for delivered in done.delivered:
        if delivered.stopped:
            show.say(f"{delivered.flow} stopped: {delivered.stopped}")
    if not done.delivered:
        show.say(_nothing(done.plan) if done.is_whole else "Nothing was done.")
    show.say(f"run {done.run}")


def _print_who_acts(desk: Desk, done: Done) -> None:
    """Say who acts next where something did not go out: offices that sign, or an incident's."""
    if done.is_whole:
        return
    from matricula.hub import charters
    from matricula.hub.standing import has_incident

    flows = [desk.charter.flows[part.flow] for part in done.plan.flows]
    lacking = {office for flow in flows for office in charters.unsigned_by(desk.charter, flow)}
    told = []
    if lacking:
        commands = ", ".join(f"`matricula sign --as {office}`" for office in sorted(lacking))
        told.append(f"still to be signed with {commands}.")
    if any(has_incident(desk.charter, flow) for flow in flows):
        told.append("`matricula incidents` says who is to act.")
    for sentence in told or ["what holds it stands above."]:
        show.say(f"Not everything went out: {sentence}")
