from __future__ import annotations

import pytest

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.oneroster_csv.importer import import_bundle
from tests.connectors.oneroster_csv.rosters import ROSTER_1_1, ROSTER_1_2, texts, zipped

ROSTERS = {"1.1": ROSTER_1_1, "1.2": ROSTER_1_2}


def codes(path, **more):
    return {one.code for one in import_bundle(path, strict=False, **more).findings}


def refusal(path):
    with pytest.raises(Untrusted) as caught:
        import_bundle(path, strict=True)
    return caught.value


def altered(version="1.2", file="users.csv", **change):
    """A true bundle with one thing changed: the old text, and what stands there instead."""
    files = texts(ROSTERS[version], version)
    old, new = change["old"], change["new"]
    assert old in files[file]
    return {**files, file: files[file].replace(old, new, change.get("count", 1))}


@pytest.mark.parametrize("version", ROSTERS)
def test_a_true_bundle_is_imported_strictly_without_a_finding(version, tmp_path):
    path = zipped(texts(ROSTERS[version], version), tmp_path / "roster.zip")

    found = import_bundle(path, strict=True)

    assert (found.version, found.findings) == (version, ())
    assert {name: t.num_rows for name, t in found.tables.items()} == {
        name: len(rows) for name, rows in ROSTERS[version].items()
    }
    assert found.tables["classes"]["grades"].to_pylist() == ["09,10"]


def test_a_folder_is_read_like_a_zip(tmp_path):
    for name, text in texts(ROSTER_1_2, "1.2").items():
        (tmp_path / name).write_text(text, newline="")

    found = import_bundle(tmp_path, strict=True)

    assert found.tables["users"].num_rows == 2


def test_a_byte_order_mark_is_tolerated_even_strictly(tmp_path):
    files = texts(ROSTER_1_2, "1.2")
    marked = {**files, "users.csv": b"\xef\xbb\xbf" + files["users.csv"].encode()}

    found = import_bundle(zipped(marked, tmp_path / "roster.zip"), strict=True)

    assert found.tables["users"].column_names[0] == "sourcedId"


