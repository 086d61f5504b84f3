from __future__ import annotations

import errno
import json
import zipfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matricula.connectors.kit.errors import GiveUp, SkipRow, TryAgain, Untrusted
from matricula.connectors.kit.oneroster.tables import tables
from matricula.connectors.kit.places import held
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.oneroster_csv import connector as connector_module
from matricula.connectors.oneroster_csv.connector import OneRosterCsvConnector
from matricula.connectors.oneroster_csv.importer import import_bundle
from tests.connectors.oneroster_csv.rosters import AT, ROSTER_1_1, ROSTER_1_2, texts, zipped

FIXED = {name: ROSTER_1_2[name] for name in ("orgs", "academicSessions", "courses", "classes")}
BELA = {
    "sourcedId": "bela",
    "username": "bela",
    "givenName": "Bela",
    "familyName": "Nagy",
}
CHIDI = {**BELA, "sourcedId": "chidi", "username": "chidi", "givenName": "Chidi"}
BELA_ROLE = {
    "sourcedId": "bela-role",
    "userSourcedId": "bela",
    "roleType": "primary",
    "role": "student",
    "orgSourcedId": "northfield",
}
BELA_BIO = {
    "sourcedId": "bela-bio-1",
    "classSourcedId": "bio-1",
    "schoolSourcedId": "northfield",
    "userSourcedId": "bela",
    "role": "student",
}


def target(folder, **more):
    stated = {"file": "vle.zip", "missing_ok": True, "static": FIXED, **more}
    settings = OneRosterCsvConnector.Settings.model_validate(stated)
    return OneRosterCsvConnector(settings, Context("vle", folder))


def source(base, **more):
    settings = OneRosterCsvConnector.Settings.model_validate(more)
    return OneRosterCsvConnector(settings, Context("sims", base))


def create(row, **match):
    names = match or {"sourcedId": row["sourcedId"]}
    return Write(str(row.get("sourcedId")), "create", None, row, frozenset(row), names)


def about(kind, row, **change):
    fields = {**row, **change}
    return Write(row["sourcedId"], kind, row["sourcedId"], fields, frozenset(change))


def done(connector, resource, *writes):
    outcomes = connector.write(resource, list(writes), at=AT)
    assert [one.error for one in outcomes] == [None] * len(writes)
    return outcomes


def rows(connector, resource):
    with connector.read(resource) as reading:
        return {row["_id"]: row for batch in reading.batches for row in batch.to_pylist()}


def findings(connector, resource):
    with connector.read(resource) as reading:
        list(reading.batches)
    return reading.findings


def changes(folder):
    (path,) = folder.glob("delta-*.zip")
    return import_bundle(path, strict=True).tables


def test_three_flows_build_a_bundle_that_passes_the_strict_import(tmp_path):
    connector = target(tmp_path)

    done(connector, "users", create(BELA))
    done(connector, "roles", create(BELA_ROLE))
    done(connector, "enrollments", create(BELA_BIO))

    found = import_bundle(tmp_path / "vle.zip", strict=True)
    assert found.findings == ()
    assert {name: table.num_rows for name, table in found.tables.items()} == {
        "academicSessions": 1,
        "classes": 1,
        "courses": 1,
        "enrollments": 1,
        "orgs": 1,
        "roles": 1,
        "users": 1,
    }


def test_a_new_user_may_enter_unless_the_flow_says_otherwise(tmp_path):
    connector = target(tmp_path)

    done(connector, "users", create(BELA), create({**CHIDI, "enabledUser": False}))

    enabled = {key: row["enabledUser"] for key, row in rows(connector, "users").items()}
    assert enabled == {"bela": "true", "chidi": "false"}


def test_an_enrolment_of_nobody_is_set_aside_naming_the_reference(tmp_path):
    connector = target(tmp_path)
    done(connector, "users", create(BELA))

    kept, lost = connector.write(
        "enrollments",
        [create(BELA_BIO), create({**BELA_BIO, "sourcedId": "x", "userSourcedId": "chidi"})],
        at=AT,
    )

    assert kept.external_id == "bela-bio-1"
    assert isinstance(lost.error, SkipRow)
    assert "userSourcedId names chidi" in lost.error.message
    assert set(rows(connector, "enrollments")) == {"bela-bio-1"}


