"""What a connector promises that can tell what may have changed since a reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.kit.protocol import TellsChanges, Whole, Write
from matricula.connectors.kit.subject import (
    Subject,
    Trial,
    Unfit,
    done,
    expect,
    trial,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NOBODYS = ("", "nonsense", "{}", "[1]", '"text"', "null")


def check_a_change_is_told_after_a_reading(subject: Subject, folder: Path) -> None:
    """What was read, with what is told laid over it, is what a whole reading shows."""
    with trial(subject, folder) as running:
        ids = running.fill(3)
        before, token = _whole(running)
        name, value = subject.change
        row = {**subject.row(1), name: value}
        update = Write("key-1", "update", ids[1], row, frozenset({name}))
        done(running.write(update)[0])
        (made,) = running.write(running.creation(3))

        after, token = _laid_over(running, before, token)

        expect(done(made) in after, "a record that came is told")
        expect(after == running.rows(), "a record that changed is told as it is now")
        again, _ = _laid_over(running, after, token)
        expect(again == after, "the next token goes on from there")


def check_nobody_who_is_there_is_told_gone(subject: Subject, folder: Path) -> None:
    """Of a record that nobody looked for nothing is said; one that is told gone is gone."""
    with trial(subject, folder) as running:
        ids = running.fill(4)
        before, token = _whole(running)
        done(running.write(Write("key-2", "delete", ids[2], subject.row(2)))[0])

        after, _ = _laid_over(running, before, token)

        there = running.rows()
        expect(set(there) <= set(after), "whoever is there is not told gone")
        expect(set(after) - set(there) <= {ids[2]}, "nobody else is kept who is not there")


def check_who_is_named_is_looked_for(subject: Subject, folder: Path) -> None:
    """An identifier that the caller names is looked for, whatever the source says of it."""
    with trial(subject, folder) as running:
        ids = running.fill(3)
        before, token = _whole(running)
        done(running.write(Write("key-2", "delete", ids[2], subject.row(2)))[0])

        after, _ = _laid_over(running, before, token, also=[*ids, subject.absent_id])

        expect(after == running.rows(), "who is named and there is told, who is not is gone")


def check_a_strange_token_means_everything(subject: Subject, folder: Path) -> None:
    """A token that this connector did not make is answered with `Whole`, never with too little."""
    with trial(subject, folder) as running:
        running.fill(1)
        for token in _NOBODYS:
            with _telling(running).changes(subject.resource, token) as told:
                expect(isinstance(told, Whole), f"{token!r} means that all must be read")
                expect(isinstance(told, Whole) and told.why.strip(), "with a reason")


def check_acknowledging_loses_nothing(subject: Subject, folder: Path) -> None:
    """What came after a token is still told when that token was acknowledged, also twice."""
    with trial(subject, folder) as running:
        ids = running.fill(2)
        before, token = _whole(running)
        connector, (name, value) = _telling(running), subject.change
        row = {**subject.row(0), name: value}
        done(running.write(Write("key-0", "update", ids[0], row, frozenset({name})))[0])

        for _ in range(2):
            connector.acknowledge(subject.resource, token)
        after, later = _laid_over(running, before, token)
        connector.acknowledge(subject.resource, later)
        (made,) = running.write(running.creation(2))
        last, _ = _laid_over(running, after, later)

        expect(last == running.rows(), "everything since the token is told")
        expect(done(made) in last, "and what came after the last acknowledgement")


def check_changes_of_an_absent_system_fail_in_the_kits_words(
    subject: Subject, folder: Path
) -> None:
    """A system that is away raises an error of the kit; it never tells that nothing changed."""
    if subject.away is None:
        message = "the subject says how its system is away"
        raise Unfit(message)
    with subject.away(folder) as connector:
        running = Trial(subject, folder, connector)
        try:
            with _telling(running).changes(subject.resource, "{}"):
                pass
        except ConnectorError:
            return
    message = "changes of an absent system raise an error of the kit"
    raise Unfit(message)


def _telling(running: Trial) -> TellsChanges:
    if not isinstance(running.connector, TellsChanges):
        message = "the connector has `changes` and `acknowledge`"
        raise Unfit(message)
    return running.connector


def _whole(running: Trial) -> tuple[dict[str, dict[str, object]], str]:
    with running.connector.read(running.subject.resource) as reading:
        rows = [row for batch in reading.batches for row in batch.to_pylist()]
        expect(reading.token, "a whole reading gives a token")
        return {str(row["_id"]): row for row in rows}, reading.token


def _laid_over(
    running: Trial,
    before: dict[str, dict[str, object]],
    token: str,
    also: Sequence[str] = (),
) -> tuple[dict[str, dict[str, object]], str]:
    with running.connector.read(running.subject.resource) as reading:
        schema = reading.schema
    with _telling(running).changes(running.subject.resource, token, also=also) as told:
        if isinstance(told, Whole):
            message = f"what changed since a reading is told, not: {told.why}"
            raise Unfit(message)
        expect(told.reading.schema.equals(schema), "changes have the schema of a reading")
        expect(told.reading.token, "and a token for the next time")
        expect(set(also) <= told.named, "whoever is named was looked for")
        rows = [row for batch in told.reading.batches for row in batch.to_pylist()]
        fresh = {str(row["_id"]): row for row in rows}
        left = {key: row for key, row in before.items() if key not in told.named}
        return {**left, **fresh}, told.reading.token
