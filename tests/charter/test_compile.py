"""What a charter without errors becomes."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from matricula.charter.compile import compile_charter, load
from matricula.charter.model import (
    Cadence,
    Charter,
    Guard,
    Limit,
    ResourceRef,
    Unavailable,
    ValueType,
    Window,
)

from .texts import GOOD, TODAY, changed, loaded, write

if TYPE_CHECKING:
    from pathlib import Path


def compiled(folder: Path, *edits: tuple[str, str]) -> Charter:
    return compile_charter(write(folder, all=changed(*edits)), today=TODAY)


def test_a_charter_becomes_values_with_their_places(tmp_path: Path) -> None:
    charter = compiled(tmp_path)

    student = charter.entities["student"]
    assert (charter.institution, charter.timezone, charter.currency) == (
        "Northfield",
        "Europe/London",
        "GBP",
    )
    assert charter.steward_of("sis").title == "Registrar's Office"
    assert charter.systems["sis"].settings == {"url": "env:SIS_URL"}
    assert student.key == ("student_no",)
    assert student.found_by == {ResourceRef("idp", "users"): ("externalId",)}
    assert student.owners() == (ResourceRef("sis", "students"), ResourceRef("idp", "users"))
    login = student.fields["login"]
    assert (login.owner, login.owner_field) == (ResourceRef("idp", "users"), "userName")
    assert (login.data_class, login.place) == ("personal", "all.yaml:26")
    assert student.fields["fees"].type == ValueType("money", currency="GBP")
    assert student.fields["status"].type.values == ("active", "on_leave", "gone")
    assert charter.calendar == (
        Window(
            "exam board",
            date(2026, 12, 14),
            date(2026, 12, 18),
            ("enrolments",),
            "freeze",
            "all.yaml:5",
        ),
    )


def test_a_flow_knows_what_it_carries_and_who_must_sign(tmp_path: Path) -> None:
    flow = compiled(tmp_path).flows["accounts"]

    assert flow.carries == (
        "programme.title",
        "student.born",
        "student.fees",
        "student.full_name",
        "student.login",
        "student.points",
        "student.programme",
        "student.status",
        "student.student_no",
    )
    assert flow.owners == ("it", "registrar")
    assert flow.target == ResourceRef("lms", "users")
    assert flow.cadence == Cadence(on_change=True, full_at="02:00")
    assert flow.if_unavailable == Unavailable(queue=True, alert_after=timedelta(hours=2))
    assert flow.where is not None
    assert flow.fields["adult"].expression.type == ValueType("boolean")
    assert (flow.on_exit, flow.on_drift, flow.errors_to) == ("suspend", "restore", "it")


def test_a_guard_that_is_not_written_still_holds(tmp_path: Path) -> None:
    charter = compiled(
        tmp_path,
        (
            "if_unavailable: {}",
            "if_unavailable: {}\n    guard: {exits: {share: 2.5%}, changes: {count: 9}}",
        ),
    )

    assert charter.flows["accounts"].guard == Guard(
        exits=Limit(10.0, 25), creations=Limit(50.0), changes=Limit(75.0)
    )
    assert charter.flows["enrolments"].guard == Guard(
        exits=Limit(2.5), creations=Limit(50.0), changes=Limit(None, 9)
    )


def test_flows_follow_those_they_wait_for(tmp_path: Path) -> None:
    charter = compiled(
        tmp_path,
        ("  accounts:\n", "  zz-accounts:\n"),
        ("link('accounts'", "link('zz-accounts'"),
    )

    assert list(charter.flows) == ["zz-accounts", "enrolments"]
    assert charter.flows["enrolments"].after == ("zz-accounts",)


def test_every_part_of_a_flow_is_compiled(tmp_path: Path) -> None:
    flow = compiled(
        tmp_path,
        (
            "cadence: {every: 15m}",
            "cadence: {every: 15m, on_change: false}\n    review_on: 2027-01-31",
        ),
        ("if_unavailable: {}", "if_unavailable: {queue: false, use_snapshot_for: 1d}"),
    ).flows["enrolments"]

    assert flow.cadence == Cadence(on_change=False, every=timedelta(minutes=15))
    assert flow.if_unavailable == Unavailable(
        queue=False, alert_after=timedelta(hours=2), use_snapshot_for=timedelta(days=1)
    )
    assert flow.review_on == date(2027, 1, 31)


SIGNED_AGAIN = {
    "its purpose": ("Students reach their course spaces.", "Students reach their courses."),
    "an expression": ("is: points + 1", "is: points + 2"),
    "an owner of a field it reads": (
        "points: {owner: sis.students,",
        "points: {owner: sis.students.score,",
    ),
    "a class of a field it reads": (
        "born: {owner: sis.students, type: date, class: personal}",
        "born: {owner: sis.students, type: date, class: sensitive}",
    ),
    "the steward of its target": (
        "lms: {connector: files, steward: it}",
        "lms: {connector: files, steward: registrar}",
    ),
    "the connector of its target": ("lms: {connector: files", "lms: {connector: sql"),
    "how an owner is recognised": ("idp.users: externalId", "idp.users: employeeNumber"),
    "the time zone": ("Europe/London", "Europe/Dublin"),
    "the currency": ("currency: GBP", "currency: EUR"),
    "a window that comes to hold it": ("flows: [enrolments]", "flows: [enrolments, accounts]"),
    "what is behind a reference": (
        "title: {owner: sis.programmes,",
        "title: {owner: sis.programmes.name,",
    ),
}
STANDS = {
    "a comment": ("institution: Northfield", "# a remark\ninstitution: Northfield"),
    "white space": ("points + 1,", "points + 1  ,"),
    "the name of the institution": ("institution: Northfield", "institution: Southfield"),
    "an office's address": ("notify: iam@", "notify: access@"),
    "another flow": ("Students see their sections.", "Students see what they study."),
    "a window for another flow": ("to: 2026-12-18", "to: 2026-12-19"),
    "an entity it does not read": ("roster: sis.enrolments", "roster: sis.registrations"),
    "the order of keys": (
        "on_exit: suspend\n    on_drift: restore",
        "on_drift: restore\n    on_exit: suspend",
    ),
}


@pytest.mark.parametrize("name", SIGNED_AGAIN)
def test_a_flow_must_be_signed_again_after_a_change_of(name: str, tmp_path: Path) -> None:
    before = compiled(tmp_path).flows["accounts"].digest

    after = compiled(tmp_path, SIGNED_AGAIN[name]).flows["accounts"].digest

    assert after != before


@pytest.mark.parametrize("name", STANDS)
def test_a_signature_stands_after_a_change_of(name: str, tmp_path: Path) -> None:
    before = compiled(tmp_path).flows["accounts"].digest

    edits = [STANDS[name]]
    if name == "an entity it does not read":
        edits += [
            ("student_no: {owner: sis.enrolments", "student_no: {owner: sis.registrations"),
            ("section: {owner: sis.enrolments", "section: {owner: sis.registrations"),
        ]
    after = compiled(tmp_path, *edits).flows["accounts"].digest

    assert after == before


TARGET = """lms:
    connector: sql
    steward: it
    settings:
      url: "postgresql://lms.example/lms"
      password: env:LMS
      schema: teaching
      resources:
        users: {table: users, key: [id], columns: [id, login]}
        badges: {table: badges, key: [id]}
