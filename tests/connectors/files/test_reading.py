"""What the files connector believes, and what it refuses to."""

from __future__ import annotations

import hashlib

import pytest

from matricula.connectors.files import csv_text
from matricula.connectors.kit.errors import GiveUp, TryAgain, Untrusted
from matricula.connectors.kit.landing import land

GOOD = "cardnumber,surname,email\n001,Obi,a@n.example\n002,Ngô,\n"


def refusal_of(drop, file="patrons.csv", **more):
    with pytest.raises(Untrusted) as refusal:
        drop.rows(file, **more)
    assert refusal.value.cure
    return refusal.value


def test_rows_are_text_with_an_identifier_and_null_for_nothing(drop):
    drop.put("patrons.csv", GOOD)

    assert drop.rows() == [
        {"_id": "001", "cardnumber": "001", "surname": "Obi", "email": "a@n.example"},
        {"_id": "002", "cardnumber": "002", "surname": "Ngô", "email": None},
    ]


def test_quotes_delimiters_and_line_ends_inside_values_survive(drop):
    drop.put("patrons.csv", 'cardnumber,note\r\n1,"a ""b"", c\r\nd"\r\n2,"x\ny"\r\n')

    assert [row["note"] for row in drop.rows()] == ['a "b", c\r\nd', "x\ny"]


def test_a_byte_order_mark_is_not_part_of_the_first_column(drop):
    drop.put("patrons.csv", b"\xef\xbb\xbf" + GOOD.encode())

    assert [row["cardnumber"] for row in drop.rows()] == ["001", "002"]


def test_a_byte_order_mark_before_a_quoted_header_is_not_part_of_it_either(drop):
    drop.put("patrons.csv", b'\xef\xbb\xbf"cardnumber","note"\n"1","x"\n')

    assert drop.rows() == [{"_id": "1", "cardnumber": "1", "note": "x"}]


@pytest.mark.parametrize(
    ("encoding", "surname"),
    [("utf-8", "王小明"), ("utf-16", "王小明"), ("latin-1", "Müller"), ("cp1252", "Š €")],
)
def test_a_file_in_a_stated_encoding_reads_as_it_was_written(drop, encoding, surname):
    drop.put("patrons.csv", f"cardnumber,surname\n1,{surname}\n".encode(encoding))

    assert drop.rows(encoding=encoding)[0]["surname"] == surname


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_stated_delimiter_is_used(drop, delimiter):
    drop.put("patrons.csv", GOOD.replace(",", delimiter))

    assert len(drop.rows(delimiter=delimiter)) == 2


def test_a_stated_mark_for_nothing_tells_it_from_an_empty_text(drop):
    drop.put("patrons.csv", "cardnumber,note\n1,\n2,NULL\n")

    assert [row["note"] for row in drop.rows(null="NULL")] == ["", None]


def test_a_key_of_several_columns_is_joined_without_ambiguity(drop):
    drop.put("patrons.csv", "code,term\na|b,c\na,b|c\n")

    rows = drop.rows(key=["code", "term"])

    assert [row["_id"] for row in rows] == [r"a\|b|c", r"a|b\|c"]


def test_the_last_file_by_name_is_taken_of_those_that_match(drop):
    drop.put("patrons-2026-08-31.csv", GOOD)
    drop.put("patrons-2026-09-01.csv", "cardnumber,surname\n777,New\n")

    assert [row["_id"] for row in drop.rows("patrons-*.csv")] == ["777"]


def test_rows_of_a_large_file_arrive_in_several_batches(drop):
    lines = "".join(f"{n},Obi\n" for n in range(50_000))
    drop.put("patrons.csv", "cardnumber,surname\n" + lines)

    with drop.connector().read("patrons") as reading:
        sizes = [batch.num_rows for batch in reading.batches]

    assert sum(sizes) == 50_000
    assert len(sizes) > 1