@pytest.mark.parametrize("name", ["givenName", "username", "sourcedId"])
def test_a_missing_required_column_is_named(name, tmp_path):
    row = {key: value for key, value in BELA.items() if key != name}

    (outcome,) = target(tmp_path).write("users", [create(row, username="bela")], at=AT)

    assert isinstance(outcome.error, SkipRow)
    assert name in outcome.error.message
    assert "Nagy" not in str(outcome.error)


def test_a_user_whom_an_enrolment_still_names_leaves_after_it(tmp_path):
    connector = target(tmp_path)
    done(connector, "users", create(BELA))
    done(connector, "enrollments", create(BELA_BIO))

    (held,) = connector.write("users", [about("delete", BELA)], at=AT)
    done(connector, "enrollments", about("delete", BELA_BIO))
    done(connector, "users", about("delete", BELA))

    assert isinstance(held.error, TryAgain)
    assert "enrollments.userSourcedId" in held.error.message
    assert rows(connector, "users") == {}


def test_both_ends_of_a_reference_within_a_file_may_come_in_any_order(tmp_path):
    connector = target(tmp_path)

    done(connector, "users", create({**BELA, "agentSourcedIds": "chidi"}), create(CHIDI))

    assert rows(connector, "users")["bela"]["agentSourcedIds"] == "chidi"


def test_a_chain_that_ends_in_nobody_is_refused_link_by_link(tmp_path):
    connector = target(tmp_path)
    bela, chidi = {**BELA, "agentSourcedIds": "chidi"}, {**CHIDI, "agentSourcedIds": "nobody"}

    outcomes = connector.write("users", [create(bela), create(chidi)], at=AT)

    assert [type(one.error) for one in outcomes] == [SkipRow, SkipRow]
    assert rows(connector, "users") == {}


def test_an_agent_leaves_only_with_the_one_who_names_it(tmp_path):
    connector = target(tmp_path)
    bela = {**BELA, "agentSourcedIds": "chidi"}
    done(connector, "users", create(bela), create(CHIDI))

    (held,) = connector.write("users", [about("delete", CHIDI)], at=AT)
    done(connector, "users", about("delete", CHIDI), about("delete", bela))

    assert isinstance(held.error, TryAgain)
    assert rows(connector, "users") == {}


def test_a_record_found_by_another_field_is_adopted_not_made_twice(tmp_path):
    connector = target(tmp_path)
    done(connector, "users", create(BELA))
    unnamed = {key: value for key, value in BELA.items() if key != "sourcedId"}

    (outcome,) = done(
        connector, "users", create({**unnamed, "email": "b@x.example"}, username="bela")
    )

    assert (outcome.external_id, outcome.adopted) == ("bela", True)
    assert rows(connector, "users")["bela"]["email"] == "b@x.example"


def test_a_record_that_answers_to_the_match_under_another_identifier_is_a_case_for_people(
    tmp_path,
):
    connector = target(tmp_path)
    done(connector, "users", create(BELA))

    (outcome,) = connector.write(
        "users", [create({**BELA, "sourcedId": "bela-2"}, username="bela")], at=AT
    )

    assert outcome.error is not None
    assert outcome.error.code == "M606"
    assert set(rows(connector, "users")) == {"bela"}


def test_a_proposed_value_never_replaces_what_stands_there(tmp_path):
    connector = target(tmp_path)
    done(connector, "users", create({**BELA, "preferredGivenName": "Béla"}))
    proposal = Write(
        "bela",
        "create",
        None,
        {**BELA, "preferredGivenName": "B."},
        frozenset({"givenName"}),
        {"sourcedId": "bela"},
    )

    done(connector, "users", proposal)

    assert rows(connector, "users")["bela"]["preferredGivenName"] == "Béla"


def test_only_users_can_be_suspended(tmp_path):
    connector = target(tmp_path)
    done(connector, "users", create(BELA))
    done(connector, "enrollments", create(BELA_BIO))

    done(connector, "users", about("suspend", BELA))
    with pytest.raises(GiveUp, match="M607"):
        connector.write("enrollments", [about("suspend", BELA_BIO)], at=AT)

    bela = rows(connector, "users")["bela"]
    assert (bela["_suspended"], bela["enabledUser"]) == (True, "false")


def test_an_identifier_never_changes(tmp_path):
    connector = target(tmp_path)
    done(connector, "users", create(BELA))

    (outcome,) = connector.write("users", [about("update", BELA, sourcedId="b2")], at=AT)

    assert isinstance(outcome.error, SkipRow)
    assert "sourcedId" in outcome.error.message
    assert set(rows(connector, "users")) == {"bela"}


