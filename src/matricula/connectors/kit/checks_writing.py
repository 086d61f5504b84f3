"""What any connector promises about writing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, GiveUp, SkipRow, TryAgain
from matricula.connectors.kit.hostile import HOSTILE_TEXT
from matricula.connectors.kit.protocol import Write, WriteKind
from matricula.connectors.kit.subject import (
    AT,
    Row,
    Subject,
    Trial,
    assert_holds,
    done,
    expect,
    trial,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def check_an_empty_batch_does_nothing(subject: Subject, folder: Path) -> None:
    """No writes, no outcomes."""
    with trial(subject, folder) as running:
        expect(running.connector.write(subject.resource, [], at=AT) == [], "no outcomes")


def check_create_gives_an_identifier(subject: Subject, folder: Path) -> None:
    """A created record has an identifier of its own, and reads under it."""
    with trial(subject, folder) as running:
        ids = running.fill(2)

        expect(len(set(ids)) == len(ids), "two records have two identifiers")
        expect(set(running.rows()) == set(ids), "`_id` is the identifier that create gave")
        if subject.identity:
            stated = [str(subject.row(n)[subject.identity]) for n in range(2)]
            expect(ids == stated, f"the identifier is {subject.identity}")


def check_creating_an_existing_record_makes_no_second(subject: Subject, folder: Path) -> None:
    """`create` looks up `match` first: the same identifier, or `SkipRow`, never a twin."""
    with trial(subject, folder) as running:
        ids = running.fill(2)

        (again,) = running.write(running.creation(0))

        if again.error is None:
            expect(again.external_id == ids[0], "the existing record's identifier is returned")
        else:
            expect(isinstance(again.error, SkipRow), "or the row is skipped")
        expect(set(running.rows()) == set(ids), "there is no second record")


def check_creating_takes_over_no_copy_of_another_key(subject: Subject, folder: Path) -> None:
    """A record that `spared` names is left as it is, whatever the match says."""
    with trial(subject, folder) as running:
        ids = running.fill(2)
        before = running.rows()
        name, value = subject.change
        other = running.creation(0, **{name: value})

        (refused,) = running.write(replace(other, key="key-9", spared=frozenset(ids)))

        # A system that identifies its records by our keys makes a new one; others refuse.
        expect(refused.external_id not in ids, "another key's copy is not taken over")
        if refused.error is not None:
            expect(isinstance(refused.error, SkipRow), "the row is skipped")
        rows = running.rows()
        expect({i: rows[i] for i in ids} == before, "and stays as it is")


def check_of_two_keys_in_a_batch_one_gets_a_record(subject: Subject, folder: Path) -> None:
    """Two creations with one match and two keys do not end as one record of both."""
    with trial(subject, folder) as running:
        name, value = subject.change
        other = running.creation(0, **{name: value})

        first, second = running.write(running.creation(0), replace(other, key="key-9"))

        ids = [one.external_id for one in (first, second) if one.error is None]
        expect(bool(ids) and len(set(ids)) == len(ids), "each record is one key's")


def check_update_of_one_field_leaves_the_others(subject: Subject, folder: Path) -> None:
    """The changed field changes; the record's other fields and other records stay."""
    with trial(subject, folder) as running:
        ids = running.fill(2)
        name, value = subject.change
        fields = {**subject.row(0), name: value}

        (outcome,) = running.write(Write("key-0", "update", ids[0], fields, frozenset({name})))

        expect(done(outcome) == ids[0], "an update keeps the identifier")
        rows = running.rows()
        expect(set(rows) == set(ids), "no record came or went")
        assert_holds(rows[ids[0]], fields, but=frozenset())
        assert_holds(rows[ids[1]], subject.row(1), but=frozenset())


def check_the_same_update_again_is_done_again(subject: Subject, folder: Path) -> None:
    """A repeated update is no error and changes nothing."""
    with trial(subject, folder) as running:
        ids = running.fill(1)
        name, value = subject.change
        write = Write(
            "key-0", "update", ids[0], {**subject.row(0), name: value}, frozenset({name})
        )
        done(running.write(write)[0])
        before = running.rows()

        done(running.write(write)[0])

        expect(running.rows() == before, "nothing is different")


def check_a_field_can_be_emptied(subject: Subject, folder: Path) -> None:
    """None takes a value away."""
    with trial(subject, folder) as running:
        ids = running.fill(1)
        fields = {**subject.row(0), subject.clears: None}
        changed = frozenset({subject.clears})

        done(running.write(Write("key-0", "update", ids[0], fields, changed))[0])

        seen = running.rows()[ids[0]].get(subject.clears)
        expect(seen is None, f"{subject.clears} reads as null, not {seen!r}")


def check_suspend_and_resume(subject: Subject, folder: Path) -> None:
    """A suspended record stays, says so, and comes back with its fields."""
    with trial(subject, folder) as running:
        ids = running.fill(2)

        _one(running, "suspend", ids[0])
        _one(running, "suspend", ids[0])

        rows = running.rows()
        expect(set(rows) == set(ids), "a suspended record is still there")
        expect(rows[ids[0]].get("_suspended") is True, "`_suspended` is true")
        expect(rows[ids[1]].get("_suspended") is False, "the others are not suspended")
        _one(running, "resume", ids[0])
        row = running.rows()[ids[0]]
        expect(row.get("_suspended") is False, "`_suspended` is false after resuming")
        assert_holds(row, subject.row(0), but=frozenset())