def test_quoted_and_plain_files_read_the_same(drop):
    plain = "cardnumber,surname,email\r\n" + "".join(f"{n},Obi,\r\n" for n in range(500))
    quoted = plain.replace("Obi", '"Obi"')
    drop.put("plain.csv", plain)
    drop.put("quoted.csv", quoted)

    assert drop.rows("plain.csv") == drop.rows("quoted.csv")


def test_a_missing_file_is_refused(drop):
    assert refusal_of(drop).code == "M420"


def test_a_pattern_that_matches_nothing_is_refused(drop):
    assert refusal_of(drop, "patrons-*.csv").code == "M420"


def test_a_missing_file_reads_as_no_records_where_that_is_agreed(drop):
    assert drop.rows(missing_ok=True) == []


def test_a_missing_folder_is_a_system_that_is_away(drop):
    with pytest.raises(TryAgain):
        drop.rows(folder="elsewhere", missing_ok=True)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \r\n"])
def test_an_empty_file_is_refused(drop, content):
    drop.put("patrons.csv", content)

    assert refusal_of(drop).code == "M421"


def test_a_header_without_records_is_refused(drop):
    drop.put("patrons.csv", "cardnumber,surname\n")

    assert refusal_of(drop).code == "M422"


def test_a_header_without_records_is_fine_where_that_is_agreed(drop):
    drop.put("patrons.csv", "cardnumber,surname\n")

    assert drop.rows(may_be_empty=True) == []


def test_a_file_cut_at_any_byte_of_its_last_record_is_refused(drop):
    start = GOOD.encode().index(b"002")
    whole = GOOD.encode()

    codes = []
    for end in range(start + 1, len(whole)):
        drop.put("patrons.csv", whole[:end])
        codes.append(refusal_of(drop).code)

    assert set(codes) == {"M423"}


def test_a_file_cut_at_any_byte_of_a_quoted_record_is_refused(drop):
    whole = b'cardnumber,note\n"1","a ""b"" c"\n'

    codes = []
    for end in range(whole.index(b'"1"') + 1, len(whole)):
        drop.put("patrons.csv", whole[:end])
        codes.append(refusal_of(drop).code)

    assert set(codes) == {"M423"}


def test_a_cut_names_the_line_and_what_is_missing(drop):
    drop.put("patrons.csv", "cardnumber,surname,email\n1,Obi,x\n2,Ng")

    assert "line 3: 2 of 3 values" in refusal_of(drop).message


def test_a_complete_last_line_without_an_end_is_taken_where_that_is_agreed(drop):
    drop.put("patrons.csv", GOOD.rstrip("\n").replace("Ngô,", "Ngô,n@n.example"))

    assert len(drop.rows(final_newline="optional")) == 2


def test_a_cut_last_line_is_refused_even_where_the_last_end_is_optional(drop):
    drop.put("patrons.csv", "cardnumber,surname,email\n1,Obi,x\n2,Ng")

    assert refusal_of(drop, final_newline="optional").code == "M423"


def test_bytes_that_are_not_the_stated_encoding_are_refused_with_their_line(drop):
    drop.put("patrons.csv", "cardnumber,surname\n1,Obi\n2,Müller\n".encode("cp1252"))

    refusal = refusal_of(drop)

    assert (refusal.code, "line 3" in refusal.message) == ("M424", True)
    assert "cp1252" in refusal.cure


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf16_taken_for_utf8_is_refused(drop, encoding):
    drop.put("patrons.csv", GOOD.encode(encoding))

    assert refusal_of(drop).code == "M424"


def test_utf8_taken_for_utf16_is_refused_with_the_likely_encoding(drop):
    drop.put("patrons.csv", GOOD)

    assert "encoding: utf-8" in refusal_of(drop, encoding="utf-16").cure


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_utf8_taken_for_a_western_encoding_is_refused(drop, encoding, mark):
    drop.put("patrons.csv", mark + GOOD.encode())

    refusal = refusal_of(drop, encoding=encoding)

    assert (refusal.code, "encoding: utf-8" in refusal.cure) == ("M424", True)


