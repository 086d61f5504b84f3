"""Write one user.

Alma swaps the whole record: it is read, changed in our own fields, sent back with everything
that staff and the person added, and read again. A leaver becomes inactive; nobody is deleted who
has something open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.alma import mapping, refusals
from matricula.connectors.alma.fields import ACTIVE, ID, INACTIVE, STATUS
from matricula.connectors.alma.refusals import OF_USER
from matricula.connectors.alma.wire import unknown
from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.kit.refuse import Misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.alma.clearance import Clearance
    from matricula.connectors.alma.fields import Field
    from matricula.connectors.alma.lookup import Lookup
    from matricula.connectors.alma.mapping import User
    from matricula.connectors.alma.settings import AlmaSettings
    from matricula.connectors.alma.wire import Answer, Wire
    from matricula.connectors.kit.claims import Claims
    from matricula.connectors.kit.protocol import Value, Write

_EXISTS = "401851"


@dataclass(frozen=True, slots=True)
class Place:
    """Where users are written."""

    wire: Wire
    lookup: Lookup
    clearance: Clearance
    fields: Mapping[str, Field]
    claims: Claims
    settings: AlmaSettings


def write_one(place: Place, write: Write) -> Outcome:
    """Do what one write intends.

    Raises:
        ConnectorError: Of the kit, named after the next move.
    """
    user_id, status = write.external_id or "", place.fields[STATUS]
    try:
        match write.kind:
            case "create":
                return _create(place, write)
            case "update":
                _settle(place, user_id, _chosen(place, write, write.changed))
            case "suspend":
                _settle(place, user_id, {status: INACTIVE})
            case "resume":
                wanted = _chosen(place, write, write.changed)
                _settle(place, user_id, {**wanted, status: ACTIVE})
            case "delete":
                _delete(place, user_id)
    except Misfit as misfit:
        raise misfit.refusal from misfit
    return Outcome(write.key, user_id)


def _chosen(place: Place, write: Write, names: frozenset[str]) -> dict[Field, Value]:
    return {
        place.fields[name]: mapping.canonical(place.fields[name], write.fields[name])
        for name in sorted(names)
    }


def _create(place: Place, write: Write) -> Outcome:
    wanted = _chosen(place, write, frozenset(write.fields))
    _must_suffice(place, wanted)
    present = _existing(place, write, wanted)
    if present is not None:
        return _adopted(place, write, present, wanted)
    answer, user_id = _made(place, write, wanted)
    if answer.code == _EXISTS and (present := _existing(place, write, wanted)) is not None:
        # Somebody was quicker, or the network sent it twice.
        return _adopted(place, write, present, wanted)
    if not answer.good:
        raise refusals.refusal(answer, wanted)
    if not user_id:
        raise unknown("A creation is answered well, but without the new user's identifier")
    stated = {field: value for field, value in wanted.items() if value is not None}
    lost = mapping.differing(place.wire.written(user_id), stated)
    if lost:
        _take_back(place, user_id)
        raise OF_USER.kept_otherwise([one.name for one in lost], "the new user was taken back")
    return Outcome(write.key, user_id)


def _must_suffice(place: Place, wanted: Mapping[Field, Value]) -> None:
    given = {field.name for field, value in wanted.items() if value is not None}
    for field in place.fields.values():
        if field.required and field.name not in given:
            raise Misfit(field.name, "is not given, and a user cannot be without it")


def _made(place: Place, write: Write, wanted: Mapping[Field, Value]) -> tuple[Answer, str]:
    with place.claims.making(write):
        answer = place.wire.create(mapping.new_user(wanted, place.settings))
        user_id = str(answer.record.get(ID) or "") if answer.good else ""
        if user_id:
            place.claims.made(write, user_id)
    return answer, user_id


def _take_back(place: Place, user_id: str) -> None:
    """Remove half a user: it helps nobody, and it is ours; nobody has lent to it yet."""
    try:
        taken_back = place.wire.delete(user_id).good
    except ConnectorError as error:
        raise unknown(error.message) from error
    if not taken_back:
        raise unknown("It keeps half of the new user and does not give it back")


def _existing(place: Place, write: Write, wanted: Mapping[Field, Value]) -> User | None:
    """Find the user that this creation would double: by `match`, or by its own identifier."""
    match = {place.fields[n]: v for n, v in write.match.items() if v not in (None, "")}
    found = place.lookup.find(match, everywhere=True) if match else []
    if found and not any(field.identifies for field in match):
        names = ", ".join(field.name for field in match)
        raise OF_USER.not_ours(f"{names} is no proof of who it is")
    own = place.fields[ID]
    if not found and not _asks_the_same(match, own, wanted[own]):
        found = place.lookup.find({own: wanted[own]}, everywhere=True)
    if len(found) > 1:
        raise OF_USER.several(len(found))
    if found:
        _must_be_ours(place, found[0])
    return found[0] if found else None


def _asks_the_same(match: Mapping[Field, Value], own: Field, value: Value) -> bool:
    return set(match) == {own} and mapping.canonical(own, match[own]) == value


def _must_be_ours(place: Place, user: User) -> None:
    if not place.lookup.is_ours(user):
        raise OF_USER.not_ours("it is internal, or of a group that the charter does not name")


def _adopted(place: Place, write: Write, present: User, wanted: Mapping[Field, Value]) -> Outcome:
    user_id = str(present[ID])
    place.claims.take_over(write, user_id)
    granted = write.changed or frozenset(write.fields)
    # What was only proposed never replaces what stands there; and whether somebody inactive is
    # woken is not a creation's to say.
    kept = {f: v for f, v in wanted.items() if f.name in granted or _is_blank(present, f)}
    _write(place, present, kept)
    return Outcome(write.key, user_id, adopted=True)


def _is_blank(user: User, field: Field) -> bool:
    try:
        return mapping.read_field(user, field) is None
    except Misfit:
        return False


def _present(place: Place, user_id: str) -> User:
    answer = place.wire.user(user_id)
    if not answer.good and not answer.names_nobody:
        raise refusals.refusal(answer, ())
    # Any unique identifier finds a user: another's may read as this one.
    if not answer.good or str(answer.record.get(ID)).casefold() != user_id.casefold():
        raise OF_USER.gone()
    _must_be_ours(place, answer.record)
    return answer.record


def _settle(place: Place, user_id: str, wanted: Mapping[Field, Value]) -> None:
    _write(place, _present(place, user_id), wanted)


def _write(place: Place, present: User, wanted: Mapping[Field, Value]) -> None:
    pending = {field: wanted[field] for field in mapping.differing(present, wanted)}
    if not pending:
        return
    if place.fields[ID] in pending:
        raise Misfit(ID, "names the user and does not change")
    user_id = str(present[ID])
    override = ",".join(field.name for field in pending if field.sticky)
    answer = place.wire.replace(
        user_id, mapping.changed(present, pending, place.settings), override
    )
    if not answer.good:
        raise refusals.refusal(answer, pending)
    lost = mapping.differing(place.wire.written(user_id), pending)
    if lost:
        raise OF_USER.kept_otherwise(
            [one.name for one in lost], "the user's other fields were written"
        )


def _delete(place: Place, user_id: str) -> None:
    answer = place.wire.user(user_id)
    if answer.names_nobody or str(answer.record.get(ID)).casefold() != user_id.casefold():
        return
    _must_be_ours(place, answer.record)
    # Alma might delete whom it lends to: it is asked first.
    open_ = place.clearance.open_of(answer.record, answer.at)
    if open_:
        raise OF_USER.kept(open_)
    answer = place.wire.delete(user_id)
    if not answer.good and not answer.names_nobody:
        raise refusals.refusal(answer, ())
