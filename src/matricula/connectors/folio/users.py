"""Write users, some hundred in one import, each settled by reading it back.

An import commits user by user and answers with numbers and a list of failures. What it says of a
user is only a hint; what is there afterwards decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from matricula.connectors.folio import mapping, refusals
from matricula.connectors.folio.fields import ACTIVE, FIELDS, GROUP, NUMBER, Field
from matricula.connectors.folio.refusals import OF_USER, OPEN
from matricula.connectors.kit.batches import Job, run
from matricula.connectors.kit.errors import ConnectorError, ReadBack, SkipRow
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.kit.refuse import Misfit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.folio.lookup import Known, Lookup
    from matricula.connectors.folio.mapping import User
    from matricula.connectors.folio.settings import FolioSettings
    from matricula.connectors.folio.wire import Wire
    from matricula.connectors.kit.claims import Claims
    from matricula.connectors.kit.protocol import Value, Write

_CONFLICT, _NOT_FOUND = 409, 404


@dataclass(frozen=True, slots=True)
class Place:
    """Where users are written."""

    wire: Wire
    lookup: Lookup
    claims: Claims
    settings: FolioSettings


@dataclass(frozen=True, slots=True)
class _Known:
    """Who is there: by what creations look for, and by FOLIO's own identifiers."""

    found: Known
    users: Mapping[str, User]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A user as it is, if it is there, and what is to be written."""

    key: str
    number: str
    present: User | None
    wanted: Mapping[Field, Value]
    adopted: bool


@dataclass(frozen=True, slots=True)
class _Intent:
    """One user of an import, and what must be there afterwards."""

    key: str
    number: str
    payload: User
    wanted: Mapping[Field, Value]
    adopted: bool


def jobs(place: Place, writes: Sequence[Write]) -> list[Job]:
    """Look up at once whom the writes of a batch are about, and say what is to be done.

    Raises:
        TryAgain, Stop, GiveUp: Nothing of it happened.
    """
    found = [
        Job((one.key,), partial(_deleted, place, one)) for one in writes if one.kind == "delete"
    ]
    loaded = [one for one in writes if one.kind != "delete"]
    known = _known(place, loaded)
    drafts: dict[str, _Draft] = {}
    for write in loaded:
        one = _ventured(place, known, write)
        if isinstance(one, _Draft) and one.number in drafts:
            one = Outcome(one.key, error=OF_USER.not_ours("two keys have one number"))
        if isinstance(one, Outcome):
            found.append(Job((one.key,), partial(list, [one])))
        else:
            drafts[one.number] = one
    intents, size = _intents(place, list(drafts.values())), place.settings.batch_size
    for start in range(0, len(intents), size):
        some = intents[start : start + size]
        found.append(Job([one.key for one in some], partial(_imported, place, some)))
    return found


def _ventured(place: Place, known: _Known, write: Write) -> _Draft | Outcome:
    try:
        return _drafted(place, known, write)
    except Misfit as misfit:
        refusal = SkipRow(
            f"{misfit.field} {misfit.why}.", code="M604", cure="Correct the value at its owner."
        )
        return Outcome(write.key, error=refusal)
    except SkipRow as refusal:
        return Outcome(write.key, error=refusal)


def _known(place: Place, writes: Sequence[Write]) -> _Known:
    """Look up at once whom a batch is about."""
    asked: list[dict[Field, Value]] = []
    for write in writes:
        if write.kind == "create":
            match, own = _match(write), {FIELDS[NUMBER]: write.fields.get(NUMBER)}
            asked += [match] if match == own else [match, own]
    ids = [one.external_id or "" for one in writes if one.kind != "create"]
    return _Known(place.lookup.learn(asked), place.lookup.by_ids(ids))


def _match(write: Write) -> dict[Field, Value]:
    return {FIELDS[n]: v for n, v in write.match.items() if v not in (None, "")}


def _drafted(place: Place, known: _Known, write: Write) -> _Draft | Outcome:
    if write.kind == "create":
        wanted = _chosen(write, frozenset(write.fields))
        _must_suffice(place, wanted)
        present = _existing(place, known, write, wanted)
        if present is not None:
            place.claims.take_over(write, str(present["id"]))
            wanted = _granted(place, write, present, wanted)
        return _draft(place, write, present, wanted)
    active = {"suspend": {FIELDS[ACTIVE]: False}, "resume": {FIELDS[ACTIVE]: True}}
    chosen = {} if write.kind == "suspend" else _chosen(write, write.changed)
    present = known.users.get(write.external_id or "")
    if present is None:
        raise OF_USER.gone()
    _must_be_ours(place, present)
    return _draft(place, write, present, {**chosen, **active.get(write.kind, {})})


def _chosen(write: Write, names: frozenset[str]) -> dict[Field, Value]:
    return {
        FIELDS[name]: mapping.canonical(FIELDS[name], write.fields[name]) for name in sorted(names)
    }


def _must_suffice(place: Place, wanted: Mapping[Field, Value]) -> None:
    given = {field.name for field, value in wanted.items() if value is not None}
    for field in FIELDS.values():
        if field.required and field.name not in given:
            raise Misfit(field.name, "is not given, and a user cannot be without it")
    _must_know_group(place, wanted)


def _must_know_group(place: Place, wanted: Mapping[Field, Value]) -> None:
    name = wanted.get(FIELDS[GROUP])
    if name is not None and name not in place.lookup.groups().values():
        raise Misfit(GROUP, "names a patron group that FOLIO does not have")


def _existing(
    place: Place, known: _Known, write: Write, wanted: Mapping[Field, Value]
) -> User | None:
    match = _match(write)
    found = place.lookup.find(match, known.found, everywhere=True) if match else []
    if found and not any(field.identifies for field in match):
        names = ", ".join(field.name for field in match)
        raise OF_USER.not_ours(f"{names} is no proof of who it is")
    own = FIELDS[NUMBER]
    if not found and match != {own: wanted[own]}:
        found = place.lookup.find({own: wanted[own]}, known.found, everywhere=True)
    if len(found) > 1:
        raise OF_USER.several(len(found))
    if not found:
        return None
    if mapping.number_of(found[0]) != wanted[own]:
        # An import knows users by this number alone, and would make a second one.
        raise OF_USER.not_ours(f"it has another {NUMBER}, or none")
    _must_be_ours(place, found[0])
    return found[0]


def _must_be_ours(place: Place, user: User) -> None:
    if not place.lookup.is_ours(user):
        raise OF_USER.not_ours("it is of a group that the charter does not name")


def _granted(
    place: Place, write: Write, present: User, wanted: Mapping[Field, Value]
) -> dict[Field, Value]:
    """Choose what a user who is there already is to hold: nothing proposed replaces a value."""
    granted, groups = write.changed or frozenset(write.fields), place.lookup.groups()
    return {
        field: value
        for field, value in wanted.items()
        if field.name in granted or mapping.read_field(present, field, groups) is None
    }


def _draft(
    place: Place, write: Write, present: User | None, wanted: Mapping[Field, Value]
) -> _Draft | Outcome:
    pending = dict(wanted)
    if present is not None:
        pending = {f: wanted[f] for f in mapping.differing(present, wanted, place.lookup.groups())}
        if not pending:
            return Outcome(write.key, str(present["id"]), adopted=write.kind == "create")
        _must_be_possible(place, pending)
    number = mapping.number_of(present) if present else str(wanted[FIELDS[NUMBER]])
    if not number:
        raise OF_USER.not_ours(f"it has no {NUMBER}, by which alone an import knows it")
    adopted = present is not None and write.kind == "create"
    return _Draft(write.key, number, present, pending, adopted=adopted)


def _intents(place: Place, drafts: Sequence[_Draft]) -> list[_Intent]:
    """Write users as an import has them, with the preferences that it would delete otherwise."""
    there = [str(one.present["id"]) for one in drafts if one.present]
    preferences = place.lookup.preferences(there)
    return [
        _Intent(
            one.key,
            one.number,
            mapping.imported(
                one.present,
                one.wanted,
                place.lookup.groups(),
                contact=place.settings.preferred_contact,
                preference=preferences.get(str(one.present["id"])) if one.present else None,
            ),
            one.wanted,
            one.adopted,
        )
        for one in drafts
    ]


def _must_be_possible(place: Place, pending: Mapping[Field, Value]) -> None:
    _must_know_group(place, pending)
    for field, value in pending.items():
        if field.name == NUMBER:
            raise Misfit(NUMBER, "names the user and does not change")
        if value is None:
            raise Misfit(field.name, "cannot be emptied: an import keeps what is not sent")


def _imported(place: Place, intents: Sequence[_Intent]) -> list[Outcome]:
    if not intents:
        return []
    try:
        answer = place.wire.load([one.payload for one in intents])
    except ReadBack as error:
        return [Outcome(one.key, error=error) for one in intents]
    if not answer.good and len(intents) > 1:
        # One user of the wrong form has it all refused: find out which.
        half = len(intents) // 2
        halves = [
            Job([one.key for one in some], partial(_imported, place, some))
            for some in (intents[:half], intents[half:])
        ]
        # One after the other: the second is not sent where the first found FOLIO away.
        return [one for outcomes in run(halves, concurrency=1) for one in outcomes]
    failed = {str(one) for one in answer.record.get("failedExternalSystemIds") or []}
    try:
        there = place.lookup.by_numbers([one.number for one in intents])
    except ConnectorError as error:
        lost = ReadBack(error.message, code="M612", cure="The record is read back first.")
        # Whoever is not begun yet is left alone for the same reason.
        lost.__cause__ = error
        return [Outcome(one.key, error=lost) for one in intents]
    return [_settled(place, one, there.get(one.number), failed) for one in intents]


def _settled(place: Place, intent: _Intent, user: User | None, failed: set[str]) -> Outcome:
    groups = place.lookup.groups()
    if user is None:
        return Outcome(intent.key, error=refusals.refused())
    stated = {f: v for f, v in intent.wanted.items() if v is not None}
    lost = mapping.differing(user, stated, groups)
    if lost:
        names = [field.name for field in lost]
        written = OF_USER.kept_otherwise(names, "the user's other fields were written")
        refusal = refusals.refused() if intent.number in failed else written
        return Outcome(intent.key, error=refusal)
    return Outcome(intent.key, str(user["id"]), adopted=intent.adopted)


def _deleted(place: Place, write: Write) -> list[Outcome]:
    """Delete a user, unless something is open."""
    user_id = write.external_id or ""
    present = place.wire.user(user_id)
    if present is None:
        return [Outcome(write.key, user_id)]
    _must_be_ours(place, present)
    # FOLIO is documented to keep such a user; it is asked first all the same.
    if place.wire.open_of(user_id).record.get("hasOpenTransactions") is not False:
        raise OF_USER.kept(OPEN)
    answer = place.wire.delete(user_id)
    if not answer.good and answer.status != _NOT_FOUND:
        raise OF_USER.kept(OPEN) if answer.status == _CONFLICT else refusals.refused()
    return [Outcome(write.key, user_id)]
