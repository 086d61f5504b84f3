"""The effect ledger: the intent is durable before the call, its outcome after it.

One row per run, flow and key. What is still `intended` when its run is dead never left us;
what is `sent` may or may not have happened, and `matricula.hub.settle` finds out by reading
back. Every transaction here begins at the page's fence: a run whose lease ran out writes
nothing more, so whoever takes over finds all that it ever may have sent.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, TextField, Value, When

from matricula.audit import sets
from matricula.audit.actions import Entry, append
from matricula.connectors.kit.errors import ReadBack, SkipRow
from matricula.hub import bulk, links
from matricula.hub.incidents import Trouble, report
from matricula.hub.links import COLUMNS
from matricula.hub.models import Run
from matricula.kernel.digests import document

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matricula.charter.model import Flow
    from matricula.connectors.kit.errors import ConnectorError
    from matricula.connectors.kit.protocol import Outcome
    from matricula.hub.desk import Desk

_PATIENCE = (
    timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12),
    # Less than a day: what is looked at once a day is due then.
    timedelta(hours=20),
)  # fmt: skip


class Intent(NamedTuple):
    """One change as it is about to be sent. `after` has every link filled in."""

    key: str
    kind: str
    external_id: str | None
    before: str | None
    after: str | None
    match: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Where entries are written: whose run, for which flow.

    `fence` lets the transaction around it go on only while the run may write to a system, and
    keeps everybody else from taking that over until it ends (`matricula.hub.alone.Claim`).
    """

    desk: Desk
    run: str
    flow: Flow
    fence: Callable[[str], None]

    def must_hold(self) -> None:
        """Refuse to write anything for a run that was thought dead (M529)."""
        self.fence(self.flow.target.system)


def fingerprint(text: str) -> str:
    """Digest a canonical text the way the engine compares it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def patience(attempts: int) -> timedelta:
    """Say how long to wait after so many attempts."""
    return _PATIENCE[min(attempts, len(_PATIENCE)) - 1]


@transaction.atomic
def intend(page: Page, intents: Sequence[Intent]) -> None:
    """Write down what is about to be sent; nothing of it has left us."""
    page.must_hold()
    Run.objects.filter(pk=page.run).update(sending="")
    now = bulk.moment(page.desk.at)
    theirs = _found_there(page, intents)
    sets.insert(
        "hub_effect",
        ("run", "flow", "key", "kind", "state", "external_id", "before", "after", "match", "told",
         "was_there", "intended_at"),
        [
            (page.run, page.flow.name, i.key, i.kind, "intended", i.external_id, i.before,
             i.after, i.match, "", i.key in theirs, now)
            for i in intents
        ],
    )  # fmt: skip


@transaction.atomic
def send(page: Page) -> None:
    """Mark what is intended as sent, right before it is: now only the target knows."""
    page.must_hold()
    Run.objects.filter(pk=page.run).update(sending=page.flow.name)


def standing() -> Case:
    """Say in a query how far an effect has come, with what its living run has sent."""
    sending = Run.objects.filter(pk=OuterRef("run"), sending=OuterRef("flow"))
    sent = When(Q(state="intended") & Exists(sending), then=Value("sent"))
    return Case(sent, default="state", output_field=TextField())


@transaction.atomic
def settle(page: Page, intents: Sequence[Intent], outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Write down what became of a batch: effects, links, audit, incidents, in one transaction.

    Returns:
        How many were answered, refused, deferred and left unknown.
    """
    page.must_hold()
    pairs = list(zip(intents, outcomes, strict=True))
    done = [(i, o.external_id) for i, o in pairs if o.error is None]
    refused = [(i, o.error) for i, o in pairs if isinstance(o.error, SkipRow)]
    unknown = [i for i, o in pairs if isinstance(o.error, ReadBack)]
    _settle_effects(page, pairs)
    theirs = _found_there(page, [i for i, _ in done]) | _adopted(page, outcomes)
    _confirm(page, done)
    links.take_over(page.flow.name, sorted(theirs))
    _set_aside(page, refused)
    leave_unknown(page, unknown)
    if done:
        append([entry(page, intent) for intent, _ in done], at=page.desk.at)
    counts = {"answered": len(done), "refused": len(refused), "unknown": len(unknown)}
    return {**counts, "deferred": len(pairs) - sum(counts.values())}


def _word(error: ConnectorError | None) -> str:
    if error is None:
        return "answered"
    if isinstance(error, SkipRow):
        return "refused"
    return "unknown" if isinstance(error, ReadBack) else "deferred"


def _settle_effects(page: Page, pairs: Sequence[tuple[Intent, Outcome]]) -> None:
    now = bulk.moment(page.desk.at)
    bulk.amend(
        "hub_effect",
        ("run", "flow", "key", "state", "external_id", "told", "settled_at"),
        ("run", "flow", "key"),
        [
            (page.run, page.flow.name, i.key, _word(o.error), o.external_id or i.external_id,
             o.error.message if o.error else "", now)
            for i, o in pairs
        ],
    )  # fmt: skip


def _confirm(page: Page, done: Sequence[tuple[Intent, str | None]]) -> None:
    """Record what the targets acknowledged."""
    now = bulk.moment(page.desk.at)
    rows: list[bulk.Row] = []
    removed: list[str] = []
    edits = _edits_that_stay(page, [intent for intent, _ in done])
    for intent, external_id in done:
        if intent.kind == "delete":
            removed.append(intent.key)
            continue
        state = "suspended" if intent.kind == "suspend" else "active"
        text = (intent.before if intent.kind == "suspend" else intent.after) or "{}"
        rows.append(
            (page.flow.name, intent.key, external_id or intent.external_id, state, None, text,
             *edits.get(intent.key, (None, "")), fingerprint(text), "", 0, None, now, page.run)
        )  # fmt: skip
    bulk.merge("hub_link", COLUMNS, ("flow", "key"), rows)
    for some in links.among(page.flow.name, removed):
        some.delete()


