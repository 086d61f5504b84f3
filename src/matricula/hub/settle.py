"""Settle open effects: what may have happened by looking, never by sending again.

What was intended and never sent is void without a question. What the target is found to hold
is verified, and audited as the act of the run that sent it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.audit.actions import append
from matricula.connectors.kit.errors import ConnectorError
from matricula.hub import bulk, ledger, links
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.links import COLUMNS
from matricula.hub.models import OPEN, Effect, Link, Run
from matricula.kernel.digests import document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import QuerySet

    from matricula.charter.model import Flow
    from matricula.connectors.kit.protocol import Found
    from matricula.hub.desk import Desk
    from matricula.hub.systems import Systems

_SIZE = 200


def settle_unknown(desk: Desk, connected: Systems, flows: Sequence[Flow], *, run: str) -> int:
    """Look up what earlier runs left open: lost answers, and what runs that died had sent.

    Call it while holding the targets: then no other run can still be sending.

    Returns:
        How many outcomes were settled.
    """
    opened = _opened(flows)
    uncertain = set(opened.values_list("flow", flat=True).distinct())
    settled, silent = 0, set()
    for flow in flows:
        if flow.name not in uncertain:
            continue
        page = ledger.Page(desk, run, flow, connected.fence)
        _tell_apart(page)
        of_flow, last = _opened([flow]), 0
        while batch := list(of_flow.filter(pk__gt=last).order_by("id")[:_SIZE]):
            last = batch[-1].pk
            asked = _askable(page, batch)
            found, silence = _look_up(connected, page, asked)
            if silence:
                _keep_unknown(page, silence)
                silent.add(flow.name)
                break
            _write_down(page, asked, found)
            settled += len(asked)
    over = [str(flow.target) for flow in flows if flow.name not in silent]
    close_others([], codes=["M651"], places=over, at=desk.at)
    return settled


def _opened(flows: Sequence[Flow]) -> QuerySet[Effect]:
    # Written out: SQLite finds a partial index only by its very condition, and without it
    # looks through everything that was ever sent.
    named = [flow.name for flow in flows]
    return Effect.objects.filter(flow__in=named).extra(where=[OPEN])  # noqa: S610 - a constant


@transaction.atomic
def _tell_apart(page: ledger.Page) -> None:
    """Part what dead runs had sent from what they had only intended, which is void."""
    page.must_hold()
    intended = _opened([page.flow]).filter(state="intended")
    unsent = Run.objects.exclude(sending=page.flow.name).values("pk")
    intended.filter(run__in=unsent).update(
        state="void", told="It was never sent.", settled_at=page.desk.at
    )
    intended.update(state="sent")


def _look_up(
    connected: Systems, page: ledger.Page, asked: Sequence[Effect]
) -> tuple[list[list[Found]], str]:
    """Ask the target; give what it found, or why nobody can tell."""
    if not asked:
        return [], ""
    target = page.flow.target
    try:
        connector = connected[target.system]
        return connector.find(target.resource, [_question(effect) for effect in asked]), ""
    except ConnectorError:
        return [], "nobody there answers"
    except Exception as error:  # noqa: BLE001 - one connector's fault holds nobody else's flows
        # Its name alone: what else it says may hold values.
        return [], f"the connector failed while looking ({type(error).__name__})"


def _askable(page: ledger.Page, batch: Sequence[Effect]) -> list[Effect]:
    """Leave out what nothing identifies: to look for "no number" would find a stranger."""
    askable = [effect for effect in batch if all(_question(effect).values()) and _question(effect)]
    kept = {effect.pk for effect in askable}
    blank = [effect for effect in batch if effect.pk not in kept]
    if blank:
        _leave_to_a_person(page, blank)
    return askable


@transaction.atomic
def _leave_to_a_person(page: ledger.Page, blank: Sequence[Effect]) -> None:
    page.must_hold()
    ledger.leave_unknown(page, [_intent(effect) for effect in blank])
    Effect.objects.filter(pk__in=[effect.pk for effect in blank]).update(state="unknown")
    report([_unidentified(page, effect) for effect in blank], at=page.desk.at)


def _unidentified(page: ledger.Page, effect: Effect) -> Trouble:
    target = page.flow.target
    return Trouble(
        "M656", page.flow.name, page.desk.charter.systems[target.system].steward,
        f"A write of {effect.key} to {target} may or may not have happened, and the match rule "
        "gives nothing to look it up by.",
        "Give the record what the match rule asks for at its owner, or look in the target.",
        flow=page.flow.name, system=target.system, key=effect.key,
    )  # fmt: skip


def _question(effect: Effect) -> dict[str, str | int | bool | None]:
    if effect.external_id:
        return {"_id": effect.external_id}
    match: dict[str, str | int | bool | None] = json.loads(effect.match or "{}")
    return match


@transaction.atomic
def _keep_unknown(page: ledger.Page, silence: str) -> None:
    """Still away: whatever is open stays unknown, and nothing is sent for those keys."""
    page.must_hold()
    opened = _opened([page.flow])
    uncertain = [_intent(effect) for effect in opened.iterator()]
    ledger.leave_unknown(page, uncertain)
    opened.update(state="unknown")
    report([_still_open(page, len(uncertain), silence)], at=page.desk.at)


def _still_open(page: ledger.Page, count: int, silence: str) -> Trouble:
    target = page.flow.target
    return Trouble(
        "M651", str(target), page.desk.charter.systems[target.system].steward,
        f"{count} write(s) of {page.flow.name} to {target} may or may not have happened, and "
        f"{silence}.",
        "Bring the system back; the next run looks them up before anything is sent again.",
        flow=page.flow.name, system=target.system,
    )  # fmt: skip


def _intent(effect: Effect) -> ledger.Intent:
    return ledger.Intent(
        effect.key, effect.kind, effect.external_id, effect.before, effect.after, effect.match
    )


@transaction.atomic
def _write_down(
    page: ledger.Page, batch: Sequence[Effect], found: Sequence[Sequence[Found]]
) -> None:
    page.must_hold()
    now = bulk.moment(page.desk.at)
    rows: list[bulk.Row] = []
    done: list[Effect] = []
    theirs: list[str] = []
    for effect, some in zip(batch, found, strict=True):
        records = _not_others(page, effect, some)
        if len(records) > 1:
            report([_several(page, effect)], at=page.desk.at)
        happened = _happened(page.flow, effect, records)
        if happened:
            done.append(effect)
        state = "verified" if happened else "void"
        Effect.objects.filter(pk=effect.pk).update(state=state, settled_at=page.desk.at)
        if len(records) == 1:
            if effect.was_there or (effect.kind == "create" and not happened):
                # What is there is not what we sent, so nobody can say that we made it.
                theirs.append(effect.key)
            text = _text_of(effect, records[0].fields, happened=happened)
            rows.append(
                (effect.flow, effect.key, records[0].external_id, _state(effect), None, text, None,
                 "", ledger.fingerprint(text), "", 0, None, now, page.run)
            )  # fmt: skip
        else:
            Link.objects.filter(flow=effect.flow, key=effect.key).delete()
    latest = {(row[0], row[1]): row for row in rows}
    bulk.merge("hub_link", COLUMNS, ("flow", "key"), list(latest.values()))
    links.take_over(page.flow.name, theirs)
    _audit(page, done)


def _not_others(page: ledger.Page, effect: Effect, records: Sequence[Found]) -> Sequence[Found]:
    """Leave out the copies of other keys: somebody may have written this key's number there."""
    if effect.external_id:
        return records
    others = links.others(page.desk.charter, page.flow, effect.key)
    return [record for record in records if record.external_id not in others]


