"""Write one record of a SCIM resource: users, groups, whatever else the server keeps.

Every write looks before it acts. A creation looks for the record that is already there;
a change reads the record, sends what differs, on condition that nobody was quicker, and
compares what the server kept with what was sent. A record is recognised by its
`externalId` or by an identifier; never by an e-mail address or a telephone number.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, SkipRow, TryAgain
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.kit.scim.attributes import EXTERNAL_ID
from matricula.connectors.kit.scim.values import Misfit
from matricula.connectors.scim import dialects, mapping
from matricula.connectors.scim.calls import Find, Place, Steps, Task, looked_at
from matricula.connectors.scim.refusals import (
    belongs_to_another,
    gone,
    kept_otherwise,
    refusal,
)
from matricula.connectors.scim.wire import Change, unknown

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.wire import Answer

_ATTEMPTS = 4
_BAD_REQUEST, _NOT_FOUND, _CONFLICT = 400, 404, 409
_NO_SUCH_VERB = frozenset({405, 501})
# Somebody was quicker, it was deleted meanwhile, or the verb is not there: look again.
_LOOK_AGAIN = frozenset({_NOT_FOUND, 412}) | _NO_SUCH_VERB


def tasks(place: Place, writes: Sequence[Write]) -> list[Task]:
    """Plan each write by itself."""
    found = []
    for one in writes:
        asks = questions(place, one)[:1] if one.kind == "create" else []
        begin = partial(write_one, place, one)
        found.append(Task((one.key,), _about(one, asks), begin, asks))
    return found


def questions(place: Place, write: Write) -> list[Mapping[Attribute, Value]]:
    """List what a creation looks up, the strongest first; blanks are left out."""
    fields = place.kind.fields
    outer = fields[EXTERNAL_ID.name]
    ours = write.fields.get(outer.name)
    match = {fields[name]: value for name, value in write.match.items()}
    match = {field: value for field, value in match.items() if value is not None}
    found: list[Mapping[Attribute, Value]] = []
    if ours is not None:
        found.append({outer: ours})
    if match and (set(match) != {outer} or ours is None):
        found.append(match)
    return found


def write_one(place: Place, write: Write) -> Steps[list[Outcome]]:
    """Do what one write intends.

    Raises:
        ConnectorError: Of the kit, named after the next move.
    """
    fields = place.kind.fields
    try:
        match write.kind:
            case "create":
                return [(yield from _create(place, write))]
            case "update":
                done = yield from _change(place, write, _chosen(place, write))
            case "suspend":
                done = yield from _change(place, write, {fields["active"]: False})
            case "resume":
                wanted = {**_chosen(place, write), fields["active"]: True}
                done = yield from _change(place, write, wanted)
            case "delete":
                done = yield from _delete(write)
    except Misfit as misfit:
        raise SkipRow(
            f"{misfit.field} {misfit.why}.", code="M604", cure="Correct the value at its owner."
        ) from misfit
    return [Outcome(write.key, done)]


def _about(write: Write, asks: Sequence[Mapping[Attribute, Value]]) -> Hashable:
    if write.external_id is not None or not asks:
        return write.external_id or write.key
    # Of two keys with one identifier the second must find what the first has made.
    return frozenset((field.name, str(value).casefold()) for field, value in asks[0].items())


def _chosen(place: Place, write: Write) -> dict[Attribute, Value]:
    return {place.kind.fields[name]: write.fields[name] for name in sorted(write.changed)}


def _create(place: Place, write: Write) -> Steps[Outcome]:
    wanted = {place.kind.fields[name]: value for name, value in write.fields.items()}
    if place.kind.suspends:
        # What a missing `active` means is the server's to choose, and some demand it.
        wanted = {place.kind.fields["active"]: True, **wanted}
    # Before anything is sent, so that a value without a place is refused by name.
    record = mapping.new_record(place.kind.core, wanted)
    present = yield from _existing(place, write)
    if present is not None:
        return (yield from _adopted(place, write, present))
    answer: Answer = yield Change("POST", body=record, write=write)
    if answer.status == _CONFLICT:
        # Somebody was quicker, or the network sent it twice.
        present = yield from _existing(place, write)
        if present is not None:
            return (yield from _adopted(place, write, present))
    if not answer.good:
        raise refusal(answer, wanted)
    record_id = str(answer.record.get("id") or "")
    if not record_id:
        raise unknown("A creation is answered well, but without the new record's id.")
    stated = {field: value for field, value in wanted.items() if value is not None}
    lost = yield from _lost(record_id, answer, stated)
    if lost:
        yield from _take_back(record_id)
        raise kept_otherwise(lost, "the new record was taken back")
    return Outcome(write.key, record_id)


def _adopted(place: Place, write: Write, present: Record) -> Steps[Outcome]:
    place.claims.take_over(write, str(present["id"]))
    wanted = _to_adopt(place, write, present)
    kept = yield from _settle(place, str(present["id"]), wanted)
    return Outcome(write.key, kept, adopted=True)


def _take_back(record_id: str) -> Steps[None]:
    """Remove half a record: it helps nobody, and it is ours; nobody has had time to use it."""
    try:
        answer: Answer = yield Change("DELETE", record_id)
    except ConnectorError as error:
        raise unknown(error.message) from error
    if not answer.good:
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


def _existing(place: Place, write: Write) -> Steps[Record | None]:
    """Find the record that this creation would double.

    Raises:
        SkipRow: It is somebody else's, or there are several, or only an e-mail address or
            the like speaks for it.
    """
    outer = place.kind.fields[EXTERNAL_ID.name]
    ours = write.fields.get(outer.name)
    found: list[Record] = []
    asked: Mapping[Attribute, Value] = {}
    for asked in questions(place, write):
        found = yield Find(asked)
        if found:
            break
    if not found:
        return None
    if outer not in asked and all(field.form != "single" for field in asked):
        raise belongs_to_another(asked, "an address or a number is no proof of who it is")
    if len(found) > 1:
        raise SkipRow(
            f"{len(found)} records answer to what should identify one.",
            code="M606",
            cure="Have the system's office merge them or correct their identifiers.",
        )
    theirs = mapping.read_field(found[0], outer)
    if ours is not None and theirs is not None and theirs != ours:
        raise belongs_to_another(asked, "it has another externalId")
    return found[0]


def _change(place: Place, write: Write, wanted: Mapping[Attribute, Value]) -> Steps[str]:
    return (yield from _settle(place, write.external_id or "", wanted))


def _settle(place: Place, record_id: str, wanted: Mapping[Attribute, Value]) -> Steps[str]:
    """Make a record hold the wanted values."""
    speech = dialects.Speech(place.service.dialects)
    if (yield from _settled_at_once(place, record_id, wanted, speech)):
        return record_id
    contended = 0
    while contended < _ATTEMPTS:
        present = yield from _present(place, record_id, wanted)
        pending = mapping.differing(present.record, wanted, unseen=True)
        if not pending:
            return record_id
        _must_not_be_fixed(present.record, pending)
        changes = {field: wanted[field] for field in pending}
        answer: Answer = yield _to_send(place, present, changes, speech)
        if answer.good:
            if (yield from _kept(record_id, answer, changes, speech)):
                return record_id
        elif not speech.another(answer):
            _heed(place, answer, changes)
            contended += 1
    raise TryAgain(
        f"The record changed each of {_ATTEMPTS} times while it was being written.",
        code="M633",
        cure="Nothing to do by hand unless it lasts: something else writes this record.",
    )


def _settled_at_once(
    place: Place, record_id: str, wanted: Mapping[Attribute, Value], speech: dialects.Speech
) -> Steps[bool]:
    """Write values that harm nothing around them: one call does where three are usual."""
    alone = all(_stands_alone(*pair) for pair in wanted.items())
    if not wanted or not place.service.patches or not alone:
        return False
    way = speech.way(dialects.shape_of(wanted))
    if not way.paths:
        # Said in one value, a part of a name would have to come with its other parts.
        return False
    words = dialects.patch({}, mapping.changed({}, wanted), wanted, way)
    answer: Answer = yield _patch(record_id, speech.says(words), wanted)
    if answer.good:
        return (yield from _kept(record_id, answer, wanted, speech))
    speech.another(answer)
    return False


def _stands_alone(field: Attribute, value: Value) -> bool:
    return field.form == "single" and not field.fixed and value is not None


def _kept(
    record_id: str, answer: Answer, changes: Mapping[Attribute, Value], speech: dialects.Speech
) -> Steps[bool]:
    """Say whether the server holds what it agreed to; false to say it in another way.

    Raises:
        SkipRow: It understood, and keeps something else.
    """
    lost = yield from _lost(record_id, answer, changes)
    if not lost:
        speech.understood()
        return True
    if len(lost) == len(changes) and speech.another():
        return False
    raise kept_otherwise(lost, "the record's other fields were written")


def _present(place: Place, record_id: str, wanted: Mapping[Attribute, Value]) -> Steps[Answer]:
    answer = yield from place.present(record_id)
    if answer.status == _NOT_FOUND:
        raise gone()
    if not answer.good:
        raise refusal(answer, wanted)
    return answer


def _to_send(
    place: Place,
    present: Answer,
    changes: Mapping[Attribute, Value],
    speech: dialects.Speech,
) -> Change:
    record_id = str(present.record.get("id"))
    version = present.version if place.service.versions else ""
    after = mapping.changed(present.record, changes)
    if place.service.patches:
        way = speech.way(dialects.shape_of(changes))
        words = dialects.patch(present.record, after, changes, way)
        return _patch(record_id, speech.says(words), changes, version=version)
    speech.is_over()
    whole = mapping.replacement(after, tuple(place.kind.fields.values()))
    return Change("PUT", record_id, whole, version)


def _patch(
    record_id: str, words: Record, changes: Iterable[Attribute], *, version: str = ""
) -> Change:
    # Asked for attributes, a server must answer with them (RFC 7644 3.5.2).
    shown = ",".join(dict.fromkeys(field.path for field in changes))
    return Change("PATCH", record_id, words, version, shown)


def _heed(place: Place, answer: Answer, changes: Mapping[Attribute, Value]) -> None:
    """Raise for what is refused for good; otherwise the record is looked at again."""
    if answer.status not in _LOOK_AGAIN:
        raise refusal(answer, changes)
    if answer.status not in _NO_SUCH_VERB:
        return
    if place.service.dialects.are_understood:
        # It knows the verb; what it does not know is an attribute (django-scim2 says so).
        raise refusal(replace(answer, status=_BAD_REQUEST), changes)
    place.service.patches = False


def _lost(
    record_id: str, answer: Answer, wanted: Mapping[Attribute, Value]
) -> Steps[list[Attribute]]:
    """List wanted fields that the server does not hold. Answers may be sparse, so look."""
    if answer.record and not mapping.differing(answer.record, wanted):
        return []
    seen = yield from looked_at(record_id, whole=False)
    lost = mapping.differing(seen.record, wanted)
    if lost and seen.listed:
        # A listing may leave out what the record itself shows.
        seen = yield from looked_at(record_id)
        lost = mapping.differing(seen.record, wanted)
    return lost


def _must_not_be_fixed(record: Record, pending: list[Attribute]) -> None:
    fixed = [one.name for one in pending if one.fixed and mapping.read_field(record, one)]
    if fixed:
        raise SkipRow(
            f"The server lets {', '.join(fixed)} be given once and never changed.",
            code="M604",
            cure="Have the system's office change it there, or say `initially:` in the charter.",
        )


def _delete(write: Write) -> Steps[str]:
    answer: Answer = yield Change("DELETE", write.external_id or "")
    if not answer.good and answer.status != _NOT_FOUND:
        raise refusal(answer, {})
    return write.external_id or ""
