"""The files connector as a target: the whole file, in one step, and nothing it was not told."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow, TryAgain
from matricula.connectors.kit.places import held
from matricula.connectors.kit.protocol import Write

AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
PATRONS = "shelf,cardnumber,surname,email\nA1,001,Obi,a@n.example\nB2,002,Ng,b@n.example\n"
BLOCKED = {"field": "status", "value": "blocked", "resume_value": "active"}


def create(number, **fields):
    fields = {"cardnumber": number, **fields}
    return Write(f"k-{number}", "create", None, fields, match={"cardnumber": number})


def update(number, changed=None, **fields):
    fields = {"cardnumber": number, **fields}
    names = frozenset(changed if changed is not None else set(fields) - {"cardnumber"})
    return Write(f"k-{number}", "update", number, fields, names)


def about(kind, number):
    return Write(f"k-{number}", kind, number, {"cardnumber": number})


def write(connector, *writes):
    return connector.write("patrons", list(writes), at=AT)


def text(drop, name="patrons.csv"):
    return (drop.folder / name).read_bytes().decode()


def test_an_update_keeps_columns_that_matricula_does_not_know_and_their_order(drop):
    drop.put("patrons.csv", PATRONS)

    write(drop.connector(), update("002", email="new@n.example"))

    assert text(drop) == PATRONS.replace("b@n.example", "new@n.example")


def test_an_update_writes_only_what_changed_so_that_other_edits_stand(drop):
    drop.put("patrons.csv", PATRONS.replace("Ng", "Edited by hand"))

    write(drop.connector(), update("002", changed=["email"], surname="Ng", email="new@n.example"))

    assert "B2,002,Edited by hand,new@n.example" in text(drop)


def test_a_new_record_comes_last_with_nothing_in_the_columns_we_do_not_know(drop):
    drop.put("patrons.csv", PATRONS)

    (outcome,) = write(drop.connector(), create("003", surname="Sato", email=None))

    assert (outcome.error, outcome.external_id) == (None, "003")
    assert text(drop) == PATRONS + ",003,Sato,\n"


def test_a_new_field_becomes_the_last_column_where_the_columns_are_open(drop):
    drop.put("patrons.csv", PATRONS)

    write(drop.connector(), update("001", phone="12"))

    assert text(drop).splitlines() == [
        "shelf,cardnumber,surname,email,phone",
        "A1,001,Obi,a@n.example,12",
        "B2,002,Ng,b@n.example,",
    ]


def test_a_new_field_is_refused_by_name_where_the_columns_are_agreed(drop):
    drop.put("patrons.csv", PATRONS)
    connector = drop.connector(columns=["cardnumber", "surname", "email"])

    with pytest.raises(GiveUp) as refusal:
        write(connector, update("001", phone="12"))

    assert (refusal.value.code, "phone" in refusal.value.message) == ("M603", True)
    assert text(drop) == PATRONS


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_and_byte_order_mark_stay_as_they_were(drop, mark, newline):
    before = mark + PATRONS.replace("\n", newline)
    drop.put("patrons.csv", before)

    write(drop.connector(), update("002", email="new@n.example"))

    assert text(drop) == before.replace("b@n.example", "new@n.example")


def test_an_existing_record_is_adopted_by_its_match_and_proposals_do_not_replace_its_values(drop):
    drop.put("patrons.csv", PATRONS)
    fields = {"cardnumber": "001", "surname": "Obi-Wan", "email": "proposed@n.example"}
    match = {"cardnumber": "001"}

    (outcome,) = write(
        drop.connector(), Write("k", "create", None, fields, frozenset({"surname"}), match)
    )

    assert (outcome.external_id, outcome.adopted) == ("001", True)
    assert text(drop) == PATRONS.replace("Obi", "Obi-Wan")


def test_a_match_that_finds_two_records_is_nobodys_guess(drop):
    drop.put("patrons.csv", PATRONS.replace("a@n", "b@n"))
    fields = {"cardnumber": "003", "email": "b@n.example"}

    (outcome,) = write(
        drop.connector(),
        Write("k", "create", None, fields, match={"email": "b@n.example"}),
    )

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert "003" not in text(drop)


def test_a_match_that_finds_a_record_with_another_key_is_refused(drop):
    drop.put("patrons.csv", PATRONS)
    fields = {"cardnumber": "003", "email": "b@n.example"}

    (outcome,) = write(
        drop.connector(), Write("k", "create", None, fields, match={"email": "b@n.example"})
    )

    assert outcome.error is not None
    assert "002 already answers" in outcome.error.message


def test_of_two_creations_of_one_record_in_a_batch_the_second_is_refused(drop):
    drop.put("patrons.csv", PATRONS)
    first = create("003", surname="Sato")
    second = Write("other", "create", None, first.fields, match=first.match)

    outcomes = write(drop.connector(), first, second)

    assert [one.external_id for one in outcomes] == ["003", None]
    assert outcomes[1].error.code == "M606"
    assert text(drop).count("Sato") == 1


def test_a_changed_key_gives_the_record_its_new_identifier(drop):
    drop.put("patrons.csv", PATRONS)

    (outcome,) = write(
        drop.connector(),
        Write("k", "update", "001", {"cardnumber": "009"}, frozenset({"cardnumber"})),
    )

    assert outcome.external_id == "009"
    assert text(drop).splitlines()[1:] == ["B2,002,Ng,b@n.example", "A1,009,Obi,a@n.example"]


def test_a_changed_key_that_another_record_has_is_refused(drop):
    drop.put("patrons.csv", PATRONS)

    (outcome,) = write(
        drop.connector(),
        Write("k", "update", "001", {"cardnumber": "002"}, frozenset({"cardnumber"})),
    )

    assert outcome.error is not None
    assert text(drop) == PATRONS


def test_suspending_sets_the_mark_and_nothing_else(drop):
    drop.put("patrons.csv", "cardnumber,surname,status\n001,Obi,active\n")
    connector = drop.connector(suspend=BLOCKED)

    write(connector, about("suspend", "001"))
    suspended = text(drop)
    write(connector, about("resume", "001"))

    assert suspended == "cardnumber,surname,status\n001,Obi,blocked\n"
    assert text(drop) == "cardnumber,surname,status\n001,Obi,active\n"


def test_suspending_is_refused_where_no_mark_is_agreed(drop):
    drop.put("patrons.csv", PATRONS)

    with pytest.raises(GiveUp) as refusal:
        write(drop.connector(), about("suspend", "001"))

    assert refusal.value.code == "M607"


def test_deleting_the_last_record_leaves_the_header(drop):
    drop.put("patrons.csv", "cardnumber,surname\n1,Obi\n")

    write(drop.connector(), about("delete", "1"))

    assert text(drop) == "cardnumber,surname\n"


@pytest.mark.parametrize(
    ("encoding", "value", "why"),
    [
        ("utf-8", "a\0b", "NUL"),
        ("utf-8", "\ud800", "utf-8"),
        ("cp1252", "王", "cp1252"),
        ("latin-1", "€", "latin-1"),
        ("utf-8", "", "no value at all"),
    ],
)
def test_a_value_that_would_not_survive_is_refused_by_field_and_not_quoted(
    drop, encoding, value, why
):
    drop.put("patrons.csv", "cardnumber,surname\n1,Obi\n".encode(encoding))
    connector = drop.connector(encoding=encoding)

    bad, good = write(connector, update("1", surname=value), create("2", surname="Sato"))

    assert isinstance(bad.error, SkipRow)
    assert "surname" in bad.error.message
    assert why in bad.error.message
    assert good.error is None
    assert [row["surname"] for row in drop.rows(encoding=encoding)] == ["Obi", "Sato"]


def test_an_empty_text_survives_where_nothing_has_a_mark_of_its_own(drop):
    drop.put("patrons.csv", "cardnumber,surname\n1,Obi\n")
    connector = drop.connector(null="\\N")

    outcomes = write(connector, update("1", surname=""), create("2", surname=None))

    assert [one.error for one in outcomes] == [None, None]
    assert text(drop) == "cardnumber,surname\n1,\n2,\\N\n"


@pytest.mark.parametrize("key", ["   ", "1.2E+10", "20-Oct"])
def test_a_key_that_could_not_be_trusted_when_read_is_not_written(drop, key):
    drop.put("patrons.csv", PATRONS)

    (outcome,) = write(drop.connector(), create(key, surname="Sato"))

    assert isinstance(outcome.error, SkipRow)
    assert text(drop) == PATRONS


def test_a_value_that_misses_its_agreed_form_is_not_written(drop):
    drop.put("patrons.csv", PATRONS)

    (outcome,) = write(
        drop.connector(patterns={"cardnumber": "[0-9]{3}"}), create("12", surname="Sato")
    )

    assert outcome.error is not None
    assert "cardnumber" in outcome.error.message


def test_a_file_that_cannot_be_trusted_is_not_built_upon(drop):
    broken = PATRONS + "C3,003"
    drop.put("patrons.csv", broken)

    with pytest.raises(GiveUp) as refusal:
        write(drop.connector(), create("004", surname="Sato"))

    assert refusal.value.code == "M423"
    assert text(drop) == broken


def test_a_file_that_vanished_is_not_begun_anew_unless_that_is_agreed(drop):
    with pytest.raises(GiveUp) as refusal:
        write(drop.connector(), create("1", surname="Obi"))
    assert refusal.value.code == "M420"

    write(drop.connector(missing_ok=True), create("1", surname="Obi"))
    assert text(drop) == "cardnumber,surname\n1,Obi\n"


def test_a_second_writer_is_sent_away_and_may_come_back(drop):
    path = drop.put("patrons.csv", PATRONS)

    with held(path), pytest.raises(TryAgain) as refusal:
        write(drop.connector(), create("003", surname="Sato"))

    assert refusal.value.after_seconds > 0
    assert text(drop) == PATRONS
    assert write(drop.connector(), create("003", surname="Sato"))[0].error is None


def test_nothing_but_the_file_and_its_lock_is_left_behind(drop):
    drop.put("patrons.csv", PATRONS)

    write(drop.connector(), create("003", surname="Sato"))

    assert sorted(one.name for one in drop.folder.iterdir()) == [
        ".patrons.csv.lock",
        "patrons.csv",
    ]


def test_a_batch_that_changes_nothing_leaves_the_file_alone(drop):
    path = drop.put("patrons.csv", PATRONS)
    os.utime(path, ns=(1, 1))

    (outcome,) = write(drop.connector(), update("404", surname="x"))

    assert isinstance(outcome.error, SkipRow)
    assert path.stat().st_mtime_ns == 1


def test_the_rights_of_the_file_stay(drop):
    path = drop.put("patrons.csv", PATRONS)
    path.chmod(0o640)

    write(drop.connector(), create("003", surname="Sato"))

    assert path.stat().st_mode & 0o777 == 0o640


def test_a_written_file_comes_with_its_control_totals(drop):
    connector = drop.connector(missing_ok=True, control={"file": "{file}.control"})

    write(connector, create("1", surname="Obi"), create("2", surname="Ng"))

    digest = hashlib.sha256((drop.folder / "patrons.csv").read_bytes()).hexdigest()
    assert text(drop, "patrons.csv.control") == f"rows=2\nsha256={digest}\n"


@pytest.mark.parametrize("more", [{"control": {"trailer": r"T,(?P<rows>\d+)"}}, {}])
def test_files_that_cannot_be_written_say_so(drop, more):
    file = "patrons.csv" if more else "patrons-*.csv"
    drop.put("patrons-1.csv", PATRONS)
    drop.put("patrons.csv", PATRONS + "T,2\n")
    connector = drop.connector(file, **more)

    (shape,) = connector.describe()

    assert shape.writes == frozenset()
    with pytest.raises(GiveUp):
        write(connector, create("3", surname="Sato"))


def test_json_lines_keep_what_they_do_not_know_with_its_type(drop):
    drop.put("patrons.jsonl", '{"cardnumber": "1", "fine": 1.5, "tags": ["b"], "active": true}\n')

    write(drop.connector("patrons.jsonl"), update("1", surname="Obi"), create("2", loans=3))

    lines = [json.loads(line) for line in text(drop, "patrons.jsonl").splitlines()]
    assert lines == [
        {"cardnumber": "1", "fine": 1.5, "tags": ["b"], "active": True, "surname": "Obi"},
        {"cardnumber": "2", "loans": 3},
    ]


def test_a_json_number_keeps_all_its_digits_when_its_record_is_updated(drop):
    drop.put("patrons.jsonl", '{"cardnumber": "1", "x": 0.12345678901234567890, "y": [1e400]}\n')

    write(drop.connector("patrons.jsonl"), update("1", surname="Obi"))

    assert '"x": 0.12345678901234567890, "y": [1e400], "surname"' in text(drop, "patrons.jsonl")


def test_parquet_keeps_its_types_and_refuses_a_value_of_another(drop):
    table = pa.table(
        {
            "cardnumber": ["1"],
            "loans": pa.array([3], pa.int32()),
            "born_on": pa.array([None], pa.date32()),
            "tags": pa.array([["b"]]),
        }
    )
    pq.write_table(table, drop.folder / "patrons.parquet")
    connector = drop.connector("patrons.parquet")

    good, bad = write(
        connector, update("1", loans=4, born_on="2001-02-03"), create("2", loans="many")
    )

    assert good.error is None
    assert isinstance(bad.error, SkipRow)
    assert "loans" in bad.error.message
    after = pq.read_table(drop.folder / "patrons.parquet")
    assert after.schema.equals(table.schema)
    assert [str(v) for v in after.to_pylist()[0].values()] == ["1", "4", "2001-02-03", "['b']"]


def test_finding_returns_records_in_the_order_asked_with_all_their_fields(drop):
    drop.put("patrons.csv", "cardnumber,surname,status\n1,Obi,blocked\n2,Obi,active\n")
    connector = drop.connector(suspend=BLOCKED)

    both, none, one = connector.find(
        "patrons", [{"surname": "Obi"}, {"surname": "Sato"}, {"_id": "2", "surname": "Obi"}]
    )

    assert [found.external_id for found in both] == ["1", "2"]
    assert none == []
    assert one[0].fields == {
        "cardnumber": "2",
        "surname": "Obi",
        "status": "active",
        "_suspended": False,
    }


@pytest.mark.parametrize(
    "value", ["=HYPERLINK(1)", "+1+cmd", "-2+3", "@SUM(1)", "\t=1", "\r=1", "-", "+44 20 7946"]
)
def test_a_text_that_a_spreadsheet_would_run_is_refused_where_people_open_the_file(drop, value):
    drop.put("patrons.csv", PATRONS)

    (refused,) = write(drop.connector(spreadsheet_safe=True), update("002", surname=value))
    unharmed = text(drop)
    (written,) = write(drop.connector(), update("002", surname=value))

    assert isinstance(refused.error, SkipRow)
    assert "surname" in refused.error.message
    assert value not in refused.error.message or value == "-"
    assert unharmed == PATRONS
    assert written.error is None
    assert drop.rows()[1]["surname"] == value


@pytest.mark.parametrize("value", ["-12.50", "+44", "-7", "O'Neill-Obi", "a=b", ""])
def test_plain_numbers_and_ordinary_texts_pass_where_people_open_the_file(drop, value):
    drop.put("patrons.csv", PATRONS)

    safe = drop.connector(spreadsheet_safe=True, null="-none-")
    (outcome,) = write(safe, update("002", surname=value))

    assert outcome.error is None