def _state(effect: Effect) -> str:
    """Say as what a copy counts from now on; whether it woke is what the next pass asks for."""
    return "suspended" if _wakes(effect) else "active"


def _wakes(effect: Effect) -> bool:
    """Tell whether an intent was to wake a copy and nothing else that a look-up would show."""
    put_back = effect.kind == "restore" and effect.before == effect.after
    return effect.kind == "resume" or put_back


def _happened(flow: Flow, effect: Effect, records: Sequence[Found]) -> bool:
    """Tell from what the target holds whether an intent became true.

    A look-up does not say whether a record sleeps, so a suspension or its end counts as
    open; the next pass asks for it again, which changes nothing where it had happened.
    """
    if effect.kind == "delete":
        return not records
    asleep = effect.kind == "suspend" or _wakes(effect)
    return not asleep and len(records) == 1 and agrees(flow, _meant(effect), records[0].fields)


def _meant(effect: Effect) -> str | None:
    """Give what a write was to change: what else somebody edited says nothing of it."""
    if effect.kind != "update" or not effect.before or not effect.after:
        return effect.after
    before, after = json.loads(effect.before), json.loads(effect.after)
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    return document(changed) if changed else effect.after


def _audit(page: ledger.Page, done: Sequence[Effect]) -> None:
    """Record what turned out to have happened as the act of the run that sent it."""
    runs = Run.objects.in_bulk({effect.run for effect in done})
    entries = []
    for effect in done:
        entry = replace(ledger.entry(page, _intent(effect)), run=effect.run)
        if sender := runs.get(effect.run):
            entry = replace(entry, actor=sender.actor, charter_version=sender.charter)
        entries.append(entry)
    if entries:
        append(entries, at=page.desk.at)


def agrees(flow: Flow, text: str | None, fields: Mapping[str, object]) -> bool:
    """Tell whether a record holds what the text of a copy says, however it spells it."""
    wanted = json.loads(text or "{}")
    return all(
        _plain(fields.get(name), kind) == _plain(value, kind)
        for name, value in wanted.items()
        for kind in [flow.fields[name].expression.type.kind if name in flow.fields else "text"]
    )


def _plain(value: object, kind: str) -> object:
    """Reduce a value to what it says, for `0.50` and `0.5` are one amount."""
    if value is None or value == "":
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        return _MEANT[kind](text) if kind in _MEANT else text
    except (ValueError, InvalidOperation):
        return text


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


_MEANT: Mapping[str, Callable[[str], object]] = {
    "integer": Decimal,
    "decimal": Decimal,
    "money": Decimal,
    "date": lambda text: datetime.fromisoformat(text).date(),
    "instant": _instant,
    "boolean": lambda text: text.lower() in ("true", "1"),
}


def _text_of(effect: Effect, fields: Mapping[str, object], *, happened: bool) -> str:
    """What the target is now known to hold; an unclear field is left for the next pass to set."""
    if happened:
        return effect.after or "{}"
    names = json.loads(effect.after or effect.before or "{}")
    return document({name: _value(fields.get(name)) for name in names})


def _value(found: object) -> object:
    return found if isinstance(found, (str, int, bool)) or found is None else str(found)


def _several(page: ledger.Page, effect: Effect) -> Trouble:
    target = page.flow.target
    return Trouble(
        "M505", page.flow.name, page.desk.charter.systems[target.system].steward,
        f"Several records of {target} match {effect.key}.",
        "Merge or correct them in the target; nothing is created until then.",
        flow=page.flow.name, system=target.system, key=effect.key,
    )  # fmt: skip
