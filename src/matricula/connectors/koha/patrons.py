"""Write patrons.

Every write looks before it acts and again after it: Koha knows no condition on a change, cuts
what is too long and tidies what it is given, without a word. A leaver's card is made to expire;
restrictions that staff set are never touched, and nobody is deleted who has something open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from matricula.connectors.kit.batches import Job, run
from matricula.connectors.kit.errors import ConnectorError, ReadBack
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.kit.refuse import Misfit
from matricula.connectors.koha import mapping, refusals
from matricula.connectors.koha.fields import CARD, EXPIRY, REQUIRED, USER
from matricula.connectors.koha.lookup import CARDS_AT_ONCE, ID
from matricula.connectors.koha.refusals import HIDDEN, KEEPS, OF_PATRON
from matricula.connectors.koha.wire import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from matricula.connectors.kit.claims import Claims
    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.koha.fields import Field
    from matricula.connectors.koha.lookup import Lookup
    from matricula.connectors.koha.mapping import Patron
    from matricula.connectors.koha.wire import Answer, Wire

_CONFLICT, _NOT_FOUND = 409, 404
# The day before yesterday is past in every time zone.
_SURELY_PAST = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where patrons are written, and the run's day.

    Attributes:
        resumed_days: How long a resumed patron's card is good where no date is granted.
        looked_up: Card numbers that were looked up for the whole batch, with who has them.
    """

    wire: Wire
    lookup: Lookup
    fields: Mapping[str, Field]
    claims: Claims
    today: date
    resumed_days: int
    looked_up: Mapping[str, Patron | None]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was sent of one write, and what the patron must hold now.

    Attributes:
        patron_id: Of whom.
        wanted: What Koha agreed to write; empty where nothing had to be.
        adopted: A creation found the patron there.
        fresh: The patron was made.
    """

    patron_id: str
    wanted: Mapping[Field, Value]
    adopted: bool = False
    fresh: bool = False


def jobs(place: Place, writes: Sequence[Write], *, concurrency: int) -> list[Job]:
    """Share writes out: some are sent one after the other, and looked at again in one call."""
    size = max(1, min(CARDS_AT_ONCE, -(-len(writes) // concurrency)))
    parts = [writes[start : start + size] for start in range(0, len(writes), size)]
    return [Job([one.key for one in some], partial(_done, place, some)) for some in parts]


def _done(place: Place, writes: Sequence[Write]) -> list[Outcome]:
    sent: dict[str, _Sent] = {}

    def send(write: Write) -> list[Outcome]:
        one = sent[write.key] = _send(place, write)
        return [Outcome(write.key, one.patron_id, adopted=one.adopted)]

    each = [Job((write.key,), partial(send, write)) for write in writes]
    outcomes = [one for some in run(each, concurrency=1) for one in some]
    # Koha agrees to what it then cuts, and its answer shows what was sent.
    unsure = {key: one for key, one in sent.items() if one.wanted}
    try:
        there = place.lookup.by_ids([one.patron_id for one in unsure.values()])
    except ConnectorError as error:
        lost = unknown(error.message)
        lost.__cause__ = error
        return [Outcome(o.key, error=lost) if o.key in unsure else o for o in outcomes]
    return [
        _looked_at(place, o, unsure[o.key], there.get(unsure[o.key].patron_id))
        if o.key in unsure
        else o
        for o in outcomes
    ]


def _looked_at(place: Place, outcome: Outcome, sent: _Sent, patron: Patron | None) -> Outcome:
    if patron is None:
        lost = unknown("A patron just written is not listed.")
        return Outcome(outcome.key, error=lost)
    differing = mapping.differing(patron, sent.wanted)
    if not differing:
        return outcome
    names = [one.name for one in differing]
    if not sent.fresh:
        done = "the patron's other fields were written"
        why = OF_PATRON.kept_otherwise(names, done, hint=KEEPS)
        return Outcome(outcome.key, error=why)
    try:
        _take_back(place, sent.patron_id)
    except ReadBack as error:
        return Outcome(outcome.key, error=error)
    why = OF_PATRON.kept_otherwise(names, "the new patron was taken back", hint=KEEPS)
    return Outcome(outcome.key, error=why)


def _send(place: Place, write: Write) -> _Sent:
    """Do what one write intends.

    Raises:
        ConnectorError: Of the kit, named after the next move.
    """
    patron_id = write.external_id or ""
    try:
        match write.kind:
            case "create":
                return _create(place, write)
            case "update":
                return _settle(place, patron_id, _chosen(place, write, write.changed))
            case "suspend":
                return _suspend(place, patron_id)
            case "resume":
                return _resume(place, write)
            case "delete":
                return _delete(place, patron_id)
    except Misfit as misfit:
        raise misfit.refusal from misfit


def _chosen(place: Place, write: Write, names: frozenset[str]) -> dict[Field, Value]:
    return {
        place.fields[name]: mapping.canonical(place.fields[name], write.fields[name])
        for name in sorted(names)
    }


def _create(place: Place, write: Write) -> _Sent:
    # Before anything is sent, so that a value without a place is refused by name.
    wanted = _chosen(place, write, frozenset(write.fields))
    _must_suffice(wanted)
    present = _existing(place, write, place.looked_up)
    if present is not None:
        return _adopted(place, write, present, wanted)
    answer, patron_id = _made(place, write, wanted)
    if answer.status == _CONFLICT and (present := _existing(place, write, {})) is not None:
        # Somebody was quicker, or the network sent it twice.
        return _adopted(place, write, present, wanted)
    if not answer.good:
        raise refusals.refusal(answer, wanted)
    if not patron_id:
        raise unknown("A creation is answered well, but without the new patron's number.")
    stated = {field: value for field, value in wanted.items() if value is not None}
    return _Sent(patron_id, stated, fresh=True)


def _must_suffice(wanted: Mapping[Field, Value]) -> None:
    given = {field.name for field, value in wanted.items() if value is not None}
    for name in REQUIRED:
        if name not in given:
            raise Misfit(name, "is not given, and Koha makes no patron without it")


def _made(place: Place, write: Write, wanted: Mapping[Field, Value]) -> tuple[Answer, str]:
    with place.claims.making(write):
        answer = place.wire.create(mapping.new_patron(wanted))
        found = answer.record.get(ID) if answer.good else None
        if found is not None:
            place.claims.made(write, str(found))
    return answer, "" if found is None else str(found)


def _take_back(place: Place, patron_id: str) -> None:
    """Remove half a patron: it helps nobody, and it is ours; nobody has lent to it yet."""
    try:
        taken_back = place.wire.delete(patron_id).good
    except ConnectorError as error:
        raise unknown(error.message) from error
    if not taken_back:
        raise unknown("It keeps half of the new patron and does not give it back.")


def _existing(place: Place, write: Write, looked_up: Mapping[str, Patron | None]) -> Patron | None:
    """Find the patron that this creation would double.

    Args:
        place: Where to look.
        write: The creation.
        looked_up: What is known already.

    Raises:
        SkipRow: There are several, or only something that others may share speaks for it, or
            it is of a category that the charter does not name.
    """
    match = {place.fields[n]: v for n, v in write.match.items() if v not in (None, "")}
    card = str(write.match.get(CARD))
    if match and set(write.match) == {CARD} and card in looked_up:
        known = looked_up[card]
        found = [known] if known is not None else []
    else:
        found = place.lookup.by_fields(match, everywhere=True) if match else []
    if not found:
        return None
    if not any(field.identifies for field in match):
        names = ", ".join(field.name for field in match)
        raise OF_PATRON.not_ours(f"{names} is no proof of who it is")
    if len(found) > 1:
        raise OF_PATRON.several(len(found))
    if not place.lookup.is_ours(found[0]):
        raise OF_PATRON.not_ours("it is of a category that the charter does not name")
    return found[0]


def _adopted(place: Place, write: Write, present: Patron, wanted: Mapping[Field, Value]) -> _Sent:
    patron_id = str(present[ID])
    place.claims.take_over(write, patron_id)
    granted = write.changed or frozenset(write.fields)
    # What was only proposed never replaces what stands there.
    kept = {f: v for f, v in wanted.items() if f.name in granted or _is_blank(present, f)}
    return replace(_settle(place, patron_id, kept), adopted=True)


def _is_blank(patron: Patron, field: Field) -> bool:
    try:
        return mapping.read_field(patron, field) is None
    except Misfit:
        return False


def _present(place: Place, patron_id: str) -> Patron:
    answer = place.wire.patron(patron_id)
    if not answer.good:
        raise OF_PATRON.gone(HIDDEN)
    if not place.lookup.is_ours(answer.record):
        raise OF_PATRON.not_ours("it is of a category that the charter does not name")
    return answer.record


def _suspend(place: Place, patron_id: str) -> _Sent:
    """Make the card expire, unless it has."""
    present = _present(place, patron_id)
    past = place.today - _SURELY_PAST
    if mapping.is_past(present, past + timedelta(days=1)):
        return _Sent(patron_id, {})
    return _write(place, present, {place.fields[EXPIRY]: past.isoformat()})


def _resume(place: Place, write: Write) -> _Sent:
    """Give the expiry back: as granted, or for as long as the settings say."""
    patron_id = write.external_id or ""
    names = write.changed | ({EXPIRY} & write.fields.keys())
    wanted = _chosen(place, write, frozenset(names))
    present = _present(place, patron_id)
    if EXPIRY not in names and mapping.is_past(present, place.today):
        until = place.today + timedelta(days=place.resumed_days)
        wanted[place.fields[EXPIRY]] = until.isoformat()
    return _write(place, present, wanted)


def _settle(place: Place, patron_id: str, wanted: Mapping[Field, Value]) -> _Sent:
    """Make a patron hold the wanted values."""
    return _write(place, _present(place, patron_id), wanted)


def _write(place: Place, present: Patron, wanted: Mapping[Field, Value]) -> _Sent:
    patron_id = str(present[ID])
    pending = {field: wanted[field] for field in mapping.differing(present, wanted)}
    if not pending:
        return _Sent(patron_id, {})
    _must_keep(pending)
    plain = {field: value for field, value in pending.items() if not field.attribute}
    if plain:
        answer = place.wire.change(patron_id, mapping.change(present, plain, REQUIRED))
        if not answer.good:
            raise refusals.refusal(answer, plain)
    for field, value in pending.items():
        if field.attribute:
            _write_attribute(place, present, field, value)
    return _Sent(patron_id, pending)


def _must_keep(pending: Mapping[Field, Value]) -> None:
    """Refuse to take away what Koha would then make up itself."""
    for field, value in pending.items():
        if field.name in (CARD, USER) and value is None:
            raise Misfit(field.name, "cannot be taken away: Koha would make up another")


def _write_attribute(place: Place, present: Patron, field: Field, value: Value) -> None:
    """Write one extended attribute by its own address; the patron's others stay as they are."""
    patron_id, wire = str(present[ID]), place.wire
    there = mapping.attributes_of(present, field.attribute)
    if len(there) > 1:
        raise Misfit(field.name, "is there several times, and which one is meant is not clear")
    if value is None:
        answer = wire.drop_attribute(patron_id, _number_of(there[0]))
    elif there:
        answer = wire.change_attribute(patron_id, _number_of(there[0]), str(value))
    else:
        answer = wire.add_attribute(patron_id, field.attribute, str(value))
    if not answer.good and not (value is None and answer.status == _NOT_FOUND):
        raise refusals.refused_attribute(answer, field)


def _number_of(attribute: Mapping[str, object]) -> int:
    return int(str(attribute["extended_attribute_id"]))


def _delete(place: Place, patron_id: str) -> _Sent:
    present = place.wire.patron(patron_id)
    if present.good and not place.lookup.is_ours(present.record):
        raise OF_PATRON.not_ours("it is of a category that the charter does not name")
    answer = place.wire.delete(patron_id)
    if not answer.good and answer.status != _NOT_FOUND:
        raise refusals.kept(answer)
    return _Sent(patron_id, {})
