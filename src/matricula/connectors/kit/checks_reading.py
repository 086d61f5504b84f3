"""What any connector promises about describing, reading and finding."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, GiveUp
from matricula.connectors.kit.subject import (
    AT,
    Subject,
    Trial,
    Unfit,
    assert_holds,
    done,
    expect,
    trial,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from matricula.connectors.kit.protocol import Found, ResourceShape, Value


def check_describes_every_field_of_a_sample_row(subject: Subject, folder: Path) -> None:
    """The resource is described with every field that a full payload uses."""
    with trial(subject, folder) as running:
        _fill_if_open(running)
        shape = _shape(running)

        names = [one.name for one in shape.fields]
        expect(len(names) == len(set(names)), "each field is described once")
        expect(not {"_id", "_suspended"} & set(names), "`_id` and `_suspended` are no fields")
        for name in subject.row(0):
            expect(shape.open_ended or name in names, f"{name} is described")


def check_describes_the_verbs_it_supports(subject: Subject, folder: Path) -> None:
    """What `describe` says can be done is what the subject was written for."""
    with trial(subject, folder) as running:
        shape = _shape(running)

        expect(shape.writes == subject.writes, f"verbs: {sorted(subject.writes)}")
        expect(not subject.identity or shape.id_field == subject.identity, "`id_field` is named")


def check_ping_answers_well(subject: Subject, folder: Path) -> None:
    """A system that is there says so, in a sentence."""
    with trial(subject, folder) as running:
        health = running.connector.ping()

        expect(health.well, f"well, not: {health.sentence}")
        expect(health.sentence.strip(), "with a sentence")


def check_ping_of_an_absent_system_answers_unwell(subject: Subject, folder: Path) -> None:
    """A system that is away is reported, not raised."""
    with _away(subject, folder) as running:
        health = running.connector.ping()

        expect(not health.well, "an absent system is not well")
        expect(health.sentence.strip(), "with a sentence")


def check_reading_an_absent_system_fails_in_the_kits_words(subject: Subject, folder: Path) -> None:
    """A read that cannot be done raises an error of the kit; it never yields no rows."""
    with _away(subject, folder) as running:
        _must_raise(ConnectorError, running.rows)


def check_full_read_returns_what_was_written(subject: Subject, folder: Path) -> None:
    """Every field of every record reads as it was written."""
    with trial(subject, folder) as running:
        samples = range(3)
        ids = running.fill(len(samples))

        rows = running.rows()

        expect(len(rows) == len(samples), f"{len(samples)} records, not {len(rows)}")
        for n in samples:
            row = rows[ids[n]] if ids else _recognised(running, rows, n)
            assert_holds(row, subject.row(n), but=frozenset())


def check_reading_twice_gives_the_same(subject: Subject, folder: Path) -> None:
    """A read changes nothing, and nothing of it is left to chance but the order."""
    with trial(subject, folder) as running:
        running.fill(2)

        expect(running.rows() == running.rows(), "two reads agree")


def check_long_listings_arrive_whole(subject: Subject, folder: Path) -> None:
    """Reading does not stop at page one."""
    with trial(subject, folder) as running:
        running.fill(subject.many)

        rows = running.rows()

        expect(len(rows) == subject.many, f"{subject.many} records, not {len(rows)}")


def check_reading_an_unknown_resource_gives_up(subject: Subject, folder: Path) -> None:
    """A resource that is not there is `GiveUp` on every verb."""
    with trial(subject, folder) as running:
        connector = running.connector

        def read() -> None:
            with connector.read("no_such_resource") as reading:
                list(reading.batches)

        _must_raise(GiveUp, read)
        if connector.capabilities.finds:
            _must_raise(GiveUp, lambda: connector.find("no_such_resource", [{"_id": "1"}]))
        if subject.writes:
            gone = running.creation(0)
            _must_raise(GiveUp, lambda: connector.write("no_such_resource", [gone], at=AT))


def check_finds_by_field_and_by_identifier(subject: Subject, folder: Path) -> None:
    """A look-up returns the records that equal the mapping, all fields readable."""
    with trial(subject, folder) as running:
        if not running.connector.capabilities.finds:
            return
        running.fill(3)
        row = subject.row(1)
        by_match = {name: row[name] for name in subject.match}

        first, second = _find(running, by_match, {"_id": subject.absent_id})

        expect(len(first) == 1, f"one record equals {by_match}, not {len(first)}")
        expect(second == [], "an unknown identifier finds nothing")
        assert_holds(first[0].fields, row, but=frozenset())
        (again,) = _find(running, {"_id": first[0].external_id})
        expect([one.external_id for one in again] == [first[0].external_id], "found by `_id`")


def check_a_lookup_with_one_wrong_field_finds_nothing(subject: Subject, folder: Path) -> None:
    """All fields of a mapping must agree."""
    with trial(subject, folder) as running:
        if not running.connector.capabilities.finds:
            return
        ids = running.fill(2)
        by_match = {name: subject.row(0)[name] for name in subject.match}

        (found,) = _find(running, {**by_match, "_id": ids[1] if ids else subject.absent_id})

        expect(found == [], "a mapping is a conjunction")


def check_a_blank_finds_nobody(subject: Subject, folder: Path) -> None:
    """A blank is nobody's identifier, not even that of a record in which the field is blank."""
    with trial(subject, folder) as running:
        if not running.connector.capabilities.finds:
            return
        running.fill(2)
        if subject.clears and "create" in subject.writes:
            (made,) = running.write(running.creation(2, **{subject.clears: None}))
            done(made)
        names = [name for name in (*subject.match, subject.clears) if name]

        found = _find(running, *({name: blank} for name in names for blank in (None, "")))

        expect(found == [[]] * len(found), "neither null nor an empty text finds a record")