def test_a_static_file_is_the_charters_alone_and_follows_it(tmp_path):
    connector = target(tmp_path)
    done(connector, "users", create(BELA))
    renamed = {**FIXED, "orgs": [{**FIXED["orgs"][0], "name": "Northfield University"}]}

    with pytest.raises(GiveUp, match="M607"):
        connector.write("orgs", [create({"sourcedId": "x", "name": "X", "type": "school"})], at=AT)
    done(target(tmp_path, static=renamed), "users", create(CHIDI))

    assert rows(connector, "orgs")["northfield"]["name"] == "Northfield University"


def test_a_static_row_that_breaks_the_standard_gives_up_and_writes_nothing(tmp_path):
    wrong = {**FIXED, "orgs": [{**FIXED["orgs"][0], "type": "moon"}]}

    with pytest.raises(GiveUp, match=r"orgs\.type"):
        target(tmp_path, static=wrong).write("users", [create(BELA)], at=AT)

    assert not (tmp_path / "vle.zip").exists()


def test_delta_mode_tells_changes_and_deletions_beside_the_whole_bundle(tmp_path):
    whole = target(tmp_path)
    done(whole, "users", create(BELA), create(CHIDI))
    connector = target(tmp_path, mode="delta", deltas="out")
    (tmp_path / "out").mkdir()

    done(connector, "users", about("update", BELA, email="b@x.example"), about("delete", CHIDI))

    told = {row["sourcedId"]: row for row in changes(tmp_path / "out")["users"].to_pylist()}
    assert {key: row["status"] for key, row in told.items()} == {
        "bela": "active",
        "chidi": "tobedeleted",
    }
    assert {row["dateLastModified"] for row in told.values()} == {"2026-09-01T06:00:00.000Z"}
    assert import_bundle(tmp_path / "vle.zip", strict=False).tables["users"].num_rows == 1


def test_one_run_has_one_file_of_changes_however_many_batches(tmp_path):
    connector = target(tmp_path, mode="delta", static={})

    done(connector, "users", create(BELA))
    done(connector, "users", create(CHIDI))
    done(connector, "users", about("update", BELA, email="b@x.example"))

    told = {row["sourcedId"]: row["email"] for row in changes(tmp_path)["users"].to_pylist()}
    assert told == {"bela": "b@x.example", "chidi": None}


def test_a_write_that_changes_nothing_tells_nothing(tmp_path):
    done(target(tmp_path, static={}), "users", create(BELA))
    before = (tmp_path / "vle.zip").stat().st_mtime_ns

    done(target(tmp_path, static={}, mode="delta"), "users", create(BELA))

    assert list(tmp_path.glob("delta-*")) == []
    assert (tmp_path / "vle.zip").stat().st_mtime_ns == before


def test_a_bundle_that_vanished_is_not_begun_anew(tmp_path):
    done(target(tmp_path), "users", create(BELA))
    (tmp_path / "vle.zip").unlink()

    with pytest.raises(GiveUp, match="M420"):
        target(tmp_path).write("users", [create(CHIDI)], at=AT)
    with pytest.raises(Untrusted, match="M420"):
        rows(target(tmp_path), "users")

    assert not (tmp_path / "vle.zip").exists()


def test_a_bundle_that_somebody_broke_is_not_built_upon(tmp_path):
    files = texts(ROSTER_1_2, "1.2")
    files["users.csv"] = files["users.csv"].replace(",true,", ",yes,")
    path = zipped(files, tmp_path / "vle.zip")
    before = path.read_bytes()

    with pytest.raises(GiveUp, match="M455"):
        target(tmp_path).write("users", [create(BELA)], at=AT)

    assert path.read_bytes() == before


def test_a_bundle_of_another_version_is_not_overwritten(tmp_path):
    zipped(texts(ROSTER_1_1, "1.1"), tmp_path / "vle.zip")

    with pytest.raises(GiveUp, match="M452"):
        target(tmp_path).write("users", [create(BELA)], at=AT)


