"""The conformance suite finds a connector out: each here breaks one promise on purpose."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from matricula.connectors.files.connector import FilesConnector
from matricula.connectors.kit import hostile
from matricula.connectors.kit.conformance import CHECKS, Subject, Unfit, checks_for, verify
from matricula.connectors.kit.errors import GiveUp, SkipRow, Stop, TryAgain
from matricula.connectors.kit.protocol import Context, Found, Health, Outcome

SETTINGS = {
    "folder": "drop",
    "resources": {
        "patrons": {
            "file": "patrons.csv",
            "key": ["cardnumber"],
            "columns": ["cardnumber", "surname", "note", "status"],
            "missing_ok": True,
            "may_be_empty": True,
            "suspend": {"field": "status", "value": "blocked", "resume_value": "active"},
        }
    },
}

# The library does not tell what changed.
EVERY = [check for check in CHECKS if "tells" not in check.needs]


def subject(kind=FilesConnector, **more):
    @contextmanager
    def make(folder):
        (folder / "drop").mkdir()
        settings = FilesConnector.Settings.model_validate(SETTINGS)
        yield kind(settings, Context("library", folder))

    @contextmanager
    def away(folder):
        settings = FilesConnector.Settings.model_validate(SETTINGS)
        yield kind(settings, Context("library", folder))

    made = Subject(
        name="library",
        make=make,
        away=away,
        resource="patrons",
        row=lambda n: {"cardnumber": f"{n:05d}", "surname": f"Ng{n}", "note": "n"},
        match=("cardnumber",),
        change=("surname", "Okafor"),
        text="note",
        clears="note",
        identity="cardnumber",
        refused={"cardnumber": " "},
        many=40,
    )
    return replace(made, **more)


class CutsLongText(FilesConnector):
    def write(self, resource, writes, *, at):
        short = [
            replace(w, fields={n: v[:255] if v else v for n, v in w.fields.items()})
            for w in writes
        ]
        return super().write(resource, short, at=at)


class MakesTwins(FilesConnector):
    def write(self, resource, writes, *, at):
        writes = [
            replace(w, match={}, fields={**w.fields, "cardnumber": f"{w.fields['cardnumber']}x"})
            if w.kind == "create" and self.find(resource, [w.match])[0]
            else w
            for w in writes
        ]
        return super().write(resource, writes, at=at)


class TakesOverWhatIsSpared(FilesConnector):
    def write(self, resource, writes, *, at):
        return super().write(resource, [replace(w, spared=frozenset()) for w in writes], at=at)


class EmptiesOtherFields(FilesConnector):
    def write(self, resource, writes, *, at):
        writes = [
            replace(w, fields={**w.fields, "note": None}, changed=w.changed | {"note"})
            if w.kind == "update"
            else w
            for w in writes
        ]
        return super().write(resource, writes, at=at)


class StopsAtPageOne(FilesConnector):
    @contextmanager
    def read(self, resource):
        with super().read(resource) as reading:
            reading.batches = (batch.slice(0, 20) for batch in reading.batches)
            yield reading


class DropsUnknownFields(FilesConnector):
    def write(self, resource, writes, *, at):
        known = {"cardnumber", "surname", "note", "status"}
        writes = [
            replace(w, fields={n: v for n, v in w.fields.items() if n in known}) for w in writes
        ]
        return super().write(resource, writes, at=at)


class FailsTheWholeBatch(FilesConnector):
    def write(self, resource, writes, *, at):
        if any(not str(w.fields.get("cardnumber")).strip() for w in writes):
            refusal = SkipRow("a row is bad", code="M604", cure="Correct it.")
            return [Outcome(w.key, error=refusal) for w in writes]
        return super().write(resource, writes, at=at)


class ShufflesOutcomes(FilesConnector):
    def write(self, resource, writes, *, at):
        return list(reversed(super().write(resource, writes, at=at)))


class ForgetsARow(FilesConnector):
    def write(self, resource, writes, *, at):
        return super().write(resource, writes, at=at)[:-1]


class AnswersARowTwice(FilesConnector):
    def write(self, resource, writes, *, at):
        outcomes = super().write(resource, writes, at=at)
        return [*outcomes, *outcomes[-1:]]


class StopsForOneRow(FilesConnector):
    def write(self, resource, writes, *, at):
        stop = Stop("not this one", code="M613", cure="Ask.")
        outcomes = super().write(resource, writes, at=at)
        return [replace(one, error=stop) if one.error else one for one in outcomes]


class CallsItDoneWhenAway(FilesConnector):
    def write(self, resource, writes, *, at):
        try:
            return super().write(resource, writes, at=at)
        except TryAgain as error:
            first, *rest = writes
            done = [Outcome(one.key, one.external_id or "id") for one in rest]
            return [Outcome(first.key, error=error), *done]


class GivesUpWhenAway(FilesConnector):
    def write(self, resource, writes, *, at):
        try:
            return super().write(resource, writes, at=at)
        except TryAgain as error:
            raise GiveUp(error.message, code=error.code, cure=error.cure) from error


class RemakesWhatIsGone(FilesConnector):
    def write(self, resource, writes, *, at):
        writes = [
            replace(w, kind="create", match={})
            if w.kind == "update" and not self.find(resource, [{"_id": w.external_id}])[0]
            else w
            for w in writes
        ]
        return super().write(resource, writes, at=at)


class RefusesASecondDeletion(FilesConnector):
    def write(self, resource, writes, *, at):
        gone = {
            w.key
            for w in writes
            if w.kind == "delete" and not self.find(resource, [{"_id": w.external_id}])[0]
        }
        outcomes = super().write(resource, writes, at=at)
        refusal = SkipRow("gone already", code="M605", cure="Look.")
        return [Outcome(o.key, error=refusal) if o.key in gone else o for o in outcomes]


class FindsByTheFirstFieldAlone(FilesConnector):
    def find(self, resource, matches):
        firsts = [dict(list(match.items())[:1]) for match in matches]
        return super().find(resource, firsts)


class FindsEverybody(FilesConnector):
    def find(self, resource, matches):
        with self.read(resource) as reading:
            everybody = [Found(r["_id"], r) for b in reading.batches for r in b.to_pylist()]
        return [everybody for _ in matches]


class IsAlwaysWell(FilesConnector):
    def ping(self):
        return Health(well=True, sentence="Fine.")


class ReadsNothingWhenAway(FilesConnector):
    @contextmanager
    def read(self, resource):
        try:
            with super().read(resource) as reading:
                yield reading
        except TryAgain:
            (self._context.folder / "drop").mkdir()
            with super().read(resource) as reading:
                yield reading


class ForgetsToSuspend(FilesConnector):
    def write(self, resource, writes, *, at):
        return [
            Outcome(w.key, w.external_id)
            if w.kind == "suspend"
            else super(ForgetsToSuspend, self).write(resource, [w], at=at)[0]
            for w in writes
        ]


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (CutsLongText, "hostile_text_survives_or_is_refused_by_name"),
        (MakesTwins, "creating_an_existing_record_makes_no_second"),
        (TakesOverWhatIsSpared, "creating_takes_over_no_copy_of_another_key"),
        (EmptiesOtherFields, "update_of_one_field_leaves_the_others"),
        (StopsAtPageOne, "long_listings_arrive_whole"),
        (DropsUnknownFields, "an_unknown_field_is_refused_by_name"),
        (FailsTheWholeBatch, "a_refused_row_settles_alone"),
        (ShufflesOutcomes, "outcomes_pair_with_a_mixed_batch"),
        (ForgetsARow, "a_refused_row_settles_alone"),
        (AnswersARowTwice, "create_gives_an_identifier"),
        (StopsForOneRow, "a_stale_identifier_is_an_outcome"),
        (CallsItDoneWhenAway, "writes_to_an_absent_system_are_all_for_later"),
        (GivesUpWhenAway, "writes_to_an_absent_system_are_all_for_later"),
        (RemakesWhatIsGone, "a_stale_identifier_is_an_outcome"),
        (RefusesASecondDeletion, "delete_is_done_once_and_agreed_twice"),
        (FindsByTheFirstFieldAlone, "a_lookup_with_one_wrong_field_finds_nothing"),
        (FindsEverybody, "finds_by_field_and_by_identifier"),
        (IsAlwaysWell, "ping_of_an_absent_system_answers_unwell"),
        (ReadsNothingWhenAway, "reading_an_absent_system_fails_in_the_kits_words"),
        (ForgetsToSuspend, "suspend_and_resume"),
    ],
)
def test_a_connector_that_breaks_a_promise_is_found_out(kind, promise, tmp_path):
    (check,) = [one for one in CHECKS if str(one) == promise]

    with pytest.raises(Unfit):
        check.run(subject(kind), tmp_path)


def test_a_connector_that_keeps_every_promise_passes_from_one_line(tmp_path):
    assert verify(subject(), tmp_path) == len(EVERY)


def test_a_read_only_source_is_tried_on_rows_that_the_system_itself_put_there(tmp_path):
    def seed(folder, rows):
        lines = [",".join(str(value) for value in row.values()) for row in rows]
        text = "\n".join(["cardnumber,surname,note,status", *(f"{one}," for one in lines), ""])
        (folder / "drop" / "patrons.csv").write_text(text, encoding="utf-8")

    class ReadOnly(FilesConnector):
        def describe(self):
            return [replace(shape, writes=frozenset()) for shape in super().describe()]

    source = subject(ReadOnly, writes=frozenset(), seed=seed)

    ran = verify(source, tmp_path)

    assert ran == len(checks_for(source)) >= 10


def test_checks_without_what_they_need_are_left_out_and_only_those():
    bare = subject(text="", clears="", refused=None, away=None)

    left_out = {str(check) for check in EVERY} - {str(check) for check in checks_for(bare)}

    assert left_out == {
        "hostile_text_survives_or_is_refused_by_name",
        "a_field_can_be_emptied",
        "a_refused_row_settles_alone",
        "ping_of_an_absent_system_answers_unwell",
        "reading_an_absent_system_fails_in_the_kits_words",
        "writes_to_an_absent_system_are_all_for_later",
    }


def test_hostile_texts_include_long_ones_and_none_is_blank():
    assert max(len(text) for text in hostile.HOSTILE_TEXT) == 10_000
    assert all(text.strip() for text in hostile.HOSTILE_TEXT)
