"""Accepted: edits of copies that an office lets stand for a while, and no longer.

Until its day has passed such a value is treated as if the target did not show the field: it
is neither reported nor restored, and what else is written to the copy carries it along. It
is that value alone: another edit of the same field is drift as ever.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import transaction

from matricula.audit.actions import Entry, append
from matricula.engine.line import local_date
from matricula.hub import approvals, bulk
from matricula.hub.called import flow_called
from matricula.hub.models import AcceptedEdit, Link
from matricula.kernel.digests import document
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    from django.db.models import QuerySet

    from matricula.charter.model import Flow
    from matricula.connectors.kit.protocol import Write
    from matricula.hub.desk import Desk

_SOME = 500


def standing(desk: Desk, flow: str = "") -> QuerySet[AcceptedEdit]:
    """List what is accepted today, at the institution."""
    today = local_date(desk.charter, desk.at)
    found = AcceptedEdit.objects.filter(until__gte=today).order_by("flow", "key", "field")
    return found.filter(flow=flow) if flow else found


def forget(desk: Desk) -> None:
    """Delete what has passed: from then on the value is nobody's to keep."""
    today = local_date(desk.charter, desk.at)
    AcceptedEdit.objects.filter(until__lt=today).delete()


def tables(desk: Desk, flows: Iterable[Flow]) -> dict[str, pa.Table]:
    """Give what is accepted as the engine reads it: per flow `key`, `field` and `value`."""
    rows: dict[str, list[tuple[str, str, str]]] = {}
    known = {flow.name: flow for flow in flows}
    for one in standing(desk):
        # A field that the flow no longer grants is nobody's to compare.
        if one.flow in known and one.field in known[one.flow].fields:
            rows.setdefault(one.flow, []).append((one.key, one.field, one.value))
    return {
        flow: pa.table(
            [pa.array(column, pa.string()) for column in zip(*told, strict=True)],
            names=["key", "field", "value"],
        )
        for flow, told in rows.items()
    }


def carry(
    desk: Desk, flow: str, writes: Sequence[Write], *, restored: Collection[str]
) -> dict[str, Write]:
    """Have writes carry what is accepted along; one that would write nothing else is left out.

    Args:
        desk: Which day it is.
        flow: Whose copies.
        writes: What is to be sent.
        restored: Keys whose copies are put back: an edit beyond the accepted one.

    Returns:
        What is to be sent, by key.
    """
    held = _values(desk, flow, [write.key for write in writes])
    sent = {write.key: write for write in writes}
    for key, mine in held.items():
        write = sent[key]
        changed = write.changed if key in restored else write.changed - mine.keys()
        if write.kind == "update" and write.changed and not changed:
            # What its owner says by now is sent when the day has passed.
            del sent[key]
        elif write.kind in ("update", "resume"):
            sent[key] = replace(write, fields={**write.fields, **mine}, changed=changed)
    return sent


def _values(desk: Desk, flow: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    accepted = standing(desk, flow)
    if not accepted.exists():
        return found
    for some in bulk.parts(keys, of=_SOME):
        for one in accepted.filter(key__in=some):
            found.setdefault(one.key, {}).update(json.loads(one.value))
    return found


@transaction.atomic
def accept(
    desk: Desk, place: tuple[str, str, str], *, until: date, steward: str, why: str
) -> AcceptedEdit:
    """Let an edit that was seen stand until a day has passed.

    Args:
        desk: Who says it, and when.
        place: Flow, key and field.
        until: The last day on which it stands.
        steward: The office that answers for the flow.
        why: The ground; it stands in the audit and may name nobody.

    Raises:
        Refused: There is no such flow (M517), or no such edit was seen, the day is past, or
            it is not the office's to accept (M530).
    """
    name, key, field = place
    flow = flow_called(desk.charter, name)
    link = Link.objects.filter(flow=name, key=key).first()
    found = _seen(link, field) or _kept(desk, place)
    conditions = {
        f"no edit of {field} was seen in the copy of {key}": bool(found),
        "it needs a ground": bool(why.strip()),
        **_conditions(desk, flow, until=until, steward=steward),
    }
    if reason := next((reason for reason, holds in conditions.items() if not holds), ""):
        raise Refused(
            "M530", f"This edit cannot be accepted: {reason}.",
            cure="See `matricula drift`; it lists the edits that were seen, by flow, key and "
            "field.",
        )  # fmt: skip
    kept, _ = AcceptedEdit.objects.update_or_create(
        flow=name, key=key, field=field,
        defaults={"value": document(found), "until": until, "steward": steward,
                  "actor": desk.actor, "why": why, "accepted_at": desk.at},
    )  # fmt: skip
    append([_entry(desk, flow, kept)], at=desk.at)
    return kept


def _seen(link: Link | None, field: str) -> dict[str, Any]:
    """Give the value that a copy was seen to hold instead of its own."""
    if link is None or link.observed is None or field not in link.drift.split(","):
        return {}
    held = json.loads(link.observed)
    return {field: held[field]} if field in held else {}


def _kept(desk: Desk, place: tuple[str, str, str]) -> dict[str, Any]:
    """Give the value that is accepted already, so that its day may be moved."""
    flow, key, field = place
    known = standing(desk, flow).filter(key=key, field=field).first()
    return dict(json.loads(known.value)) if known else {}


def _conditions(desk: Desk, flow: Flow, *, until: date, steward: str) -> dict[str, bool]:
    """Say what must hold for an office to accept, by the reason why not."""
    offices = approvals.offices(desk.charter, flow)
    return {
        f"{until} is past": until >= local_date(desk.charter, desk.at),
        f"{flow.name} is answered for by {' and '.join(offices)}": steward in offices,
    }


def _entry(desk: Desk, flow: Flow, kept: AcceptedEdit) -> Entry:
    return Entry(
        actor=desk.actor, action="accept edit", entity=flow.entity, key=kept.key, why=kept.why,
        charter_version=desk.charter.digest, flow=flow.name,
        after={"field": kept.field, "until": kept.until.isoformat(), "steward": kept.steward},
    )  # fmt: skip