def test_columns_we_do_not_write_stay_in_the_bundle(tmp_path):
    files = texts(ROSTER_1_2, "1.2")
    files["users.csv"] = files["users.csv"].replace('Kafor",,,,,,,,', 'Kafor",,,,,,,,hash', 1)
    zipped(files, tmp_path / "vle.zip")

    done(target(tmp_path, static={}), "users", create(BELA))

    with zipfile.ZipFile(tmp_path / "vle.zip") as archive:
        assert "hash" in archive.read("users.csv").decode()


def test_passwords_are_never_read_nor_written(tmp_path):
    users = [{**row, "password": "P@ssword1"} for row in ROSTER_1_1["users"]]
    zipped(texts({**ROSTER_1_1, "users": users}, "1.1"), tmp_path / "in.zip")
    connector = source(tmp_path, file="in.zip", version="1.1")

    names = {name for row in rows(connector, "users").values() for name in row}
    described = {one.name for shape in connector.describe() for one in shape.fields}

    assert "password" not in names | described
    assert ["password has values" in str(one) for one in findings(connector, "users")] == [True]
    with pytest.raises(GiveUp, match="password"):
        connector.write("users", [create({**BELA, "password": "x"})], at=AT)


def test_a_source_is_read_as_text_with_what_breaks_the_standard_as_findings(tmp_path):
    files = texts(ROSTER_1_1, "1.1")
    files["users.csv"] = files["users.csv"].replace(",true,", ",TRUE,")
    zipped(files, tmp_path / "in.zip")
    connector = source(tmp_path, file="in.zip")

    found = rows(connector, "users")

    assert found["amara"]["enabledUser"] == "TRUE"
    assert [(row["_suspended"]) for row in found.values()] == [False, True]
    (finding,) = findings(connector, "users")
    assert (finding.place, finding.severity) == ("sims.users.enabledUser", "warning")
    assert findings(connector, "orgs") == []


def test_strict_reading_refuses_what_tolerant_reading_reports(tmp_path):
    files = texts(ROSTER_1_1, "1.1")
    del files["manifest.csv"]
    zipped(files, tmp_path / "in.zip")

    assert len(rows(source(tmp_path, file="in.zip"), "users")) == 2
    with pytest.raises(Untrusted, match="M452"):
        rows(source(tmp_path, file="in.zip", strict=True), "users")


UNTRUSTED = {
    "no bundle": (None, "M420"),
    "a cut bundle": ("cut", "M450"),
    "a file stated absent": ({"enrollments.csv": None}, "M453"),
    "a file of changes": ("delta", "M457"),
}


@pytest.mark.parametrize("what", UNTRUSTED)
def test_a_source_that_cannot_be_believed_is_never_read_as_no_records(what, tmp_path):
    how, code = UNTRUSTED[what]
    dated = {"status": "active", "dateLastModified": "2026-09-01T06:00:00Z"}
    changed = {"enrollments": [{**row, **dated} for row in ROSTER_1_2["enrollments"]]}
    partial = {name: found for name, found in ROSTER_1_2.items() if name != "enrollments"}
    files = {"delta": texts(changed, "1.2", mode="delta")}.get(str(how), texts(partial, "1.2"))
    if how is not None:
        path = zipped(files, tmp_path / "in.zip")
        if how == "cut":
            path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(Untrusted) as caught:
        rows(source(tmp_path, file="in.zip"), "enrollments")

    assert caught.value.code == code


def test_rows_marked_to_be_deleted_are_left_out_and_reported(tmp_path):
    files = texts(ROSTER_1_1, "1.1")
    files["users.csv"] = files["users.csv"].replace(
        "dewi,,", "dewi,tobedeleted,2026-09-01T06:00:00Z"
    )
    zipped(files, tmp_path / "in.zip")
    connector = source(tmp_path, file="in.zip")

    assert set(rows(connector, "users")) == {"amara"}
    assert any("1 rows are marked tobedeleted" in str(one) for one in findings(connector, "users"))


def test_a_folder_can_be_read_and_not_written(tmp_path):
    (tmp_path / "in").mkdir()
    for name, text in texts(ROSTER_1_2, "1.2").items():
        (tmp_path / "in" / name).write_text(text, newline="")
    connector = source(tmp_path, folder="in")

    assert set(rows(connector, "users")) == {"amara", "dewi"}
    assert {shape.writes for shape in connector.describe()} == {frozenset()}
    with pytest.raises(GiveUp, match="M607"):
        connector.write("users", [create(BELA)], at=AT)