def _edits_that_stay(page: Page, intents: Sequence[Intent]) -> dict[str, tuple[str | None, str]]:
    """Give what is still edited in copies of which other fields were updated, by key."""
    updates = {i.key: i for i in intents if i.kind == "update"}
    if page.flow.on_drift == "restore" or not updates:
        return {}
    found: dict[str, tuple[str | None, str]] = {}
    for some in links.among(page.flow.name, list(updates)):
        for link in some.filter(links.EDITED).exclude(observed=None):
            intent, held = updates[link.key], json.loads(link.observed or "{}")
            before, after = (json.loads(text or "{}") for text in (intent.before, intent.after))
            sent = {name: after[name] for name in after if after[name] != before.get(name)}
            left = [name for name in link.drift.split(",") if name not in sent]
            if left:
                found[link.key] = (document({**held, **sent}), ",".join(left))
    return found


def _found_there(page: Page, intents: Sequence[Intent]) -> set[str]:
    """Name the copies that nobody of us made: they were in the target and had no link yet."""
    found = [i.key for i in intents if i.kind in ("match", "update", "resume")]
    return set(found) - set(links.external_ids(page.flow.name, found))


def _adopted(page: Page, outcomes: Sequence[Outcome]) -> set[str]:
    """Name the copies that were there, unless they are the very ones that we knew.

    A listing that was cut short hides a copy of ours; to make it anew finds it again.
    """
    found = {o.key: o.external_id for o in outcomes if o.adopted}
    known = links.external_ids(page.flow.name, list(found))
    return {key for key, external_id in found.items() if known.get(key) != external_id}


def _set_aside(page: Page, refused: Sequence[tuple[Intent, ConnectorError]]) -> None:
    """Leave refused records to a person; their copies stay as the target has them."""
    if not refused:
        return
    keys = [intent.key for intent, _ in refused]
    known = {link.key: link for some in links.among(page.flow.name, keys) for link in some}
    rows = []
    for intent, _ in refused:
        link = known.get(intent.key)
        attempts = (link.attempts if link else 0) + 1
        again = bulk.moment(page.desk.at + patience(attempts))
        print_ = fingerprint(intent.after or "")
        rows.append(
            (page.flow.name, intent.key, link.external_id if link else None,
             link.state if link and link.external_id else "refused", intent.after,
             link.confirmed if link else None,
             None, "", link.digest if link else "", print_, attempts, again,
             bulk.moment(link.confirmed_at) if link and link.confirmed_at else None,
             link.run if link else page.run, page.flow.digest, None)
        )  # fmt: skip
    bulk.merge("hub_link", (*COLUMNS, "refused_under", "accepted_at"), ("flow", "key"), rows)
    report((_trouble(page, intent, error) for intent, error in refused), at=page.desk.at)


def _trouble(page: Page, intent: Intent, error: ConnectorError) -> Trouble:
    return Trouble(
        error.code, page.flow.name, page.flow.errors_to,
        f"{page.flow.target} refused to {intent.kind} {intent.key}: {error.message}", error.cure,
        flow=page.flow.name, system=page.flow.target.system, key=intent.key,
    )  # fmt: skip


def leave_unknown(page: Page, unknown: Sequence[Intent]) -> None:
    """Mark copies of which nobody knows whether they were written; they are left alone."""
    if not unknown:
        return
    there: set[str] = set()
    for some in links.among(page.flow.name, [intent.key for intent in unknown]):
        there.update(some.values_list("key", flat=True))
        some.update(state="unknown")
    rows = [
        (page.flow.name, i.key, i.external_id, "unknown", i.after, None, None, "", "", "", 0,
         None, None, page.run)
        for i in unknown
        if i.key not in there
    ]  # fmt: skip
    bulk.merge("hub_link", COLUMNS, ("flow", "key"), rows)


def record_matches(page: Page, intents: Sequence[Intent]) -> None:
    """Record copies that existed already and agree; nothing is sent for them."""
    if not intents:
        return
    with transaction.atomic():
        page.must_hold()
        theirs = _found_there(page, intents)
        _confirm(page, [(intent, intent.external_id) for intent in intents])
        links.take_over(page.flow.name, sorted(theirs))
        append([entry(page, intent) for intent in intents], at=page.desk.at)


def wait(page: Page, intents: Sequence[Intent]) -> None:
    """Remember copies that wait for another copy's identifier."""
    if intents:
        _remember_waiting(page, intents)


@transaction.atomic
def _remember_waiting(page: Page, intents: Sequence[Intent]) -> None:
    page.must_hold()
    there: set[str] = set()
    for some in links.among(page.flow.name, [intent.key for intent in intents]):
        there.update(some.values_list("key", flat=True))
        # What was refused then is not what waits now.
        some.filter(state="refused").update(
            state="waiting", refused="", attempts=0, next_attempt_at=None
        )
    rows = [
        (page.flow.name, i.key, None, "waiting", i.after, None, None, "", "", "", 0, None, None,
         page.run)
        for i in intents
        if i.key not in there
    ]  # fmt: skip
    bulk.merge("hub_link", COLUMNS, ("flow", "key"), rows)


def entry(page: Page, intent: Intent) -> Entry:
    """Say in the audit's words what was done to a copy, and for which purpose."""
    return Entry(
        actor=page.desk.actor,
        action=intent.kind,
        entity=page.flow.entity,
        key=intent.key,
        why=page.flow.purpose,
        flow=page.flow.name,
        charter_version=page.desk.charter.digest,
        run=page.run,
        before=intent.before,
        after=intent.after,
    )
