"""What must be so, computed the slow and obvious way, from the owners and the places alone."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from matricula.audit.verify import verify
from matricula.hub.models import Effect, Incident, Link, Run
from matricula.hub.status import status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from matricula.connectors.kit.protocol import Write
    from tests.machine.campus import Campus
    from tests.machine.target import Record

FLOW_OF = {"users": "accounts", "seats": "seats", "patrons": "cards"}
SYSTEM_OF = {"users": "lms", "seats": "lms", "patrons": "library"}
_STUDYING = ("active", "on_leave")


def grants(campus: Campus, resource: str) -> dict[str, dict[str, Any]]:
    """Say what a target should hold, by key; a seat names its student, not their account."""
    roster, owed = campus.students(), campus.owed()
    if resource == "users":
        return {
            n: {"number": n, "name": s["name"], "email": s["email"]}
            for n, s in roster.items()
            if s["status"] in _STUDYING
        }
    if resource == "patrons":
        return {
            n: {"number": n, "name": s["name"], "owed": owed.get(n)}
            for n, s in roster.items()
            if s["status"] == "active"
        }
    return {
        f"{n}|{course}": {"user": n, "course": course}
        for n, course in campus.enrolments()
        if n in roster and roster[n]["status"] in _STUDYING
    }


def record_of(campus: Campus, resource: str, identifier: str | None) -> Record | None:
    """Give the record of a target under its own number."""
    table = campus.places[SYSTEM_OF[resource]].tables[resource]
    return table.records.get(identifier or "")


def _whose(campus: Campus, identifier: str) -> str | None:
    """Say whose an account is, whatever number somebody wrote into it since."""
    account = record_of(campus, "users", identifier)
    if account is None:
        return None
    linked = Link.objects.filter(flow="accounts", external_id=identifier)
    known = linked.values_list("key", flat=True).first()
    return account.made_for or known or account.fields["number"]


def watch(campus: Campus) -> Callable[[str, Write], None]:
    """Make what looks at every write before it takes effect: is it what is granted now?"""

    def look(resource: str, write: Write) -> None:
        granted = grants(campus, resource)
        place = campus.places[SYSTEM_OF[resource]]
        if write.kind in {"suspend", "delete"}:
            if write.key in granted:
                place.wrong.append(f"{resource} {write.key}: {write.kind}, and nobody said so")
            return
        wanted = granted.get(write.key)
        told = dict(write.fields)
        if resource == "seats" and wanted:
            # Nobody's number is refused there; somebody else's would be a stranger's seat.
            told["user"] = _whose(campus, str(told["user"])) or wanted["user"]
        if told != wanted:
            place.wrong.append(f"{resource} {write.key}: {write.kind} {told}, granted {wanted}")

    return look


def wrong_copies(campus: Campus, resource: str) -> Iterator[str]:
    """Say of every copy of a target that is not as granted what is wrong with it."""
    granted = grants(campus, resource)
    table = campus.places[SYSTEM_OF[resource]].tables[resource]
    linked = dict(
        Link.objects.filter(flow=FLOW_OF[resource], external_id__isnull=False).values_list(
            "external_id", "key"
        )
    )
    found: dict[str, list[str]] = {}
    for record in table.records.values():
        key = linked.get(record.identifier) or record.made_for
        if not key:
            continue
        found.setdefault(key, []).append(record.identifier)
        yield from _wrong(campus, resource, key, record, granted.get(key))
    for key in granted:
        if len(found.get(key, [])) != 1:
            yield f"{key}: copies {found.get(key, [])}"


def _wrong(
    campus: Campus, resource: str, key: str, record: Record, wanted: dict[str, Any] | None
) -> Iterator[str]:
    if wanted is None:
        if resource != "users" or not record.asleep:
            whose = "ours" if record.made_for else "theirs"
            yield f"{key}: a copy of {whose} is left and awake"
        return
    if record.asleep:
        yield f"{key}: it sleeps"
    told = dict(record.fields)
    if resource == "seats":
        told["user"] = _whose(campus, str(told["user"]))
    for name, value in wanted.items():
        if told[name] != value:
            yield f"{key}: {name} is {told[name]!r}, granted {value!r}"


def after_a_pass(campus: Campus, *, full: bool, died: bool) -> None:
    """Hold what must be so after every pass, whatever went wrong in it."""
    no_harm(campus)
    _intents_first(campus)
    if full and not died:
        _somebody_is_next(campus)


def no_harm(campus: Campus) -> None:
    """Hold that nothing happened at any moment that never may."""
    for name, place in campus.places.items():
        assert not place.wrong, f"{name}: {place.wrong}"


def _intents_first(campus: Campus) -> None:
    """Hold that every write of this pass was intended in the ledger, and came once."""
    intended = Counter(
        Effect.objects.filter(run__in=Run.objects.filter(started_at=campus.at).values("id"))
        .exclude(kind="match")
        .values_list("flow", "key")
    )
    for place in campus.places.values():
        heard = Counter(
            (FLOW_OF[t.resource], t.write.key) for t in place.heard if t.at == campus.at
        )
        assert all(count == 1 for count in heard.values()), f"told twice: {heard}"
        assert heard.keys() <= intended.keys(), f"no intent: {heard.keys() - intended.keys()}"


def _somebody_is_next(campus: Campus) -> None:
    """Hold that where a copy is wrong, an office is known to act next (law 12)."""
    told = {flow.flow: flow.next for flow in status(campus.present()).flows}
    for resource, flow in FLOW_OF.items():
        wrong = list(wrong_copies(campus, resource))
        assert not wrong or told[flow] != "nobody", f"nobody knows of {flow}: {wrong}"


def at_rest(campus: Campus) -> None:
    """Hold all of `reliability.md` once nothing goes wrong any more and nothing moves."""
    no_harm(campus)
    excuses = _excuses(campus)
    for resource in FLOW_OF:
        left = [w for w in wrong_copies(campus, resource) if not _is_told(resource, w, excuses)]
        assert not left, f"{resource}: {left}; incidents {excuses}"
    _links_agree(campus)
    _effects_are_settled(campus)
    _incidents_are_true(campus)
    assert not Run.objects.filter(state="running").exists()
    verify()


def _excuses(campus: Campus) -> set[tuple[str, str, str]]:
    """List what an office was told of and may leave as it is."""
    opened = Incident.objects.filter(closed_at=None)
    for one in Incident.objects.all():
        assert one.steward in campus.desk.charter.stewards, f"nobody answers for {one.code}"
        assert one.cure, f"{one.code} says nothing to do"
        assert one.due_at, f"{one.code} is never due"
    return set(opened.values_list("code", "place", "key"))


def _is_told(resource: str, wrong: str, excuses: set[tuple[str, str, str]]) -> bool:
    key = wrong.partition(":")[0]
    if resource == "patrons" and ("M660", "cards", "") in excuses:
        return True
    # What was there before us, or came back from a backup, is its own system's to delete.
    if "a copy of theirs is left" in wrong and ("M655", FLOW_OF[resource], key) in excuses:
        return True
    back = ("M662", f"{SYSTEM_OF[resource]}.{resource}", "")
    return "is left" in wrong and back in excuses


def _links_agree(campus: Campus) -> None:
    """Hold that what the hub knows of every copy is what its target holds."""
    for link in Link.objects.all():
        resource = next(r for r, flow in FLOW_OF.items() if flow == link.flow)
        record = record_of(campus, resource, link.external_id)
        where = f"{link.flow} {link.key} ({link.state}, {link.external_id})"
        if record is None:
            assert link.drift or link.key not in grants(campus, resource), f"{where} is not there"
            continue
        assert link.state in {"active", "suspended"}, f"{where} is not settled"
        if not link.drift:
            assert record.asleep == (link.state == "suspended"), f"{where} sleeps otherwise"
        confirmed = json.loads(link.confirmed or "{}")
        edited = set(link.drift.split(","))
        for name, value in confirmed.items() if link.state == "active" else ():
            held = record.fields[name]
            assert name in edited or str(held) == str(value), f"{where}: {name} {held!r} {value!r}"


def _effects_are_settled(campus: Campus) -> None:
    """Hold that every intent has an end, and that what was answered did happen, once."""
    states = set(Effect.objects.values_list("state", flat=True))
    assert states <= {"answered", "verified", "refused", "deferred", "void"}, states
    began = dict(Run.objects.values_list("id", "started_at"))
    happened = Counter(
        (t.at, FLOW_OF[t.resource], t.write.key, t.write.kind)
        for place in campus.places.values()
        for t in place.heard
        if t.took_effect
    )
    heard, seen = (_told(campus, state, began) for state in ("answered", "verified"))
    for effect in heard | seen:
        at, flow, key, kind = effect
        # A copy put to sleep by hand is woken as part of putting it back.
        woken = happened[at, flow, key, "resume"] if kind == "update" else 0
        # What a look-up sees to be as it was meant may have been so before it was sent.
        most = heard[effect] + seen[effect]
        assert heard[effect] <= happened[effect] + woken <= most, f"{effect} is told {most} times"


def _told(campus: Campus, state: str, began: Mapping[str, datetime]) -> Counter[Any]:
    """Count the effects that the ledger tells in one word, as the targets tell them."""
    effects = Effect.objects.filter(state=state).exclude(kind="match")
    return Counter(
        (began[run], flow, key, "update" if kind == "restore" else kind)
        for run, flow, key, kind in effects.values_list("run", "flow", "key", "kind")
        if run in began and began[run] > campus.begun
    )


def _incidents_are_true(campus: Campus) -> None:
    """Hold that nothing is open that is over."""
    for one in Incident.objects.filter(closed_at=None):
        if one.code == "M660":
            assert list(wrong_copies(campus, "patrons")), f"nothing is edited: {one.message}"
        elif one.code == "M662":
            wrong = wrong_copies(campus, one.place.partition(".")[2])
            assert any("is left" in w for w in wrong), f"all are gone: {one.message}"
        elif one.code in {"M604", "M605", "M655"}:
            link = Link.objects.get(flow=one.flow, key=one.key)
            resource = next(r for r, flow in FLOW_OF.items() if flow == one.flow)
            is_there = record_of(campus, resource, link.external_id) is not None
            # What was taken out of a report is not made again, and what was refused stays so.
            assert is_there == (one.code == "M655"), f"it is over: {one.message}"
        else:
            message = f"{one.code} {one.place} {one.key} is over: {one.message}"
            raise AssertionError(message)