def test_a_nul_character_is_refused(drop):
    drop.put("patrons.csv", "cardnumber,surname\n1,O\0bi\n")

    assert refusal_of(drop).code == "M424"


@pytest.mark.parametrize(("sign", "called"), [(";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_a_wrong_delimiter_is_refused_by_name(drop, sign, called):
    drop.put("patrons.csv", GOOD.replace(",", sign))

    refusal = refusal_of(drop)

    assert refusal.code == "M425"
    assert called in refusal.message


def test_a_renamed_key_column_is_refused_with_the_nearest_name(drop):
    drop.put("patrons.csv", GOOD.replace("cardnumber", "Card Number"))

    refusal = refusal_of(drop)

    assert refusal.code == "M426"
    assert (
        refusal.message == "patrons.csv has no key column cardnumber; the nearest is Card Number."
    )


def test_a_missing_agreed_column_is_refused(drop):
    drop.put("patrons.csv", GOOD)

    refusal = refusal_of(drop, columns=["cardnumber", "surname", "barcode"])

    assert (refusal.code, "column barcode" in refusal.message) == ("M426", True)


@pytest.mark.parametrize(
    "header", ["cardnumber,email,email", "cardnumber,,email", "cardnumber,_id,email"]
)
def test_a_header_with_a_repeated_blank_or_reserved_name_is_refused(drop, header):
    drop.put("patrons.csv", f"{header}\n1,2,3\n")

    assert refusal_of(drop).code == "M427"


@pytest.mark.parametrize("row", ["2,Obi", "2,Obi,x,y"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_ragged_row_is_refused_with_its_line(drop, row, quote):
    drop.put("patrons.csv", f"cardnumber,surname,email\n{quote}1{quote},a,b\n{row}\n3,c,d\n")

    refusal = refusal_of(drop)

    assert (refusal.code, "line 3" in refusal.message) == ("M428", True)


def test_a_ragged_row_far_down_a_large_file_is_named_by_its_line(drop, monkeypatch):
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 4096)
    lines = [f"{n},Obi" for n in range(5_000)]
    lines[4_321] = "4321,Obi,extra"
    drop.put("patrons.csv", "\n".join(["cardnumber,surname", *lines, ""]))

    assert "line 4323 " in refusal_of(drop).message


def test_a_value_longer_than_a_block_arrives_whole_and_no_row_twice(drop, monkeypatch):
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 4096)
    lines = [f"{n},Obi" for n in range(3_000)]
    lines[2_000] = "2000," + "x" * 10_000
    drop.put("patrons.csv", "\n".join(["cardnumber,surname", *lines, ""]))

    rows = drop.rows()

    assert [row["_id"] for row in rows] == [str(n) for n in range(3_000)]
    assert len(rows[2_000]["surname"]) == 10_000


def test_a_quote_out_of_place_is_refused_with_its_line(drop):
    drop.put("patrons.csv", 'cardnumber,surname\n1,"O"bi\n2,x\n')

    refusal = refusal_of(drop)

    assert (refusal.code, "line 2" in refusal.message) == ("M429", True)


def test_a_quote_that_is_never_closed_is_a_cut(drop):
    drop.put("patrons.csv", 'cardnumber,surname\n1,"Obi\n2,Ng\n')

    assert refusal_of(drop).code == "M423"


def test_duplicate_keys_are_refused_with_their_number_and_the_first_two_records(drop):
    drop.put("patrons.csv", "cardnumber,surname\n1,a\n2,b\n1,c\n2,d\n3,e\n")

    refusal = refusal_of(drop)

    assert refusal.code == "M431"
    assert "2 value(s) of cardnumber stand on more than one record, first on 1 and 3." in (
        refusal.message
    )


@pytest.mark.parametrize("blank", ["", "   ", '""'])
def test_blank_keys_are_refused_with_their_number_and_the_first_of_them(drop, blank):
    drop.put("patrons.csv", f"cardnumber,surname\n1,a\n{blank},b\n{blank},c\n")

    refusal = refusal_of(drop)

    assert refusal.code == "M432"
    assert "2 of 3 records have no cardnumber; the first is record 2" in refusal.message


@pytest.mark.parametrize("damaged", ["1.23E+11", "20-Oct", "Oct-20"])
def test_a_key_that_a_spreadsheet_damaged_is_refused(drop, damaged):
    drop.put("patrons.csv", f"cardnumber,surname\n1,a\n{damaged},b\n")

    refusal = refusal_of(drop)

    assert refusal.code == "M433"
    assert "1 value(s) of cardnumber from record 2 on do not have the agreed form" in (
        refusal.message
    )


def test_lost_leading_zeros_are_refused_where_the_form_of_the_key_is_agreed(drop):
    drop.put("patrons.csv", "cardnumber,surname\n00012,a\n13,b\n")

    refusal = refusal_of(drop, patterns={"cardnumber": "[0-9]{5}"})

    assert (refusal.code, "from record 2 on" in refusal.message) == ("M433", True)


@pytest.mark.parametrize(
    ("rows", "code"),
    [("Amara,1\n", "M433"), ("7,x\nAmara,1\nAmara,2\n", "M431"), ("AmaraÃ¼,Ã¼Amara\n", "M435")],
)
def test_no_cell_is_quoted_for_where_columns_have_shifted_even_a_key_is_a_name(drop, rows, code):
    drop.put("patrons.csv", f"cardnumber,surname\n{rows}")
    form = {"patterns": {"cardnumber": "[0-9]+"}} if code == "M433" else {}

    if code == "M435":
        _, findings = drop.rows_and_findings()
        said = " ".join(str(one) for one in findings)
    else:
        said = str(refusal_of(drop, **form))

    assert code in said
    assert "Amara" not in said


def test_a_value_that_misses_its_form_is_not_quoted(drop):
    drop.put("patrons.csv", "cardnumber,surname\n1,Amara\n")

    assert "Amara" not in str(refusal_of(drop, patterns={"surname": "[0-9]+"}))


def test_a_control_file_that_agrees_is_proof_enough_for_a_last_line_without_end(drop):
    content = GOOD.rstrip("\n")
    digest = hashlib.sha256(content.encode()).hexdigest()
    drop.put("patrons.csv", content)
    drop.put("patrons.csv.control", f"rows=2\nsha256={digest}\n")

    assert len(drop.rows(control={"file": "{file}.control"})) == 2


@pytest.mark.parametrize(
    "control", ["rows=3\n", "rows=1\n", f"sha256={'0' * 64}\n", "total: 2\n", ""]
)
def test_a_control_file_that_disagrees_or_says_nothing_is_refused(drop, control):
    drop.put("patrons.csv", GOOD)
    drop.put("patrons.csv.control", control)

    assert refusal_of(drop, control={"file": "{file}.control"}).code == "M430"


def test_a_missing_control_file_is_refused(drop):
    drop.put("patrons.csv", GOOD)

    assert refusal_of(drop, control={"file": "{file}.control"}).code == "M430"


TRAILER = {"trailer": r"TRAILER,(?P<rows>\d+)"}


def test_a_trailer_row_is_no_record_and_its_total_must_agree(drop):
    drop.put("patrons.csv", GOOD + "TRAILER,2\n")

    assert len(drop.rows(control=TRAILER)) == 2


def test_a_trailer_with_another_total_is_refused(drop):
    drop.put("patrons.csv", GOOD + "TRAILER,3\n")

    assert refusal_of(drop, control=TRAILER).code == "M430"


def test_a_file_without_its_trailer_is_cut_off(drop):
    drop.put("patrons.csv", GOOD)

    assert refusal_of(drop, control=TRAILER).code == "M423"


def test_a_file_that_grows_while_it_is_read_is_refused(drop):
    path = drop.put("patrons.csv", GOOD)

    with drop.connector().read("patrons") as reading:
        path.write_text(GOOD + "003,Late,x\n", encoding="utf-8")
        with pytest.raises(Untrusted) as refusal:
            list(reading.batches)

    assert refusal.value.code == "M434"


def test_characters_lost_before_they_came_here_are_findings_and_not_repaired(drop):
    drop.put("patrons.csv", "cardnumber,surname\n1,MÃ¼ller\n2,Obi\n3,G\ufffdnther\n4,SÃO\n")

    rows, findings = drop.rows_and_findings()

    assert [row["surname"] for row in rows] == ["MÃ¼ller", "Obi", "G\ufffdnther", "SÃO"]
    assert [(one.place, one.code, one.severity) for one in findings] == [
        ("library.patrons.surname", "M435", "warning")
    ]
    assert findings[0].message.startswith("2 value(s)")


def test_a_column_that_was_not_agreed_is_a_finding(drop):
    drop.put("patrons.csv", GOOD)

    _, findings = drop.rows_and_findings(columns=["cardnumber", "surname"])

    assert [one.place for one in findings] == ["library.patrons.email"]


@pytest.mark.parametrize("stated", ["../outside.csv", "/etc/hostname"])
def test_a_file_outside_the_folder_is_refused(drop, stated):
    (drop.base / "outside.csv").write_text(GOOD)

    with pytest.raises(GiveUp) as refusal:
        drop.rows(stated, format="csv")

    assert refusal.value.code == "M620"


def test_a_link_that_leads_out_of_the_folder_is_not_followed(drop):
    outside = drop.base / "outside.csv"
    outside.write_text(GOOD)
    (drop.folder / "patrons.csv").symlink_to(outside)

    with pytest.raises(GiveUp) as refusal:
        drop.rows()

    assert refusal.value.code == "M620"


def test_a_folder_outside_the_charters_is_refused_unless_it_is_absolute(drop):
    drop.put("patrons.csv", GOOD)

    with pytest.raises(GiveUp):
        drop.rows(folder="../")
    assert len(drop.rows(folder=str(drop.folder))) == 2


def test_a_folder_in_place_of_a_file_is_refused(drop):
    (drop.folder / "patrons.csv").mkdir()

    with pytest.raises(GiveUp) as refusal:
        drop.rows()

    assert refusal.value.code == "M620"


def test_a_broken_file_never_lands(drop, tmp_path):
    drop.put(
        "patrons.csv", "cardnumber,surname\n" + "".join(f"{n},x\n" for n in range(30_000)) + "9"
    )
    snapshot = tmp_path / "snapshot.parquet"

    with pytest.raises(Untrusted), drop.connector().read("patrons") as reading:
        land(reading, snapshot)

    assert not snapshot.exists()


def test_a_marked_record_reads_as_suspended(drop):
    drop.put("patrons.csv", "cardnumber,status\n1,blocked\n2,active\n3,\n")

    rows = drop.rows(suspend={"field": "status", "value": "blocked"})

    assert [row["_suspended"] for row in rows] == [True, False, False]


def test_describing_names_the_columns_of_today(drop):
    drop.put("patrons.csv", GOOD)

    (shape,) = drop.connector().describe()

    assert [field.name for field in shape.fields] == ["cardnumber", "surname", "email"]
    assert (shape.id_field, shape.open_ended) == ("cardnumber", True)
    assert shape.writes == {"create", "update", "delete"}


def test_ping_names_the_files_that_are_not_there(drop):
    health = drop.connector().ping()

    assert (health.well, health.sentence) == (False, "Not there: patrons.csv.")