BREACHES = {
    "a required value missing": ("users.csv", "amara,,Amara", "amara,,", "M455"),
    "a word that is none of the list": ("roles.csv", "primary,student", "primary,pupil", "M455"),
    "a word in the wrong case": ("classes.csv", "scheduled", "Scheduled", "M455"),
    "a boolean in capitals": ("users.csv", ",true,", ",TRUE,", "M455"),
    "a date in another form": ("enrollments.csv", "2026-09-07", "07/09/2026", "M455"),
    "a day no calendar has": ("enrollments.csv", "2026-09-07", "2026-02-30", "M455"),
    "an identifier with a blank": ("courses.csv", "\r\nbio,", "\r\nbi o,", "M455"),
    "a line end inside a field": ("orgs.csv", "Northfield", '"North\nfield"', "M455"),
    "a year that is none": ("academicSessions.csv", "2027\r", "27\r", "M455"),
    "a list of identifiers with blanks": ("classes.csv", ",autumn,", ',"autumn, autumn",', "M455"),
    "a reference to nothing": ("enrollments.csv", ",amara,", ",chidi,", "M456"),
    "an agent that is nobody": ("users.csv", "Putra,,,,,,amara", "Putra,,,,,,chidi", "M456"),
    "a user without a role": ("roles.csv", ",amara,", ",dewi,", "M456"),
    "a bulk row with a status": ("orgs.csv", "northfield,,", "northfield,active,", "M453"),
    "a header in another order": ("orgs.csv", "name,type", "type,name", "M454"),
    "a column in the wrong case": ("orgs.csv", "parentSourcedId", "parentsourcedid", "M454"),
    "a column nobody knows": ("orgs.csv", "identifier,", "nces,", "M454"),
    "a column too few": ("orgs.csv", ",parentSourcedId", "", "M454"),
    "an unknown manifest version": ("manifest.csv", "version,1.0", "version,2.0", "M452"),
    "a version nobody knows": (
        "manifest.csv",
        "oneroster.version,1.2",
        "oneroster.version,9",
        "M452",
    ),
    "a file not stated": ("manifest.csv", "file.categories,absent\r\n", "", "M452"),
    "a mode that is none": ("manifest.csv", "categories,absent", "categories,full", "M452"),
    "a property stated twice": (
        "manifest.csv",
        "file.orgs,bulk",
        "file.orgs,bulk\r\nfile.orgs,bulk",
        "M452",
    ),
    "a file stated as absent": ("manifest.csv", "file.users,bulk", "file.users,absent", "M453"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_reported_tolerantly_and_refused_strictly(breach, tmp_path):
    file, old, new, code = BREACHES[breach]
    path = zipped(altered(file=file, old=old, new=new), tmp_path / "roster.zip")

    tolerant = import_bundle(path, strict=False)

    assert code in {one.code for one in tolerant.findings}
    assert {"users", "orgs"} <= set(tolerant.tables)
    assert refusal(path).code in {one.code for one in tolerant.findings}


def test_a_finding_counts_and_names_rows_by_their_identifier_never_by_a_value(tmp_path):
    files = altered(file="users.csv", old=",true,", new=",Amara-secret,")

    found = import_bundle(zipped(files, tmp_path / "roster.zip"), strict=False)

    (finding,) = [one for one in found.findings if one.code == "M455"]
    assert "1 of 2" in finding.message
    assert "amara" in finding.message
    assert "secret" not in str(finding)


def test_nothing_is_repaired_on_the_way_in(tmp_path):
    files = altered(file="users.csv", old=",true,", new=",TRUE,")

    found = import_bundle(zipped(files, tmp_path / "roster.zip"), strict=False)

    assert found.tables["users"]["enabledUser"].to_pylist() == ["TRUE", "false"]


def test_words_that_begin_with_ext_extend_1_2_and_not_1_1(tmp_path):
    extended = altered("1.2", "classes.csv", old="scheduled", new="ext:seminar")
    older = altered("1.1", "classes.csv", old="scheduled", new="ext:seminar")

    assert import_bundle(zipped(extended, tmp_path / "a.zip"), strict=True).findings == ()
    assert refusal(zipped(older, tmp_path / "b.zip")).code == "M455"


def test_metadata_columns_are_kept_when_they_come_last(tmp_path):
    header = "identifier,parentSourcedId"
    last = altered(file="orgs.csv", old=header, new=f"{header},metadata.town")
    first = altered(file="orgs.csv", old=header, new=f"metadata.town,{header}")

    found = import_bundle(zipped(last, tmp_path / "a.zip"), strict=False)

    assert "metadata.town" in found.tables["orgs"].column_names
    assert "metadata columns are not the last" in str(
        import_bundle(zipped(first, tmp_path / "b.zip"), strict=False).findings
    )


def test_the_column_that_drafts_of_1_2_had_is_no_breach(tmp_path):
    files = texts(ROSTER_1_2, "1.2")
    lines = files["users.csv"].splitlines()
    place = lines[0].split(",").index("preferredGivenName")
    drafted = []
    for line, cell in zip(lines, ("resourceSourcedIds", "", ""), strict=True):
        cells = line.split(",")
        drafted.append(",".join([*cells[:place], cell, *cells[place:]]))
    path = zipped({**files, "users.csv": "\r\n".join(drafted) + "\r\n"}, tmp_path / "roster.zip")

    found = import_bundle(path, strict=True)

    assert [one.severity for one in found.findings] == ["warning"]


def test_rows_nobody_can_tell_apart_set_their_file_aside_even_tolerantly(tmp_path):
    files = altered(file="users.csv", old="\r\ndewi,", new="\r\namara,")

    found = import_bundle(zipped(files, tmp_path / "roster.zip"), strict=False)

    assert found.set_aside["users"].code == "M431"
    assert "users" not in found.tables


def test_a_file_set_aside_is_not_held_against_those_that_refer_to_it(tmp_path):
    files = altered(file="orgs.csv", old="\r\nnorthfield,", new="\r\n,")

    found = import_bundle(zipped(files, tmp_path / "roster.zip"), strict=False)

    assert found.set_aside["orgs"].code == "M432"
    assert {one.code for one in found.findings} == {"M432"}


ASIDE = {
    "a bulk file without a row": (lambda text: text.splitlines()[0] + "\r\n", "M422"),
    "an empty file": (lambda text: text[:0], "M421"),
    "a file cut inside a quote": (lambda text: text[: text.index('""') + 2], "M423"),
    "a file cut inside a row": (lambda text: text[: text.rindex(",Putra") + 6], "M423"),
    "a row with a value too many": (lambda text: text.rstrip() + ",,,more\r\n", "M428"),
    "two columns of one name": (lambda text: text.replace("sms", "email", 1), "M427"),
    "no identifiers": (lambda text: text.replace("sourcedId", "id", 1), "M426"),
    "a quote out of place": (lambda text: text.replace('""Kafor"', '""Kafor"x', 1), "M429"),
    "bytes that are no text": (lambda text: b"\x81" + text.encode(), "M424"),
}


@pytest.mark.parametrize("what", ASIDE)
def test_a_file_that_cannot_be_relied_on_is_set_aside_with_the_reason(what, tmp_path):
    damage, code = ASIDE[what]
    files = texts(ROSTER_1_2, "1.2")
    path = zipped({**files, "users.csv": damage(files["users.csv"])}, tmp_path / "roster.zip")

    found = import_bundle(path, strict=False)

    assert found.set_aside["users"].code == code
    assert "users" not in found.tables
    assert refusal(path).cure


def test_a_stated_file_that_is_not_there_is_a_fault_and_no_news(tmp_path):
    files = texts(ROSTER_1_2, "1.2")
    del files["users.csv"]

    found = import_bundle(zipped(files, tmp_path / "roster.zip"), strict=False)

    assert found.set_aside["users"].code == "M453"


def test_text_in_another_encoding_is_read_and_reported(tmp_path):
    files = altered(file="orgs.csv", old="Northfield", new="Université")
    latin = {**files, "orgs.csv": files["orgs.csv"].encode("cp1252")}
    wide = {**files, "orgs.csv": files["orgs.csv"].encode("utf-16")}

    for name, content in (("latin", latin), ("wide", wide)):
        found = import_bundle(zipped(content, tmp_path / f"{name}.zip"), strict=False)
        assert found.tables["orgs"]["name"].to_pylist() == ["Université"]
        assert {one.code for one in found.findings} == {"M424"}


def test_a_bundle_inside_a_folder_is_read_with_a_finding(tmp_path):
    path = zipped(texts(ROSTER_1_2, "1.2"), tmp_path / "roster.zip", under="export/")

    assert codes(path) == {"M450"}
    assert refusal(path).code == "M450"


def test_what_a_desktop_adds_to_a_zip_is_ignored(tmp_path):
    extra = {"__MACOSX/._users.csv": b"\x00", ".DS_Store": b"\x00"}
    path = zipped({**texts(ROSTER_1_2, "1.2"), **extra}, tmp_path / "roster.zip")

    assert import_bundle(path, strict=True).findings == ()


def test_a_bundle_without_a_manifest_is_read_by_its_files_and_refused_strictly(tmp_path):
    files = texts(ROSTER_1_2, "1.2")
    del files["manifest.csv"]
    path = zipped(files, tmp_path / "roster.zip")

    found = import_bundle(path, strict=False)

    assert found.version == "1.2"
    assert refusal(path).code == "M452"


def test_delta_rows_must_have_status_and_date(tmp_path):
    rows = {"orgs": [{**ROSTER_1_2["orgs"][0], "status": "active"}]}
    dated = {"orgs": [{**rows["orgs"][0], "dateLastModified": "2026-09-01T06:00:00.000Z"}]}

    lacking = zipped(texts(rows, "1.2", mode="delta"), tmp_path / "a.zip")
    whole = zipped(texts(dated, "1.2", mode="delta"), tmp_path / "b.zip")

    assert codes(lacking) == {"M453"}
    assert import_bundle(whole, strict=True).findings == ()


def test_a_delta_may_refer_to_what_the_other_side_has_already(tmp_path):
    changed = {
        **ROSTER_1_1["enrollments"][0],
        "status": "active",
        "dateLastModified": "2026-09-01T06:00:00Z",
    }
    files = texts({"enrollments": [changed]}, "1.1", mode="delta")

    found = import_bundle(zipped(files, tmp_path / "roster.zip"), strict=True)

    assert found.modes["enrollments"] == "delta"


def test_real_rosters_are_read_tolerantly_with_their_breaches_reported(shared):
    bundle = shared / "data" / "sds-samples" / "SDS v2.1"

    found = import_bundle(bundle, strict=False)

    assert found.tables["users"].num_rows == 8
    assert found.tables["orgs"]["name"].null_count == 0
    assert set(found.set_aside) == {"demographics", "enrollments", "roles"}
    assert {"M452", "M454", "M455"} <= {one.code for one in found.findings}
    assert refusal(bundle).code == "M452"
