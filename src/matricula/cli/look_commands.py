"""Commands that only look: status and explain."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.sitting import charter_option, json_option
from matricula.cli.tables import without_zeros

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.hub.explain import CopiedValue, Explanation


@click.command()
@charter_option
@json_option
def status(folder: Path | None, *, as_json: bool) -> None:
    """Show how every system and every flow stands, and who acts next."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub.status import status as gather

    found = gather(desk)
    if as_json:
        show.as_json(found.as_json())
        return
    words = {True: "well", False: "away", None: "not asked"}
    show.table(
        ["system", "", "since", "steward", "said"],
        [[s.system, words[s.is_well], s.since, s.steward, s.sentence] for s in found.systems],
    )
    names = ("confirmed", "pending", "waiting", "held", "failed", "drifted")
    rows = [
        [f.flow, *(getattr(f, n) for n in names), show.instant(f.last_full_at), f.next]
        for f in found.flows
    ]
    columns = ["flow", *names, "last full", "who acts next"]
    show.table(*without_zeros(columns, rows, keep=("confirmed",)))
    if found.withdrawn:
        titles = {name: steward.title for name, steward in desk.charter.stewards.items()}
        show.table(
            ["withdrawn flow", "target", "copies left", "who acts next"],
            [[w.flow, w.target, w.copies, titles.get(w.steward, w.steward) + ": see incidents"]
             for w in found.withdrawn],
        )  # fmt: skip
    late = f", {found.overdue} overdue" if found.overdue else ""
    show.say(f"{found.open_incidents} open incident(s){late}.")
    show.say(f"Letters are {found.letters}.")
    if found.running:
        show.say(f"{found.running} is at work.")


@click.command()
@charter_option
@json_option
@click.argument("entity")
@click.argument("key")
@click.option("--in", "system", default="", help="Only the copies in this system.")
@click.option("--field", default="", help="Only this field.")
def explain(
    folder: Path | None, entity: str, key: str, *, system: str, field: str, as_json: bool
) -> None:
    """Say why a value is where it is: owner, grant, signatures, confirmation.

    KEY is the record's key as its owner writes it, leading zeros and all. Where it has
    several parts, join them by `|` and put them in quotes: matricula explain enrolment
    '00000001|BIO101'.
    """
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub.explain import explain as find

    found = find(desk, entity, key, system=system, field=field)
    if as_json:
        show.as_json(asdict(found))
    else:
        _print_explanation(found)
    known = bool(found.owned or found.copies)
    if not known and not as_json:
        show.say(_unknown(found))
    click.get_current_context().exit(0 if known else 1)


def _unknown(found: Explanation) -> str:
    """Say why there is nothing to say of a record."""
    told = f"Nothing is known of {found.entity} {found.key}."
    if not found.such_as:
        return f"{told} No trusted reading of {', '.join(found.never_read)} is kept; plan first."
    return f"{told} A key of {found.entity} is its {found.key_is}, such as '{found.such_as}'."


def _print_explanation(found: Explanation) -> None:
    if found.owned:
        show.table(
            ["field", "value", "owner", "steward", "read at"],
            [[o.field, o.value, o.owner, o.steward, o.read_at] for o in found.owned],
            title=f"{found.entity} {found.key}",
        )
    for copy in found.copies:
        _print_copy(copy)
    for sentence in found.waiting:
        show.say(sentence)
    for lacking in found.behind:
        show.say("")
        show.say(f"{lacking.flow}: {lacking.target} {lacking.what}.")
        for sentence in lacking.why:
            show.say(f"  why         {sentence}", under=14)
        show.say(f"  next        {lacking.next}")
    if found.owned and found.never_read:
        show.say(f"Never read: {', '.join(found.never_read)}; what it owns is not shown.")


def _confirmed(copy: CopiedValue) -> str:
    if copy.confirmed_at is None:
        return "not yet"
    return f"{copy.state}, as {copy.external_id}, at {show.instant(copy.confirmed_at)}"


def _at(text: str) -> str:
    return show.instant(datetime.fromisoformat(text))


def _print_copy(copy: CopiedValue) -> None:
    show.say("")
    show.say(f"{copy.target}.{copy.field} = {show.value(copy.value)}")
    setter = f"{copy.set_by} at {_at(copy.set_at)}" if copy.set_by else "found there already"
    facts = [
        ("made from", f"{', '.join(copy.made_from)} by {copy.expression}"),
        ("because", copy.because),
        ("flow", f"{copy.flow}: {copy.purpose}"),
        ("signed by", "; ".join(copy.signed_by) or "nobody yet"),
        ("set by", setter),
        ("confirmed", _confirmed(copy)),
        ("last seen", show.instant(copy.seen_at)),
    ]  # fmt: skip
    if copy.is_behind:
        facts.insert(0, ("should be", show.value(copy.should_be)))
    if copy.found != copy.value:
        facts.append(("found there", show.value(copy.found)))
    for word, fact in facts:
        show.say(f"  {word:<12}{fact}", under=14)