def test_real_rosters_are_read_file_by_file(shared):
    connector = source(shared / "data" / "sds-samples", folder="SDS v2.1")

    assert len(rows(connector, "users")) == 8
    assert all(row["_suspended"] is False for row in rows(connector, "users").values())
    with pytest.raises(Untrusted, match="M426"):
        rows(connector, "enrollments")


def test_a_path_that_leads_out_of_the_charters_folder_is_refused(tmp_path):
    connector = source(tmp_path, file="../in.zip")

    assert not connector.ping().well
    with pytest.raises(GiveUp, match="M620"):
        rows(connector, "users")


def test_naughty_names_are_kept_or_refused_by_name(shared, tmp_path):
    texts_of = json.loads(
        (shared / "data" / "naughty-strings" / "blns.json").read_text(encoding="utf-8")
    )
    connector = target(tmp_path, static={})
    writes = [
        create({**BELA, "sourcedId": f"u{n}", "username": f"u{n}", "familyName": text})
        for n, text in enumerate(texts_of)
    ]

    outcomes = connector.write("users", writes, at=AT)

    found = rows(connector, "users")
    for write, outcome in zip(writes, outcomes, strict=True):
        if outcome.error is None:
            assert found[write.key]["familyName"] == write.fields["familyName"]
        else:
            assert "familyName" in outcome.error.message
    assert len(found) > 480


SETTINGS = {
    "neither file nor folder": ({}, "either"),
    "both": ({"file": "a.zip", "folder": "a"}, "either"),
    "a file that is no zip": ({"file": "a.csv"}, ".zip"),
    "a deltas folder without deltas": ({"file": "a.zip", "deltas": "out"}, "delta"),
    "a table of no version": ({"file": "a.zip", "static": {"pupils": []}}, "pupils"),
    "a column that is no extension": (
        {"file": "a.zip", "metadata": {"users": ["shoe"]}},
        "metadata",
    ),
    "a fixed row without a name": ({"file": "a.zip", "static": {"orgs": [{"name": "x"}]}}, "own"),
    "a fixed column of no table": (
        {"file": "a.zip", "static": {"orgs": [{"sourcedId": "x", "moon": "y"}]}},
        "moon",
    ),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_settings_that_cannot_be_meant_are_refused(what):
    stated, word = SETTINGS[what]

    with pytest.raises(ValueError, match=word):
        OneRosterCsvConnector.Settings.model_validate(stated)


def test_nothing_is_told_of_changes_that_the_standard_refuses(tmp_path):
    wrong = {**FIXED, "orgs": [{**FIXED["orgs"][0], "type": "moon"}]}

    with pytest.raises(GiveUp):
        target(tmp_path, static=wrong, mode="delta").write("users", [create(BELA)], at=AT)

    assert list(tmp_path.glob("*.zip")) == []


def test_a_crash_before_the_bundle_is_replaced_loses_no_change(tmp_path, monkeypatch):
    connector = target(tmp_path, mode="delta", static={})
    rename = Path.replace

    def rename_all_but_the_bundle(path, to):
        if to.name == "vle.zip":
            raise OSError(errno.EIO, "the disk is gone")
        return rename(path, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", rename_all_but_the_bundle)
        with pytest.raises(TryAgain):
            connector.write("users", [create(BELA)], at=AT)
    assert not (tmp_path / "vle.zip").exists()

    done(connector, "users", create(BELA))

    assert changes(tmp_path)["users"]["sourcedId"].to_pylist() == ["bela"]
    assert set(rows(connector, "users")) == {"bela"}


def test_a_second_writer_is_sent_away_until_the_first_is_done(tmp_path):
    path = tmp_path / "vle.zip"

    with held(path), pytest.raises(TryAgain, match="M621"):
        target(tmp_path).write("users", [create(BELA)], at=AT)

    done(target(tmp_path), "users", create(BELA))


def test_the_charter_that_comes_with_the_connector_is_of_its_version():
    text = (Path(connector_module.__file__).parent / "charter.yaml").read_text(encoding="utf-8")
    charter = YAML(typ="safe").load(text)

    settings = OneRosterCsvConnector.Settings.model_validate(charter["systems"]["vle"]["settings"])

    for flow in charter["flows"].values():
        resource = flow["to"].partition(".")[2]
        assert set(flow["fields"]) <= set(settings.writable(resource))
        needed = {c.name for c in tables(settings.version)[resource].columns if c.required}
        assert needed - {"enabledUser"} <= set(flow["fields"])