def check_closing_twice_is_harmless(subject: Subject, folder: Path) -> None:
    """`close` may be called again."""
    with trial(subject, folder) as running:
        running.connector.close()
        running.connector.close()

        expect(running.connector.ping() is not None, "a closed connector still answers")


def _find(running: Trial, *matches: Mapping[str, Value]) -> list[list[Found]]:
    found = running.connector.find(running.subject.resource, list(matches))
    expect(len(found) == len(matches), "one list per mapping, in order")
    return found


def _shape(running: Trial) -> ResourceShape:
    shapes = [s for s in running.connector.describe() if s.name == running.subject.resource]
    expect(len(shapes) == 1, f"{running.subject.resource} is described once")
    return shapes[0]


def _fill_if_open(running: Trial) -> None:
    # A schemaless system has nothing to describe before its first record.
    if "create" in running.subject.writes:
        running.fill(1)


def _recognised(running: Trial, rows: dict[str, dict[str, object]], n: int) -> dict[str, object]:
    wanted = {name: running.subject.row(n)[name] for name in running.subject.match}
    for row in rows.values():
        if all(str(row.get(name)) == str(value) for name, value in wanted.items()):
            return row
    message = f"the record with {wanted} is read"
    raise Unfit(message)


@contextmanager
def _away(subject: Subject, folder: Path) -> Iterator[Trial]:
    if subject.away is None:
        message = "the subject says how its system is away"
        raise Unfit(message)
    with subject.away(folder) as connector:
        yield Trial(subject, folder, connector)


def _must_raise(kind: type[ConnectorError], action: Callable[[], object]) -> None:
    try:
        action()
    except kind as error:
        expect(error.code.startswith("M"), "an error has a code")
        expect(error.cure.strip(), "an error has a cure")
        return
    except ConnectorError as error:
        message = f"{kind.__name__} is raised, not {type(error).__name__}: {error}"
        raise Unfit(message) from error
    message = f"{kind.__name__} is raised"
    raise Unfit(message)