def check_delete_is_done_once_and_agreed_twice(subject: Subject, folder: Path) -> None:
    """Deleting what is gone already is done, not refused; the others stay."""
    with trial(subject, folder) as running:
        ids = running.fill(3)

        _one(running, "delete", ids[0])
        _one(running, "delete", ids[0])

        expect(set(running.rows()) == set(ids[1:]), "one record is gone, two are there")


def check_a_refused_row_settles_alone(subject: Subject, folder: Path) -> None:
    """A record that the system refuses is set aside; its batch goes through."""
    with trial(subject, folder) as running:
        bad = running.creation(1, **dict(subject.refused or {}))

        first, refused, last = running.write(running.creation(0), bad, running.creation(2))

        expect(isinstance(refused.error, SkipRow), f"SkipRow, not {refused.error!r}")
        expect(set(running.rows()) == {done(first), done(last)}, "the two others are there")


def check_an_unknown_field_is_refused_by_name(subject: Subject, folder: Path) -> None:
    """A field that the resource does not have is named, and nothing is written silently."""
    with trial(subject, folder) as running:
        shapes = [s for s in running.connector.describe() if s.name == subject.resource]
        if any(shape.open_ended for shape in shapes):
            return
        try:
            (outcome,) = running.write(running.creation(0, no_such_field="x"))
        except GiveUp as error:
            refusal: ConnectorError | None = error
        else:
            refusal = outcome.error

        expect(isinstance(refusal, GiveUp | SkipRow), "the write is refused")
        expect("no_such_field" in str(refusal), f"the field is named in: {refusal}")


def check_outcomes_pair_with_a_mixed_batch(subject: Subject, folder: Path) -> None:
    """Verbs may be mixed in one batch; every write finds its outcome."""
    with trial(subject, folder) as running:
        ids = running.fill(3)
        name, value = subject.change
        changed = {**subject.row(2), name: value}
        batch = [running.creation(4), Write("key-2", "update", ids[2], changed, frozenset({name}))]
        if "delete" in subject.writes:
            batch.insert(0, Write("key-0", "delete", ids[0], subject.row(0)))

        outcomes = running.write(*batch)

        for outcome in outcomes:
            done(outcome)
        rows = running.rows()
        assert_holds(rows[ids[2]], changed, but=frozenset())
        expect((ids[0] in rows) is ("delete" not in subject.writes), "the first is as told")
        expect(len(rows) == 4 - ("delete" in subject.writes), "and one came")


def check_a_stale_identifier_is_an_outcome(subject: Subject, folder: Path) -> None:
    """A record that is gone is named as such; no verb makes it anew or harms another."""
    with trial(subject, folder) as running:
        running.fill(1)
        before = running.rows()

        for kind in sorted(subject.writes - {"create", "delete"}):
            (outcome,) = running.write(_about(subject, kind, subject.absent_id))
            expect(isinstance(outcome.error, SkipRow), f"{kind}: SkipRow, not {outcome.error!r}")
        if "delete" in subject.writes:
            done(running.write(_about(subject, "delete", subject.absent_id))[0])

        expect(running.rows() == before, "nothing is different")


def check_writes_to_an_absent_system_are_all_for_later(subject: Subject, folder: Path) -> None:
    """Nothing can be delivered: `TryAgain`, raised, or as the one outcome of every row."""
    if subject.away is None:
        return
    with subject.away(folder) as connector:
        running = Trial(subject, folder, connector)
        others = [_about(subject, kind, subject.absent_id) for kind in sorted(subject.writes)]
        batch = [running.creation(n) for n in range(3)]
        batch += [one for one in others if one.kind != "create"]
        try:
            errors: list[ConnectorError | None] = [one.error for one in running.write(*batch)]
        except ConnectorError as error:
            errors = [error]
        for one in errors:
            expect(isinstance(one, TryAgain), f"TryAgain, not {one!r}")
            expect(one is not None and one.cure.strip(), "an error has a cure")


def check_hostile_text_survives_or_is_refused_by_name(subject: Subject, folder: Path) -> None:
    """Any script, any sign, any length: unharmed, or refused naming the field; never cut."""
    check_texts_survive(subject, folder, HOSTILE_TEXT)


def check_texts_survive(subject: Subject, folder: Path, texts: Sequence[str]) -> None:
    """Create one record for each text and read them all back."""
    with trial(subject, folder) as running:
        wanted: list[Row] = [{**subject.row(n), subject.text: t} for n, t in enumerate(texts)]
        writes = [running.creation(n, **{subject.text: t}) for n, t in enumerate(texts)]

        outcomes = running.write(*writes)

        stored = {}
        for outcome, row in zip(outcomes, wanted, strict=True):
            if outcome.error is None:
                stored[done(outcome)] = row
                continue
            expect(isinstance(outcome.error, SkipRow), f"SkipRow, not {outcome.error!r}")
            expect(subject.text in outcome.error.message, f"{subject.text} is named")
        rows = running.rows()
        expect(set(rows) == set(stored), "what was refused is not there, all else is")
        for identifier, row in stored.items():
            seen = rows[identifier].get(subject.text)
            text = str(row[subject.text])
            expect(seen == text, f"{text[:40]!r} ({len(text)}) survives, not {str(seen)[:40]!r}")
        expect(len(stored) * 2 >= len(texts), "most texts are stored, not refused")


def _about(subject: Subject, kind: WriteKind, external_id: str) -> Write:
    return Write(f"about-{kind}", kind, external_id, subject.row(0), frozenset())


def _one(running: Trial, kind: WriteKind, external_id: str) -> None:
    write = replace(_about(running.subject, kind, external_id), key="key-0")
    expect(done(running.write(write)[0]) == external_id, f"{kind} keeps the identifier")