"""
REDIRECTED = {
    "the address of its target": ("lms.example/lms", "elsewhere.example/lms"),
    "the name of its target's secret": ("env:LMS", "env:OTHER"),
    "a setting of its target": ("schema: teaching", "schema: public"),
    "the table behind its resource": ("table: users", "table: outbox"),
    "the columns of its resource": ("columns: [id, login]", "columns: [login, id]"),
    "the address of a source": ("http://idp.example", "http://login.example"),
    "the secret of a source": ("env:TOKEN", "env:OTHER_TOKEN"),
    "the address of its roster": ("env:SIS_URL", "env:OTHER_URL"),
}


@pytest.mark.parametrize("name", REDIRECTED)
def test_data_cannot_be_redirected_under_an_old_signature_by(name: str, tmp_path: Path) -> None:
    target = ("lms: {connector: files, steward: it}\n", TARGET)
    before = compiled(tmp_path, target).flows["accounts"].digest
    old, new = REDIRECTED[name]
    edits = [(target[0], TARGET.replace(old, new))] if old in TARGET else [target, (old, new)]

    after = compiled(tmp_path, *edits).flows["accounts"].digest

    assert after != before


def test_the_settings_of_another_resource_or_system_leave_a_signature_standing(
    tmp_path: Path,
) -> None:
    target = ("lms: {connector: files, steward: it}\n", TARGET)
    before = compiled(tmp_path, target).flows["enrolments"].digest
    accounts = compiled(tmp_path, target).flows["accounts"].digest

    other = (target[0], TARGET.replace("table: badges", "table: medals"))
    unread = ("http://idp.example", "http://login.example")

    assert compiled(tmp_path, other).flows["accounts"].digest == accounts
    assert compiled(tmp_path, target, unread).flows["enrolments"].digest == before


def test_a_flow_follows_the_key_and_the_target_of_what_it_links_to(tmp_path: Path) -> None:
    before = compiled(tmp_path).flows["enrolments"].digest

    moved = compiled(tmp_path, ("to: lms.users", "to: lms.people")).flows["enrolments"].digest
    reworded = compiled(tmp_path, ("is: points + 1", "is: points + 2")).flows["enrolments"].digest

    assert moved != before
    assert reworded == before


def test_comments_order_and_files_do_not_make_another_charter(tmp_path: Path) -> None:
    one = write(tmp_path, all=GOOD)
    whole = compile_charter(one, today=TODAY)
    head, rest = GOOD.split("entities:\n")
    entities, flows = rest.split("flows:\n", 1)
    (tmp_path / "charter/all.yaml").unlink()

    parts = write(
        tmp_path, z=head, m="# who owns what\nentities:\n" + entities, a="flows:\n" + flows
    )
    spread = compile_charter(parts, today=TODAY)

    assert spread.digest == whole.digest
    assert spread.text == whole.text
    assert json.loads(whole.text)["institution"] == "Northfield"


def test_maps_of_the_same_key_are_merged_from_file_to_file(tmp_path: Path) -> None:
    more = (
        "stewards:\n  library: {name: Library, notify: l@northfield.example}\n"
        "systems:\n  shelf: {connector: files, steward: library}\n"
        "calendar:\n  - {name: summer, from: 2027-07-01, to: 2027-08-31, flows: [accounts],"
        " mode: additions_only}\n"
    )
    (tmp_path / "charter/deep").mkdir(parents=True)
    (tmp_path / "charter/deep/more.yml").write_text(more, encoding="utf-8")

    found = load(write(tmp_path, all=GOOD), today=TODAY)

    assert [(f.code, f.place) for f in found.findings] == [("M253", "deep/more.yml:4")]
    assert found.charter is not None
    assert [w.name for w in found.charter.calendar] == ["exam board", "summer"]
    assert "library" in found.charter.stewards


def test_words_are_read_by_the_core_schema_of_yaml_1_2(tmp_path: Path) -> None:
    settings = (
        "settings: {a: yes, b: 0o17, c: 0x1f, d: 1.5, e: ~, f: 1_000, g: '7', h: -3, i: 02:00}"
    )
    charter = compiled(tmp_path, ("files, steward: it}", f"files, steward: it, {settings}}}"))

    assert charter.systems["lms"].settings == {
        "a": "yes",
        "b": 15,
        "c": 31,
        "d": 1.5,
        "e": None,
        "f": "1_000",
        "g": "7",
        "h": -3,
        "i": "02:00",
    }


WARNINGS = {
    "a field that no flow uses": (
        (
            "      points: {",
            "      shoe_size: {owner: sis.students, type: integer}\n      points: {",
        ),
        "M250",
        "all.yaml:22",
        "student.shoe_size is used by no flow",
    ),
    "a review that is due": (
        ("cadence: {every: 15m}", "review_on: 2026-10-31\n    cadence: {every: 15m}"),
        "M251",
        "all.yaml:67",
        "enrolments was to be reviewed on 2026-10-31",
    ),
    "a name that is not personal": (
        (
            "full_name: {owner: sis.students, type: text, class: personal}",
            "full_name: {owner: sis.students, type: text}",
        ),
        "M252",
        "all.yaml:20",
        "student.full_name looks personal, but its class is public",
    ),
    "a sensitive matter that is only personal": (
        (
            "      points: {owner: sis.students, type: integer}\n",
            (
                "      points: {owner: sis.students, type: integer}\n"
                "      disability: {owner: sis.students, type: boolean, class: personal}\n"
            ),
        ),
        "M252",
        "all.yaml:23",
        "student.disability looks sensitive",
    ),
    "a system that does nothing": (
        (
            "  lms: {connector: files, steward: it}\n",
            "  lms: {connector: files, steward: it}\n  old: {connector: files, steward: it}\n",
        ),
        "M253",
        "all.yaml:13",
        "The system old owns nothing and receives nothing",
    ),
    "an office that does nothing": (
        (
            "stewards:\n",
            "stewards:\n  chess: {name: Chess Club, notify: chess@northfield.example}\n",
        ),
        "M253",
        "all.yaml:7",
        "The steward chess answers for nothing",
    ),
    "a window that is over": (
        ("from: 2026-12-14, to: 2026-12-18", "from: 2025-12-14, to: 2025-12-18"),
        "M254",
        "all.yaml:5",
        "`exam board` ended on 2025-12-18",
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_a_charter_holds_with_a_warning_about(name: str, tmp_path: Path) -> None:
    edit, code, place, reason = WARNINGS[name]

    found = loaded(tmp_path, edit)

    said = [f for f in found.findings if (f.code, f.place) == (code, place)]
    assert [f.severity for f in said] == ["warning"]
    assert reason in said[0].message
    assert said[0].cure
    assert found.charter is not None


def test_a_charter_of_entities_alone_is_not_scolded_for_unused_fields(tmp_path: Path) -> None:
    text = GOOD.split("flows:\n  accounts")[0].replace("calendar:\n", "# calendar:\n")
    text = "\n".join(line for line in text.splitlines() if "exam board" not in line)

    found = load(write(tmp_path, all=text), today=TODAY)

    assert [f.code for f in found.findings] == ["M253"]
    assert found.charter is not None
    assert found.charter.flows == {}
