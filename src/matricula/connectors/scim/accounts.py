"""Write one record of a SCIM resource: users, groups, whatever else the server keeps.

Every write looks before it acts. A creation looks for the record that is already there;
a change reads the record, sends what differs, on condition that nobody was quicker, and
compares what the server kept with what was sent. A record is recognised by its
`externalId` or by an identifier; never by an e-mail address or a telephone number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, SkipRow, TryAgain
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.kit.scim.attributes import EXTERNAL_ID
from matricula.connectors.kit.scim.values import Misfit
from matricula.connectors.scim import mapping
from matricula.connectors.scim.refusals import (
    belongs_to_another,
    gone,
    kept_otherwise,
    refusal,
)
from matricula.connectors.scim.wire import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.connectors.kit.claims import Claims
    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim.lookup import Lookup
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.service import Kind, Service
    from matricula.connectors.scim.wire import Answer, Endpoint

_ATTEMPTS = 4
_NOT_FOUND, _CONFLICT = 404, 409
_NO_SUCH_VERB = frozenset({405, 501})
# Somebody was quicker, it was deleted meanwhile, or the verb is not there: look again.
_LOOK_AGAIN = frozenset({_NOT_FOUND, 412}) | _NO_SUCH_VERB


@dataclass(frozen=True, slots=True)
class Place:
    """Where records of one kind are written."""

    endpoint: Endpoint
    kind: Kind
    service: Service
    lookup: Lookup
    claims: Claims


def write_one(place: Place, write: Write) -> Outcome:
    """Do what one write intends.

    Raises:
        ConnectorError: Of the kit, named after the next move.
    """
    fields = place.kind.fields
    try:
        match write.kind:
            case "create":
                return _create(place, write)
            case "update":
                done = _change(place, write, _chosen(place, write))
            case "suspend":
                done = _change(place, write, {fields["active"]: False})
            case "resume":
                done = _change(place, write, {**_chosen(place, write), fields["active"]: True})
            case "delete":
                done = _delete(place, write)
    except Misfit as misfit:
        raise SkipRow(
            f"{misfit.field} {misfit.why}.", code="M604", cure="Correct the value at its owner."
        ) from misfit
    return Outcome(write.key, done)


def _chosen(place: Place, write: Write) -> dict[Attribute, Value]:
    return {place.kind.fields[name]: write.fields[name] for name in sorted(write.changed)}


def _create(place: Place, write: Write) -> Outcome:
    wanted = {place.kind.fields[name]: value for name, value in write.fields.items()}
    if place.kind.suspends:
        # What a missing `active` means is the server's to choose, and some demand it.
        wanted = {place.kind.fields["active"]: True, **wanted}
    # Before anything is sent, so that a value without a place is refused by name.
    record = mapping.new_record(place.kind.core, wanted)
    present = _existing(place, write)
    if present is not None:
        return _adopted(place, write, present)
    answer, record_id = _made(place, write, record)
    if answer.status == _CONFLICT and (present := _existing(place, write)) is not None:
        # Somebody was quicker, or the network sent it twice.
        return _adopted(place, write, present)
    if not answer.good:
        raise refusal(answer, wanted)
    if not record_id:
        raise unknown("A creation is answered well, but without the new record's id.")
    stated = {field: value for field, value in wanted.items() if value is not None}
    lost = _lost(place, record_id, answer, stated)
    if lost:
        _take_back(place, record_id)
        raise kept_otherwise(lost, "the new record was taken back")
    return Outcome(write.key, record_id)


def _made(place: Place, write: Write, record: Record) -> tuple[Answer, str]:
    with place.claims.making(write):
        answer = place.endpoint.create(record)
        record_id = str(answer.record.get("id") or "") if answer.good else ""
        if record_id:
            place.claims.made(write, record_id)
    return answer, record_id


def _adopted(place: Place, write: Write, present: Record) -> Outcome:
    place.claims.take_over(write, str(present["id"]))
    kept = _settle(place, str(present["id"]), _to_adopt(place, write, present))
    return Outcome(write.key, kept, adopted=True)


def _take_back(place: Place, record_id: str) -> None:
    """Remove half a record: it helps nobody, and it is ours; nobody has had time to use it."""
    try:
        taken_back = place.endpoint.delete(record_id).good
    except ConnectorError as error:
        raise unknown(error.message) from error
    if not taken_back:
        raise unknown("It keeps half of the new record and does not give it back.")


def _to_adopt(place: Place, write: Write, present: Record) -> dict[Attribute, Value]:
    """Choose what a record that is there already is to hold.

    A value that was only proposed never replaces what stands there; `changed` names the
    granted ones. Whether a suspended record is woken is not a creation's to say.
    """
    named = {place.kind.fields[name]: value for name, value in write.fields.items()}
    granted = write.changed or frozenset(write.fields)
    return {
        field: value
        for field, value in named.items()
        if field.name in granted or mapping.read_field(present, field) is None
    }


def _existing(place: Place, write: Write) -> Record | None:
    """Find the record that this creation would double.

    Raises:
        SkipRow: It is somebody else's, or there are several, or only an e-mail address or
            the like speaks for it.
    """
    outer = place.kind.fields[EXTERNAL_ID.name]
    ours = write.fields.get(outer.name)
    found: list[Record] = []
    if ours is not None:
        found = place.lookup.by_fields({outer: ours})
    match = {place.kind.fields[name]: value for name, value in write.match.items()}
    match = {field: value for field, value in match.items() if value is not None}
    if not found and match and (set(match) != {outer} or ours is None):
        found = place.lookup.by_fields(match)
        if found and all(field.form != "single" for field in match):
            raise belongs_to_another(match, "an address or a number is no proof of who it is")
    if len(found) > 1:
        raise SkipRow(
            f"{len(found)} records answer to what should identify one.",
            code="M606",
            cure="Have the system's office merge them or correct their identifiers.",
        )
    if not found:
        return None
    theirs = mapping.read_field(found[0], outer)
    if ours is not None and theirs is not None and theirs != ours:
        raise belongs_to_another(match, "it has another externalId")
    return found[0]


def _change(place: Place, write: Write, wanted: Mapping[Attribute, Value]) -> str:
    return _settle(place, write.external_id or "", wanted)


def _settle(place: Place, record_id: str, wanted: Mapping[Attribute, Value]) -> str:
    """Make a record hold the wanted values."""
    if wanted and place.service.patches and all(_stands_alone(*pair) for pair in wanted.items()):
        # Such values harm nothing around them, so one call does where three are usual.
        after = mapping.changed({}, wanted)
        answer = _patch(place, record_id, ({}, after), wanted, version="")
        if answer.good:
            return _kept(place, record_id, answer, wanted)
    for _ in range(_ATTEMPTS):
        present = _present(place, record_id, wanted)
        pending = mapping.differing(present.record, wanted, unseen=True)
        if not pending:
            return record_id
        _must_not_be_fixed(present.record, pending)
        changes = {field: wanted[field] for field in pending}
        answer = _send(place, present, changes)
        if answer.good:
            return _kept(place, record_id, answer, changes)
        if answer.status not in _LOOK_AGAIN:
            raise refusal(answer, changes)
    raise TryAgain(
        f"The record changed each of {_ATTEMPTS} times while it was being written.",
        code="M633",
        cure="Nothing to do by hand unless it lasts: something else writes this record.",
    )


def _stands_alone(field: Attribute, value: Value) -> bool:
    return field.form == "single" and not field.fixed and value is not None


def _kept(place: Place, record_id: str, answer: Answer, changes: Mapping[Attribute, Value]) -> str:
    lost = _lost(place, record_id, answer, changes)
    if lost:
        raise kept_otherwise(lost, "the record's other fields were written")
    return record_id


def _present(place: Place, record_id: str, wanted: Mapping[Attribute, Value]) -> Answer:
    answer = place.endpoint.get(record_id)
    if answer.status == _NOT_FOUND:
        raise gone()
    if not answer.good:
        raise refusal(answer, wanted)
    return answer


def _send(place: Place, present: Answer, changes: Mapping[Attribute, Value]) -> Answer:
    record_id = str(present.record.get("id"))
    meta = present.record.get("meta")
    stated = meta.get("version") if isinstance(meta, dict) else ""
    version = (present.version or str(stated or "")) if place.service.versions else ""
    after = mapping.changed(present.record, changes)
    if place.service.patches:
        return _patch(place, record_id, (present.record, after), changes, version=version)
    whole = mapping.replacement(after, tuple(place.kind.fields.values()))
    return place.endpoint.put(record_id, whole, version)


def _patch(
    place: Place,
    record_id: str,
    both: tuple[Record, Record],
    changes: Iterable[Attribute],
    *,
    version: str,
) -> Answer:
    message = mapping.patch(*both, changes)
    # Asked for attributes, a server must answer with them (RFC 7644 3.5.2).
    shown = ",".join(dict.fromkeys(field.path for field in changes))
    answer = place.endpoint.patch(record_id, message, version, attributes=shown)
    if answer.status in _NO_SUCH_VERB:
        place.service.patches = False
    return answer


def _lost(
    place: Place, record_id: str, answer: Answer, wanted: Mapping[Attribute, Value]
) -> list[Attribute]:
    """List wanted fields that the server does not hold. Answers may be sparse, so look."""
    if answer.record and not mapping.differing(answer.record, wanted):
        return []
    return mapping.differing(place.endpoint.get_written(record_id), wanted)


def _must_not_be_fixed(record: Record, pending: list[Attribute]) -> None:
    fixed = [one.name for one in pending if one.fixed and mapping.read_field(record, one)]
    if fixed:
        raise SkipRow(
            f"The server lets {', '.join(fixed)} be given once and never changed.",
            code="M604",
            cure="Have the system's office change it there, or say `initially:` in the charter.",
        )


def _delete(place: Place, write: Write) -> str:
    answer = place.endpoint.delete(write.external_id or "")
    if not answer.good and answer.status != _NOT_FOUND:
        raise refusal(answer, {})
    return write.external_id or ""
